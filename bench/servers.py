"""Starts the servers of a measurement, and posts to them."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

BENCH = Path(__file__).resolve().parent
BODIES = BENCH / "bodies"
RELEASE = Path(os.environ.get("CARGO_TARGET_DIR", "target"), "release")


class Profile(NamedTuple):
    """How bench-load posts: callers at the same time, idle connections kept, and a caller's mean pause in ms."""

    callers: int
    idle: int
    pause: int


def must_have(tool):
    """Installs a Debian package of the tool's name where there is no such tool."""
    if shutil.which(tool):
        return
    apt = ["apt-get"] if os.geteuid() == 0 else ["sudo", "apt-get"]
    try:
        subprocess.run([*apt, "update", "-qq"], check=True)
        subprocess.run([*apt, "install", "-y", "-qq", "--no-install-recommends", tool], check=True, stdout=sys.stderr)
    except (OSError, subprocess.CalledProcessError) as why:
        sys.exit(f"{tool} is not installed, and apt can't install it: {why}")


def build():
    cargo = ["cargo", "build", "--release", "--locked", "--target-dir", RELEASE.parent]
    for package in (["--bin", "callback-gateway"], ["--manifest-path", BENCH / "Cargo.toml"]):
        if subprocess.run([*cargo, *package]).returncode:
            sys.exit("the build failed")


@contextmanager
def server(address, *command):
    """The pid of a server, which listens there; it is ended by SIGTERM."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CALLBACK_GATEWAY_")}
    process = subprocess.Popen(command, env=environment)
    try:
        wait_for(command[0], process, lambda: listens(address))
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def wait_for(name, process, is_ready):
    deadline = time.monotonic() + 30
    while not is_ready():
        if process.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"{name} does not start; what it said stands above")
        time.sleep(0.05)


def listens(address):
    host, port = address.split(":")
    try:
        socket.create_connection((host, port), timeout=1).close()
        return True
    except OSError:
        return False


def free():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


def load(address, case, profile, until):
    """Posts the case's body, so many times or for so long, and returns what bench-load reports."""
    body = BODIES / f"{case}.json"
    command = json.loads(body.read_text())["callbackCommand"]
    arguments = [address, f"/{command}", body, *map(str, profile), str(until)]
    done = subprocess.run([RELEASE / "bench-load", *arguments], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit("bench-load failed; what it said stands above")
    return json.loads(done.stdout)


def of_status(pid, key):
    """A number of /proc/PID/status."""
    return int(re.search(rf"^{key}:\s*(\d+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)[1])


def row(first, *others):
    print(f"{first:<24}", *(f"{cell:>12}" for cell in others), flush=True)
