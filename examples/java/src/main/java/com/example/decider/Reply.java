// Answers a call with one response.

package com.example.decider;

import io.grpc.stub.StreamObserver;

final class Reply {
  static <T> void send(T answer, StreamObserver<T> reply) {
    reply.onNext(answer);
    reply.onCompleted();
  }

  private Reply() {}
}
