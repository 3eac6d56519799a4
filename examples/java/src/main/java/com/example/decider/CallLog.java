// Logs each call.

package com.example.decider;

import static io.grpc.Metadata.ASCII_STRING_MARSHALLER;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.gson.JsonPrimitive;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import java.net.URLDecoder;
import java.time.Duration;
import java.util.Objects;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * It does not look at the deadline: the library cancels a call at its deadline, and hands no
 * request of a cancelled call to its service.
 */
final class CallLog implements ServerInterceptor {
  private static final Logger LOG = LoggerFactory.getLogger(CallLog.class);

  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    var start = System.nanoTime();
    var logged =
        new SimpleForwardingServerCall<Q, A>(call) {
          private Status status = Status.UNKNOWN;

          @Override
          public void close(Status status, Metadata trailers) {
            this.status = status;
            super.close(status, trailers);
          }
        };
    return new SimpleForwardingServerCallListener<>(next.startCall(logged, headers)) {
      @Override
      public void onComplete() {
        log(logged.status);
        super.onComplete();
      }

      @Override
      public void onCancel() {
        // The library may end a stream without cancelling its context: there is no status then.
        var status = Contexts.statusFromCancelled(Context.current());
        log(status == null ? Status.CANCELLED : status);
        super.onCancel();
      }

      private void log(Status status) {
        LOG.atInfo()
            .addKeyValue("rpc", call.getMethodDescriptor().getFullMethodName())
            .addKeyValue("operation_id", quoted(decoded(text(headers, "openim-operation-id"))))
            .addKeyValue("callback_id", quoted(text(headers, "callback-id")))
            .addKeyValue("status", status.getCode())
            .addKeyValue("ms", Duration.ofNanos(System.nanoTime() - start).toMillis())
            .log("call");
      }
    };
  }

  static String text(Metadata headers, String name) {
    return Objects.requireNonNullElse(
        headers.get(Metadata.Key.of(name, ASCII_STRING_MARSHALLER)), "");
  }

  static String decoded(String text) {
    try {
      return URLDecoder.decode(text.replace("+", "%2B"), UTF_8); // it would make spaces of them
    } catch (IllegalArgumentException e) {
      return text;
    }
  }

  /** Whoever wrote the text can't start a line of the log with it. */
  private static String quoted(String text) {
    return new JsonPrimitive(text).toString();
  }
}
