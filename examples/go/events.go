// The services, and the rpcs of messages that need no decision: sending is allowed, and what was sent is counted.

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
	sent atomic.Int64
}

func (*messageService) BeforeSendSingleMsg(context.Context, *pb.BeforeSendSingleMsgRequest) (*pb.BeforeSendSingleMsgResponse, error) {
	return &pb.BeforeSendSingleMsgResponse{}, nil
}

func (*messageService) BeforeSendGroupMsg(context.Context, *pb.BeforeSendGroupMsgRequest) (*pb.BeforeSendGroupMsgResponse, error) {
	return &pb.BeforeSendGroupMsgResponse{}, nil
}

func (s *messageService) AfterSendSingleMsg(context.Context, *pb.AfterSendSingleMsgRequest) (*pb.AfterSendSingleMsgResponse, error) {
	s.sent.Add(1)
	return &pb.AfterSendSingleMsgResponse{}, nil
}

func (s *messageService) AfterSendGroupMsg(context.Context, *pb.AfterSendGroupMsgRequest) (*pb.AfterSendGroupMsgResponse, error) {
	s.sent.Add(1)
	return &pb.AfterSendGroupMsgResponse{}, nil
}
