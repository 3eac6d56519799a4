// The decisions over messages: which word is masked.

package com.example.decider;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonPrimitive;
import com.google.gson.Strictness;
import io.grpc.stub.StreamObserver;
import java.util.Optional;
import java.util.regex.Pattern;
import openim.decider.v1.BeforeMsgModifyRequest;
import openim.decider.v1.BeforeMsgModifyResponse;
import openim.decider.v1.ContentType;
import openim.decider.v1.Msg;

final class MessageDecider extends MessageEvents {
  private static final Pattern FORBIDDEN = Pattern.compile("darn", Pattern.CASE_INSENSITIVE);
  private static final Gson JSON = new GsonBuilder().setStrictness(Strictness.STRICT).create();

  /** What a text message says instead, if it changes. */
  private static Optional<String> masked(Msg msg) {
    if (msg.getContentType() != ContentType.CONTENT_TYPE_TEXT) return Optional.empty();
    try {
      var content = JSON.fromJson(msg.getContent(), JsonObject.class);
      if (content == null
          || !(content.get("content") instanceof JsonPrimitive text && text.isString()))
        return Optional.empty();
      var matcher = FORBIDDEN.matcher(text.getAsString());
      if (!matcher.find()) return Optional.empty();
      content.addProperty("content", matcher.replaceAll("****"));
      return Optional.of(content.toString());
    } catch (JsonParseException e) {
      return Optional.empty();
    }
  }

  @Override
  public void beforeMsgModify(
      BeforeMsgModifyRequest request, StreamObserver<BeforeMsgModifyResponse> reply) {
    var answer = BeforeMsgModifyResponse.newBuilder();
    masked(request.getMsg()).ifPresent(answer::setContent);
    Reply.send(answer.build(), reply);
  }
}
