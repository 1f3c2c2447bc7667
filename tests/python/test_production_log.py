"""The production log: what clients write by themselves, and `python -m outlast log`."""

import gc
import json
import logging
import subprocess
import sys
import threading

import outlast
import pytest
from conftest import is_connected, wait_until

PASSWORD = "a planted secret"


def run(*arguments, stdin=""):
    """Exit code, standard output and standard error of `python -m outlast log`."""
    ended = subprocess.run(
        [sys.executable, "-m", "outlast", "log", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    return ended.returncode, ended.stdout, ended.stderr


def outage(server, client):
    server.kill()
    client.set("k", "v")
    server.start()
    wait_until(lambda: is_connected(client), what="the way back")


@pytest.fixture
def incident():
    """The incident of an outage that went on when its client was closed."""
    return {
        "number": 4,
        "opened_at_ms": 1_700_000_000_000,
        "recovered_at_ms": None,
        "causes": [{"kind": "dns_error", "first_at_ms": 1_700_000_000_000, "count": 3}],
        "flaps": 0,
        "counts": {"dials_failed": 3, "commands_failed": 0, "served_locally": 5, "refused": 0},
        "replayed": 0,
        "conflicts": 0,
        "replay_refused": 0,
    }


def test_an_outage_is_written_and_told(start_server, make, tmp_path):
    path = tmp_path / "log.md"
    server = start_server("--requirepass", PASSWORD)
    told = []
    client = make(
        server.url.replace("//", f"//:{PASSWORD.replace(' ', '%20')}@"),
        log_path=path,
        incident_merge_ms=0,
        on_incident=lambda *heard: told.append((threading.current_thread().name, *heard)),
    )
    outage(server, client)
    wait_until(lambda: told, what="the call")
    ((thread, incident, entry),) = told
    assert thread == "outlast-log"
    wait_until(path.exists, what="the entry")
    client.close()
    assert path.read_text() == entry
    assert incident["number"] == 1
    assert incident["recovered_at_ms"] > incident["opened_at_ms"]
    assert entry == outlast.log_entry(incident, server.url)
    assert outlast.check_log(entry)["faults"] == []
    assert "planted" not in entry
    # A path with a password in it would be the user's own doing; nothing of ours adds one.
    assert "planted" not in repr(client)


def test_who_listens_hears_the_last_of_a_client_that_is_gone(server, lines):
    told = []

    def listen(incident, entry):
        told.append((incident, entry))
        raise RuntimeError("a bad listener")

    client = outlast.from_url(server.url, profile="production", on_incident=listen)
    client.set("k", 1)
    server.kill()
    client.set("k", 2)
    client.close()
    del client
    wait_until(lambda: told, what="the call")
    ((incident, entry),) = told
    assert incident["recovered_at_ms"] is None
    assert entry.endswith("🔴 Open\n")
    (record,) = wait_until(lambda: lines.of("listener_failed"))
    assert (record.levelno, record.exc_info[0]) == (logging.ERROR, RuntimeError)
    # What redis-py's class holds goes in circles.
    gc.collect()
    wait_until(lambda: not outlast._log._listeners, what="the listener's end")


def test_what_cannot_be_called_is_refused():
    with pytest.raises(outlast.InvalidArgument, match="on_incident must be callable, not str"):
        outlast.from_url("redis://localhost", on_incident="print")
    assert outlast._log._listeners == {}


def test_a_file_that_cannot_be_written_is_logged(server, make, lines, tmp_path):
    client = make(server.url, log_path=tmp_path / "no such folder" / "log.md", incident_merge_ms=0)
    outage(server, client)
    (record,) = wait_until(lambda: lines.of("log_unwritable"))
    assert record.levelno == logging.WARNING
    assert "no such folder" in record.getMessage()
    assert client.get("k") == b"v"


WORKER = """
import subprocess, sys
for _ in range(8):
    subprocess.run([sys.executable, "-m", "outlast", "log", "add", sys.argv[1], "--incident",
        sys.argv[2], "--service", sys.argv[3]], check=True, stdout=subprocess.DEVNULL)
"""


@pytest.mark.timeout(120)
def test_entries_of_many_processes_stay_whole(incident, tmp_path):
    log, given = tmp_path / "log.md", tmp_path / "incident.json"
    given.write_text(json.dumps(incident))
    workers = [
        subprocess.Popen([sys.executable, "-c", WORKER, log, given, f"worker {number}"])
        for number in range(3)
    ]
    assert [worker.wait(timeout=120) for worker in workers] == [0] * 3
    checked = outlast.check_log(log.read_text())
    assert (len(checked["entries"]), checked["faults"]) == (24, [])
    assert checked["corrected"] == log.read_text()
    for number in range(3):
        assert log.read_text().count(f"seen by worker {number},") == 8


@pytest.mark.timeout(120)
def test_check_names_the_lines(tmp_path, incident):
    log = tmp_path / "log.md"
    log.write_text(outlast.log_entry(incident, "redis://h"))
    assert run("check", log) == (0, f"{log}: 1 entry, nothing wrong\n", "")
    log.write_text(log.read_text().replace("### Symptoms", "### Symptom"))
    code, output, error = run("check", log)
    assert (code, error) == (1, "")
    assert output.splitlines() == [
        f"{log}:7: the section is headed `### Symptoms`",
        f"{log}: 1 entry, 1 fault",
    ]
    code, output, error = run("check", "--json", log)
    assert (code, error) == (1, "")
    assert json.loads(output) == outlast.check_log(log.read_text())


@pytest.mark.timeout(120)
def test_stats_sums_up(tmp_path, incident):
    log = tmp_path / "log.md"
    opened = incident["opened_at_ms"]
    for seconds in (2, 5, 70):
        cause = {"kind": "connection_refused", "first_at_ms": opened, "count": 9}
        over = {**incident, "causes": [cause], "recovered_at_ms": opened + seconds * 1_000}
        assert run("add", log, stdin=json.dumps(over))[0] == 0
    status = {"incident": incident, "endpoint": "redis://cache:6379"}
    code, output, error = run("add", log, stdin=json.dumps(status))
    assert (code, output, error) == (0, outlast.log_entry(incident, "redis://cache:6379"), "")
    code, output, error = run("stats", log)
    assert (code, error) == (0, "")
    assert output.splitlines() == [
        "4 entries: 3 resolved, 0 mitigated, 1 open",
        "time to recover: median 5.0 s, longest 1 min 10 s",
        "connection_refused: 3 entries, 0 open, median 5.0 s, longest 1 min 10 s",
        "dns_error: 1 entry, 1 open, no entry tells",
    ]
    code, output, error = run("stats", log, "--json")
    assert (code, error) == (0, "")
    assert json.loads(output) == outlast.check_log(log.read_text())["statistics"]


@pytest.mark.parametrize(
    ("arguments", "content", "stdin", "said"),
    [
        (("check",), None, "", "cannot be read: No such file"),
        (("check",), b"fine\n\xff\n", "", "cannot be read: line 2 is not UTF-8"),
        (("add",), b"", "{", "not an incident: EOF while parsing"),
        (("add",), b"", '{"incident": null}', "not an incident: the status has none"),
        (("add",), b"", '{"number": 1}', "not an incident: missing field"),
        (("mend",), b"", "", "unrecognized subcommand 'mend'"),
    ],
)
def test_a_wrong_call_is_told(tmp_path, arguments, content, stdin, said):
    log = tmp_path / "log.md"
    if content is not None:
        log.write_bytes(content)
    code, output, error = run(*arguments, log, stdin=stdin)
    assert (code, output) == (2, "")
    assert said in error
    assert content is None or log.read_bytes() == content
