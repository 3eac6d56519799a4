// The server around the decisions: health, reflection, a log line a call, and a graceful stop.

package com.example.decider

import io.grpc.InsecureServerCredentials
import io.grpc.Server
import io.grpc.health.v1.HealthCheckResponse.ServingStatus
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder
import io.grpc.protobuf.services.HealthStatusManager
import io.grpc.protobuf.services.ProtoReflectionService
import io.grpc.protobuf.services.ProtoReflectionServiceV1
import openim.decider.v1.MessageServiceGrpc
import openim.decider.v1.UserServiceGrpc
import org.slf4j.LoggerFactory
import java.net.InetSocketAddress
import java.util.concurrent.TimeUnit.SECONDS

/** How many seconds calls in flight may take once the server stops. */
private const val GRACE = 10L

/** Listens on an address, like 127.0.0.1:50051, and answers calls until [stop]. */
class DeciderServer(listen: String) {
    private val log = LoggerFactory.getLogger(javaClass)
    private val health = HealthStatusManager()
    private val messages = MessageDecider()
    private val host = listen.substringBeforeLast(':')
    private val server = serve(listen)

    val port: Int
        get() = server.port

    /** How many messages were sent, as the after-callbacks told. */
    val sent: Long
        get() = messages.sent

    init {
        health.setStatus(UserServiceGrpc.SERVICE_NAME, ServingStatus.SERVING)
        health.setStatus(MessageServiceGrpc.SERVICE_NAME, ServingStatus.SERVING)
        log.atInfo().addKeyValue("address", "$host:$port").log("listening")
    }

    @Suppress("DEPRECATION") // older clients know no other reflection than v1alpha
    private fun serve(listen: String): Server {
        val port = listen.substringAfterLast(':', "").toIntOrNull()
        require(host.isNotEmpty() && port != null) { "LISTEN: $listen is no host:port" }
        return NettyServerBuilder
            .forAddress(InetSocketAddress(host, port), InsecureServerCredentials.create())
            .addService(UserDecider())
            .addService(messages)
            .addService(health.healthService)
            .addService(ProtoReflectionServiceV1.newInstance())
            .addService(ProtoReflectionService.newInstance())
            .intercept(CallbackId())
            .intercept(CallLog())
            .build()
            .start()
    }

    /** Waits for the end of the server; its own threads would not keep the process. */
    fun awaitTermination() = server.awaitTermination()

    /** Takes no new calls, and finishes those in flight. */
    fun stop() {
        health.enterTerminalState()
        if (!server.shutdown().awaitTermination(GRACE, SECONDS)) server.shutdownNow().awaitTermination()
        log.atInfo().addKeyValue("after_callbacks", sent).log("stopped")
    }
}
