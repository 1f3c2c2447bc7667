"""The programs that work through a client, seen from outside."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from places import ROOT

DRIVERS = Path(__file__).resolve().parent / "drivers"
BINARIES = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug"

ANSWER_SECONDS_MAX = 10


@dataclass(frozen=True)
class Kind:
    """A program, and whether it is ours, so that something is demanded of it."""

    name: str
    command: tuple[str, ...]
    is_ours: bool = True


KINDS = (
    Kind("rust", (str(BINARIES / "fault-driver"),)),
    Kind("python", (sys.executable, str(DRIVERS / "outlast_sync.py"))),
    Kind("asyncio", (sys.executable, str(DRIVERS / "outlast_asyncio.py"))),
    Kind("node", ("node", str(DRIVERS / "outlast_node.mjs"))),
    Kind("redis-py", (sys.executable, str(DRIVERS / "redis_py.py")), is_ours=False),
    Kind("ioredis", ("node", str(DRIVERS / "ioredis.mjs")), is_ours=False),
)


class DriverError(Exception):
    """A driver did not answer, or answered with an error."""


class Driver:
    """One such program. Its operations and its words on stderr are kept until they are taken."""

    def __init__(self, kind: Kind):
        self.kind = kind
        self._operations: list[dict] = []
        self._complaints: list[str] = []
        self._answers: queue.Queue[dict | None] = queue.Queue()
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            kind.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._readers = [
            threading.Thread(target=reader, daemon=True)
            for reader in (self._read_lines, self._read_complaints)
        ]
        for reader in self._readers:
            reader.start()

    def _read_lines(self):
        for line in self._process.stdout:
            told = json.loads(line)
            if "answer" in told:
                self._answers.put(told)
            else:
                with self._lock:
                    self._operations.append(told)
        self._answers.put(None)

    def _read_complaints(self):
        for line in self._process.stderr:
            with self._lock:
                self._complaints.append(line.rstrip())

    def send(self, do: str, **details):
        """Gives an order, without waiting."""
        try:
            self._process.stdin.write(json.dumps({"do": do, **details}) + "\n")
            self._process.stdin.flush()
        except OSError as error:
            raise DriverError(f"{self.kind.name} has ended: {error}") from error

    def answer(self, seconds=ANSWER_SECONDS_MAX) -> dict:
        """What it answered to the order before."""
        try:
            answer = self._answers.get(timeout=seconds)
        except queue.Empty:
            raise DriverError(f"{self.kind.name} hangs") from None
        if answer is None:
            raise DriverError(f"{self.kind.name} has ended with {self._process.wait()}")
        if "error" in answer:
            raise DriverError(f"{self.kind.name}: {answer['error']}")
        return answer

    def ask(self, do: str, **details) -> dict:
        self.send(do, **details)
        return self.answer()

    def acknowledged(self) -> int:
        """Operations so far that were answered."""
        with self._lock:
            return sum(told["outcome"] == "ok" for told in self._operations)

    def size(self) -> tuple[float, int]:
        """Its memory in MB, and its open file descriptors."""
        process = Path("/proc") / str(self._process.pid)
        status = (process / "status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024, len(list((process / "fd").iterdir()))

    def take(self) -> tuple[list[dict], list[str]]:
        """The operations and complaints since they were taken last."""
        with self._lock:
            taken = self._operations, self._complaints
            self._operations, self._complaints = [], []
        return taken

    def end(self) -> int:
        """Ends it in good order, or else by force; how it ended."""
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            code = self._process.wait(ANSWER_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        for reader in self._readers:
            reader.join()
        return code
