// The rpcs about users, decided by the rules.

package com.example.decider;

import io.grpc.stub.StreamObserver;
import openim.decider.v1.BeforeUpdateUserInfoExRequest;
import openim.decider.v1.BeforeUpdateUserInfoExResponse;
import openim.decider.v1.BeforeUpdateUserInfoRequest;
import openim.decider.v1.BeforeUpdateUserInfoResponse;
import openim.decider.v1.BeforeUserRegisterRequest;
import openim.decider.v1.BeforeUserRegisterResponse;
import openim.decider.v1.UserEdit;
import openim.decider.v1.UserServiceGrpc.UserServiceImplBase;

/** What it does not override answers UNIMPLEMENTED. */
final class UserDecider extends UserServiceImplBase {
  @Override
  public void beforeUpdateUserInfo(
      BeforeUpdateUserInfoRequest request, StreamObserver<BeforeUpdateUserInfoResponse> reply) {
    var answer = BeforeUpdateUserInfoResponse.newBuilder();
    Rules.judge(request.getNickname(), answer::setDenial, answer::setNickname);
    Reply.send(answer.build(), reply);
  }

  @Override
  public void beforeUpdateUserInfoEx(
      BeforeUpdateUserInfoExRequest request, StreamObserver<BeforeUpdateUserInfoExResponse> reply) {
    var answer = BeforeUpdateUserInfoExResponse.newBuilder();
    Rules.judge(request.getNickname(), answer::setDenial, answer::setNickname);
    Reply.send(answer.build(), reply);
  }

  @Override
  public void beforeUserRegister(
      BeforeUserRegisterRequest request, StreamObserver<BeforeUserRegisterResponse> reply) {
    var answer = BeforeUserRegisterResponse.newBuilder();
    for (var user : request.getUsersList()) {
      var edit = UserEdit.newBuilder().setUserId(user.getUserId());
      Rules.judge(
          user.getNickname(), answer::setDenial, name -> answer.addUsers(edit.setNickname(name)));
    }
    Reply.send((answer.hasDenial() ? answer.clearUsers() : answer).build(), reply);
  }
}
