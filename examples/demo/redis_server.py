"""A redis-server of our own, which can be killed and started again with its data."""

from __future__ import annotations

import random
import shutil
import socket
import subprocess
import time
from pathlib import Path

START_SECONDS_MAX = 10


class StartError(Exception):
    """Something of the demo did not start; the text says what and why."""


def free_port() -> int:
    """A port that nobody listens on.

    It lies below the ports that systems hand out for outgoing connections: those could take
    Redis' port while Redis is down, and then it could not start again.
    """
    for _ in range(100):
        port = random.randint(15_000, 30_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise StartError("no free port was found")


def find_redis_server() -> str | None:
    """The program, by either of the names that systems give it."""
    return shutil.which("redis-server") or shutil.which("valkey-server")


class RedisServer:
    """One redis-server on a port of its own. Its data lie in `folder` and survive a kill."""

    def __init__(self, program: str, folder: Path) -> None:
        self.port = free_port()
        self._program = program
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Starts it and waits until it answers."""
        # What Redis has acknowledged is on disk: a write that is missing in the end was lost by
        # a client, not by the kill.
        data = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
        where = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder)]
        log = self._folder / "redis-server.log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [self._program, *where, *data],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        give_up_at = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < give_up_at and self._process.poll() is None:
            try:
                if self.call("PING") == "PONG":
                    return
            except OSError:
                pass
            time.sleep(0.02)
        last = log.read_text(errors="replace").splitlines()[-3:]
        raise StartError("\n".join(["redis-server did not start:", *last]))

    def kill(self) -> None:
        """Ends it at once, as the kernel does when memory runs out: nothing is saved or said."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def call(self, *words: str | int) -> str | int | None:
        """One command over a connection of its own, and its reply."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
            parts = [str(word).encode() for word in words]
            sent = b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
            connection.sendall(b"*%d\r\n%s" % (len(parts), sent))
            with connection.makefile("rb") as replies:
                line = replies.readline().decode().rstrip("\r\n")
                kind, rest = line[:1], line[1:]
                if kind == "$":
                    length = int(rest)
                    return None if length < 0 else replies.read(length).decode()
        if kind == ":":
            return int(rest)
        if kind != "+":
            raise OSError(f"redis-server answered {line!r}")
        return rest
