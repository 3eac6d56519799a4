"""The rpcs that need no decision: sending is allowed, and what was sent is counted."""

from openim.decider.v1 import message_service_pb2 as messages
from openim.decider.v1.message_service_pb2_grpc import MessageServiceServicer


class Events(MessageServiceServicer):
    def __init__(self) -> None:
        self.sent = 0

    async def BeforeSendSingleMsg(
        self, request: messages.BeforeSendSingleMsgRequest, context: object
    ) -> messages.BeforeSendSingleMsgResponse:
        return messages.BeforeSendSingleMsgResponse()

    async def BeforeSendGroupMsg(
        self, request: messages.BeforeSendGroupMsgRequest, context: object
    ) -> messages.BeforeSendGroupMsgResponse:
        return messages.BeforeSendGroupMsgResponse()

    async def AfterSendSingleMsg(
        self, request: messages.AfterSendSingleMsgRequest, context: object
    ) -> messages.AfterSendSingleMsgResponse:
        self.sent += 1
        return messages.AfterSendSingleMsgResponse()

    async def AfterSendGroupMsg(
        self, request: messages.AfterSendGroupMsgRequest, context: object
    ) -> messages.AfterSendGroupMsgResponse:
        self.sent += 1
        return messages.AfterSendGroupMsgResponse()
