"""The journal: on disk, shared by nobody, and what Redis refuses to take back."""

import os
import re
import select
import signal
import subprocess
import sys
import time

import outlast
import pytest
from conftest import is_connected, run_script, wait_until

WRITER = """
import sys
import outlast

url, path = sys.argv[1:]
client = outlast.from_url(
    url, profile="production", startup="optional", startup_attempts_max=1, journal_path=path
)
for number in range(1_000_000):
    client.incr("n")
    client.set("last", number)
    print(number, flush=True)
"""

FORK = """
import logging, os, sys
import outlast

logging.disable()
client = outlast.from_url(sys.argv[1], profile="development", journal_path=sys.argv[2])
client.set("mine", "1")
if os.fork() == 0:
    try:
        client.set("theirs", "1")
    except outlast.InvalidOption as error:
        print(error, flush=True)
    os._exit(0)
os.wait()
client.set("mine", "2")
print(client.get("mine"), client.get("theirs"))
"""

# The parent ends at once; the child lives until its input ends.
ORPHAN = """
import logging, os, sys
import outlast

logging.disable()
client = outlast.from_url(
    sys.argv[1], profile="production", startup="optional", startup_attempts_max=1,
    journal_path=sys.argv[2],
)
client.set("k", "v")
if os.fork() == 0:
    print("child", flush=True)
    sys.stdin.read()
os._exit(0)
"""

OFFLINE = {"profile": "production", "startup": "optional", "startup_attempts_max": 1}


def test_what_was_acknowledged_survives_a_killed_process(server, make, tmp_path):
    server.kill()
    path = tmp_path / "journal"
    command = [sys.executable, "-c", WRITER, server.url, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        told = [int(writer.stdout.readline()) for _ in range(20)]
        writer.send_signal(signal.SIGKILL)
        told += [int(line) for line in writer.stdout]
    last = told[-1]
    server.start()
    client = make(server.url, journal_path=path)
    wait_until(lambda: is_connected(client) and client.get_status()["journal_keys"] == 0)
    assert client.get_status()["journal_file"] == "open"
    # The write after the last one that was told may have been acknowledged, too.
    assert int(client.get("n")) in (last + 1, last + 2)
    assert int(client.get("last")) in (last, last + 1)


def test_a_journal_belongs_to_one_client(tmp_path):
    path = tmp_path / "journal"
    allowed = (
        f'invalid journal_path "{path}": allowed is a file that no other process or client uses'
    )
    url = "redis://127.0.0.1:1"
    with outlast.from_url(url, journal_path=path, **OFFLINE) as client:
        with pytest.raises(outlast.InvalidOption, match=re.escape(allowed)):
            outlast.from_url(url, journal_path=path, **OFFLINE)
        client.set("k", "v")
    with outlast.from_url(url, journal_path=path, **OFFLINE) as client:
        assert client.get("k") == b"v"


def test_the_child_of_a_fork_is_told_and_the_parent_goes_on(tmp_path):
    path = tmp_path / "journal"
    told = run_script(FORK, "redis://127.0.0.1:1", path).splitlines()
    assert told[0].startswith(f'invalid journal_path "{path}": allowed is a file that no other')
    assert told[1:] == ["b'2' None"]


def test_a_child_that_outlives_its_parent_does_not_keep_the_file(tmp_path):
    path = tmp_path / "journal"
    url = "redis://127.0.0.1:1"
    command = [sys.executable, "-c", ORPHAN, url, str(path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as parent:
        assert parent.stdout.readline() == "child\n"
        parent.wait(timeout=10)
        with outlast.from_url(url, journal_path=path, **OFFLINE) as client:
            assert client.get("k") == b"v"
        # The child has neither ended nor said more.
        assert select.select([parent.stdout], [], [], 0)[0] == []
        parent.stdin.close()
        assert parent.stdout.read() == ""


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    path = tmp_path / "no" / "folder"
    with pytest.raises(outlast.InvalidOption, match=f'journal_path "{path}": allowed is a file to'):
        outlast.from_url("redis://127.0.0.1:1", journal_path=path, **OFFLINE)


def test_a_damaged_file_is_told(tmp_path, caplog):
    path = tmp_path / "journal"
    path.write_bytes(os.urandom(10_000))
    with outlast.from_url("redis://127.0.0.1:1", journal_path=path, **OFFLINE) as client:
        assert client.get_status()["journal_file"] == "set_aside"
        wait_until(lambda: any("is damaged" in record.message for record in caplog.records))
    (aside,) = tmp_path.glob("journal.corrupt-*")
    assert aside.stat().st_size == 10_000


@pytest.mark.parametrize("decode_responses", [False, True])
def test_what_redis_refuses_for_good_is_told(start_server, make, decode_responses):
    server = start_server("--appendonly", "yes", "--appendfsync", "always")
    client = make(server.url, decode_responses=decode_responses)
    assert client.dead_letters() == []
    client.ping()
    redis_says(server, "SET", "text", "x")
    server.kill()
    client.execute_command("LPUSH", "text", "a")
    client.execute_command("LPUSH", "text", b"\xf0\x9f\x90\x8d")
    server.start()
    wait_until(lambda: is_connected(client))
    (letter,) = client.dead_letters()
    key, commands = b"text", [[b"LPUSH", b"text", b"a", b"\xf0\x9f\x90\x8d"]]
    if decode_responses:
        key, commands = "text", [["LPUSH", "text", "a", "\N{SNAKE}"]]
    assert letter["key"] == key
    assert letter["commands"] == commands
    assert letter["error"].startswith("WRONGTYPE")
    assert abs(letter["at"] - time.time()) < 60
    assert client.get_status()["replay_refused"] == 1


def redis_says(server, *args):
    subprocess.run(["redis-cli", "-p", str(server.port), *args], check=True, capture_output=True)
