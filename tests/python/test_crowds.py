"""Many processes, forked after the client was used: by a pre-forking server, and by hand.

Each works, none hangs, and none shares a socket with another: Redis is asked which process it has
which connection to.
"""

import json
import os
import socket
import subprocess
import sys
import urllib.request

import pytest
from conftest import free_port, wait_until

PROCESSES = 64

CROWD = """
import json, os, sys
import outlast

url, count = sys.argv[1], int(sys.argv[2])
PATIENT = "?profile=production&command_timeout_ms=20000&connect_timeout_ms=20000"
client = outlast.from_url(url + PATIENT)
client.set("before", "fork")
go, told = os.pipe(), os.pipe()
children = []
for number in range(count):
    child = os.fork()
    if child == 0:
        os.close(go[1])
        assert client.get("before") == b"fork"
        for _ in range(20):
            client.incr("shared")
        sock = client.execute_command("CLIENT", "ID")
        os.write(told[1], json.dumps([os.getpid(), sock]).encode() + b"\\n")
        # Nobody leaves before everybody was counted.
        os.read(go[0], 1)
        os._exit(0 if client.mode == "connected" else 3)
    children.append(child)
os.close(told[1])
with os.fdopen(told[0]) as lines:
    print(json.dumps([json.loads(lines.readline()) for _ in children]), flush=True)
sys.stdin.readline()
os.close(go[1])
print([os.waitpid(child, 0)[1] for child in children], flush=True)
client.incr("shared")
client.close()
"""

POOL = """
import multiprocessing, os, sys
import outlast

PATIENT = "?profile=production&command_timeout_ms=20000&connect_timeout_ms=20000"
client = outlast.from_url(sys.argv[1] + PATIENT)
client.set("before", "fork")

def work(number):
    client.incr("shared")
    return client.get("before"), client.execute_command("CLIENT", "ID"), os.getpid()

if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(16) as pool:
        answers = pool.map(work, range(800), chunksize=1)
    assert all(value == b"fork" for value, _, _ in answers)
    # One connection for each process, and one process for each connection.
    pairs = {(connection, pid) for _, connection, pid in answers}
    assert len(pairs) == len({pid for _, pid in pairs}) == len({link for link, _ in pairs})
    print(len(pairs))
"""

SERVICE = """
import os
import outlast

client = outlast.from_url(os.environ["SERVICE_REDIS"], profile="production", lazy_connect=False)
client.set("loaded by", os.getpid())

def app(environ, start_response):
    connection = client.execute_command("CLIENT", "ID")
    body = b"%d %d %d" % (os.getpid(), connection, client.incr("visits"))
    start_response("200 OK", [("Content-Type", "text/plain"), ("Connection", "close")])
    return [body]
"""


@pytest.mark.timeout(90)
def test_64_forked_processes_each_have_a_connection_of_their_own(server):
    command = [sys.executable, "-c", CROWD, server.url, str(PROCESSES)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            told = json.loads(process.stdout.readline() or process.stderr.read())
            connections = [connection for _, connection in told]
            assert len(set(connections)) == PROCESSES
            with server.peer() as peer:
                clients = {int(client["id"]): client["addr"] for client in peer.client_list()}
                assert int(peer.get("shared")) == 20 * PROCESSES
            # All at once, from addresses of their own: no socket is in two processes' hands.
            assert len({clients[connection] for connection in connections}) == PROCESSES
            ended, complaints = process.communicate("go\n", timeout=60)
            assert json.loads(ended) == [0] * PROCESSES
            assert complaints == ""
            assert process.returncode == 0
        finally:
            process.kill()
    assert server.read("shared") == str(20 * PROCESSES + 1)


@pytest.mark.timeout(60)
def test_a_pool_of_processes_counts_once_each(server):
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", POOL, server.url],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert 1 < int(ended.stdout) <= 16
    assert server.read("shared") == "800"


@pytest.mark.timeout(90)
def test_gunicorn_with_a_preloaded_application(server, tmp_path):
    (tmp_path / "service.py").write_text(SERVICE)
    port, workers = free_port(), 8
    command = [
        *(sys.executable, "-m", "gunicorn", "--preload", "--workers", str(workers)),
        *("--bind", f"127.0.0.1:{port}", "--chdir", str(tmp_path), "--log-level", "warning"),
        "service:app",
    ]
    environment = {**os.environ, "SERVICE_REDIS": server.url}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            wait_until(lambda: accepts(port), what="the start of gunicorn")
            # Until every worker has answered: the kernel chooses which one does.
            seen = {}
            visits = 0

            def all_answered():
                nonlocal visits
                visits += 1
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
                    pid, connection, visit = map(int, answer.read().split())
                assert visit == visits
                assert seen.setdefault(pid, connection) == connection
                return len(seen) == workers

            wait_until(all_answered, 60, "an answer of every worker")
            assert len(set(seen.values())) == workers
            assert int(server.read("loaded by")) not in seen
            process.terminate()
            assert process.wait(20) == 0
            assert process.stderr.read() == ""
        finally:
            process.kill()


def accepts(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
