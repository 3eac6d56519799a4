// Each test shows one rule, through a client and a server on a port that the kernel gives.

package com.example.decider

import io.grpc.Grpc
import io.grpc.InsecureChannelCredentials
import io.grpc.Metadata
import io.grpc.Metadata.ASCII_STRING_MARSHALLER
import io.grpc.Status
import io.grpc.StatusException
import io.grpc.health.v1.HealthCheckRequest
import io.grpc.health.v1.HealthCheckResponse.ServingStatus
import io.grpc.health.v1.HealthGrpc
import io.grpc.reflection.v1.ServerReflectionGrpc
import io.grpc.reflection.v1.ServerReflectionRequest
import kotlinx.coroutines.runBlocking
import openim.decider.v1.BeforeMsgModifyResponse
import openim.decider.v1.BeforeUpdateUserInfoExResponse
import openim.decider.v1.BeforeUpdateUserInfoResponse
import openim.decider.v1.BeforeUserRegisterResponse
import openim.decider.v1.ContentType
import openim.decider.v1.ContentType.CONTENT_TYPE_PICTURE
import openim.decider.v1.ContentType.CONTENT_TYPE_TEXT
import openim.decider.v1.MessageServiceGrpcKt.MessageServiceCoroutineStub
import openim.decider.v1.Msg
import openim.decider.v1.User
import openim.decider.v1.UserServiceGrpcKt.UserServiceCoroutineStub
import openim.decider.v1.afterSendGroupMsgRequest
import openim.decider.v1.afterSendSingleMsgRequest
import openim.decider.v1.afterUserRegisterRequest
import openim.decider.v1.beforeMsgModifyRequest
import openim.decider.v1.beforeUpdateUserInfoExRequest
import openim.decider.v1.beforeUpdateUserInfoExResponse
import openim.decider.v1.beforeUpdateUserInfoRequest
import openim.decider.v1.beforeUpdateUserInfoResponse
import openim.decider.v1.beforeUserRegisterRequest
import openim.decider.v1.beforeUserRegisterResponse
import openim.decider.v1.denial
import openim.decider.v1.userEdit
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.ValueSource
import kotlin.test.AfterTest
import kotlin.test.Test
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse

class DeciderTest {
    private val server = DeciderServer("127.0.0.1:0")
    private val channel =
        Grpc.newChannelBuilderForAddress("127.0.0.1", server.port, InsecureChannelCredentials.create()).build()
    private val users = UserServiceCoroutineStub(channel)
    private val messages = MessageServiceCoroutineStub(channel)
    private val reserved = denial {
        code = 5001
        message = "this nickname is reserved"
        reason = "reserved nickname"
    }

    @AfterTest
    fun stop() {
        channel.shutdownNow()
        server.stop()
    }

    private suspend fun rename(name: String): BeforeUpdateUserInfoResponse {
        val request = beforeUpdateUserInfoRequest { nickname = name }
        return users.beforeUpdateUserInfo(request)
    }

    private suspend fun renameEx(name: String): BeforeUpdateUserInfoExResponse {
        val request = beforeUpdateUserInfoExRequest { nickname = name }
        return users.beforeUpdateUserInfoEx(request)
    }

    private suspend fun register(vararg names: String): BeforeUserRegisterResponse {
        val all = names.map { User.newBuilder().setUserId("id of$it").setNickname(it).build() }
        val request = beforeUserRegisterRequest { users += all }
        return users.beforeUserRegister(request)
    }

    private suspend fun modify(type: ContentType, text: String): BeforeMsgModifyResponse {
        val message = Msg.newBuilder().setContentType(type).setContent(text).build()
        val request = beforeMsgModifyRequest { msg = message }
        return messages.beforeMsgModify(request)
    }

    private fun metadata(key: String, value: String) =
        Metadata().apply { put(Metadata.Key.of(key, ASCII_STRING_MARSHALLER), value) }

    @Test
    fun `a reserved name is refused`() = runBlocking {
        assertEquals(beforeUpdateUserInfoResponse { denial = reserved }, rename("  AdMin "))
        assertEquals(beforeUpdateUserInfoExResponse { denial = reserved }, renameEx("\u3000root"))
    }

    @Test
    fun `a name is trimmed`() = runBlocking {
        assertEquals(beforeUpdateUserInfoResponse { nickname = "Ada" }, rename(" Ada "))
        assertEquals(beforeUpdateUserInfoExResponse { nickname = "Ada" }, renameEx("Ada\n"))
    }

    @Test
    fun `an unset name is left alone`() = runBlocking {
        assertEquals(beforeUpdateUserInfoResponse {}, users.beforeUpdateUserInfo(beforeUpdateUserInfoRequest {}))
    }

    @Test
    fun `a registration edits only who needs it`() = runBlocking {
        val edit = userEdit {
            userId = "id of Bob "
            nickname = "Bob"
        }
        assertEquals(beforeUserRegisterResponse { users += edit }, register("Ada", " Bob "))
    }

    @Test
    fun `one reserved name refuses all`() = runBlocking {
        assertEquals(beforeUserRegisterResponse { denial = reserved }, register(" Bob ", "root"))
    }

    @Test
    fun `a word is masked`() = runBlocking {
        val answer = modify(CONTENT_TYPE_TEXT, """{"content":"a DARNed day","n":12345678901234567890}""")
        assertEquals("""{"content":"a ****ed day","n":12345678901234567890}""", answer.content)
    }

    @ParameterizedTest
    @ValueSource(
        strings = ["""{"content":"a day"}""", """{"content":["darn"]}""", """["darn"]""", "{content:darn}", ""],
    )
    fun `other text is left alone`(content: String) = runBlocking {
        assertFalse(modify(CONTENT_TYPE_TEXT, content).hasContent())
    }

    @Test
    fun `content that is nested deeply is left alone`() = runBlocking {
        assertFalse(modify(CONTENT_TYPE_TEXT, """{"content":"darn","deep":""" + "[".repeat(100_000)).hasContent())
    }

    @Test
    fun `other content is left alone`() = runBlocking {
        assertFalse(modify(CONTENT_TYPE_PICTURE, """{"content":"darn"}""").hasContent())
    }

    @Test
    fun `an undecided rpc is unimplemented`() = runBlocking {
        val error = assertFailsWith<StatusException> { users.afterUserRegister(afterUserRegisterRequest {}) }
        assertEquals(Status.Code.UNIMPLEMENTED, error.status.code)
    }

    @ParameterizedTest
    @ValueSource(strings = ["", "openim.decider.v1.MessageService", "openim.decider.v1.UserService"])
    fun `health says serving`(service: String) {
        val request = HealthCheckRequest.newBuilder().setService(service).build()
        assertEquals(ServingStatus.SERVING, HealthGrpc.newBlockingStub(channel).check(request).status)
    }

    @Test
    fun `reflection lists the services`() {
        val call = ServerReflectionGrpc.newBlockingV2Stub(channel).serverReflectionInfo()
        call.write(ServerReflectionRequest.newBuilder().setListServices("").build())
        call.halfClose()
        val names = call.read().listServicesResponse.serviceList.map { it.name }
        assertContains(names, "openim.decider.v1.UserService")
        assertContains(names, "openim.decider.v1.MessageService")
    }

    @Test
    fun `a passed deadline is not decided`() = runBlocking {
        // A client that took it for its own deadline would not even ask.
        val late = metadata("grpc-timeout", "1n")
        repeat(1000) {
            assertFailsWith<StatusException> { messages.afterSendSingleMsg(afterSendSingleMsgRequest {}, late) }
        }
        assertEquals(0, server.sent)
    }

    @Test
    fun `after-callbacks are counted once`() = runBlocking {
        messages.afterSendSingleMsg(afterSendSingleMsgRequest {})
        repeat(2) { messages.afterSendGroupMsg(afterSendGroupMsgRequest {}, metadata("callback-id", "c1")) }
        assertEquals(2, server.sent)
    }

    @Test
    fun `operation ids are decoded for the log`() {
        assertEquals("café+1", decoded("caf%C3%A9+1"))
        assertEquals("100%", decoded("100%"))
    }

    @ParameterizedTest
    @ValueSource(strings = ["127.0.0.1", "127.0.0.1:65536", ":"])
    fun `a bad address is an error`(listen: String) {
        assertFailsWith<IllegalArgumentException> { DeciderServer(listen) }
    }
}
