"""Redis-servers of the benchmark's own, and a port where none is."""

from __future__ import annotations

import contextlib
import random
import socket
import subprocess
import time
from collections.abc import Iterator

HOST = "127.0.0.1"
# Below the ports that the kernel gives to outgoing connections.
PORTS = range(20_000, 32_000)
START_SECONDS_MAX = 10


@contextlib.contextmanager
def redis_server(folder: str, pin: list[str]) -> Iterator[int]:
    """Runs a redis-server that keeps nothing, started through `pin`; answers its port."""
    port = free_port()
    place = ["--bind", HOST, "--port", str(port), "--dir", folder]
    command = [*pin, "redis-server", *place, "--save", "", "--appendonly", "no"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + START_SECONDS_MAX
        while not listens(port):
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("redis-server did not start")
            time.sleep(0.01)
        yield port
    finally:
        server.kill()
        server.wait()


@contextlib.contextmanager
def refusing_port() -> Iterator[int]:
    """A port that refuses connections: bound, so that nobody else takes it, and never listening."""
    with socket.socket() as held:
        held.bind((HOST, 0))
        yield held.getsockname()[1]


def free_port() -> int:
    """A port that nobody has."""
    while True:
        port = random.choice(PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((HOST, port))
            return port


def listens(port: int) -> bool:
    """Whether connections are accepted there."""
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), 1):
        return True
    return False
