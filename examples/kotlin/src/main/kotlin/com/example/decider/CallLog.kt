// Logs each call.

package com.example.decider

import com.google.gson.JsonPrimitive
import io.grpc.Context
import io.grpc.Contexts
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener
import io.grpc.Metadata
import io.grpc.Metadata.ASCII_STRING_MARSHALLER
import io.grpc.ServerCall
import io.grpc.ServerCallHandler
import io.grpc.ServerInterceptor
import io.grpc.Status
import org.slf4j.LoggerFactory
import java.net.URLDecoder
import kotlin.time.TimeSource.Monotonic

/**
 * It does not look at the deadline: the library cancels a call at its deadline, and hands no request of a cancelled
 * call to its service.
 */
class CallLog : ServerInterceptor {
    private val log = LoggerFactory.getLogger(javaClass)

    override fun <Q : Any, A : Any> interceptCall(
        call: ServerCall<Q, A>,
        headers: Metadata,
        next: ServerCallHandler<Q, A>,
    ): ServerCall.Listener<Q> {
        val start = Monotonic.markNow()
        var closed = Status.UNKNOWN
        val observed = object : SimpleForwardingServerCall<Q, A>(call) {
            override fun close(status: Status, trailers: Metadata) {
                closed = status
                super.close(status, trailers)
            }
        }

        fun write(status: Status) = log
            .atInfo()
            .addKeyValue("rpc", call.methodDescriptor.fullMethodName)
            .addKeyValue("operation_id", quoted(decoded(headers.text("openim-operation-id"))))
            .addKeyValue("callback_id", quoted(headers.text("callback-id")))
            .addKeyValue("status", status.code)
            .addKeyValue("ms", start.elapsedNow().inWholeMilliseconds)
            .log("call")

        return object : SimpleForwardingServerCallListener<Q>(next.startCall(observed, headers)) {
            override fun onComplete() {
                write(closed)
                super.onComplete()
            }

            override fun onCancel() {
                // The library may end a stream without cancelling its context: there is no status then.
                write(Contexts.statusFromCancelled(Context.current()) ?: Status.CANCELLED)
                super.onCancel()
            }
        }
    }
}

internal fun Metadata.text(name: String) = get(Metadata.Key.of(name, ASCII_STRING_MARSHALLER)).orEmpty()

internal fun decoded(text: String): String = try {
    URLDecoder.decode(text.replace("+", "%2B"), Charsets.UTF_8) // it would make spaces of them
} catch (_: IllegalArgumentException) {
    text
}

/** Whoever wrote the text can't start a line of the log with it. */
private fun quoted(text: String) = JsonPrimitive(text).toString()
