"""The decisions: which nicknames are refused or trimmed, and which word is masked."""

import json
import re
from contextlib import suppress

from openim.decider.v1 import message_service_pb2 as messages
from openim.decider.v1 import user_service_pb2 as users
from openim.decider.v1.denial_pb2 import Denial
from openim.decider.v1.enums_pb2 import CONTENT_TYPE_TEXT
from openim.decider.v1.user_service_pb2_grpc import UserServiceServicer

from .events import Events

FORBIDDEN = re.compile("darn", re.IGNORECASE)


# Refuses a reserved nickname, or edits one with white space around it. An unset one is
# empty, and so left alone.
def judge(nickname: str) -> tuple[str | None, Denial | None]:
    if (trimmed := nickname.strip()).lower() in ("admin", "root", "support"):
        return None, Denial(
            code=5001, message="this nickname is reserved", reason="reserved nickname"
        )
    return (trimmed if trimmed != nickname else None), None


class Decider(Events, UserServiceServicer):
    async def BeforeUpdateUserInfo(
        self, request: users.BeforeUpdateUserInfoRequest, context: object
    ) -> users.BeforeUpdateUserInfoResponse:
        edit, denial = judge(request.nickname)
        return users.BeforeUpdateUserInfoResponse(denial=denial, nickname=edit)

    async def BeforeUpdateUserInfoEx(
        self, request: users.BeforeUpdateUserInfoExRequest, context: object
    ) -> users.BeforeUpdateUserInfoExResponse:
        edit, denial = judge(request.nickname)
        return users.BeforeUpdateUserInfoExResponse(denial=denial, nickname=edit)

    async def BeforeUserRegister(
        self, request: users.BeforeUserRegisterRequest, context: object
    ) -> users.BeforeUserRegisterResponse:
        response = users.BeforeUserRegisterResponse()
        for user in request.users:
            edit, denial = judge(user.nickname)
            if denial is not None:
                return users.BeforeUserRegisterResponse(denial=denial)
            if edit is not None:
                response.users.add(user_id=user.user_id, nickname=edit)
        return response

    async def BeforeMsgModify(
        self, request: messages.BeforeMsgModifyRequest, context: object
    ) -> messages.BeforeMsgModifyResponse:
        response = messages.BeforeMsgModifyResponse()
        if request.msg.content_type == CONTENT_TYPE_TEXT:
            # What is no JSON, or nested too deeply to read, is left alone.
            with suppress(ValueError, RecursionError):
                match json.loads(request.msg.content):
                    case {"content": str(text)} as content if FORBIDDEN.search(text):
                        content["content"] = FORBIDDEN.sub("****", text)
                        response.content = json.dumps(content, allow_nan=False)
        return response
