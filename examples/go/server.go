// The server around the decisions: health, reflection, a log line a call, and a graceful stop.

package main

import (
	"context"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"

	pb "example.com/decider/gen/openim/decider/v1"
)

// grace is how long calls in flight may take once the server stops.
const grace = 10 * time.Second

// serve answers calls until ctx ends, and then finishes those in flight.
func serve(ctx context.Context, listener net.Listener, logger *slog.Logger) error {
	messages := &messageService{handled: newHandled()}
	server := grpc.NewServer(grpc.UnaryInterceptor(observe(logger)))
	pb.RegisterUserServiceServer(server, userService{})
	pb.RegisterMessageServiceServer(server, messages)

	states := health.NewServer()
	for service := range server.GetServiceInfo() {
		states.SetServingStatus(service, healthpb.HealthCheckResponse_SERVING)
	}
	healthpb.RegisterHealthServer(server, states)
	reflection.Register(server)

	context.AfterFunc(ctx, func() {
		states.Shutdown()
		time.AfterFunc(grace, server.Stop)
		server.GracefulStop()
	})
	logger.Info("listening", "address", listener.Addr())
	// Returns nil once the server has stopped.
	if err := server.Serve(listener); err != nil {
		return err
	}
	logger.Info("stopped", "after_callbacks", messages.sent.Load())
	return nil
}

// observe logs each call, and does not decide calls whose deadline has passed.
func observe(logger *slog.Logger) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (resp any, err error) {
		start := time.Now()
		// The library ends late calls by itself, but may have handed one over before that.
		if err = status.FromContextError(ctx.Err()).Err(); err == nil {
			resp, err = handler(ctx, req)
		}
		operationID := header(ctx, "openim-operation-id")
		if decoded, err := url.PathUnescape(operationID); err == nil {
			operationID = decoded
		}
		logger.Info("call", "rpc", info.FullMethod, "operation_id", operationID, "callback_id", header(ctx, "callback-id"),
			"status", status.Code(err), "ms", float64(time.Since(start).Microseconds())/1000)
		return resp, err
	}
}

func header(ctx context.Context, name string) string {
	return strings.Join(metadata.ValueFromIncomingContext(ctx, name), ",")
}
