"""Users of a service: each asks once a second, waits, and remembers what it was told."""

from __future__ import annotations

import http.client
import json
import threading
import time
from dataclasses import dataclass, field

USERS = 20
PATIENCE_SECONDS = 10
CYCLE = ("visit", "write", "read", "health")


@dataclass
class Second:
    """What happened since the last look."""

    answered: int = 0
    failed: int = 0
    slowest_ms: float = 0.0


@dataclass
class Figures:
    """Everything that the users of one service saw. Change it under the lock only."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    latencies_ms: list[float] = field(default_factory=list)
    answered: int = 0
    failed: int = 0
    counted: int = 0
    in_doubt: int = 0
    forgotten_reads: int = 0
    wrong_reads: int = 0
    sessions: dict[str, str] = field(default_factory=dict)
    written_in_outage: set[str] = field(default_factory=set)
    mode: str = "-"
    dials: int = 0
    away: bool = False
    outage: bool = False
    restarted_at: float | None = None
    back_at: float | None = None
    _second: Second = field(default_factory=Second)
    _waiting_since: dict[int, float] = field(default_factory=dict)

    def begin(self, user: int) -> None:
        with self.lock:
            self._waiting_since[user] = time.monotonic()

    def end(self, user: int, *, well: bool) -> None:
        """Counts a request. An answer that says `5xx`, or none, is a failure."""
        with self.lock:
            took_ms = (time.monotonic() - self._waiting_since.pop(user)) * 1000
            self.latencies_ms.append(took_ms)
            self.answered += well
            self.failed += not well
            self._second.answered += well
            self._second.failed += not well
            self._second.slowest_ms = max(self._second.slowest_ms, took_ms)

    def take_second(self) -> Second:
        """What happened since the last call; who still waits counts as slow already."""
        with self.lock:
            second, self._second = self._second, Second()
            now = time.monotonic()
            waits_ms = [(now - since) * 1000 for since in self._waiting_since.values()]
            second.slowest_ms = max([second.slowest_ms, *waits_ms])
            return second

    def outage_begins(self) -> None:
        """Redis is about to be killed: from now on it may be away."""
        with self.lock:
            self.away = True

    def outage_began(self) -> None:
        """Redis has been killed: what is written from now on is written in the outage."""
        with self.lock:
            self.outage = True

    def outage_ended(self) -> None:
        """Redis answers again; the service may not know yet."""
        with self.lock:
            self.outage = False
            self.restarted_at = time.monotonic()

    def on_redis(self) -> None:
        """An answer showed that the service uses Redis."""
        with self.lock:
            if self.restarted_at is not None and self.back_at is None:
                self.back_at = time.monotonic()
                self.away = False

    @property
    def back_after_seconds(self) -> float | None:
        if self.back_at is None or self.restarted_at is None:
            return None
        return self.back_at - self.restarted_at

    def p99_ms(self) -> float:
        ordered = sorted(self.latencies_ms)
        return ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)] if ordered else 0.0


class Traffic:
    """All users of one service, each a thread."""

    def __init__(self, port: int, *, on_outlast: bool) -> None:
        self.figures = Figures()
        self._port = port
        self._on_outlast = on_outlast
        self._stop = threading.Event()
        self._users = [
            threading.Thread(target=self._use, args=(user,), daemon=True) for user in range(USERS)
        ]

    def start(self) -> None:
        for user in self._users:
            user.start()

    def stop(self) -> None:
        """Lets every user have the answer that it waits for."""
        self._stop.set()
        for user in self._users:
            user.join(PATIENCE_SECONDS + 1)

    def _use(self, user: int) -> None:
        visitor = User(user, self._port, self.figures, on_outlast=self._on_outlast)
        due = time.monotonic() + user / USERS
        step = user
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            visitor.act(CYCLE[step % len(CYCLE)])
            step += 1
            # Who had to wait does not catch up afterwards.
            due = max(due + 1, time.monotonic())
        visitor.leave()


class User:
    """One user with a connection that is kept."""

    def __init__(self, number: int, port: int, figures: Figures, *, on_outlast: bool) -> None:
        self._number = number
        self._figures = figures
        self._on_outlast = on_outlast
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
        self._writes = 0
        self._last_session: str | None = None

    def act(self, action: str) -> None:
        if action == "read" and self._last_session is None:
            action = "write"
        getattr(self, f"_{action}")()

    def leave(self) -> None:
        self._http.close()

    def _visit(self) -> None:
        status, _ = self._request("POST", "/visits")
        with self._figures.lock:
            self._figures.counted += status == http.HTTPStatus.OK
            self._figures.in_doubt += status == http.HTTPStatus.ACCEPTED
        self._note_plain_success(status)

    def _write(self) -> None:
        self._writes += 1
        name = f"{self._number}-{self._writes}"
        session = json.dumps({"user": self._number, "page": self._writes})
        with self._figures.lock:
            outage = self._figures.outage
        status, _ = self._request("PUT", f"/session/{name}", session)
        if status == http.HTTPStatus.NO_CONTENT:
            self._last_session = name
            with self._figures.lock:
                self._figures.sessions[name] = session
                if outage:
                    self._figures.written_in_outage.add(name)
        self._note_plain_success(status)

    def _read(self) -> None:
        name = self._last_session or ""
        away = self._figures.away
        status, body = self._request("GET", f"/session/{name}")
        if status in (http.HTTPStatus.OK, http.HTTPStatus.NOT_FOUND):
            wanted = json.loads(self._figures.sessions[name])
            right = status == http.HTTPStatus.OK and json.loads(body) == wanted
            with self._figures.lock:
                # What was written before the outage need not be known in it; all else must be.
                forgotten = (
                    (away or self._figures.away)
                    and name not in self._figures.written_in_outage
                    and status == http.HTTPStatus.NOT_FOUND
                )
                self._figures.forgotten_reads += not right and forgotten
                self._figures.wrong_reads += not right and not forgotten
        self._note_plain_success(status)

    def _health(self) -> None:
        status, body = self._request("GET", "/health")
        if status != http.HTTPStatus.OK or not self._on_outlast:
            return
        redis = json.loads(body)["redis"]
        with self._figures.lock:
            self._figures.mode = redis["mode"]
            self._figures.dials = redis["dials"]
        if redis["mode"] == "connected":
            self._figures.on_redis()

    def _note_plain_success(self, status: int) -> None:
        """A service without outlast has no other way to answer than from Redis."""
        if not self._on_outlast and 200 <= status < 300:
            self._figures.on_redis()

    def _request(self, method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
        """The answer, or the status 0 for none."""
        headers = {"Content-Type": "application/json"} if body else {}
        self._figures.begin(self._number)
        status, answer = 0, b""
        try:
            self._http.request(method, path, body, headers)
            response = self._http.getresponse()
            status, answer = response.status, response.read()
        except (OSError, http.client.HTTPException):
            self._http.close()
        self._figures.end(self._number, well=0 < status < http.HTTPStatus.INTERNAL_SERVER_ERROR)
        return status, answer
