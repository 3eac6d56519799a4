"""A decider in Python: reads its settings, and serves until SIGTERM or SIGINT."""

import asyncio
import logging
import os
import signal
import sys

from .server import serving


async def run() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with serving(os.environ.get("LISTEN") or "127.0.0.1:50051"):
        await stop.wait()


def main() -> None:
    try:
        logging.basicConfig(
            format="%(asctime)s %(levelname)s %(message)s",
            level=(os.environ.get("LOG_LEVEL") or "info").upper(),
        )
        asyncio.run(run())
    except (RuntimeError, ValueError) as error:
        sys.exit(f"example-decider: {error}")


if __name__ == "__main__":
    main()
