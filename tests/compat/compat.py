#!/usr/bin/env python3
"""Runs redis-py's own tests twice, with redis-py and with outlast in its place, and compares.

    compat.py --source FOLDER [--suite NAME] [--tests PATH ...]

Each run has a fresh redis-server. A test that passes with redis-py and not with outlast is run
again on its own; what then still fails must stand in falls-short.json with its reason. The exit
code is not 0 where a test falls short without a reason, where one with a reason passes, or where
fewer pass than the suite wants.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from servers import cluster, server

HERE = Path(__file__).resolve().parent
RUN_SECONDS_MAX = 1_800


@dataclass(frozen=True)
class Suite:
    """Tests of redis-py, and which of them are none of ours."""

    paths: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    marks: str = "not redismod and not onlycluster"
    words: str = ""
    is_of_cluster: bool = False
    share_min: float = 0.99


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
    "cluster": Suite(
        ("tests/test_cluster.py", "tests/test_cluster_transaction.py"),
        marks="not redismod",
        words="not MetricsRecording",  # what redis-py counts of itself
        is_of_cluster=True,
        share_min=0.7,
    ),
    "asyncio-cluster": Suite(
        (
            "tests/test_asyncio/test_cluster.py",
            "tests/test_asyncio/test_cluster_transaction.py",
        ),
        marks="not redismod",
        words="not MetricsRecording",  # what redis-py counts of itself
        is_of_cluster=True,
        share_min=0.7,
    ),
}


def main() -> int:
    """Runs, compares, prints."""
    options = parsed()
    suite = SUITES[options.suite]
    stock = run(options, suite, "stock", options.tests)
    ours = run(options, suite, "ours", options.tests)
    passed = {test for test, outcome in stock["outcomes"].items() if outcome == "passed"}
    failed = {test for test in passed if ours["outcomes"].get(test) != "passed"}
    shaky = again(options, suite, sorted(failed))
    failed -= set(shaky)
    reasons: dict[str, str] = json.loads((HERE / "falls-short.json").read_text(encoding="utf-8"))[
        options.suite
    ]
    ran = set(stock["outcomes"])
    found = ours["reasons"]
    is_good = report(passed, failed, shaky, reasons, found, ran, is_whole=not options.tests)
    return int(not (is_good and len(passed) - len(failed) >= suite.share_min * len(passed)))


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
    serve = cluster if suite.is_of_cluster else server
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder)) as port:
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
            *("--redis-url", f"redis://127.0.0.1:{port}/0", "-m", suite.marks, *left_out),
            *(("-k", suite.words) if suite.words else ()),
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


def again(options: argparse.Namespace, suite: Suite, failed: list[str]) -> list[str]:
    """Which tests that failed among all others pass on their own."""
    # A cluster for each would take minutes.
    runs = [failed] if suite.is_of_cluster and failed else [[test] for test in failed]
    ended: dict[str, str] = {}
    for tests in runs:
        ended.update(run(options, suite, "ours", tests)["outcomes"])
    return [test for test in failed if ended.get(test) == "passed"]


def report(
    passed: set[str],
    failed: set[str],
    shaky: list[str],
    reasons: dict[str, str],
    found: dict[str, str],
    ran: set[str],
    *,
    is_whole: bool,
) -> bool:
    """Prints the table; whether what falls short is what should."""
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
    return not (unexplained or stale)


if __name__ == "__main__":
    sys.exit(main())
