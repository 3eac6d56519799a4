// The decisions: which nicknames are refused or trimmed, and which word is masked.

package main

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	pb "example.com/decider/gen/openim/decider/v1"
)

var reserved = []string{"admin", "root", "support"}
var forbidden = regexp.MustCompile(`(?i)darn`)

// judge refuses a reserved nickname, and edits one with white space around it. An unset one is empty, and so left alone.
func judge(nickname string) (edit *string, denial *pb.Denial) {
	if trimmed := strings.TrimSpace(nickname); slices.Contains(reserved, strings.ToLower(trimmed)) {
		return nil, &pb.Denial{Code: 5001, Message: "this nickname is reserved", Reason: "reserved nickname"}
	} else if trimmed != nickname {
		return &trimmed, nil
	}
	return nil, nil
}

func (userService) BeforeUpdateUserInfo(_ context.Context, req *pb.BeforeUpdateUserInfoRequest) (*pb.BeforeUpdateUserInfoResponse, error) {
	edit, denial := judge(req.GetNickname())
	return &pb.BeforeUpdateUserInfoResponse{Denial: denial, Nickname: edit}, nil
}

func (userService) BeforeUpdateUserInfoEx(_ context.Context, req *pb.BeforeUpdateUserInfoExRequest) (*pb.BeforeUpdateUserInfoExResponse, error) {
	edit, denial := judge(req.GetNickname())
	return &pb.BeforeUpdateUserInfoExResponse{Denial: denial, Nickname: edit}, nil
}

func (userService) BeforeUserRegister(_ context.Context, req *pb.BeforeUserRegisterRequest) (*pb.BeforeUserRegisterResponse, error) {
	resp := &pb.BeforeUserRegisterResponse{}
	for _, user := range req.Users {
		if edit, denial := judge(user.Nickname); denial != nil {
			return &pb.BeforeUserRegisterResponse{Denial: denial}, nil
		} else if edit != nil {
			resp.Users = append(resp.Users, &pb.UserEdit{UserId: user.UserId, Nickname: edit})
		}
	}
	return resp, nil
}

func (*messageService) BeforeMsgModify(_ context.Context, req *pb.BeforeMsgModifyRequest) (*pb.BeforeMsgModifyResponse, error) {
	// Raw, so that the other members of the content stay as they are.
	resp, content, text := &pb.BeforeMsgModifyResponse{}, map[string]json.RawMessage{}, ""
	if req.Msg.GetContentType() == pb.ContentType_CONTENT_TYPE_TEXT && json.Unmarshal([]byte(req.Msg.Content), &content) == nil &&
		json.Unmarshal(content["content"], &text) == nil && forbidden.MatchString(text) {
		// What was just read can be written: there is no error to handle.
		content["content"], _ = json.Marshal(forbidden.ReplaceAllString(text, "****"))
		edited, _ := json.Marshal(content)
		resp.Content = new(string(edited))
	}
	return resp, nil
}
