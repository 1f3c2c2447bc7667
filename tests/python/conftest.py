"""Real redis-servers on free ports, the store behind one, and what they do to their clients."""

import asyncio
import contextlib
import logging
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time

import outlast
import outlast.asyncio
import pytest
import redis
from outlast import _log
from redis.backoff import NoBackoff
from redis.retry import Retry

# Below the ports that the kernel gives to outgoing connections, so that nothing else takes the
# port of a server that was killed before it is started again.
PORTS = range(20_000, 32_000)

# A name that no resolver knows (RFC 6761).
NO_SUCH_HOST = "no-such-host.invalid"


def free_port():
    while True:
        port = random.choice(PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def wait_until(condition, seconds=10.0, what="the condition"):
    """Asks again and again, and answers what is true at last."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"{what} was not met in {seconds} s"
        time.sleep(0.002)


class Server:
    """One redis-server that keeps its port when it is killed and started again."""

    def __init__(self, folder, *options):
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self._command = [
            *("redis-server", "--bind", "127.0.0.1", "--port", str(self.port)),
            *("--save", "", "--appendonly", "no", "--dir", str(folder), "--loglevel", "warning"),
            *options,
        ]
        self._process = None
        self.start()

    def start(self):
        assert self._process is None
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        wait_until(self._listens, what="the start of redis-server")

    def _listens(self):
        assert self._process.poll() is None, "redis-server ended by itself"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def kill(self):
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self):
        """The kernel still accepts connections and bytes, and nobody answers."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self._process.send_signal(signal.SIGCONT)

    @contextlib.contextmanager
    def peer(self, **options):
        """Another client, to see what is there."""
        with redis.Redis(port=self.port, decode_responses=True, **options) as client:
            yield client

    def read(self, key):
        with self.peer() as peer:
            return peer.get(key)


@pytest.fixture
def start_server(tmp_path):
    servers = []

    def start(*options):
        servers.append(Server(tmp_path, *options))
        return servers[-1]

    yield start
    for server in servers:
        server.kill()


@pytest.fixture
def server(start_server):
    return start_server()


@pytest.fixture(scope="module")
def whole_cluster(tmp_path_factory):
    """Three masters with a replica each that nothing happens to."""
    yield from _cluster(tmp_path_factory.mktemp("cluster"))


@pytest.fixture
def cluster(tmp_path):
    """The same, for whoever kills its nodes."""
    yield from _cluster(tmp_path)


def _cluster(folder):
    from clusters import Cluster  # noqa: PLC0415 - it needs what is here

    made = Cluster()
    try:
        made.start(folder)
        yield made
    finally:
        made.kill()


class Front:
    """`python -m outlast serve` on a port that it chose."""

    def __init__(self, *options, **environment):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "outlast", "serve", "--port", "0", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )
        line = self.process.stdout.readline()
        assert line.startswith("outlast: serving on 127.0.0.1:"), self.process.communicate()
        self.port = int(line.rsplit(":", 1)[1])

    def client(self, **options):
        once = Retry(NoBackoff(), 0)
        return redis.Redis(port=self.port, decode_responses=True, retry=once, **options)

    def end(self, number):
        self.process.send_signal(number)
        output = self.process.communicate(timeout=10)
        return self.process.returncode, output


@pytest.fixture
def serve():
    with contextlib.ExitStack() as stack:

        def start(*options, **environment):
            front = Front(*options, **environment)
            stack.callback(front.process.communicate)
            stack.callback(front.process.kill)
            return front

        yield start


class Lines(logging.Handler):
    """Keeps the records of the logger `outlast`."""

    def __init__(self):
        super().__init__(logging.DEBUG)
        self.records = []

    def emit(self, record):
        self.records.append(record)

    def of(self, code):
        return [record for record in self.records if record.outlast_code == code]

    def warnings(self):
        return [record for record in self.records if record.levelno == logging.WARNING]

    def text(self):
        return "\n".join(f"{record.getMessage()} {record.__dict__}" for record in self.records)


def log_what_is_left():
    """Hands out the records of earlier tests, before this one counts its own."""
    with _log._state.logging:
        _log._log_all()


@pytest.fixture
def lines():
    log_what_is_left()
    logger = logging.getLogger("outlast")
    handler = Lines()
    level = logger.level
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(level)


@pytest.fixture
def make():
    """Makes clients with short delays, and closes them."""
    made = []

    def make(url, profile="production", **options):
        quick = {"server_delay_ms": 20, "server_delay_ms_max": 100, "jitter_percent": 0}
        made.append(outlast.from_url(url, profile=profile, **{**quick, **options}))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
async def open_client():
    """Makes clients of the running loop with short delays, and closes them."""
    opened = []

    def open_client(url, profile="production", **options):
        quick = {"server_delay_ms": 20, "server_delay_ms_max": 100, "jitter_percent": 0}
        opened.append(outlast.asyncio.from_url(url, profile=profile, **{**quick, **options}))
        return opened[-1]

    yield open_client
    for client in opened:
        await client.aclose()


async def until(condition, seconds=10.0, what="the condition"):
    """As `wait_until`, while the loop goes on."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} was not met in {seconds} s"
        await asyncio.sleep(0.002)


def is_connected(client):
    return client.mode == "connected"


def run_script(source, *arguments, seconds=20):
    """Runs a Python program that ends well and says nothing on stderr; answers what it printed."""
    ended = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "ignore", "-c", source, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


def timed(call):
    """The answer of a call, and how long it took in seconds."""
    began = time.perf_counter()
    answer = call()
    return answer, time.perf_counter() - began


def calls_while_it_freezes(server, client, threads):
    """One GET a thread, all begun once the server is frozen: the error and the seconds of each."""
    together = threading.Barrier(threads)
    times = []

    def get():
        # What a thread raises would be lost.
        try:
            client.get("k")
        except outlast.OutlastError as error:
            return error

    def work():
        client.get("k")
        if together.wait() == 0:
            server.freeze()
        together.wait()
        times.append(timed(get))

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return times


def percentiles(call, calls=2_000):
    """Median and 99th percentile of many calls, in milliseconds."""
    times = sorted(timed(call)[1] * 1e3 for _ in range(calls))
    return times[calls // 2], times[calls * 99 // 100]
