// The callback-id of a call, for its rpc, which gets no metadata.

package com.example.decider

import io.grpc.Context
import io.grpc.Contexts
import io.grpc.Metadata
import io.grpc.ServerCall
import io.grpc.ServerCallHandler
import io.grpc.ServerInterceptor

class CallbackId : ServerInterceptor {
    override fun <Q : Any, A : Any> interceptCall(
        call: ServerCall<Q, A>,
        headers: Metadata,
        next: ServerCallHandler<Q, A>,
    ): ServerCall.Listener<Q> {
        val context = Context.current().withValue(key, headers.text("callback-id"))
        return Contexts.interceptCall(context, call, headers, next)
    }

    companion object {
        private val key = Context.key<String>("callback-id")

        /** That of the current call; empty if it has none. */
        val current: String
            get() = key.get()
    }
}
