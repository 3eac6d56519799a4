"""The server around the decisions: health, reflection, log lines, a graceful stop."""

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, cast
from urllib.parse import unquote

import grpc
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pool import Default as default_pool
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2
from openim.decider.v1 import message_service_pb2_grpc, user_service_pb2_grpc

from .decide import Decider

GRACE = 10  # seconds that calls in flight may take once the server stops
SERVICES = ("openim.decider.v1.MessageService", "openim.decider.v1.UserService")

logger = logging.getLogger(__name__)


@asynccontextmanager
async def serving(listen: str) -> AsyncIterator[str]:
    """Serves while the context lasts, then finishes the calls in flight.

    Yields the address that it listens on.
    """
    # gRPC would take 443 for a missing port, and a random one for one out of range.
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise ValueError(f"LISTEN: {listen!r} is no host:port")
    decider = Decider()
    # Without the option, a port that another server has taken would be shared with it.
    server = grpc.aio.server(
        interceptors=[Observer()], options=[("grpc.so_reuseport", 0)]
    )
    user_service_pb2_grpc.add_UserServiceServicer_to_server(decider, server)
    message_service_pb2_grpc.add_MessageServiceServicer_to_server(decider, server)
    states = health.aio.HealthServicer()
    for service in SERVICES:
        await states.set(service, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(states, server)
    add_reflection(server)

    address = f"{host}:{server.add_insecure_port(listen)}"
    await server.start()
    logger.info("listening address=%s", address)
    try:
        yield address
    finally:
        await states.enter_graceful_shutdown()
        await server.stop(GRACE)
        logger.info("stopped after_callbacks=%d", decider.sent)


def add_reflection(server: grpc.aio.Server) -> None:
    """Adds reflection under two names: the library has v1alpha, and v1 is its copy."""
    names = (*SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME)
    handler = grpc.stream_stream_rpc_method_handler(
        reflection.aio.ReflectionServicer(
            names, cast(DescriptorPool, Pool())
        ).ServerReflectionInfo,
        reflection_pb2.ServerReflectionRequest.FromString,
        reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    for version in ("v1", "v1alpha"):
        service = grpc.method_handlers_generic_handler(
            f"grpc.reflection.{version}.ServerReflection",
            {"ServerReflectionInfo": handler},
        )
        server.add_generic_rpc_handlers((service,))


class Pool:
    """The default pool, but it finds the file of a method too, which ghz asks for."""

    def FindFileContainingSymbol(self, symbol: str) -> FileDescriptor:
        try:
            return default_pool().FindFileContainingSymbol(symbol)
        except KeyError:
            return default_pool().FindMethodByName(symbol).containing_service.file

    def __getattr__(self, name: str) -> Any:
        return getattr(default_pool(), name)


class Observer(grpc.aio.ServerInterceptor):
    """Logs each call, and does not decide calls whose deadline has passed."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        handler = await continuation(handler_call_details)
        if handler is None or handler.unary_unary is None:
            return handler
        metadata = dict(handler_call_details.invocation_metadata)

        async def observed(
            request: Any, context: grpc.aio.ServicerContext[Any, Any]
        ) -> Any:
            start = time.perf_counter()
            status = grpc.StatusCode.OK
            try:
                # The library does hand them over. None is no deadline.
                if context.time_remaining() == 0:
                    await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED)
                return await handler.unary_unary(request, context)
            except NotImplementedError:
                # The generated base class's answer, which would be logged as a fault.
                await context.abort(grpc.StatusCode.UNIMPLEMENTED)
            except BaseException:
                status = grpc.StatusCode.UNKNOWN
                raise
            finally:
                logger.info(
                    "call rpc=%s operation_id=%r callback_id=%r status=%s ms=%.3f",
                    handler_call_details.method,
                    unquote(metadata.get("openim-operation-id", "")),
                    metadata.get("callback-id", ""),
                    (context.code() or status).name,
                    (time.perf_counter() - start) * 1000,
                )

        return grpc.unary_unary_rpc_method_handler(
            observed, handler.request_deserializer, handler.response_serializer
        )
