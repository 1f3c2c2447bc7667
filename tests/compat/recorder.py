"""A plugin of pytest for redis-py's own tests: puts our client in place of theirs if asked, and
writes down how each test ended.

    OUTCOMES=file.json CLIENT=stock|ours pytest -p recorder tests
"""

import json
import os
from pathlib import Path

import pytest

if os.environ["CLIENT"] == "ours":
    import outlast

    outlast.install()

_outcomes = {}
_reasons = {}


@pytest.hookimpl
def pytest_runtest_logreport(report):
    """Keeps the worst of set-up, call and clean-up."""
    known = _outcomes.get(report.nodeid, "")
    if report.failed:
        _outcomes[report.nodeid] = "failed"
        _reasons.setdefault(report.nodeid, _last_line(report))
    elif known != "failed" and (report.when == "call" or report.skipped):
        _outcomes[report.nodeid] = report.outcome


@pytest.hookimpl
def pytest_collectreport(report):
    """A file that cannot be imported counts as one test."""
    if report.failed:
        _outcomes[report.nodeid] = "failed"
        _reasons[report.nodeid] = _last_line(report)


@pytest.hookimpl
def pytest_sessionfinish():
    """Writes all down."""
    written = json.dumps({"outcomes": _outcomes, "reasons": _reasons}, indent=1)
    Path(os.environ["OUTCOMES"]).write_text(written, encoding="utf-8")


def _last_line(report):
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash is not None else str(report.longrepr)
    return text.strip().splitlines()[0][:200] if text.strip() else ""
