"""What callers of a hand-written `redis_client_production` expect of its replacement."""

import logging
import threading

import outlast
import pytest
from conftest import free_port, log_what_is_left, run_script, timed, wait_until
from outlast import redis_client_production as module
from outlast.redis_client_production import ProductionRedisClient, rate_limit_check

STATUS = {
    "redis_connected": bool,
    "fallback_mode": bool,
    "circuit_breaker_state": str,
    "connection_failure_count": int,
    "last_failure_type": (str, type(None)),
    "time_since_last_attempt": (float, type(None)),
    "next_retry_in": (float, type(None)),
    "time_since_last_recovery": (float, type(None)),
    "failures_since_log": int,
    "failure_count": int,
    "status": str,
}


@pytest.fixture
def legacy():
    """Makes clients, and closes them."""
    made = []

    def legacy(url=None):
        made.append(ProductionRedisClient(url))
        return made[-1]

    yield legacy
    for client in made:
        inner = vars(client).get("_made")
        if isinstance(inner, outlast.Redis):
            inner.close()


@pytest.fixture
def instance(server, monkeypatch):
    """The module's own instance, on a server."""
    monkeypatch.setenv("REDIS_URL", server.url)
    monkeypatch.delitem(vars(module.production_redis_client), "_made", raising=False)
    yield module.production_redis_client
    vars(module.production_redis_client).pop("_made").close()


def check_status(client):
    status = client.get_status()
    for name, kind in STATUS.items():
        assert isinstance(status[name], kind), name
    assert status["status"] in {"healthy", "degraded"}
    assert status["circuit_breaker_state"] in {"closed", "open", "half_open"}
    return status


def test_text_goes_in_and_comes_out(server, legacy):
    client = legacy(server.url)
    assert client.ping() is True
    assert client.set("k", "grüße") is True
    assert client.get("k") == "grüße"
    assert client.get("absent") is None
    assert client.set("k", 7, ex=100) is True
    assert client.get("k") == "7"
    assert [client.incr("n"), client.incr("n", 5), client.incr("n", amount=2)] == [1, 6, 8]
    with server.peer() as peer:
        assert (peer.get("k"), peer.get("n")) == ("7", "8")
        assert 0 < peer.ttl("k") <= 100
    status = check_status(client)
    assert (status["status"], status["circuit_breaker_state"]) == ("healthy", "closed")
    assert (client.connected, client.fallback_mode) == (True, False)
    assert (client.connection_failure_count, client.last_failure_type) == (0, None)
    assert client.redis_url == server.url


def test_the_intervals_that_callers_read(legacy):
    client = legacy("redis://h")
    assert client.base_retry_interval == 60
    assert client.max_retry_interval == client.log_interval == client.recovery_interval == 300


def test_without_redis_it_serves_from_memory_and_makes_no_fuss(legacy):
    client = legacy(f"redis://127.0.0.1:{free_port()}")
    assert client.set("k", "v") is True
    assert client.get("k") == "v"
    assert client.incr("n") == 1
    assert client.ping() is False
    assert (client.connected, client.fallback_mode) == (False, True)
    wait_until(lambda: client.last_failure_type == "connection_refused")
    assert client.connection_failure_count >= 1
    assert check_status(client)["status"] == "degraded"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (None, "REDIS_URL is not set"),
        ("", "REDIS_URL is not set"),
        ("http://h", 'invalid URL scheme "http"'),
        ("rediss://h:6380?tls_ca_file=/none", 'invalid URL parameter tls_ca_file "/none"'),
        ("not a url", "invalid URL"),
        ("redis://h:port", 'invalid port "port"'),
    ],
)
def test_a_url_that_is_none_starts_degraded_and_says_so_once(monkeypatch, legacy, lines, url, says):
    monkeypatch.delenv("REDIS_URL", raising=False)
    client = legacy(url)
    for _ in range(3):
        assert client.set("k", "v", ex=10) is True
        assert client.get("k") == "v"
        assert client.get("absent") is None
        assert client.ping() is False
    assert [client.incr("n"), client.incr("n", 4)] == [1, 5]
    assert client.expire("n", 10) is True
    status = check_status(client)
    assert status["status"] == "degraded"
    assert status["served_by_store"] == 12
    assert (client.connected, client.fallback_mode) == (False, True)
    (record,) = lines.records
    assert says in record.getMessage()
    assert record.levelname == "WARNING"
    assert client.set("large", "x" * 100_000_000) is False
    assert client.get_status()["refused"] == 1


@pytest.fixture
def lines():
    """Records of this module carry no code, so the handler is a plain one."""

    class Plain(logging.Handler):
        def __init__(self):
            super().__init__()
            self.records = []

        def emit(self, record):
            self.records.append(record)

    log_what_is_left()
    handler = Plain()
    logging.getLogger("outlast").addHandler(handler)
    yield handler
    logging.getLogger("outlast").removeHandler(handler)


def test_making_one_dials_nothing_and_waits_for_nothing(server, legacy):
    server.freeze()
    client, took = timed(lambda: legacy(server.url))
    assert took < 0.05
    with server.peer(socket_timeout=0.1):
        pass
    assert "_made" not in vars(client)


def test_what_is_wrong_with_a_command_is_the_callers(server, legacy):
    client = legacy(server.url)
    client.set("k", "text")
    with pytest.raises(outlast.CommandError, match="not an integer"):
        client.incr("k")
    with pytest.raises(TypeError):
        client.set("k", None)


def test_looking_at_it_has_it_connect_in_the_background(server, legacy):
    client = legacy(server.url)
    wait_until(lambda: client.connected)
    assert client.get_status()["served_by_redis"] == 0


def test_one_client_is_made_however_many_threads_ask_first(server):
    together = threading.Barrier(8, timeout=5)
    seen = []

    class Raced(ProductionRedisClient):
        def _make(self, url):
            made = super()._make(url)
            together.wait()
            return made

    client = Raced(server.url)

    def work():
        client.incr("n")
        seen.append(id(client._client()))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8
    assert len(set(seen)) == 1
    assert server.read("n") == "8"
    assert client.get_status()["served_by_redis"] == 8
    client._client().close()


def test_the_instance_reads_its_url_at_its_first_use(instance, server):
    assert isinstance(instance, ProductionRedisClient)
    assert repr(instance) == "<ProductionRedisClient None>"
    assert instance.set("k", "v")
    assert server.read("k") == "v"
    assert instance.redis_url == server.url


def test_importing_the_instance_never_fails():
    script = """
import os
os.environ["REDIS_URL"] = "nonsense"
from outlast.redis_client_production import production_redis_client
os.environ["REDIS_URL"] = "redis://127.0.0.1:1"
print(production_redis_client.redis_url)
"""
    assert run_script(script) == "redis://127.0.0.1:1\n"


@pytest.mark.usefixtures("instance")
def test_the_rate_limit_counts_within_a_window(server):
    # A window that does not end during the test.
    window = 10_000_000_000
    assert [rate_limit_check("user", 3, window) for _ in range(5)] == [True] * 3 + [False] * 2
    assert rate_limit_check("other", 3, window) is True
    with server.peer() as peer:
        assert sorted(peer.keys()) == ["rate_limit:other:0", "rate_limit:user:0"]
        assert 0 < peer.ttl("rate_limit:user:0") <= window
        assert peer.get("rate_limit:user:0") == "5"


@pytest.mark.usefixtures("instance")
def test_the_rate_limit_begins_anew_with_each_window(server, monkeypatch):
    now = [119.9]
    monkeypatch.setattr(module.time, "time", lambda: now[0])
    assert [rate_limit_check("user", 1, 60) for _ in range(2)] == [True, False]
    now[0] = 120.0
    assert [rate_limit_check("user", 1, 60) for _ in range(2)] == [True, False]
    with server.peer() as peer:
        assert sorted(peer.keys()) == ["rate_limit:user:1", "rate_limit:user:2"]
        assert peer.ttl("rate_limit:user:2") == 60


def test_the_rate_limit_goes_on_without_redis_and_fails_open(instance, server):
    window = 10_000_000_000
    assert rate_limit_check("user", 2, window)
    server.kill()
    assert [rate_limit_check("other", 2, window) for _ in range(3)] == [True, True, False]
    server.start()
    wait_until(lambda: instance.connected)
    with server.peer() as peer:
        peer.rpush("rate_limit:broken:0", "no counter")
    assert rate_limit_check("broken", 1, window) is True
    with pytest.raises(ValueError, match="window"):
        rate_limit_check("user", 1, 0)
