"""The four services as processes, with what they log and how often they dial."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from demo.redis_server import StartError, free_port

EXAMPLES = Path(__file__).resolve().parent.parent
START_SECONDS_MAX = 20
STOP_SECONDS_MAX = 5


@dataclass(frozen=True)
class Kind:
    """A service as it is on disk."""

    title: str
    file: str
    on_outlast: bool

    @property
    def command(self) -> list[str]:
        program = str(EXAMPLES / self.file)
        counter = EXAMPLES / "demo" / "count_dials"
        if self.file.endswith(".py"):
            # outlast counts its dials itself, and says so in its status.
            counting = [] if self.on_outlast else [f"{counter}.py"]
            return [sys.executable, *counting, program]
        counting = [] if self.on_outlast else ["--import", f"{counter}.mjs"]
        return ["node", *counting, program]


KINDS = (
    Kind("outlast, Python", "python/service.py", on_outlast=True),
    Kind("outlast, Node", "node/service.mjs", on_outlast=True),
    Kind("redis-py", "python/plain_service.py", on_outlast=False),
    Kind("ioredis", "node/plain_service.mjs", on_outlast=False),
)


class Service:
    """One running service. Its keys in Redis begin with a prefix of its own."""

    def __init__(self, kind: Kind, folder: Path) -> None:
        name = Path(kind.file).as_posix().replace("/", "-")
        self.title = kind.title
        self.on_outlast = kind.on_outlast
        self.prefix = f"{name}:"
        self.port = free_port()
        self._command = kind.command
        self._log = folder / f"{name}.log"
        self._dials = folder / f"{name}.dials"
        self._production_log = folder / f"{name}.md"
        self._process: subprocess.Popen[bytes] | None = None
        self._uncounted_lines = 0

    def start(self, redis_url: str, redis_port: int, variables: dict[str, str]) -> None:
        """Starts it, without waiting for it."""
        self._dials.touch()
        ours = {
            "PORT": str(self.port),
            "REDIS_URL": redis_url,
            "KEY_PREFIX": self.prefix,
            "DIALS_FILE": str(self._dials),
            "DIALS_PORT": str(redis_port),
            "PYTHONUNBUFFERED": "1",
            "NO_COLOR": "1",
        }
        if self.on_outlast:
            ours["OUTLAST_LOG_PATH"] = str(self._production_log)
        # What the user's shell says of outlast is not what the demo shows.
        inherited = {key: text for key, text in os.environ.items() if key[:8] != "OUTLAST_"}
        try:
            with self._log.open("wb") as output:
                self._process = subprocess.Popen(
                    self._command,
                    env={**inherited, **ours, **variables},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    # The Ctrl-C of a terminal ends the demo, and the demo ends its services.
                    start_new_session=True,
                )
        except OSError as error:
            raise StartError(f"the service on {self.title} cannot be started: {error}") from error

    def wait_until_ready(self) -> None:
        """Waits for its first answer."""
        give_up_at = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < give_up_at and self.is_running():
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
            try:
                connection.request("GET", "/health")
                if connection.getresponse().status == http.HTTPStatus.OK:
                    return
            except OSError:
                time.sleep(0.05)
            finally:
                connection.close()
        said = self._lines()[-8:]
        raise StartError("\n".join([f"the service on {self.title} did not start:", *said]))

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def log_lines(self) -> list[str]:
        """What it has logged, as far as that counts."""
        return self._lines()[self._uncounted_lines :]

    def forget_log(self) -> None:
        """What it has logged until now does not count: that it listens, say."""
        self._uncounted_lines = len(self._lines())

    def production_log(self) -> str:
        """What it has written to its production log by now: all of it once it has ended."""
        try:
            return self._production_log.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""

    def dials(self) -> int:
        """How often a service without outlast has dialled Redis."""
        return self._dials.stat().st_size

    def stop(self) -> None:
        """Ends it, by force if it does not go."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _lines(self) -> list[str]:
        return self._log.read_text(encoding="utf-8", errors="replace").splitlines()
