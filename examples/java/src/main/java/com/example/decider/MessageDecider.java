// The rpcs about messages: the rules decide one, sending is allowed, what was sent is counted once.

package com.example.decider;

import io.grpc.stub.StreamObserver;
import java.util.concurrent.atomic.LongAdder;
import openim.decider.v1.AfterSendGroupMsgRequest;
import openim.decider.v1.AfterSendGroupMsgResponse;
import openim.decider.v1.AfterSendSingleMsgRequest;
import openim.decider.v1.AfterSendSingleMsgResponse;
import openim.decider.v1.BeforeMsgModifyRequest;
import openim.decider.v1.BeforeMsgModifyResponse;
import openim.decider.v1.BeforeSendGroupMsgRequest;
import openim.decider.v1.BeforeSendGroupMsgResponse;
import openim.decider.v1.BeforeSendSingleMsgRequest;
import openim.decider.v1.BeforeSendSingleMsgResponse;
import openim.decider.v1.MessageServiceGrpc.MessageServiceImplBase;

/** What it does not override answers UNIMPLEMENTED. */
final class MessageDecider extends MessageServiceImplBase {
  private final Handled handled = new Handled();
  private final LongAdder sent = new LongAdder();

  long sent() {
    return sent.sum();
  }

  @Override
  public void beforeMsgModify(
      BeforeMsgModifyRequest request, StreamObserver<BeforeMsgModifyResponse> reply) {
    var answer = BeforeMsgModifyResponse.newBuilder();
    Rules.masked(request.getMsg()).ifPresent(answer::setContent);
    Reply.send(answer.build(), reply);
  }

  @Override
  public void beforeSendSingleMsg(
      BeforeSendSingleMsgRequest request, StreamObserver<BeforeSendSingleMsgResponse> reply) {
    Reply.send(BeforeSendSingleMsgResponse.getDefaultInstance(), reply);
  }

  @Override
  public void beforeSendGroupMsg(
      BeforeSendGroupMsgRequest request, StreamObserver<BeforeSendGroupMsgResponse> reply) {
    Reply.send(BeforeSendGroupMsgResponse.getDefaultInstance(), reply);
  }

  @Override
  public void afterSendSingleMsg(
      AfterSendSingleMsgRequest request, StreamObserver<AfterSendSingleMsgResponse> reply) {
    count();
    Reply.send(AfterSendSingleMsgResponse.getDefaultInstance(), reply);
  }

  @Override
  public void afterSendGroupMsg(
      AfterSendGroupMsgRequest request, StreamObserver<AfterSendGroupMsgResponse> reply) {
    count();
    Reply.send(AfterSendGroupMsgResponse.getDefaultInstance(), reply);
  }

  private void count() {
    handled.once(CallbackId.current(), sent::increment);
  }
}
