"""The image's HEALTHCHECK: exits 0 if the decider at LISTEN says that it serves."""

import os
import sys

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse


def is_serving(address: str) -> bool:
    with grpc.insecure_channel(address) as channel:
        check = channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            HealthCheckRequest.SerializeToString,
            HealthCheckResponse.FromString,
        )
        try:
            response = check(HealthCheckRequest(), timeout=2)
        except grpc.RpcError:
            return False
    return response.status == HealthCheckResponse.SERVING


if __name__ == "__main__":
    sys.exit(not is_serving(os.environ["LISTEN"]))
