"""Tests of tests/run.py: what counts as passed, and that everything else counts as failed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import run

CARGO = """
     Running unittests src/lib.rs (target/debug/deps/outlast_core-0)

running 4 tests
test backoff::tests::doubles ... ok
test backoff::tests::is_slow ... ignored, needs an hour
test throttle::tests::counts - should panic ... ok
test engine::tests::dials ... FAILED

failures:

---- engine::tests::dials stdout ----
test result: a line that a test printed

test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s

   Doc-tests outlast_core

running 2 tests
test core/src/lib.rs - (line 5) ... ok
test core/src/lib.rs - add (line 9) ... ignored

test result: ok. 1 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.20s
"""

JUNIT = """<?xml version="1.0" encoding="utf-8"?>
<testsuites><testsuite name="pytest" errors="1" failures="1" skipped="2" tests="5">
<testcase classname="tests.test_a" name="test_good"/>
<testcase classname="tests.test_a" name="test_bad"><failure message="no">text</failure></testcase>
<testcase classname="tests.test_a" name="test_torn"><error message="no">text</error></testcase>
<testcase classname="tests.test_a" name="test_skip"><skipped type="pytest.skip"/></testcase>
<testcase classname="tests.test_a" name="test_x"><skipped type="pytest.xfail"/></testcase>
</testsuite></testsuites>
"""


def vitest(*files: dict[str, object]) -> str:
    return json.dumps({"success": False, "testResults": list(files)})


def vitest_file(name: str, status: str, **tests: str) -> dict[str, object]:
    return {
        "name": str(run.ROOT / name),
        "status": status,
        "assertionResults": [
            {"fullName": title, "status": outcome} for title, outcome in tests.items()
        ],
    }


@pytest.fixture
def report(tmp_path: Path) -> Path:
    return tmp_path / "report"


def test_cargo_counts_tests_and_doctests(report: Path) -> None:
    report.write_text(CARGO)
    counts = run.read_cargo(report)
    assert counts.passed == 3
    assert counts.failed == ("engine::tests::dials",)
    assert counts.skipped == (
        "backoff::tests::is_slow",
        "core/src/lib.rs - add (line 9)",
    )


def test_cargo_that_does_not_compile_has_no_test(report: Path) -> None:
    report.write_text("error[E0425]: cannot find value `x` in this scope\n")
    assert run.read_cargo(report) == run.Counts()


def test_cargo_failures_without_a_name_are_still_failures(report: Path) -> None:
    report.write_text(
        "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out\n"
    )
    assert len(run.read_cargo(report).failed) == 2


def test_junit_counts_errors_as_failures_and_xfail_as_skipped(report: Path) -> None:
    report.write_text(JUNIT)
    counts = run.read_junit(report)
    assert counts.passed == 1
    assert counts.failed == ("tests.test_a::test_bad", "tests.test_a::test_torn")
    assert counts.skipped == ("tests.test_a::test_skip", "tests.test_a::test_x")


@pytest.mark.parametrize("text", ["", "<testsuites>", "plain"])
def test_junit_that_was_cut_is_unreadable(report: Path, text: str) -> None:
    report.write_text(text)
    with pytest.raises(run.UnreadableReportError):
        run.read_junit(report)


def test_vitest_counts_every_status(report: Path) -> None:
    report.write_text(
        vitest(vitest_file("a.test.ts", "failed", a="passed", b="failed", c="pending", d="todo"))
    )
    counts = run.read_vitest(report)
    assert counts.passed == 1
    assert counts.failed == ("a.test.ts: b",)
    assert counts.skipped == ("a.test.ts: c", "a.test.ts: d")


def test_vitest_counts_two_tests_of_one_name_twice(report: Path) -> None:
    file = vitest_file("a.test.ts", "failed", a="failed")
    file["assertionResults"] = [
        {"fullName": "a", "status": "failed"},
        {"fullName": "a", "status": "passed"},
    ]
    report.write_text(vitest(file))
    assert run.read_vitest(report) == run.Counts(1, ("a.test.ts: a",))


def test_vitest_file_that_cannot_be_imported_is_a_failure(report: Path) -> None:
    files = [vitest_file("a.test.ts", "failed"), vitest_file("b", "failed", a="passed")]
    report.write_text(vitest(*files))
    counts = run.read_vitest(report)
    assert counts.passed == 1
    assert counts.failed == ("a.test.ts: the file itself", "b: the file itself")


def test_own_form(report: Path) -> None:
    report.write_text('{"passed": ["a", "b"], "failed": ["c"], "skipped": []}')
    assert run.read_counts(report) == run.Counts(2, ("c",))


@pytest.mark.parametrize("read", [run.read_vitest, run.read_counts, run.read_junit])
def test_missing_report_is_unreadable(report: Path, read: object) -> None:
    assert callable(read)
    with pytest.raises(run.UnreadableReportError):
        read(report)


def test_all_passed() -> None:
    row = run.judge("s", run.Counts(3), 0, {})
    assert (row.passed, row.failed) == (3, [])


def test_crash_after_passed_tests_fails() -> None:
    row = run.judge("s", run.Counts(3), -11, {})
    assert (row.passed, row.failed) == (3, ["the command ended with signal SIGSEGV"])


def test_no_test_fails() -> None:
    assert run.judge("s", run.Counts(), 0, {}).failed == ["no test ran"]


def test_failures_are_not_counted_again_for_the_exit_code() -> None:
    assert run.judge("s", run.Counts(3, ("a",)), 1, {}).failed == ["a"]


def test_skipped_fails_unless_reviewed() -> None:
    counts = run.Counts(1, (), ("a", "b"))
    row = run.judge("s", counts, 0, {"s: a": "needs another kernel"})
    assert row.failed == ["skipped without a reviewed reason: b"]
    assert row.skipped == ["a", "b"]


def python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def test_stream_keeps_output_and_exit_code(tmp_path: Path) -> None:
    log = tmp_path / "log"
    ended = run.stream(
        python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"), log, 20
    )
    assert (ended.exit_code, ended.fault) == (3, "")
    assert sorted(log.read_text().split()) == ["err", "out"]


def test_stream_gives_no_input(tmp_path: Path) -> None:
    ended = run.stream(python("import sys; sys.exit(len(sys.stdin.read()))"), tmp_path / "log", 20)
    assert ended.exit_code == 0


def test_stream_ends_what_overruns(tmp_path: Path) -> None:
    ended = run.stream(python("import time; time.sleep(60)"), tmp_path / "log", 0.3)
    assert ended.exit_code != 0
    assert ended.fault.startswith("ran longer than")


def test_stream_ends_what_was_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "LEFTOVER_SECONDS_MAX", 0.5)
    child = "import time; time.sleep(60)"
    program = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {child!r}])"
    ended = run.stream(python(program), tmp_path / "log", 20)
    assert "left a process behind" in ended.fault


def test_stream_of_a_missing_command(tmp_path: Path) -> None:
    ended = run.stream(["./no-such-command"], tmp_path / "log", 20)
    assert ended.exit_code == 127
    assert "cannot be started" in ended.fault


def test_suite_whose_preparation_fails_is_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "OUTPUT", tmp_path)
    monkeypatch.setitem(run.NEEDS, "nothing", "false")
    row = run.run(run.Suite("s", "true", None, ("nothing",)), run.Preparation())
    assert row.failed == ["could not be prepared: false: exit code 1"]


def test_suite_without_a_report_is_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "OUTPUT", tmp_path)
    row = run.run(run.Suite("s", "true {report}", run.read_junit), run.Preparation())
    assert len(row.failed) == 1
    assert row.failed[0].startswith("no readable report")


@pytest.mark.parametrize(("command", "counts"), [("true", (1, 0)), ("false", (0, 1))])
def test_suite_that_is_one_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, counts: tuple[int, int]
) -> None:
    monkeypatch.setattr(run, "OUTPUT", tmp_path)
    row = run.run(run.Suite("s", command, None), run.Preparation())
    assert (row.passed, len(row.failed)) == counts


def test_last_line() -> None:
    rows = [run.Row("a", 3), run.Row("b", 4, ["x"], ["y"])]
    assert run.closing(rows).splitlines()[-1] == "7 passed, 1 failed"


def test_every_need_is_known_and_names_are_unique() -> None:
    assert {need for suite in run.SUITES for need in suite.needs} <= set(run.NEEDS)
    assert len({suite.name for suite in run.SUITES}) == len(run.SUITES)
