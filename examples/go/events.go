// The services, and the rpcs of messages that need no decision: sending is allowed, and what was sent is counted once.

package main

import (
	"context"
	"sync/atomic"

	pb "example.com/decider/gen/openim/decider/v1"
)

// userService answers UNIMPLEMENTED to every rpc that has no method.
type userService struct {
	pb.UnimplementedUserServiceServer
}

// messageService does likewise.
type messageService struct {
	pb.UnimplementedMessageServiceServer
	handled *handled
	sent    atomic.Int64
}

func (*messageService) BeforeSendSingleMsg(context.Context, *pb.BeforeSendSingleMsgRequest) (*pb.BeforeSendSingleMsgResponse, error) {
	return &pb.BeforeSendSingleMsgResponse{}, nil
}

func (*messageService) BeforeSendGroupMsg(context.Context, *pb.BeforeSendGroupMsgRequest) (*pb.BeforeSendGroupMsgResponse, error) {
	return &pb.BeforeSendGroupMsgResponse{}, nil
}

func (s *messageService) AfterSendSingleMsg(ctx context.Context, _ *pb.AfterSendSingleMsgRequest) (*pb.AfterSendSingleMsgResponse, error) {
	return &pb.AfterSendSingleMsgResponse{}, s.count(ctx)
}

func (s *messageService) AfterSendGroupMsg(ctx context.Context, _ *pb.AfterSendGroupMsgRequest) (*pb.AfterSendGroupMsgResponse, error) {
	return &pb.AfterSendGroupMsgResponse{}, s.count(ctx)
}

func (s *messageService) count(ctx context.Context) error {
	return s.handled.once(header(ctx, "callback-id"), func() error {
		s.sent.Add(1)
		return nil
	})
}
