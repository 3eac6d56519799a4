// The decisions over users: which nicknames are refused or trimmed.

package com.example.decider;

import com.google.common.base.CharMatcher;
import io.grpc.stub.StreamObserver;
import java.util.Locale;
import java.util.Set;
import java.util.function.Consumer;
import openim.decider.v1.BeforeUpdateUserInfoExRequest;
import openim.decider.v1.BeforeUpdateUserInfoExResponse;
import openim.decider.v1.BeforeUpdateUserInfoRequest;
import openim.decider.v1.BeforeUpdateUserInfoResponse;
import openim.decider.v1.BeforeUserRegisterRequest;
import openim.decider.v1.BeforeUserRegisterResponse;
import openim.decider.v1.Denial;
import openim.decider.v1.UserEdit;
import openim.decider.v1.UserServiceGrpc.UserServiceImplBase;

/** What it does not override answers UNIMPLEMENTED. */
final class UserDecider extends UserServiceImplBase {
  private static final Set<String> RESERVED = Set.of("admin", "root", "support");
  private static final Denial DENIAL =
      Denial.newBuilder()
          .setCode(5001)
          .setMessage("this nickname is reserved")
          .setReason("reserved nickname")
          .build();

  /**
   * Refuses a name that is reserved, and edits one that has white space around it. An unset name is
   * empty, and so left alone.
   */
  private static void judge(String name, Consumer<Denial> deny, Consumer<String> edit) {
    var trimmed = CharMatcher.whitespace().trimFrom(name);
    if (RESERVED.contains(trimmed.toLowerCase(Locale.ROOT))) deny.accept(DENIAL);
    else if (!trimmed.equals(name)) edit.accept(trimmed);
  }

  @Override
  public void beforeUpdateUserInfo(
      BeforeUpdateUserInfoRequest request, StreamObserver<BeforeUpdateUserInfoResponse> reply) {
    var answer = BeforeUpdateUserInfoResponse.newBuilder();
    judge(request.getNickname(), answer::setDenial, answer::setNickname);
    Reply.send(answer.build(), reply);
  }

  @Override
  public void beforeUpdateUserInfoEx(
      BeforeUpdateUserInfoExRequest request, StreamObserver<BeforeUpdateUserInfoExResponse> reply) {
    var answer = BeforeUpdateUserInfoExResponse.newBuilder();
    judge(request.getNickname(), answer::setDenial, answer::setNickname);
    Reply.send(answer.build(), reply);
  }

  @Override
  public void beforeUserRegister(
      BeforeUserRegisterRequest request, StreamObserver<BeforeUserRegisterResponse> reply) {
    var answer = BeforeUserRegisterResponse.newBuilder();
    for (var user : request.getUsersList()) {
      var edit = UserEdit.newBuilder().setUserId(user.getUserId());
      judge(user.getNickname(), answer::setDenial, name -> answer.addUsers(edit.setNickname(name)));
    }
    Reply.send((answer.hasDenial() ? answer.clearUsers() : answer).build(), reply);
  }
}
