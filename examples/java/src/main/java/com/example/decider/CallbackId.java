// The callback-id of a call, for its rpc, which gets no metadata.

package com.example.decider;

import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;

final class CallbackId implements ServerInterceptor {
  private static final Context.Key<String> KEY = Context.key("callback-id");

  /** That of the current call; empty if it has none. */
  static String current() {
    return KEY.get();
  }

  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    var context = Context.current().withValue(KEY, CallLog.text(headers, "callback-id"));
    return Contexts.interceptCall(context, call, headers, next);
  }
}
