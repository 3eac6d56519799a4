// The decisions: which nicknames are refused or trimmed, and which word is masked.

package com.example.decider;

import com.google.common.base.CharMatcher;
import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonPrimitive;
import com.google.gson.Strictness;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import openim.decider.v1.ContentType;
import openim.decider.v1.Denial;
import openim.decider.v1.Msg;

final class Rules {
  private static final Set<String> RESERVED = Set.of("admin", "root", "support");
  private static final Denial DENIAL =
      Denial.newBuilder()
          .setCode(5001)
          .setMessage("this nickname is reserved")
          .setReason("reserved nickname")
          .build();
  private static final Pattern FORBIDDEN = Pattern.compile("darn", Pattern.CASE_INSENSITIVE);
  private static final Gson JSON = new GsonBuilder().setStrictness(Strictness.STRICT).create();

  /**
   * Refuses a name that is reserved, and edits one that has white space around it. An unset name is
   * empty, and so left alone.
   */
  static void judge(String name, Consumer<Denial> deny, Consumer<String> edit) {
    var trimmed = CharMatcher.whitespace().trimFrom(name);
    if (RESERVED.contains(trimmed.toLowerCase(Locale.ROOT))) deny.accept(DENIAL);
    else if (!trimmed.equals(name)) edit.accept(trimmed);
  }

  /** What a text message says instead, if it changes. */
  static Optional<String> masked(Msg msg) {
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

  private Rules() {}
}
