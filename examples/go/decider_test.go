// Each test shows one rule, through a client and a server on a port that the kernel gives.

package main

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pb "example.com/decider/gen/openim/decider/v1"
)

// start serves until stop is called, which waits for the end and returns what was logged.
func start(t *testing.T) (client *grpc.ClientConn, stop func() string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	client, err = grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var log bytes.Buffer
	served := make(chan error)
	go func() { served <- serve(ctx, listener, slog.New(slog.NewTextHandler(&log, nil))) }()
	return client, func() string {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
		return log.String()
	}
}

func TestDecisions(t *testing.T) {
	client, stop := start(t)
	defer stop()

	const update, register, modify = pb.UserService_BeforeUpdateUserInfo_FullMethodName,
		pb.UserService_BeforeUserRegister_FullMethodName, pb.MessageService_BeforeMsgModify_FullMethodName
	denial := &pb.Denial{Code: 5001, Message: "this nickname is reserved", Reason: "reserved nickname"}
	ada, bob, root := &pb.User{UserId: "1", Nickname: "Ada"}, &pb.User{UserId: "2", Nickname: " Bob "}, &pb.User{UserId: "3", Nickname: "root"}
	message := func(kind pb.ContentType, content string) *pb.BeforeMsgModifyRequest {
		return &pb.BeforeMsgModifyRequest{Msg: &pb.Msg{ContentType: kind, Content: content}}
	}
	const text, picture = pb.ContentType_CONTENT_TYPE_TEXT, pb.ContentType_CONTENT_TYPE_PICTURE

	for _, test := range []struct {
		rule, method string
		req, want    proto.Message
	}{
		{"a reserved name is refused", update, &pb.BeforeUpdateUserInfoRequest{Nickname: new("  AdMin ")}, &pb.BeforeUpdateUserInfoResponse{Denial: denial}},
		{"a name is trimmed", update, &pb.BeforeUpdateUserInfoRequest{Nickname: new(" Ada ")}, &pb.BeforeUpdateUserInfoResponse{Nickname: new("Ada")}},
		{"an unset name is left alone", update, &pb.BeforeUpdateUserInfoRequest{}, &pb.BeforeUpdateUserInfoResponse{}},
		{"the newer update is decided alike", pb.UserService_BeforeUpdateUserInfoEx_FullMethodName,
			&pb.BeforeUpdateUserInfoExRequest{Nickname: new("root")}, &pb.BeforeUpdateUserInfoExResponse{Denial: denial}},
		{"a registration edits only who needs it", register, &pb.BeforeUserRegisterRequest{Users: []*pb.User{ada, bob}},
			&pb.BeforeUserRegisterResponse{Users: []*pb.UserEdit{{UserId: "2", Nickname: new("Bob")}}}},
		{"one reserved name refuses all", register, &pb.BeforeUserRegisterRequest{Users: []*pb.User{bob, root}}, &pb.BeforeUserRegisterResponse{Denial: denial}},
		{"a word is masked", modify, message(text, `{"content":"a DARNed day","n":12345678901234567890}`),
			&pb.BeforeMsgModifyResponse{Content: new(`{"content":"a ****ed day","n":12345678901234567890}`)}},
		{"text without the word is left alone", modify, message(text, `{"content":"a day"}`), &pb.BeforeMsgModifyResponse{}},
		{"what is no such object is left alone", modify, message(text, `["darn"]`), &pb.BeforeMsgModifyResponse{}},
		{"other content is left alone", modify, message(picture, `{"content":"darn"}`), &pb.BeforeMsgModifyResponse{}},
		{"health says SERVING", healthpb.Health_Check_FullMethodName, &healthpb.HealthCheckRequest{Service: "openim.decider.v1.UserService"},
			&healthpb.HealthCheckResponse{Status: healthpb.HealthCheckResponse_SERVING}},
	} {
		t.Run(test.rule, func(t *testing.T) {
			got := test.want.ProtoReflect().New().Interface()
			if err := client.Invoke(t.Context(), test.method, test.req, got); err != nil || !proto.Equal(got, test.want) {
				t.Errorf("got %v, error %v; want %v", got, err, test.want)
			}
		})
	}
}

func TestAnUndecidedRPCIsUnimplemented(t *testing.T) {
	client, stop := start(t)
	defer stop()
	_, err := pb.NewUserServiceClient(client).AfterUserOnline(t.Context(), &pb.AfterUserOnlineRequest{})
	if status.Code(err) != codes.Unimplemented {
		t.Error(err)
	}
}

func TestReflectionListsTheServices(t *testing.T) {
	client, stop := start(t)
	defer stop()
	defer client.Close() // ends the stream, which the stop would wait for
	stream, err := reflectionpb.NewServerReflectionClient(client).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stream.Send(&reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{}})
	answer, err := stream.Recv()
	for _, service := range []string{"openim.decider.v1.UserService", "openim.decider.v1.MessageService"} {
		if !strings.Contains(answer.String(), service) {
			t.Errorf("%s is not in %v, error %v", service, answer, err)
		}
	}
}

func TestAPassedDeadlineIsNotDecided(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), -time.Second)
	defer cancel()
	_, err := observe(slog.New(slog.DiscardHandler))(ctx, nil, &grpc.UnaryServerInfo{}, func(context.Context, any) (any, error) {
		t.Error("it was decided")
		return nil, nil
	})
	if status.Code(err) != codes.DeadlineExceeded {
		t.Error(err)
	}
}

func TestAfterCallbacksAreCountedOnceAndCallsLogged(t *testing.T) {
	client, stop := start(t)
	messages := pb.NewMessageServiceClient(client)
	if _, err := messages.AfterSendSingleMsg(t.Context(), &pb.AfterSendSingleMsgRequest{}); err != nil {
		t.Error(err)
	}
	ctx := metadata.AppendToOutgoingContext(t.Context(), "openim-operation-id", "caf%C3%A9", "callback-id", "c1")
	for range 2 {
		if _, err := messages.AfterSendGroupMsg(ctx, &pb.AfterSendGroupMsgRequest{}); err != nil {
			t.Error(err)
		}
	}
	log := stop()
	for _, part := range []string{"AfterSendGroupMsg operation_id=café callback_id=c1 status=OK", "after_callbacks=2"} {
		if !strings.Contains(log, part) {
			t.Errorf("%q is not in %s", part, log)
		}
	}
}
