"""redis-servers for redis-py's own tests: one, or a cluster of six."""

from __future__ import annotations

import contextlib
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

# Below those that the kernel gives to outgoing connections.
PORTS = range(20_000, 32_000)
START_SECONDS_MAX = 30
SLOTS = 16_384


@contextlib.contextmanager
def server(folder: Path, *options: str) -> Iterator[int]:
    """A redis-server of its own."""
    port = random.choice(PORTS)
    command = [
        *("redis-server", "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder)),
        *("--save", "", "--appendonly", "no", "--enable-debug-command", "yes"),
        *("--loglevel", "warning", *options),
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit("redis-server did not start")
        yield port
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def cluster(folder: Path) -> Iterator[int]:
    """Three masters with a replica each; the port of the first."""
    with contextlib.ExitStack() as stack:
        ports = [stack.enter_context(_node(folder)) for _ in range(6)]
        places = [f"127.0.0.1:{port}" for port in ports]
        made = ("--cluster", "create", *places, "--cluster-replicas", "1", "--cluster-yes")
        subprocess.run(("redis-cli", *made), stdout=subprocess.DEVNULL, check=True)
        deadline = time.monotonic() + START_SECONDS_MAX
        while not all(_is_whole(port) for port in ports):
            if time.monotonic() > deadline:
                sys.exit("the cluster did not become whole")
        yield ports[0]


@contextlib.contextmanager
def _node(folder: Path) -> Iterator[int]:
    bus_port = str(random.choice(PORTS))
    own = folder / bus_port
    own.mkdir()
    options = (
        *("--cluster-enabled", "yes", "--cluster-port", bus_port),
        *("--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"),
    )
    with server(own, *options) as port:
        yield port


def _is_whole(port: int) -> bool:
    """Whether a node knows who serves all slots, and a replica of each."""
    told = _asked(port, "CLUSTER", "INFO")
    nodes = _asked(port, "CLUSTER", "SLOTS").count("127.0.0.1")
    return "cluster_state:ok" in told and f"cluster_slots_ok:{SLOTS}" in told and nodes == 6


def _asked(port: int, *command: str) -> str:
    asked = ("redis-cli", "-p", str(port), *command)
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout
