#!/usr/bin/env python3
"""Shows an outage of a real redis-server, as the users of four small services see it.

    make demo                                                   builds what is needed first
    build/venv/bin/python examples/demo.py --outage 30

Two services are on outlast (Python and Node), two are the same on redis-py and ioredis. The exit
code is 1 if a service on outlast failed a request, lost a write or did not come back to Redis, and
2 if the demo could not run.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from demo import report
from demo.redis_server import RedisServer, StartError, find_redis_server, free_port
from demo.report import Run, Truth
from demo.services import KINDS, Service
from demo.traffic import USERS, Traffic

# A redial may be due as late as this after Redis is back: production's longest delay, and a dial.
BACK_SECONDS_MAX = 12
# What may end the demo early; everything that it started ends with it.
ENDINGS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


class Demo:
    """The services with their users, and the seconds that pass."""

    def __init__(self, folder: Path, server: RedisServer | None) -> None:
        self.server = server
        kinds = [kind for kind in KINDS if server or kind.on_outlast]
        services = [Service(kind, folder) for kind in kinds]
        self.runs = [
            Run(service, Traffic(service.port, on_outlast=service.on_outlast))
            for service in services
        ]
        self._second = 0
        self._next_at = 0.0

    def start(self) -> None:
        """Starts Redis, then the services all at once, then their users."""
        if self.server:
            self.server.start()
            url, port, variables = self.server.url, self.server.port, {}
        else:
            port = free_port()
            # Without Redis a service in production does not start, unless its operator allows it.
            url, variables = f"redis://127.0.0.1:{port}", {"OUTLAST_STARTUP": "optional"}
        for run in self.runs:
            run.service.start(url, port, variables)
        for run in self.runs:
            run.service.wait_until_ready()
            if self.server:
                run.service.forget_log()
            else:
                run.traffic.figures.outage_began()
        for run in self.runs:
            run.traffic.start()
        self._next_at = time.monotonic()

    def stop_services(self) -> None:
        for run in self.runs:
            run.service.stop()

    def stop(self) -> None:
        self.stop_services()
        if self.server:
            self.server.kill()

    def watch(self, seconds: int) -> None:
        """Lets time pass, with a line for each second."""
        for _ in range(seconds):
            self._next_at += 1
            time.sleep(max(0.0, self._next_at - time.monotonic()))
            self._second += 1
            report.live_row(self._second, self.runs)

    def ride_out(self, server: RedisServer, before: int, outage: int, after: int) -> None:
        """The outage."""
        report.phase(f"Redis is up (for {before} s)")
        report.live_header(self.runs)
        self.watch(before)
        report.phase(f"kill -9 redis-server (for {outage} s)")
        for run in self.runs:
            run.traffic.figures.outage_begins()
        server.kill()
        for run in self.runs:
            run.traffic.figures.outage_began()
        self.watch(outage)
        report.phase("redis-server is started again")
        server.start()
        for run in self.runs:
            run.traffic.figures.outage_ended()
        self.watch(after)
        for _ in range(max(0, BACK_SECONDS_MAX - after)):
            if all(self.is_back(run) for run in self.runs):
                break
            self.watch(1)

    @staticmethod
    def is_back(run: Run) -> bool:
        return run.traffic.figures.back_at is not None or not run.service.on_outlast

    def look(self) -> None:
        """Ends the traffic, and compares what users were told with what there is."""
        for run in self.runs:
            run.traffic.stop()
        for run in self.runs:
            with contextlib.suppress(OSError, ValueError):
                run.truth = self.truth_of(run)

    def truth_of(self, run: Run) -> Truth:
        figures = run.traffic.figures
        lost = [
            name
            for name, session in figures.sessions.items()
            if not self.is_kept(run.service, name, session)
        ]
        return Truth(
            counter=self.counter_of(run.service),
            counted=figures.counted,
            in_doubt=figures.in_doubt,
            sessions=len(figures.sessions),
            sessions_in_outage=len(figures.written_in_outage),
            lost=lost,
        )

    def counter_of(self, service: Service) -> int:
        if self.server:
            return int(self.server.call("GET", f"{service.prefix}visits") or 0)
        # The visit by which we ask counts, too.
        url = f"http://127.0.0.1:{service.port}/visits"
        with urllib.request.urlopen(urllib.request.Request(url, method="POST")) as answer:
            return json.loads(answer.read())["visits"] - 1

    def is_kept(self, service: Service, name: str, session: str) -> bool:
        """Whether a session is there with its value; on Redis also with its expiry."""
        if self.server:
            key = f"{service.prefix}session:{name}"
            kept = self.server.call("GET", key)
            expires = self.server.call("TTL", key)
            has_expiry = isinstance(expires, int) and expires > 0
            return has_expiry and kept is not None and json.loads(kept) == json.loads(session)
        url = f"http://127.0.0.1:{service.port}/session/{name}"
        try:
            with urllib.request.urlopen(url) as answer:
                return json.loads(answer.read()) == json.loads(session)
        except urllib.error.HTTPError:
            return False


WITH_REDIS = """\
Two services on outlast (profile production) and the same two on redis-py and ioredis, with a
redis-server of their own.
"""
WITHOUT_REDIS = """\
There is no redis-server on this machine, so there is none to kill. The two services on outlast run
on the store in their memory alone (OUTLAST_STARTUP=optional); those on redis-py and ioredis could
answer nothing and are left out.
"""
LEGEND = f"""\
{USERS} users of each service ask once a second: visits, sessions, health. Figures of each second:
ok, fail: requests; ms: the slowest, also of those that still wait; log, dial: lines, dials so far.
"""


def show(demo: Demo, options: argparse.Namespace) -> int:
    """The whole demo; the exit code."""
    with_redis = demo.server is not None
    print(WITH_REDIS if with_redis else WITHOUT_REDIS, LEGEND, sep="", end="")
    demo.start()
    if demo.server:
        demo.ride_out(demo.server, options.before, options.outage, options.after)
    else:
        report.phase("No Redis")
        report.live_header(demo.runs)
        demo.watch(options.outage)
    demo.look()
    report.logs(demo.runs)
    report.closing_table(demo.runs, with_redis=with_redis)
    report.truth_table(demo.runs, with_redis=with_redis)
    faults = report.faults(demo.runs, with_redis=with_redis)
    # A failure within a minute would continue the same entry, so it is written at the end.
    demo.stop_services()
    faults += report.production_log(demo.runs[0])
    print()
    for fault in faults:
        print(f"FAULT  {fault}")
    if not faults:
        back = ", and both are back on it" if with_redis else ""
        print(f"The services on outlast failed no request and lost no write without Redis{back}.")
    return 1 if faults else 0


def seconds(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 3600:
        raise argparse.ArgumentTypeError("allowed is a whole number of seconds from 1 to 3600")
    return number


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description="Shows an outage of Redis, with and without outlast."
    )
    parser.add_argument("--before", type=seconds, default=5, help="seconds with Redis up")
    parser.add_argument("--outage", type=seconds, default=15, help="seconds without Redis")
    parser.add_argument("--after", type=seconds, default=8, help="seconds, at least, with it again")
    options = parser.parse_args(arguments)
    program = find_redis_server()
    with tempfile.TemporaryDirectory(prefix="outlast-demo-") as name:
        folder = Path(name)
        demo = Demo(folder, RedisServer(program, folder) if program else None)
        try:
            return show(demo, options)
        except StartError as error:
            print(f"\nThe demo cannot run: {error}", file=sys.stderr)
            return 2
        finally:
            # A second Ctrl-C must not stop the cleaning up.
            for number in ENDINGS:
                signal.signal(number, signal.SIG_IGN)
            demo.stop()


def leave(number: int, _frame: object) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    for number in ENDINGS:
        if number != signal.SIGINT:
            signal.signal(number, leave)
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print("\nStopped; everything that was started has ended.")
        sys.exit(130)
