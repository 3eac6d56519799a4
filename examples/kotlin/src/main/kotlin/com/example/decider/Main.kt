// A decider in Kotlin: reads its settings, listens, and serves until SIGTERM or SIGINT.

package com.example.decider

import org.slf4j.LoggerFactory
import java.io.IOException
import kotlin.concurrent.thread
import kotlin.system.exitProcess

fun main() {
    System.setProperty("org.slf4j.simpleLogger.defaultLogLevel", setting("LOG_LEVEL", "info"))
    try {
        val server = DeciderServer(setting("LISTEN", "127.0.0.1:50051"))
        Runtime.getRuntime().addShutdownHook(thread(start = false) { end(server) })
        server.awaitTermination()
    } catch (e: IOException) {
        fail(e)
    } catch (e: IllegalArgumentException) {
        fail(e)
    }
}

private fun setting(name: String, default: String) = System.getenv(name)?.ifEmpty { null } ?: default

private fun end(server: DeciderServer) {
    server.stop()
    // Else the exit code would be that of the signal.
    Runtime.getRuntime().halt(0)
}

private fun fail(e: Exception): Nothing {
    LoggerFactory.getLogger("com.example.decider").error("can't serve: {}", e.toString())
    exitProcess(1)
}
