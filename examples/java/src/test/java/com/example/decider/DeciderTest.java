// Each test shows one rule, through a client and a server on a port that the kernel gives.

package com.example.decider;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.common.net.HostAndPort;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.reflection.v1.ServerReflectionRequest;
import io.grpc.stub.MetadataUtils;
import java.io.IOException;
import java.util.List;
import openim.decider.v1.AfterSendGroupMsgRequest;
import openim.decider.v1.AfterSendSingleMsgRequest;
import openim.decider.v1.AfterUserRegisterRequest;
import openim.decider.v1.BeforeMsgModifyRequest;
import openim.decider.v1.BeforeMsgModifyResponse;
import openim.decider.v1.BeforeUpdateUserInfoExRequest;
import openim.decider.v1.BeforeUpdateUserInfoRequest;
import openim.decider.v1.BeforeUpdateUserInfoResponse;
import openim.decider.v1.BeforeUserRegisterRequest;
import openim.decider.v1.BeforeUserRegisterResponse;
import openim.decider.v1.ContentType;
import openim.decider.v1.MessageServiceGrpc;
import openim.decider.v1.MessageServiceGrpc.MessageServiceBlockingStub;
import openim.decider.v1.Msg;
import openim.decider.v1.User;
import openim.decider.v1.UserEdit;
import openim.decider.v1.UserServiceGrpc;
import openim.decider.v1.UserServiceGrpc.UserServiceBlockingStub;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class DeciderTest {
  private final DeciderServer server = new DeciderServer(HostAndPort.fromParts("127.0.0.1", 0));
  private final ManagedChannel channel =
      Grpc.newChannelBuilderForAddress(
              "127.0.0.1", server.port(), InsecureChannelCredentials.create())
          .build();
  private final UserServiceBlockingStub users = UserServiceGrpc.newBlockingStub(channel);
  private final MessageServiceBlockingStub messages = MessageServiceGrpc.newBlockingStub(channel);

  DeciderTest() throws IOException {}

  @AfterEach
  void stop() throws InterruptedException {
    channel.shutdownNow();
    server.stop();
  }

  private BeforeUpdateUserInfoResponse rename(String nickname) {
    return users.beforeUpdateUserInfo(
        BeforeUpdateUserInfoRequest.newBuilder().setNickname(nickname).build());
  }

  private BeforeUserRegisterResponse register(String... nicknames) {
    var request = BeforeUserRegisterRequest.newBuilder();
    for (var nickname : nicknames)
      request.addUsers(User.newBuilder().setUserId("id of" + nickname).setNickname(nickname));
    return users.beforeUserRegister(request.build());
  }

  private BeforeMsgModifyResponse modify(ContentType type, String content) {
    var msg = Msg.newBuilder().setContentType(type).setContent(content);
    return messages.beforeMsgModify(BeforeMsgModifyRequest.newBuilder().setMsg(msg).build());
  }

  private MessageServiceBlockingStub with(String key, String value) {
    var headers = new Metadata();
    headers.put(Metadata.Key.of(key, Metadata.ASCII_STRING_MARSHALLER), value);
    return messages.withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers));
  }

  @Test
  void aReservedNameIsRefused() {
    var denial = rename("  AdMin ").getDenial();
    assertEquals(5001, denial.getCode());
    assertEquals("this nickname is reserved", denial.getMessage());
    assertEquals("reserved nickname", denial.getReason());
  }

  @Test
  void aNameIsTrimmed() {
    var answer = rename(" Ada ");
    assertFalse(answer.hasDenial());
    assertEquals("Ada", answer.getNickname());
  }

  @Test
  void anUnsetNameIsLeftAlone() {
    var answer = users.beforeUpdateUserInfo(BeforeUpdateUserInfoRequest.getDefaultInstance());
    assertEquals(BeforeUpdateUserInfoResponse.getDefaultInstance(), answer);
  }

  @Test
  void theNewerUpdateIsDecidedAlike() {
    var request = BeforeUpdateUserInfoExRequest.newBuilder().setNickname("root").build();
    assertEquals(5001, users.beforeUpdateUserInfoEx(request).getDenial().getCode());
  }

  @Test
  void aRegistrationEditsOnlyWhoNeedsIt() {
    var answer = register("Ada", " Bob ");
    assertFalse(answer.hasDenial());
    var edit = UserEdit.newBuilder().setUserId("id of Bob ").setNickname("Bob").build();
    assertEquals(List.of(edit), answer.getUsersList());
  }

  @Test
  void oneReservedNameRefusesAll() {
    var answer = register(" Bob ", "root");
    assertEquals(5001, answer.getDenial().getCode());
    assertEquals(List.of(), answer.getUsersList());
  }

  @Test
  void aWordIsMasked() {
    var answer =
        modify(
            ContentType.CONTENT_TYPE_TEXT,
            "{\"content\":\"a DARNed day\",\"n\":12345678901234567890}");
    assertEquals("{\"content\":\"a ****ed day\",\"n\":12345678901234567890}", answer.getContent());
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      value = {
        "CONTENT_TYPE_TEXT, {\"content\":\"a day\"}",
        "CONTENT_TYPE_TEXT, {\"content\":[\"darn\"]}",
        "CONTENT_TYPE_TEXT, [\"darn\"]",
        "CONTENT_TYPE_TEXT, {content:darn}",
        "CONTENT_TYPE_TEXT, ``",
        "CONTENT_TYPE_PICTURE, {\"content\":\"darn\"}"
      })
  void otherContentIsLeftAlone(ContentType type, String content) {
    assertFalse(modify(type, content).hasContent());
  }

  @Test
  void anUndecidedRpcIsUnimplemented() {
    var request = AfterUserRegisterRequest.getDefaultInstance();
    var error = assertThrows(StatusRuntimeException.class, () -> users.afterUserRegister(request));
    assertEquals(Status.Code.UNIMPLEMENTED, error.getStatus().getCode());
  }

  @Test
  void healthSaysServing() {
    var request =
        HealthCheckRequest.newBuilder().setService("openim.decider.v1.UserService").build();
    assertEquals(
        ServingStatus.SERVING, HealthGrpc.newBlockingStub(channel).check(request).getStatus());
  }

  @Test
  void reflectionListsTheServices() throws Exception {
    var call = ServerReflectionGrpc.newBlockingV2Stub(channel).serverReflectionInfo();
    call.write(ServerReflectionRequest.newBuilder().setListServices("").build());
    call.halfClose();
    var names =
        call.read().getListServicesResponse().getServiceList().stream()
            .map(s -> s.getName())
            .toList();
    assertTrue(
        names.containsAll(
            List.of("openim.decider.v1.UserService", "openim.decider.v1.MessageService")));
  }

  @Test
  void aPassedDeadlineIsNotDecided() {
    // A client that took it for its own deadline would not even ask.
    var late = with("grpc-timeout", "1n");
    var request = AfterSendSingleMsgRequest.getDefaultInstance();
    assertThrows(StatusRuntimeException.class, () -> late.afterSendSingleMsg(request));
    assertEquals(0, server.sent());
  }

  @Test
  void afterCallbacksAreCountedOnce() {
    messages.afterSendSingleMsg(AfterSendSingleMsgRequest.getDefaultInstance());
    var delivery = with("callback-id", "c1");
    delivery.afterSendGroupMsg(AfterSendGroupMsgRequest.getDefaultInstance());
    delivery.afterSendGroupMsg(AfterSendGroupMsgRequest.getDefaultInstance());
    assertEquals(2, server.sent());
  }

  @Test
  void operationIdsAreDecodedForTheLog() {
    assertEquals("café+1", CallLog.decoded("caf%C3%A9+1"));
    assertEquals("100%", CallLog.decoded("100%"));
  }
}
