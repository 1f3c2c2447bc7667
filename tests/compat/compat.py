#!/usr/bin/env python3
"""Runs redis-py's own tests twice, with redis-py and with outlast in its place, and compares.

    compat.py --source FOLDER [--suite NAME] [--tests PATH ...]

Each run has a fresh redis-server. A test that passes with redis-py and not with outlast is run
again on its own; what then still fails must stand in falls-short.json with its reason. The exit
code is not 0 where a test falls short without a reason, where one with a reason passes, or where
fewer than 99 of 100 pass.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
SHARE_MIN = 0.99
RUN_SECONDS_MAX = 1_800
# Below those that the kernel gives to outgoing connections.
PORTS = range(20_000, 32_000)


@dataclass(frozen=True)
class Suite:
    """Tests of redis-py, and which of them are none of ours."""

    paths: tuple[str, ...]
    left_out: tuple[str, ...]


SUITES = {
    "sync": Suite(
        ("tests",),
        (
            "test_asyncio",  # another client
            "test_auth",  # tokens of a cloud
            "test_cluster.py",  # a cluster of six servers
            "test_cluster_transaction.py",
            "test_credentials.py",  # a cloud
            "test_http",  # a client for HTTP
            "maint_notifications",  # servers of a cloud
            "test_multidb",  # several servers, and no client of ours
            "test_observability",  # what redis-py counts of itself
            "test_scenario",  # a cloud
        ),
    ),
    "asyncio": Suite(
        ("tests/test_asyncio",),
        (
            "test_asyncio/test_cluster.py",  # a cluster of six servers
            "test_asyncio/test_cluster_transaction.py",
            "test_asyncio/test_credentials.py",  # a cloud
            "test_asyncio/test_multidb",  # several servers, and no client of ours
            "test_asyncio/test_observability",  # what redis-py counts of itself
            "test_asyncio/test_scenario",  # a cloud
        ),
    ),
}
MARKS = "not redismod and not onlycluster"


def main() -> int:
    """Runs, compares, prints."""
    options = parsed()
    suite = SUITES[options.suite]
    stock = run(options, suite, "stock", options.tests)
    ours = run(options, suite, "ours", options.tests)
    passed = {test for test, outcome in stock["outcomes"].items() if outcome == "passed"}
    failed = {test for test in passed if ours["outcomes"].get(test) != "passed"}
    shaky = sorted(test for test in sorted(failed) if passes_alone(options, suite, test))
    failed -= set(shaky)
    reasons: dict[str, str] = json.loads((HERE / "falls-short.json").read_text(encoding="utf-8"))[
        options.suite
    ]
    ran = set(stock["outcomes"])
    return report(passed, failed, shaky, reasons, ours["reasons"], ran, is_whole=not options.tests)


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=Path, required=True, help="the unpacked source package")
    parser.add_argument("--suite", choices=sorted(SUITES), default="sync")
    parser.add_argument("--tests", nargs="*", default=[], help="only these files or tests")
    return parser.parse_args()


def run(
    options: argparse.Namespace, suite: Suite, client: str, tests: list[str]
) -> dict[str, dict[str, str]]:
    """How each test ended, and why."""
    with tempfile.TemporaryDirectory() as folder, server(Path(folder)) as port:
        written = Path(folder) / "outcomes.json"
        left_out = [f"--ignore=tests/{name}" for name in suite.left_out]
        print(f"==> redis-py's tests with {client}", flush=True)
        environment = {
            **os.environ,
            "CLIENT": client,
            "OUTCOMES": str(written),
            "PYTHONPATH": str(HERE),
            # Without memory that answers for a server which is not there: redis-py has none.
            "OUTLAST_PROFILE": "production",
            "OUTLAST_LAZY_CONNECT": "true",
        }
        command = [
            *(sys.executable, "-m", "pytest", "-q", "-p", "recorder", "-p", "no:cacheprovider"),
            *("-o", "addopts=", "-o", "filterwarnings=", "-o", "log_cli=false", "--tb=no"),
            *("--redis-url", f"redis://127.0.0.1:{port}/0", "-m", MARKS, *left_out),
            *(tests or suite.paths),
        ]
        log = options.source.parent / f"{client}.log"
        with log.open("a", encoding="utf-8") as output:
            subprocess.run(
                command,
                cwd=options.source,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=RUN_SECONDS_MAX,
                check=False,
            )
        if not written.exists():
            sys.exit(f"pytest wrote down nothing; see {log}")
        return json.loads(written.read_text(encoding="utf-8"))


def passes_alone(options: argparse.Namespace, suite: Suite, test: str) -> bool:
    """Whether a test that failed among all others passes on its own."""
    return run(options, suite, "ours", [test])["outcomes"].get(test) == "passed"


def report(
    passed: set[str],
    failed: set[str],
    shaky: list[str],
    reasons: dict[str, str],
    found: dict[str, str],
    ran: set[str],
    *,
    is_whole: bool,
) -> int:
    """Prints the table; 1 where something is not as it should be."""
    share = (len(passed) - len(failed)) / len(passed) if passed else 0.0
    print("\n| redis-py's tests | passed | share |\n| --- | --- | --- |")
    print(f"| with redis-py | {len(passed)} | 100 % |")
    print(f"| with outlast | {len(passed) - len(failed)} | {share:.2%} |\n")
    unexplained = sorted(failed - set(reasons))
    for test in sorted(failed):
        print(f"falls short: {test}: {reasons.get(test) or 'WITHOUT A REASON: ' + found[test]}")
    for test in shaky:
        print(f"passed only when run again alone: {test}")
    stale = sorted(test for test in set(reasons) - failed if is_whole or test in ran)
    for test in stale:
        print(f"has a reason to fall short and does not: {test}")
    return int(bool(unexplained or stale or share < SHARE_MIN))


@contextlib.contextmanager
def server(folder: Path) -> Iterator[int]:
    """A redis-server of its own."""
    port = random.choice(PORTS)
    command = [
        *("redis-server", "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder)),
        *("--save", "", "--appendonly", "no", "--enable-debug-command", "yes"),
        *("--loglevel", "warning"),
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit("redis-server did not start")
        yield port
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    sys.exit(main())
