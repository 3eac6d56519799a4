"""Each test shows one rule, through a client and a server on a port of the kernel's."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any
from unittest.mock import AsyncMock, Mock

import grpc
import pytest
import pytest_asyncio
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_reflection.v1alpha import reflection_pb2
from openim.decider.v1 import message_service_pb2 as messages
from openim.decider.v1 import user_service_pb2 as users
from openim.decider.v1.denial_pb2 import Denial
from openim.decider.v1.enums_pb2 import CONTENT_TYPE_PICTURE, CONTENT_TYPE_TEXT
from openim.decider.v1.message_service_pb2_grpc import MessageServiceStub
from openim.decider.v1.user_service_pb2_grpc import UserServiceStub

from decider.healthcheck import is_serving
from decider.server import SERVICES, Observer, serving

Channel = grpc.aio.Channel
DENIAL = Denial(
    code=5001, message="this nickname is reserved", reason="reserved nickname"
)
ADA = users.User(user_id="1", nickname="Ada")
BOB = users.User(user_id="2", nickname=" Bob ")
ROOT = users.User(user_id="3", nickname="root")


@pytest_asyncio.fixture
async def channel() -> AsyncIterator[Channel]:
    async with serving("127.0.0.1:0") as at, grpc.aio.insecure_channel(at) as channel:
        yield channel


@pytest.mark.parametrize(
    ("nickname", "answer"),
    [
        pytest.param("  AdMin ", {"denial": DENIAL}, id="a reserved name is refused"),
        pytest.param(" Ada ", {"nickname": "Ada"}, id="a name is trimmed"),
        pytest.param("Ada", {}, id="a good name is left alone"),
        pytest.param(None, {}, id="an unset name is left alone"),
    ],
)
async def test_update(
    channel: Channel, nickname: str | None, answer: dict[str, Any]
) -> None:
    user_service = UserServiceStub(channel)
    update = users.BeforeUpdateUserInfoRequest(nickname=nickname)
    updated = users.BeforeUpdateUserInfoResponse(**answer)
    assert await user_service.BeforeUpdateUserInfo(update) == updated
    update_ex = users.BeforeUpdateUserInfoExRequest(nickname=nickname)
    updated_ex = users.BeforeUpdateUserInfoExResponse(**answer)
    assert await user_service.BeforeUpdateUserInfoEx(update_ex) == updated_ex


async def test_registration_edits_only_who_needs_it(channel: Channel) -> None:
    request = users.BeforeUserRegisterRequest(users=[ADA, BOB])
    response = await UserServiceStub(channel).BeforeUserRegister(request)
    edit = users.UserEdit(user_id="2", nickname="Bob")
    assert response == users.BeforeUserRegisterResponse(users=[edit])


async def test_one_reserved_name_refuses_all(channel: Channel) -> None:
    request = users.BeforeUserRegisterRequest(users=[BOB, ROOT])
    response = await UserServiceStub(channel).BeforeUserRegister(request)
    assert response == users.BeforeUserRegisterResponse(denial=DENIAL)


async def modify(channel: Channel, **msg: Any) -> messages.BeforeMsgModifyResponse:
    request = messages.BeforeMsgModifyRequest(msg=messages.Msg(**msg))
    return await MessageServiceStub(channel).BeforeMsgModify(request)


async def test_a_word_is_masked(channel: Channel) -> None:
    content = '{"content": "a DARNed day", "n": 12345678901234567890}'
    response = await modify(channel, content_type=CONTENT_TYPE_TEXT, content=content)
    edited = {"content": "a ****ed day", "n": 12345678901234567890}
    assert json.loads(response.content) == edited


@pytest.mark.parametrize("content", ['{"content":"a day"}', '["darn"]', "[" * 100_000])
async def test_other_text_is_left_alone(channel: Channel, content: str) -> None:
    response = await modify(channel, content_type=CONTENT_TYPE_TEXT, content=content)
    assert response == messages.BeforeMsgModifyResponse()


async def test_other_content_is_left_alone(channel: Channel) -> None:
    content = '{"content": "darn"}'
    response = await modify(channel, content_type=CONTENT_TYPE_PICTURE, content=content)
    assert response == messages.BeforeMsgModifyResponse()


async def test_an_undecided_rpc_is_unimplemented(channel: Channel) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await UserServiceStub(channel).AfterUserOnline(users.AfterUserOnlineRequest())
    assert error.value.code() == grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("service", ["", *SERVICES])
async def test_health_says_serving(channel: Channel, service: str) -> None:
    check = channel.unary_unary(
        "/grpc.health.v1.Health/Check",
        HealthCheckRequest.SerializeToString,
        HealthCheckResponse.FromString,
    )
    response = await check(HealthCheckRequest(service=service))
    assert response.status == HealthCheckResponse.SERVING


async def test_the_healthcheck_tells_a_stopped_decider() -> None:
    async with serving("127.0.0.1:0") as at:
        assert await asyncio.to_thread(is_serving, at)
    assert not await asyncio.to_thread(is_serving, at)


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_reflection_knows_the_services(channel: Channel, version: str) -> None:
    reflect = channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        reflection_pb2.ServerReflectionRequest.SerializeToString,
        reflection_pb2.ServerReflectionResponse.FromString,
    )
    method = f"{SERVICES[0]}.BeforeMsgModify"
    requests = [
        reflection_pb2.ServerReflectionRequest(list_services=""),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol=method),
    ]
    services, file = [response async for response in reflect(iter(requests))]
    listed = {service.name for service in services.list_services_response.service}
    assert listed >= set(SERVICES)
    assert file.file_descriptor_response.file_descriptor_proto


async def test_a_passed_deadline_is_not_decided() -> None:
    decide = AsyncMock()
    handler = Mock(unary_unary=decide)
    call = Mock(invocation_metadata=())
    observed = await Observer().intercept_service(AsyncMock(return_value=handler), call)
    context = Mock(abort=AsyncMock(side_effect=grpc.aio.AbortError))
    context.time_remaining.return_value = 0
    with pytest.raises(grpc.aio.AbortError):
        await observed.unary_unary(None, context)
    context.abort.assert_awaited_once_with(grpc.StatusCode.DEADLINE_EXCEEDED)
    decide.assert_not_called()


async def test_after_callbacks_are_counted_once_and_calls_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    metadata = (("openim-operation-id", "caf%C3%A9"), ("callback-id", "c1"))
    async with serving("127.0.0.1:0") as at, grpc.aio.insecure_channel(at) as channel:
        stub = MessageServiceStub(channel)
        single = messages.AfterSendSingleMsgRequest()
        await stub.AfterSendSingleMsg(single)
        group = messages.AfterSendGroupMsgRequest()
        await stub.AfterSendGroupMsg(group, metadata=metadata)
        await stub.AfterSendGroupMsg(group, metadata=metadata)
    line = "AfterSendGroupMsg operation_id='café' callback_id='c1' status=OK"
    assert line in caplog.text
    assert "after_callbacks=2" in caplog.text


@pytest.mark.parametrize("listen", ["127.0.0.1", "127.0.0.1:65536", ":"])
async def test_a_bad_address_is_an_error(listen: str) -> None:
    with pytest.raises(ValueError, match="LISTEN"):
        async with serving(listen):
            pass
