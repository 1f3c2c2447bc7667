"""Forked workers of one host in an outage: with `outage_path` one of them dials, and not all."""

import contextlib
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import time

import outlast
import pytest
from conftest import is_connected, wait_until

WORKERS = 64
# As two masters would do, that know nothing of each other.
MASTERS = 2

# Forks so many workers. Each tells when it is connected, and works until stdin is closed.
MASTER = """
import os, sys, time
import outlast

url, workers, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
children = []
for _ in range(workers):
    child = os.fork()
    if child:
        children.append(child)
        continue
    pid = os.getpid()
    client = outlast.from_url(
        url,
        profile="development",
        outage_path=path,
        client_name=f"w{pid}",
        # The name stands in the first bytes of a connection.
        protocol=2,
        connect_timeout_ms=1_000,
    )
    connected = None
    while os.getppid() != 1:
        client.incr("n")
        if connected != (client.mode == "connected"):
            connected = client.mode == "connected"
            status = client.get_status()
            told = f"{pid} {int(connected)} {status['dials']} {status['last_failure_type']}"
            os.write(1, (told + chr(10)).encode())
        time.sleep(0.05)
    os._exit(0)
os.write(1, b"forked" + chr(10).encode())
sys.stdin.read()
os._exit(0)
"""


class Gateway:
    """In front of a server: passes connections on, and notes when each came."""

    def __init__(self, server):
        self.server = server
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}"
        self.holds = False
        self.dials = []
        self.held = []
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                self.dials.append(time.monotonic())
                threading.Thread(target=self.pass_on, args=[client], daemon=True).start()

    def pass_on(self, client):
        if self.holds:
            begun = time.monotonic()
            worker = re.search(rb"\r\nw(\d+)\r\n", client.recv(4_096))
            self.held.append((begun, int(worker[1]), client))
            return
        address = ("127.0.0.1", self.server.port)
        with contextlib.suppress(OSError), client, socket.create_connection(address) as server:
            back = threading.Thread(target=copy, args=[server, client], daemon=True)
            back.start()
            copy(client, server)
            back.join()

    def close(self):
        for _, _, client in self.held:
            client.close()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def copy(source, target):
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


class Host:
    """The workers, and what each told last."""

    def __init__(self, url, path):
        self.told = {}
        self.changes = []
        self.forked = 0
        arguments = [url, str(WORKERS // MASTERS), str(path)]
        self.masters = [
            subprocess.Popen(
                [sys.executable, "-c", MASTER, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            for _ in range(MASTERS)
        ]
        self.readers = [
            threading.Thread(target=self.read, args=[master]) for master in self.masters
        ]
        for reader in self.readers:
            reader.start()

    def read(self, master):
        for line in master.stdout:
            if line == "forked\n":
                self.forked += 1
                continue
            pid, connected, dials, failure = line.split()
            self.told[int(pid)] = (connected == "1", int(dials), failure)
            self.changes.append(time.monotonic())

    def connected(self):
        return sum(connected for connected, _, _ in self.told.values())

    def until(self, count, seconds=30):
        wait_until(lambda: self.connected() == count, seconds, f"{count} workers connected")

    def end(self):
        # The workers notice that their master is gone.
        for master in self.masters:
            master.stdin.close()
        for master in self.masters:
            master.wait()
        for reader in self.readers:
            reader.join()
        for master in self.masters:
            master.stdout.close()


@pytest.fixture
def gateway(server):
    gateway = Gateway(server)
    yield gateway
    gateway.close()


@pytest.fixture
def start_host(gateway):
    with contextlib.ExitStack() as stack:

        def start(path):
            host = Host(gateway.url, path)
            stack.callback(host.end)
            host.until(WORKERS)
            return host

        yield start


def most_dials(seconds):
    """Dials that one client of this profile makes at most: every delay a fifth shorter."""
    delay, passed, dials = 0.25, 0.0, 0
    while passed < seconds:
        passed += delay * 0.8
        delay = min(delay * 1.5, 2.0)
        dials += 1
    return dials


def outage(server, gateway, seconds):
    """Dials while the server is away, in seconds from when it was killed."""
    server.kill()
    killed = time.monotonic()
    wait_until(lambda: time.monotonic() > killed + seconds, seconds + 1)
    return [at - killed for at in list(gateway.dials) if at > killed]


def test_one_worker_dials_and_all_are_back_at_once(server, gateway, start_host, tmp_path):
    path = tmp_path / "outage"
    host = start_host(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    dials = outage(server, gateway, 8)
    print(f"{len(dials)} dials of {WORKERS} workers in 8 s: {[f'{at:.2f}' for at in dials]}")
    assert 3 <= len(dials) <= most_dials(8)
    assert min(later - at for at, later in zip(dials, dials[1:])) > 0.1
    assert host.connected() == 0
    server.start()
    started = time.monotonic()
    # The longest delay, a look, the spread; and what 64 processes on a small machine need for it.
    host.until(WORKERS, 2.0 + 0.02 + 0.25 + 0.25 + 2.0)
    took = max(host.changes) - started
    back = [at for at in list(gateway.dials) if at > started]
    first = back[0]
    spread = back[-1] - first
    print(f"all back {took:.2f} s after the start; {len(back)} dials within {spread * 1e3:.0f} ms")
    assert len(back) >= WORKERS
    crowd = max(sum(0 <= other - at < 0.01 for other in back) for at in back)
    assert crowd < WORKERS // 2, f"{crowd} dials within 10 ms"
    # All that was counted meanwhile is there.
    assert host.connected() == WORKERS


def test_without_a_file_every_worker_dials(server, gateway, start_host):
    host = start_host("")
    dials = outage(server, gateway, 4)
    print(f"{len(dials)} dials of {WORKERS} workers in 4 s")
    assert len(dials) > WORKERS * 3
    assert host.connected() == 0


def test_another_takes_over_from_a_worker_that_is_killed_in_mid_dial(
    server, gateway, start_host, tmp_path
):
    host = start_host(tmp_path / "outage")
    gateway.holds = True
    server.kill()
    wait_until(lambda: gateway.held, what="a dial")
    _, killed, _ = gateway.held[0]
    os.kill(killed, signal.SIGKILL)
    at_killed = time.monotonic()
    wait_until(lambda: len(gateway.held) > 1, what="another dial")
    at, other, _ = gateway.held[1]
    took = at - at_killed
    print(f"another dialled {took:.2f} s after the first was killed")
    assert other != killed
    # The second that a dial may take, and one more; then a look.
    assert 1.8 < took < 2.0 + 0.25 + 1.0
    gateway.holds = False
    server.start()
    host.told.pop(killed)
    host.until(WORKERS - 1)


def test_a_connection_that_works_is_not_given_up_on_what_others_say(
    server, gateway, make, tmp_path
):
    path = str(tmp_path / "outage")
    options = {"outage_path": path, "protocol": 2}
    well = make(gateway.url, client_name="w1", **options)
    well.set("k", "v")
    other = make(gateway.url, client_name="w2", **options)
    other.set("k", "v")
    # Nobody reaches the server anew.
    gateway.holds = True
    with server.peer() as peer:
        lost = next(known["id"] for known in peer.client_list() if known["name"] == "w2")
        peer.client_kill_filter(_id=lost)
    wait_until(lambda: other.get("k") and gateway.held, what="a dial")
    for _ in range(200):
        assert well.get("k") == b"v"
        assert is_connected(well)
        assert not is_connected(other)
    gateway.holds = False
    for _, _, client in gateway.held:
        client.close()
    wait_until(lambda: is_connected(well) and is_connected(other), what="both connected")


@pytest.mark.parametrize("content", [b"", b"not ours", bytes(4_096)])
def test_what_is_no_such_file_is_told_once_and_left_alone(server, make, lines, tmp_path, content):
    path = tmp_path / "outage"
    path.write_bytes(content)
    client = make(server.url, outage_path=str(path))
    client.set("k", "v")
    for _ in range(2):
        server.kill()
        wait_until(lambda: client.set("k", "w") and not is_connected(client), what="an outage")
        server.start()
        wait_until(lambda: is_connected(client), what="the end of the outage")
    (told,) = wait_until(lambda: lines.of("sharing_failed"), what="a line")
    assert str(path) in told.getMessage()
    assert "the file holds something else" in told.getMessage()
    assert path.read_bytes() == content


def test_a_file_that_is_cut_in_an_outage_is_told_once(server, make, lines, tmp_path):
    path = tmp_path / "outage"
    client = make(server.url, outage_path=str(path))
    client.set("k", "v")
    server.kill()
    wait_until(lambda: client.set("k", "w") and not is_connected(client), what="an outage")
    path.write_bytes(b"")
    (told,) = wait_until(lambda: lines.of("sharing_failed"), what="a line")
    assert "cut short" in told.getMessage()
    server.start()
    wait_until(lambda: is_connected(client), what="the end of the outage")
    assert len(lines.of("sharing_failed")) == 1


def test_a_folder_that_is_missing_is_told_once(server, make, lines, tmp_path):
    client = make(server.url, outage_path=str(tmp_path / "missing" / "outage"))
    client.set("k", "v")
    (told,) = wait_until(lambda: lines.of("sharing_failed"), what="a line")
    assert "No such file" in told.getMessage()
    assert client.get("k") == b"v"


def test_the_path_is_an_option_like_any_other():
    with pytest.raises(outlast.InvalidOption, match="outage_path"):
        outlast.from_url("redis://localhost", outage_path="a\nb")
