#!/usr/bin/env python3
"""Runs every test suite and ends with one line: `N passed, N failed`.

    tests/run.py               every suite
    tests/run.py rust python   these only
    tests/run.py --list        their names

What a suite needs is built first, once. A suite that cannot be prepared, crashes, overruns its
time, leaves a process behind or reports no test at all counts as failed. A skipped test counts as
failed too, unless REVIEWED_SKIPS gives the reason. Only Python's standard library is used here.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "build" / "test"
SUMMARY = OUTPUT / "summary"
PYTEST = "build/venv/bin/pytest"
VITEST = "node_modules/.bin/vitest"

# Skipped tests that are right to be skipped: "suite: test" and the reason. None at present.
REVIEWED_SKIPS: dict[str, str] = {}

# How long to wait for the end of a suite's output once its process has ended, before what still
# holds the output is taken for a process left behind.
LEFTOVER_SECONDS_MAX = 10


@dataclass(frozen=True)
class Counts:
    """What a suite's own report says."""

    passed: int = 0
    failed: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True)
class Suite:
    """One command. `read` is given the file that `{report}` in it stands for, or else its output.

    Without `read` the command is one test, and its exit code decides.
    """

    name: str
    command: str
    read: Callable[[Path], Counts] | None
    needs: tuple[str, ...] = ()
    minutes_max: float = 15


@dataclass
class Row:
    """One line of the closing table."""

    name: str
    passed: int = 0
    failed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    seconds: float = 0.0


class UnreadableReportError(Exception):
    """A suite's report is missing, or is not what its runner writes."""


# What each runner reports.


def read_cargo(output: Path) -> Counts:
    """Reads the text of `cargo test`, doctests included: stable Rust has no other report."""
    passed = 0
    failed_count = 0
    failed: list[str] = []
    skipped: list[str] = []
    for line in output.read_text(encoding="utf-8", errors="replace").splitlines():
        result = re.match(r"test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored;", line)
        if result:
            passed += int(result[1])
            failed_count += int(result[2])
            continue
        test = re.match(r"test (.+) \.\.\. (FAILED|ignored)\b", line)
        if test:
            (failed if test[2] == "FAILED" else skipped).append(test[1])
    failed += ["a test whose name was not printed"] * (failed_count - len(failed))
    return Counts(passed, tuple(failed), tuple(skipped))


def read_junit(report: Path) -> Counts:
    """Reads pytest's --junitxml. An expected failure is listed with the skipped ones."""
    try:
        root = ElementTree.parse(report).getroot()
    except (OSError, ElementTree.ParseError) as error:
        raise UnreadableReportError(str(error)) from error
    outcomes: list[tuple[str, str]] = []
    for case in root.iter("testcase"):
        name = "::".join(filter(None, (case.get("classname"), case.get("name"))))
        if case.find("failure") is not None or case.find("error") is not None:
            outcome = "failed"
        elif case.find("skipped") is not None:
            outcome = "skipped"
        else:
            outcome = "passed"
        outcomes.append((name, outcome))
    return _counts(outcomes)


def read_vitest(report: Path) -> Counts:
    """Reads vitest's --reporter=json."""
    data = _read_json(report)
    outcomes: list[tuple[str, str]] = []
    for file in data["testResults"]:
        path = os.path.relpath(file["name"], ROOT)
        tests = file["assertionResults"]
        for test in tests:
            status = test["status"]
            outcome = status if status in ("passed", "failed") else "skipped"
            outcomes.append((f"{path}: {test['fullName']}", outcome))
        if file["status"] == "failed" and not any(test["status"] == "failed" for test in tests):
            outcomes.append((f"{path}: the file itself", "failed"))
    return _counts(outcomes)


def read_counts(report: Path) -> Counts:
    """Reads our own form: {"passed": [names], "failed": [names], "skipped": [names]}."""
    data = _read_json(report)
    return Counts(len(data["passed"]), tuple(data["failed"]), tuple(data["skipped"]))


def _read_json(report: Path) -> dict[str, list]:
    try:
        data = json.loads(report.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UnreadableReportError(str(error)) from error
    if not isinstance(data, dict):
        raise UnreadableReportError(f"{report.name} holds no object")
    return data


def _counts(outcomes: list[tuple[str, str]]) -> Counts:
    def named(wanted: str) -> tuple[str, ...]:
        return tuple(name for name, outcome in outcomes if outcome == wanted)

    return Counts(len(named("passed")), named("failed"), named("skipped"))


# The suites.

BINDINGS = "--exclude outlast-python --exclude outlast-node --exclude outlast-wasm"
JUNIT_REPORT = "--junitxml={report}"
VITEST_REPORT = "--reporter=default --reporter=json --outputFile.json={report}"

# What has to be there, and the script that makes it so (each is quick when there is nothing to do).
NEEDS = {
    "redis": "scripts/setup-system redis openssl",
    "chrome": "scripts/setup-system browser",
    "rust": "scripts/setup-system tools",
    "wasm-toolchain": "scripts/setup-wasm",
    "venv": "scripts/setup-python",
    "python": "scripts/build-python",
    "node": "scripts/build-node",
    "wasm": "scripts/build-wasm",
    "devtools": "scripts/build-devtools",
    "faults": "scripts/faults --build",
}

# In the order in which they run: the quick ones first.
SUITES = (
    Suite(
        "tooling",
        f"{PYTEST} tests/run_test.py tests/tidy_test.py tests/bench/test_ratios.py {JUNIT_REPORT}",
        read_junit,
        ("venv",),
        3,
    ),
    Suite("tidy", "{python} tests/tidy.py --report {report}", read_counts, (), 3),
    Suite(
        "rust",
        f"cargo test --workspace {BINDINGS} --no-fail-fast",
        read_cargo,
        ("rust", "redis"),
        30,
    ),
    Suite(
        "core-wasm",
        "scripts/cargo-wasm check -p outlast-core",
        None,
        ("wasm-toolchain",),
    ),
    Suite(
        "python",
        f"{PYTEST} tests/python bindings-python/tests {JUNIT_REPORT}",
        read_junit,
        ("redis", "python"),
    ),
    Suite(
        "node",
        f"{VITEST} run --root tests/node {VITEST_REPORT}",
        read_vitest,
        ("redis", "node"),
    ),
    Suite(
        "wasm",
        f"{VITEST} run --root tests/browser --dir tests/browser/node {VITEST_REPORT}",
        read_vitest,
        ("wasm",),
    ),
    Suite(
        "browser",
        f"{VITEST} run --root tests/browser --dir tests/browser/page {VITEST_REPORT}",
        read_vitest,
        ("chrome", "redis", "python", "node", "devtools"),
    ),
    Suite(
        "examples",
        f"{PYTEST} tests/examples {JUNIT_REPORT}",
        read_junit,
        ("redis", "python", "node"),
    ),
    Suite(
        "faults",
        "build/venv/bin/python tests/faults/run.py --report {report}",
        read_counts,
        ("redis", "python", "node", "faults"),
        6,
    ),
    Suite(
        "packaging",
        f"{PYTEST} tests/packaging {JUNIT_REPORT}",
        read_junit,
        ("redis", "python", "node", "wasm"),
    ),
)


# Running them.


def judge(name: str, counts: Counts, exit_code: int, reviewed: dict[str, str]) -> Row:
    """Turns a report and an exit code into a row; only what is known to have passed passes."""
    row = Row(name, counts.passed, list(counts.failed), list(counts.skipped))
    row.failed += [
        f"skipped without a reviewed reason: {test}"
        for test in counts.skipped
        if f"{name}: {test}" not in reviewed
    ]
    if exit_code != 0 and not counts.failed:
        row.failed.append(f"the command ended with {describe_exit(exit_code)}")
    if row.passed == 0 and not row.failed:
        row.failed.append("no test ran")
    return row


def describe_exit(exit_code: int) -> str:
    """Names a signal instead of a negative number."""
    if exit_code >= 0:
        return f"exit code {exit_code}"
    with contextlib.suppress(ValueError):
        return f"signal {signal.Signals(-exit_code).name}"
    return f"signal {-exit_code}"


@dataclass
class Ended:
    """How a command ended."""

    exit_code: int
    fault: str = ""


def stream(command: list[str], log: Path, seconds_max: float) -> Ended:
    """Runs a command in a process group of its own, showing its output and keeping it in `log`."""
    try:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        log.write_text(f"{error}\n", encoding="utf-8")
        return Ended(127, f"cannot be started: {error}")

    def copy() -> None:
        assert process.stdout is not None
        with process.stdout as output, log.open("wb") as file:
            for line in output:
                file.write(line)
                file.flush()
                sys.stdout.buffer.write(line)
                sys.stdout.buffer.flush()

    reader = threading.Thread(target=copy, daemon=True)
    reader.start()
    fault = ""
    try:
        process.wait(seconds_max)
    except subprocess.TimeoutExpired:
        fault = f"ran longer than {seconds_max / 60:g} minutes"
        end_group(process)
    except BaseException:
        end_group(process)
        raise
    reader.join(LEFTOVER_SECONDS_MAX)
    if reader.is_alive():
        fault = fault or "left a process behind that still holds its output"
        end_group(process)
        reader.join(LEFTOVER_SECONDS_MAX)
    return Ended(process.wait(), fault)


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Ends a command with everything that it started in its group."""
    for ending in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, ending)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
            if ending is signal.SIGTERM:
                time.sleep(0.5)


@functools.cache
def environment() -> dict[str, str]:
    """The environment of every suite: no colours, and where the browser is."""
    variables = {key: value for key, value in os.environ.items() if key != "FORCE_COLOR"}
    variables |= {"NO_COLOR": "1", "CARGO_TERM_COLOR": "never", "PYTHONUNBUFFERED": "1"}
    found = subprocess.run(
        [str(ROOT / "scripts" / "find-browser")], capture_output=True, text=True, check=False
    )
    if found.returncode == 0:
        variables["CHROME_PATH"] = found.stdout.strip()
    return variables


class Preparation:
    """Builds what suites need, each thing once."""

    def __init__(self) -> None:
        self._faults: dict[str, str] = {}

    def of(self, suite: Suite) -> str:
        """Prepares a suite; answers what went wrong, or an empty text."""
        for need in suite.needs:
            if need not in self._faults:
                self._faults[need] = self._prepare(need)
            if self._faults[need]:
                return self._faults[need]
        return ""

    @staticmethod
    def _prepare(need: str) -> str:
        ended = stream(NEEDS[need].split(), OUTPUT / f"prepare-{need}.log", 45 * 60)
        if ended.exit_code == 0 and not ended.fault:
            return ""
        return f"{NEEDS[need]}: {ended.fault or describe_exit(ended.exit_code)}"


def run(suite: Suite, preparation: Preparation) -> Row:
    """Prepares and runs one suite."""
    started = time.monotonic()
    print(f"\n=== {suite.name}", flush=True)
    fault = preparation.of(suite)
    if fault:
        row = Row(suite.name, failed=[f"could not be prepared: {fault}"])
    else:
        row = run_prepared(suite)
    row.seconds = time.monotonic() - started
    return row


def run_prepared(suite: Suite) -> Row:
    """Runs one suite whose needs are there."""
    log = OUTPUT / f"{suite.name}.log"
    report = OUTPUT / f"{suite.name}.report"
    report.unlink(missing_ok=True)
    stands_for = {"{report}": str(report), "{python}": sys.executable}
    command = [substitute(word, stands_for) for word in suite.command.split()]
    ended = stream(command, log, suite.minutes_max * 60)
    try:
        if suite.read is None:
            counts = Counts(passed=int(ended.exit_code == 0))
        else:
            counts = suite.read(report if "{report}" in suite.command else log)
    except (UnreadableReportError, KeyError, TypeError) as error:
        how = ended.fault or describe_exit(ended.exit_code)
        return Row(suite.name, failed=[f"no readable report ({error!r}); the command: {how}"])
    row = judge(suite.name, counts, ended.exit_code, REVIEWED_SKIPS)
    if ended.fault:
        row.failed.append(ended.fault)
    return row


def substitute(word: str, stands_for: dict[str, str]) -> str:
    """Fills in a command's word after the command was split, so that a path may hold spaces."""
    for name, value in stands_for.items():
        word = word.replace(name, value)
    return word


def closing(rows: list[Row]) -> str:
    """The table, what failed, what was skipped, and the last line."""
    form = "{:<12} {:>7} {:>7} {:>8} {:>8}"
    lines = [form.format("suite", "passed", "failed", "skipped", "seconds")]
    for row in rows:
        figures = (row.passed, len(row.failed), len(row.skipped), round(row.seconds, 1))
        lines.append(form.format(row.name, *figures))
    skipped = [f"{row.name}: {test}" for row in rows for test in row.skipped]
    if skipped:
        lines += ["", "skipped:"]
        lines += [f"  {test} ({REVIEWED_SKIPS.get(test, 'not reviewed')})" for test in skipped]
    failed = [f"{row.name}: {test}" for row in rows for test in row.failed]
    if failed:
        lines += ["", f"failed (output in {OUTPUT.relative_to(ROOT)}/):"]
        lines += [f"  {test}" for test in failed]
    passed = sum(row.passed for row in rows)
    return "\n".join([*lines, "", f"{passed} passed, {len(failed)} failed"])


def main(arguments: list[str]) -> int:
    """Runs the chosen suites, or all."""
    by_name = {suite.name: suite for suite in SUITES}
    parser = argparse.ArgumentParser(description="Runs the test suites.")
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=", ".join(by_name))
    parser.add_argument("--list", action="store_true", help="print the suites' names")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.suites if name not in by_name]
    if unknown:
        parser.error(f"unknown suite {unknown[0]!r}; there are: {', '.join(by_name)}")
    if options.list:
        print("\n".join(by_name))
        return 0

    OUTPUT.mkdir(parents=True, exist_ok=True)
    SUMMARY.unlink(missing_ok=True)
    preparation = Preparation()
    chosen = [by_name[name] for name in options.suites] or list(SUITES)
    rows = [run(suite, preparation) for suite in chosen]
    text = closing(rows)
    print(f"\n{text}", flush=True)
    SUMMARY.write_text(text.splitlines()[-1] + "\n", encoding="utf-8")
    return 1 if any(row.failed for row in rows) else 0


if __name__ == "__main__":
    # A closed terminal or a stopped job ends the suite that runs, too, not only this process.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _frame: sys.exit(128 + received))
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
