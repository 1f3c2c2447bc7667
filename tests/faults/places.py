"""A real redis-server, and the proxy before it."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

ROOT = Path(__file__).resolve().parent.parent.parent
HOST = "127.0.0.1"
# Below the ports that the kernel gives to outgoing connections.
PORTS = range(20_000, 32_000)
PATIENCE_SECONDS = 10


def eventually(what, holds, seconds=PATIENCE_SECONDS):
    """Asks again and again, and answers what is true at last; none where that takes too long."""
    pause = threading.Event()
    deadline = time.monotonic() + seconds
    while True:
        answer = holds()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:g} s: {what}")
        pause.wait(0.005)


def free_port():
    while True:
        port = random.choice(PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((HOST, port))
            return port


class Server:
    """A redis-server that keeps its port and its data when it is killed and started again."""

    def __init__(self, folder: Path):
        self.port = free_port()
        self._folder = folder
        self._process: subprocess.Popen | None = None
        self.start()
        self.admin.config_set("busy-reply-threshold", 50)

    @property
    def admin(self):
        """A client past everything, that never tries twice."""
        return redis.Redis(
            HOST, self.port, decode_responses=True, retry=Retry(NoBackoff(), 0), socket_timeout=5
        )

    def start(self, *options: str, until_it_answers=True):
        """Starts it; what it wrote to its file it has again."""
        place = ["--bind", HOST, "--port", str(self.port), "--dir", str(self._folder)]
        # A killed process keeps what it wrote to its file, whenever the disk gets it.
        kept = ["--save", "", "--appendonly", "yes", "--appendfsync", "no"]
        # Nothing but a folder of this name: a snapshot must fail.
        (self._folder / "taken").mkdir(exist_ok=True)
        other = ["--dbfilename", "taken", "--loglevel", "warning", "--latency-tracking", "no"]
        self._process = subprocess.Popen(
            ["redis-server", *place, *kept, *other, *options], stdout=subprocess.DEVNULL
        )
        eventually("the server answers", self._answers if until_it_answers else self._listens)

    def _listens(self):
        with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), 1):
            return True
        return False

    def _answers(self):
        with contextlib.suppress(redis.RedisError):
            return self.admin.ping()
        return False

    def kill(self):
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def shut_down(self):
        """As an operator ends it."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait()
        self._process = None

    def freeze(self):
        """The kernel still accepts connections and bytes, and nobody answers."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self._process.send_signal(signal.SIGCONT)

    @contextlib.contextmanager
    def busy(self):
        """A script runs until it is ended."""
        with socket.create_connection((HOST, self.port), 5) as blocking:
            blocking.sendall(b"EVAL 'while true do end' 0\r\n")
            yield
            eventually("the script ends", self._script_killed)

    def _script_killed(self):
        with contextlib.suppress(redis.ResponseError):
            return self.admin.execute_command("SCRIPT", "KILL")
        return False


class Proxy:
    """The program `fault-proxy`, and its ports."""

    def __init__(self):
        target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
        program = target / "debug" / "fault-proxy"
        self._process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def listen(self, target: int) -> int:
        return self._order({"do": "listen", "target": target})["port"]

    def fault(self, kind: str, **details):
        self._order({"do": "fault", "fault": {"kind": kind, **details}})

    def cut(self, *, reset: bool):
        self._order({"do": "cut", "reset": reset})

    def accepted(self, port: int) -> int:
        return self._order({"do": "count", "port": port})["accepted"]

    def _order(self, order):
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self):
        self._process.stdin.close()
        self._process.wait(PATIENCE_SECONDS)
        self._process.stdout.close()
