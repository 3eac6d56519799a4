// The server around the decisions: health, reflection, a log line a call, and a graceful stop.

package com.example.decider;

import static com.google.common.base.Preconditions.checkArgument;
import static java.util.concurrent.TimeUnit.SECONDS;

import com.google.common.net.HostAndPort;
import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.protobuf.services.ProtoReflectionService;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import java.io.IOException;
import java.net.InetSocketAddress;
import openim.decider.v1.MessageServiceGrpc;
import openim.decider.v1.UserServiceGrpc;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

final class DeciderServer {
  private static final Logger LOG = LoggerFactory.getLogger(DeciderServer.class);

  /** How many seconds calls in flight may take once the server stops. */
  private static final int GRACE = 10;

  private final HealthStatusManager health = new HealthStatusManager();
  private final MessageDecider messages = new MessageDecider();
  private final Server server;

  /** Listens on the address, and answers calls until {@link #stop}. */
  @SuppressWarnings("deprecation") // older clients know no other reflection than v1alpha
  DeciderServer(HostAndPort listen) throws IOException {
    checkArgument(listen.hasPort(), "%s has no port", listen);
    var address = new InetSocketAddress(listen.getHost(), listen.getPort());
    server =
        NettyServerBuilder.forAddress(address, InsecureServerCredentials.create())
            .addService(new UserDecider())
            .addService(messages)
            .addService(health.getHealthService())
            .addService(ProtoReflectionServiceV1.newInstance())
            .addService(ProtoReflectionService.newInstance())
            .intercept(new CallbackId())
            .intercept(new CallLog())
            .build()
            .start();
    health.setStatus(UserServiceGrpc.SERVICE_NAME, ServingStatus.SERVING);
    health.setStatus(MessageServiceGrpc.SERVICE_NAME, ServingStatus.SERVING);
    LOG.atInfo()
        .addKeyValue("address", HostAndPort.fromParts(listen.getHost(), port()))
        .log("listening");
  }

  int port() {
    return server.getPort();
  }

  /** How many messages were sent, as the after-callbacks told. */
  long sent() {
    return messages.sent();
  }

  /** Waits for the end of the server; its own threads would not keep the process. */
  void awaitTermination() throws InterruptedException {
    server.awaitTermination();
  }

  /** Takes no new calls, and finishes those in flight. */
  void stop() throws InterruptedException {
    health.enterTerminalState();
    if (!server.shutdown().awaitTermination(GRACE, SECONDS))
      server.shutdownNow().awaitTermination();
    LOG.atInfo().addKeyValue("after_callbacks", sent()).log("stopped");
  }
}
