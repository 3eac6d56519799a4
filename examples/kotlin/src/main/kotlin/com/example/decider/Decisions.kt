// The decisions: which nicknames are refused or trimmed, and which word is masked.

package com.example.decider

import com.google.gson.GsonBuilder
import com.google.gson.JsonObject
import com.google.gson.JsonParseException
import com.google.gson.JsonPrimitive
import com.google.gson.Strictness
import openim.decider.v1.ContentType.CONTENT_TYPE_TEXT
import openim.decider.v1.Denial
import openim.decider.v1.Msg
import openim.decider.v1.denial

private val reservedNames = setOf("admin", "root", "support")
private val forbidden = Regex("darn", RegexOption.IGNORE_CASE)
private val gson = GsonBuilder().setStrictness(Strictness.STRICT).create()
private val reserved = denial {
    code = 5001
    message = "this nickname is reserved"
    reason = "reserved nickname"
}

/** Refuses a reserved nickname, and edits one with white space around it. An unset one is empty, and so left alone. */
fun judge(nickname: String, deny: (Denial) -> Unit, edit: (String) -> Unit) {
    val trimmed = nickname.trim()
    when {
        trimmed.lowercase() in reservedNames -> deny(reserved)
        trimmed != nickname -> edit(trimmed)
    }
}

/** The content of a text message with the word masked, if it has the word. What is no JSON object is left alone. */
fun masked(msg: Msg): String? {
    if (msg.contentType != CONTENT_TYPE_TEXT) return null
    return try {
        val content = gson.fromJson(msg.content, JsonObject::class.java)
        val text = (content?.get("content") as? JsonPrimitive)?.takeIf { it.isString }?.asString
        text?.takeIf(forbidden::containsMatchIn)?.let {
            content.addProperty("content", forbidden.replace(it, "****"))
            content.toString()
        }
    } catch (_: JsonParseException) {
        null
    }
}
