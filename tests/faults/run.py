#!/usr/bin/env python3
"""Puts clients under fire: every fault against every driver, and one table of what came of it.

    tests/faults/run.py [--compare] [--only TEXT]... [--drivers NAME,...] [--report FILE]

`--compare` lets redis-py and ioredis work beside outlast: they are measured, and nothing is
demanded of them. The README beside this file says what is.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import redis
from causes import CAUSES, Cause, Scene
from drivers import KINDS, Driver, DriverError, Kind
from places import HOST, ROOT, Proxy, Server, eventually
from verdict import COMMAND_TIMEOUT_MS, CONNECT_TIMEOUT_MS, DELAY_MS_MAX, Seen, faults_of

WORKERS = 2
PAUSE_MS = 5
# Operations before the fault, so that it meets clients at work.
WARM_OPERATIONS = 12
BACK_SECONDS_MAX = 4
TABLE = ROOT / "build" / "faults.txt"

OPTIONS = {
    "profile": "production",
    "command_timeout_ms": COMMAND_TIMEOUT_MS,
    "connect_timeout_ms": CONNECT_TIMEOUT_MS,
    "server_delay_ms": 50,
    "server_delay_ms_max": DELAY_MS_MAX,
    "network_delay_ms": 50,
    "network_delay_ms_max": DELAY_MS_MAX,
    "quota_delay_ms": 50,
    "quota_delay_ms_max": DELAY_MS_MAX,
    "rules": "*:n:*=counter",
}


class Matrix:
    """The drivers, each with its port of the proxy, before one server."""

    def __init__(self, server: Server, proxy: Proxy, kinds: list[Kind]):
        self._scene = Scene(server, proxy)
        self._server = server
        self._proxy = proxy
        self._ports = {kind: proxy.listen(server.port) for kind in kinds}
        self._drivers = {kind: Driver(kind) for kind in kinds}

    def end(self) -> None:
        for driver in self._drivers.values():
            driver.end()

    def run(self, number: int, cause: Cause) -> dict[Kind, Seen]:
        """One row of the table."""
        before = {kind: self._proxy.accepted(port) for kind, port in self._ports.items()}
        seen = {kind: Seen([], []) for kind in self._drivers}
        self._each(seen, lambda kind, driver: self._open(number, cause, kind, driver))
        try:
            with cause.of(self._scene):
                self._scene.last(cause.seconds)
        except (redis.RedisError, OSError) as error:
            self._mend(seen, f"the fault itself went wrong: {error!r}")
        mended = time.monotonic()
        self._each(seen, lambda kind, driver: self._await_return(seen[kind], driver, mended))
        self._each(seen, lambda _kind, driver: driver.send("stop"))
        self._each(seen, lambda kind, driver: self._settle(number, seen[kind], kind, driver))
        for kind, driver in self._drivers.items():
            seen[kind].operations, seen[kind].complaints = driver.take()
            if not cause.direct:
                accepted = self._proxy.accepted(self._ports[kind])
                seen[kind].connections = accepted - before[kind]
            if seen[kind].broken:
                driver.end()
                self._drivers[kind] = Driver(kind)
        return seen

    def _mend(self, seen: dict[Kind, Seen], why: str) -> None:
        """The fault did not come, or did not go: that is nobody's merit."""
        self._proxy.fault("pass")
        self._server.kill()
        self._server.start()
        for cell in seen.values():
            cell.broken = cell.broken or why

    def _each(self, seen: dict[Kind, Seen], step) -> None:
        """A step for every driver; one that breaks is left out from there on."""
        for kind, driver in list(self._drivers.items()):
            if seen[kind].broken:
                continue
            try:
                step(kind, driver)
            except (DriverError, TimeoutError) as error:
                seen[kind].broken = str(error)

    def _open(self, number: int, cause: Cause, kind: Kind, driver: Driver) -> None:
        port = self._server.port if cause.direct else self._ports[kind]
        url = f"redis://{HOST}:{port}?{urlencode({**OPTIONS, **cause.options})}"
        prefix = f"{number}:{kind.name}"
        driver.ask("open", url=url, workers=WORKERS, prefix=prefix, pause_ms=PAUSE_MS)
        eventually("it works at all", lambda: driver.acknowledged() >= WARM_OPERATIONS)

    @staticmethod
    def _await_return(seen: Seen, driver: Driver, mended: float) -> None:
        """Until Redis answers again: by its own word, or by an operation of others."""
        if driver.kind.is_ours:

            def served():
                status = driver.ask("status")["status"]
                return status["redis_connected"] and status["served_by_redis"]

            first = eventually("it is back", served, BACK_SECONDS_MAX)
            eventually("Redis answers", lambda: served() > first, BACK_SECONDS_MAX)
        else:
            first = driver.acknowledged()
            with contextlib.suppress(TimeoutError):
                eventually("Redis answers", lambda: driver.acknowledged() > first, BACK_SECONDS_MAX)
        seen.back_ms = (time.monotonic() - mended) * 1e3

    def _settle(self, number: int, seen: Seen, kind: Kind, driver: Driver) -> None:
        """All workers have ended, and what they wrote is on Redis."""
        driver.answer()
        if kind.is_ours:

            def settled():
                status = driver.ask("status")["status"]
                return status["redis_connected"] and status["journal_keys"] == 0 and status

            seen.status = eventually("all is written back", settled)
        with self._server.admin as admin:
            seen.counted = [
                int(admin.get(f"{number}:{kind.name}:n:{worker}") or 0) for worker in range(WORKERS)
            ]
        seen.log = driver.ask("close")["log"]


@contextlib.contextmanager
def matrix(kinds: list[Kind]) -> Iterator[Matrix]:
    """Everything that it takes, ended with it."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        server = Server(Path(folder))
        stack.callback(server.kill)
        proxy = Proxy()
        stack.callback(proxy.close)
        everything = Matrix(server, proxy, kinds)
        stack.callback(everything.end)
        yield everything


CELL = "{:>6}{:>6}{:>6}{:>5}{:>6}{:>6}{:>6}"
HEAD = CELL.format("slow", "fail", "dials", "log", "lost", "twice", "back")


LEGEND = """\
slow: longest operation in ms, without the time in which its process had no processor;
fail: operations that ended with an error; dials: by the client's own count, for others the
connections that the proxy saw; log: lines (ioredis: `error` events); lost: increments that were
acknowledged and are not there; twice: that are there beyond those acknowledged and those said to be
in doubt; back: ms from the fault's end to an answer of Redis.
Deadline of a command {command} ms, of a dial {dial} ms, for all alike.
"""


def cell(seen: Seen) -> str:
    """One client under one fault."""
    if seen.broken:
        return seen.broken[: len(HEAD)].ljust(len(HEAD))
    back = "-" if seen.back_ms is None else round(seen.back_ms)
    dials = "-" if seen.dials is None else seen.dials
    figures = (round(seen.slowest_ms), seen.failed, dials, len(seen.log))
    return CELL.format(*figures, seen.lost, seen.doubled, back)


def table_of(rows: list[tuple[Cause, dict[Kind, Seen]]], kinds: list[Kind]) -> str:
    """The table, and how to read it."""
    width = max(len(cause.name) for cause, _ in rows)
    lines = [
        *LEGEND.format(command=COMMAND_TIMEOUT_MS, dial=CONNECT_TIMEOUT_MS).splitlines(),
        "",
        " " * width + " |".join(["", *(kind.name.center(len(HEAD)) for kind in kinds)]),
        " " * width + " |".join(["", *(HEAD for _ in kinds)]),
    ]
    for cause, seen in rows:
        cells = " |".join(["", *(cell(seen[kind]) for kind in kinds)])
        lines.append(f"{cause.name:<{width}}{cells}")
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Runs the matrix; not all as promised is exit code 1."""
    parser = argparse.ArgumentParser(description="Runs every fault against every driver.")
    parser.add_argument("--compare", action="store_true", help="redis-py and ioredis, too")
    parser.add_argument("--only", action="append", default=[], help="faults with this in the name")
    parser.add_argument("--drivers", help="names, with commas between")
    parser.add_argument("--report", type=Path)
    options = parser.parse_args(arguments)
    names = options.drivers.split(",") if options.drivers else None
    kinds = [
        kind for kind in KINDS if (kind.name in names if names else kind.is_ours or options.compare)
    ]
    chosen = [
        cause
        for cause in CAUSES
        if not options.only or any(text in cause.name for text in options.only)
    ]
    report: dict[str, list[str]] = {"passed": [], "failed": [], "skipped": []}
    rows = []
    with matrix(kinds) as everything:
        for number, cause in enumerate(chosen):
            seen = everything.run(number, cause)
            rows.append((cause, seen))
            for kind in filter(lambda kind: kind.is_ours, kinds):
                faults = faults_of(seen[kind], cause)
                report["failed" if faults else "passed"].append(f"{cause.name} / {kind.name}")
                for fault in faults:
                    print(f"FAILED {cause.name} / {kind.name}: {fault}", flush=True)
    table = table_of(rows, kinds)
    print(table)
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text(table + "\n", encoding="utf-8")
    if options.report:
        options.report.write_text(json.dumps(report), encoding="utf-8")
    print(f"\n{len(report['passed'])} as promised, {len(report['failed'])} not")
    return 1 if report["failed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
