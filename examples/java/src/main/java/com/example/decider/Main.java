// A decider in Java: reads its settings, listens, and serves until SIGTERM or SIGINT.

package com.example.decider;

import com.google.common.net.HostAndPort;
import java.io.IOException;
import org.slf4j.LoggerFactory;

final class Main {
  public static void main(String[] args) throws InterruptedException {
    System.setProperty("org.slf4j.simpleLogger.defaultLogLevel", setting("LOG_LEVEL", "info"));
    try {
      var server = new DeciderServer(HostAndPort.fromString(setting("LISTEN", "127.0.0.1:50051")));
      Runtime.getRuntime().addShutdownHook(new Thread(() -> end(server)));
      server.awaitTermination();
    } catch (IOException | RuntimeException e) {
      LoggerFactory.getLogger(Main.class).error("can't serve: {}", e.toString());
      System.exit(1);
    }
  }

  private static void end(DeciderServer server) {
    try {
      server.stop();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    // Else the exit code would be that of the signal.
    Runtime.getRuntime().halt(0);
  }

  private static String setting(String name, String fallback) {
    var value = System.getenv(name);
    return value == null || value.isEmpty() ? fallback : value;
  }

  private Main() {}
}
