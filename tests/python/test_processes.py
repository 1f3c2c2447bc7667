"""Forks, exits and signals: what a client does with the process around it."""

import os
import signal
import subprocess
import sys
import threading
import time

import outlast
import pytest
from conftest import free_port, is_connected, run_script, timed, wait_until

FORK = """
import os, sys
import outlast

url, share = sys.argv[1], int(sys.argv[2])
client = outlast.from_url(url, profile="production")
client.set("before", "fork")
asked, told = os.pipe(), os.pipe()

def work(name):
    for _ in range(share):
        client.incr("shared")
        client.incr(name)
        client.set(name + ":echo", name)
        assert client.get(name + ":echo") == name.encode()

child = os.fork()
if child == 0:
    assert client.get("before") == b"fork"
    assert client.get_status()["dials"] == 1
    work("child")
    os.write(told[1], b"!")
    os.read(asked[0], 1)
    os._exit(0)
work("parent")
os.close(told[1])
assert os.read(told[0], 1)
print("ready", flush=True)
sys.stdin.readline()
os.write(asked[1], b"!")
assert os.waitpid(child, 0)[1] == 0
client.close()
"""

# Children are forked while threads of the parent use the client, so some inherit locked locks.
FORKS_UNDER_LOAD = """
import gc, os, sys, threading
import outlast

client = outlast.from_url(sys.argv[1], profile="production", command_timeout_ms=5_000)
unused = outlast.from_url(sys.argv[1], profile="production")
over = False

def work():
    while not over:
        client.incr("n")

threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
for number in range(20):
    child = os.fork()
    if child == 0:
        over = True
        if number % 2:
            client.set(f"child:{number}", "was here")
            assert client.mode == "connected"
        del unused
        gc.collect()
        sys.exit()
    assert os.waitpid(child, 0)[1] == 0, number
over = True
for thread in threads:
    thread.join()
print(client.mode)
"""

FORK_IN_AN_OUTAGE = """
import logging, os, sys, time
import outlast

class Print(logging.Handler):
    def emit(self, record):
        os.write(1, f"{os.getpid() == parent} {record.outlast_code}\\n".encode())

parent = os.getpid()
logging.getLogger("outlast").addHandler(Print())
client = outlast.from_url(sys.argv[1], profile="production", startup="optional")
client.set("k", "v")
child = os.fork()
if child == 0:
    # It knows nothing of what the parent has yet to write back.
    assert client.get("k") is None
    assert client.set("k", "child's")
    sys.exit()
assert os.waitpid(child, 0)[1] == 0
assert client.get("k") == b"v"
"""


def test_parent_and_child_of_a_fork_use_connections_of_their_own(server):
    share = 500
    command = [sys.executable, "-c", FORK, server.url, str(share)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            with server.peer() as peer:
                counts = peer.mget("shared", "parent", "child")
                assert counts == [str(2 * share), str(share), str(share)]
                mine = peer.client_id()
                others = [client for client in peer.client_list() if int(client["id"]) != mine]
                assert len(others) == 2
            process.communicate("go on\n", timeout=10)
        finally:
            process.kill()
    assert process.returncode == 0


def test_children_forked_under_load_neither_hang_nor_fail(server):
    assert run_script(FORKS_UNDER_LOAD, server.url) == "connected\n"
    with server.peer() as peer:
        assert len(peer.keys("child:*")) == 10


def test_a_child_logs_by_itself_and_leaves_the_parents_writes_alone():
    printed = run_script(FORK_IN_AN_OUTAGE, f"redis://127.0.0.1:{free_port()}").splitlines()
    for who in ("True", "False"):
        assert printed.count(f"{who} redis_unavailable") == 1
        assert printed.count(f"{who} journal_discarded") == 1


def test_a_closed_client_stays_closed_in_the_child(server):
    client = outlast.from_url(server.url)
    client.close()
    child = os.fork()
    if child == 0:
        try:
            client.get("k")
        except outlast.ClosedError:
            os._exit(0)
        os._exit(1)
    assert os.waitpid(child, 0)[1] == 0


EXIT = """
import logging, sys, threading
import outlast

logging.getLogger("outlast").addHandler(logging.NullHandler())
url, how = sys.argv[1:]
client = outlast.from_url(url, profile="production", startup="optional", server_delay_ms=1)
client.set("k", "v")

def work():
    try:
        while True:
            client.incr("n")
            client.get("k")
    except outlast.ClosedError:
        pass

if how == "threads":
    for _ in range(4):
        threading.Thread(target=work, daemon=True).start()
if how == "open":
    sys.modules["kept"] = client
"""


@pytest.mark.parametrize("how", ["dropped", "open", "threads"])
@pytest.mark.parametrize("state", ["connected", "degraded"])
def test_the_interpreter_ends_silently(server, state, how):
    if state == "degraded":
        server.kill()
    for _ in range(20):
        assert run_script(EXIT, server.url, how) == ""


def test_what_is_left_is_logged_at_exit():
    script = """
import logging, sys
import outlast

logging.basicConfig(stream=sys.stdout, format="%(levelname)s %(name)s %(message)s")
client = outlast.from_url(sys.argv[1], profile="development")
client.set("k", "v")
"""
    port = free_port()
    printed = run_script(script, f"redis://127.0.0.1:{port}").splitlines()
    assert len(printed) == 2
    assert printed[0].startswith("WARNING outlast Redis unavailable: connection refused")
    assert printed[1] == (
        "ERROR outlast Closed before 1 key written in the outage reached Redis "
        f"(redis://127.0.0.1:{port}): they are lost."
    )


def test_importing_starts_and_dials_nothing(server):
    script = """
import os, sys, threading

os.environ["REDIS_URL"] = sys.argv[1]
import outlast
import outlast.redis_client_production
from outlast.redis_client_production import production_redis_client

client = outlast.from_url(sys.argv[1], profile="development")
assert threading.active_count() == 1
assert len(os.listdir("/proc/self/task")) == 1
print(client.get_status()["dials"])
"""
    assert run_script(script, server.url) == "0\n"


class RangError(Exception):
    """What a signal handler of an application might raise."""


@pytest.fixture
def interrupt():
    """Sends a signal to this process a moment after the call."""

    def ring(*_):
        raise RangError("the real one")

    # A shell that starts the tests in the background has them ignore SIGINT.
    handlers = {signal.SIGUSR1: ring, signal.SIGINT: signal.default_int_handler}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    timers = []

    def interrupt(number):
        timers.append(threading.Timer(0.1, os.kill, (os.getpid(), number)))
        timers[-1].start()

    yield interrupt
    for timer in timers:
        timer.cancel()
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGUSR1])
def test_a_signal_ends_a_call_that_waits_for_its_reply(server, make, interrupt, number):
    client = make(server.url, command_timeout_ms=10_000)
    client.set("k", "v")
    server.freeze()
    interrupt(number)
    began = time.monotonic()
    raised = KeyboardInterrupt if number == signal.SIGINT else RangError
    with pytest.raises(raised):
        client.get("k")
    assert time.monotonic() - began < 1
    server.thaw()
    # The reply to the call that was given up reaches nobody.
    client.set("other", "w")
    assert [client.get("other"), client.get("k")] == [b"w", b"v"]


@pytest.mark.parametrize("profile", ["production", "development"])
def test_a_signal_ends_the_wait_for_the_first_dials(server, interrupt, profile):
    server.freeze()
    options = {"connect_timeout_ms": 20_000, "command_timeout_ms": 20_000}
    interrupt(signal.SIGINT)
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        outlast.from_url(server.url, profile=profile, **options).get("k")
    assert time.monotonic() - began < 1


def test_a_handler_that_does_not_raise_ends_nothing(server, make):
    client = make(server.url, command_timeout_ms=5_000)
    rung = []
    before = signal.signal(signal.SIGUSR1, lambda *_: (rung.append(1), server.thaw()))
    try:
        server.freeze()
        timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1))
        timer.start()
        assert client.set("k", "v") is True
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert rung == [1]
    assert server.read("k") == "v"
    assert client.get_status()["failure_count"] == 0


def test_the_gil_is_free_while_a_call_waits(server, make):
    client = make(server.url, command_timeout_ms=5_000)
    client.ping()
    server.freeze()
    waiting = threading.Thread(target=client.get, args=("k",))
    waiting.start()
    _, took = timed(lambda: sum(range(1_000_000)))
    assert waiting.is_alive()
    assert took < 2
    server.thaw()
    waiting.join()
    wait_until(lambda: is_connected(client))
