"""The rpcs that need no decision: sending is allowed, each message counted once."""

from typing import Any

import grpc
from openim.decider.v1 import message_service_pb2 as messages
from openim.decider.v1.message_service_pb2_grpc import MessageServiceServicer

from .handled import Handled

Context = grpc.aio.ServicerContext[Any, Any]


class Events(MessageServiceServicer):
    def __init__(self) -> None:
        self.handled = Handled()
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
        self, request: messages.AfterSendSingleMsgRequest, context: Context
    ) -> messages.AfterSendSingleMsgResponse:
        await self._count(context)
        return messages.AfterSendSingleMsgResponse()

    async def AfterSendGroupMsg(
        self, request: messages.AfterSendGroupMsgRequest, context: Context
    ) -> messages.AfterSendGroupMsgResponse:
        await self._count(context)
        return messages.AfterSendGroupMsgResponse()

    async def _count(self, context: Context) -> None:
        async def count() -> None:
            self.sent += 1

        metadata = dict(context.invocation_metadata() or ())
        await self.handled.once(str(metadata.get("callback-id", "")), count)
