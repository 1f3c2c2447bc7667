"""The demo as its users run it: with redis-server, without, interrupted."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import outlast
import pytest

DEMO = Path(__file__).resolve().parents[2] / "examples" / "demo.py"
SHORT = ["--before", "2", "--outage", "4", "--after", "2"]
OUTLAST = ("outlast, Python", "outlast, Node")
PLAIN = ("redis-py", "ioredis")


def start(folder, arguments, **variables):
    """Starts the demo; its temporary files, and its processes' environment, name `folder`."""
    environment = {**os.environ, "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1", **variables}
    return subprocess.Popen(
        [sys.executable, str(DEMO), *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # As from a terminal: what starts the tests may have them ignore SIGINT.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )


def run(folder, arguments, **variables):
    process = start(folder, arguments, **variables)
    output, errors = process.communicate()
    assert errors == "", output
    assert nothing_is_left(folder)
    return process.returncode, output


def nothing_is_left(folder):
    """No file, and where the system tells of it no process."""
    running = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            variables = (process / "environ").read_bytes()
        except OSError:
            continue
        if f"TMPDIR={folder}".encode() in variables.split(b"\0"):
            running.append((process / "cmdline").read_bytes())
    return not running and not list(folder.iterdir())


def closing_rows(output):
    """The closing table: a service's title and its figures."""
    table = output.split("-- In the end", 1)[1].split("\n\n", 1)[0]
    rows = re.findall(
        r"^(\S.*?) {2,}(\d+) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+) {2}(.*)$", table, re.MULTILINE
    )
    names = ("answered", "failed", "slowest_ms", "p99_ms", "log_lines", "dials")
    return {
        row[0]: {**dict(zip(names, map(int, row[1:7]), strict=True)), "last": row[7]}
        for row in rows
    }


@pytest.mark.timeout(90)
def test_an_outage_is_ridden_out(tmp_path):
    code, output = run(tmp_path, SHORT)
    assert code == 0, output
    assert "FAULT" not in output
    assert max(map(len, output.splitlines())) <= 100
    rows = closing_rows(output)
    assert set(rows) == {*OUTLAST, *PLAIN}
    for title in OUTLAST:
        assert rows[title]["failed"] == 0
        assert rows[title]["answered"] >= 20 * 6
        assert 2 <= rows[title]["log_lines"] <= 5
        assert re.fullmatch(r"\d+\.\d s", rows[title]["last"])
        assert f"{title} is degraded (was connected)" in output
    entry = re.search(r"^## \[.*?^✅ Resolved$\n", output, re.DOTALL | re.MULTILINE)[0]
    checked = outlast.check_log(entry)
    assert checked["faults"] == []
    assert checked["statistics"]["kinds"][0]["kind"] == "connection_refused"
    assert "0 commands refused." in entry
    for title in PLAIN:
        # They prove that Redis was away.
        assert rows[title]["failed"] > 0
        assert rows[title]["dials"] > 1


@pytest.mark.timeout(60)
def test_without_redis_server_it_runs_on_memory_and_says_so(tmp_path):
    path = tmp_path / "bin"
    path.mkdir()
    (path / "node").symlink_to(shutil.which("node"))
    folder = tmp_path / "temporary"
    folder.mkdir()
    code, output = run(folder, ["--outage", "3"], PATH=str(path))
    assert code == 0, output
    assert "There is no redis-server on this machine" in output
    assert "-- In the end" in output
    rows = closing_rows(output)
    assert set(rows) == set(OUTLAST)
    assert all(row["failed"] == 0 and row["last"] == "degraded" for row in rows.values())
    assert "\n🔴 Open\n" in output


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_interrupted_it_leaves_nothing_behind(tmp_path, number, code):
    process = start(tmp_path, ["--outage", "60"])
    for line in process.stdout:
        if line.startswith("  7|"):
            break
    process.send_signal(number)
    output, errors = process.communicate()
    assert process.returncode == code, output + errors
    assert "Traceback" not in errors
    assert nothing_is_left(tmp_path)


@pytest.mark.parametrize("arguments", [["--outage", "0"], ["--outage", "soon"], ["--fast"]])
def test_a_bad_argument_is_named(tmp_path, arguments):
    process = start(tmp_path, arguments)
    _, errors = process.communicate()
    assert process.returncode == 2
    assert arguments[0] in errors
    assert nothing_is_left(tmp_path)
