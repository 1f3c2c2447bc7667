"""The nine faults of the module that `redis_client_production` replaces, each shown to be gone."""

import logging
import time

import outlast
import pytest
from conftest import (
    NO_SUCH_HOST,
    calls_while_it_freezes,
    log_what_is_left,
    percentiles,
    timed,
    wait_until,
)
from outlast import redis_client_production as module
from outlast.redis_client_production import ProductionRedisClient, rate_limit_check


class Quick(ProductionRedisClient):
    """With shorter times, so that the tests are."""

    connect_timeout = 1
    socket_timeout = 0.3


@pytest.fixture
def client(server):
    client = Quick(f"{server.url}?server_delay_ms=20&server_delay_ms_max=50&jitter_percent=0")
    assert client.ping()
    yield client
    vars(client)["_made"].close()


def is_back(client):
    return client.connected and not client.fallback_mode


def test_1_a_lasting_outage_does_not_log_every_failure(client, server, lines):
    server.kill()
    for _ in range(60):
        failures = client.get_status()["failure_count"]
        client.set("k", "v")
        wait_until(lambda failures=failures: client.get_status()["failure_count"] > failures)
    assert client.get_status()["failure_count"] >= 60
    wait_until(lines.warnings)
    assert len(lines.warnings()) <= 2
    assert client.get_status()["failures_since_log"] >= 50


def test_2_a_recovery_ends_the_fallback(client, server):
    server.kill()
    client.set("k", "in the outage")
    assert (client.fallback_mode, client.ping()) == (True, False)
    server.start()
    wait_until(lambda: is_back(client))
    assert client.ping() is True
    assert client.get_status()["status"] == "healthy"
    assert client.get_status()["time_since_last_recovery"] >= 0
    client.set("k", "on Redis")
    assert server.read("k") == "on Redis"


def test_3_a_name_that_does_not_resolve_is_filed_as_such(lines):
    client = Quick(f"redis://{NO_SUCH_HOST}")
    client.set("k", "v")
    wait_until(lambda: client.last_failure_type == "dns_error")
    (record,) = wait_until(lines.warnings)
    assert record.outlast_kind == "dns_error"
    assert "DNS resolution failed" in record.getMessage()
    vars(client)["_made"].close()


def test_4_the_first_wait_is_a_minute_and_no_jitter_passes_the_cap():
    client = ProductionRedisClient(f"redis://{NO_SUCH_HOST}")
    options = {"profile": "production", **client._options()}
    for seed in range(200):
        delays = outlast.backoff_schedule(options, 6, seed, "network")
        assert [delay["delay_ms"] for delay in delays] == [
            *(60_000, 120_000, 240_000, 300_000, 300_000, 300_000)
        ]
        assert all(delay["jittered_ms"] <= 300_000 for delay in delays)
        assert 48_000 <= delays[0]["jittered_ms"] <= 72_000
    client.set("k", "v")
    wait_until(lambda: client.last_failure_type == "dns_error")
    assert 47 < client.get_status()["next_retry_in"] <= 72
    vars(client)["_made"].close()


def test_5_no_call_pays_for_a_dial(client, server):
    client.set("k", "v")
    server.freeze()
    client.set("k", "w")
    # From here on dials hang for a second each, one after the other.
    dials = wait_until(lambda: not client.connected and client.get_status()["dials"])
    longest = 0.0
    while client.get_status()["dials"] < dials + 3:
        for call in (client.ping, lambda: client.get("k"), lambda: client.set("k", "x")):
            longest = max(longest, timed(call)[1])
    assert longest < 0.2
    assert client.get_status()["circuit_breaker_state"] in {"open", "half_open"}
    _, high = percentiles(lambda: client.get("k"))
    assert high < 1


def test_6_threads_do_not_wait_for_the_slowest(client, server):
    threads = 16
    times = calls_while_it_freezes(server, client, threads)
    # One after the other they would take 16 deadlines.
    assert [error for error, _ in times] == [None] * threads
    assert max(seconds for _, seconds in times) <= client.socket_timeout + 0.05


def test_7_nothing_is_counted_twice_and_nothing_is_dropped(client, server):
    assert client.incr("n") == 1
    server.freeze()
    # It is in the server's buffer: whether it counts is not known before the server goes on.
    assert client.incr("n") == 2
    wait_until(lambda: not client.connected)
    assert client.incr("n") == 3
    client.incr("during", 3)
    client.incr("during", 4)
    client.set("set during", "kept")
    server.thaw()
    wait_until(lambda: is_back(client))
    assert server.read("n") == "3"
    assert server.read("during") == "7"
    assert server.read("set during") == "kept"
    with server.peer() as peer:
        peer.set("set during", "newer")
    assert client.get("set during") == "newer"


def test_8_a_counter_expires_by_itself_also_when_it_began_in_an_outage(client, server, monkeypatch):
    monkeypatch.setattr(module, "production_redis_client", client)
    monkeypatch.setattr(module.time, "time", lambda: 1_000_000.0)
    assert rate_limit_check("before", 5, 600)
    server.kill()
    assert rate_limit_check("during", 5, 600)
    assert rate_limit_check("during", 5, 600)
    server.start()
    wait_until(lambda: is_back(client))
    with server.peer() as peer:
        # One key each, and no second one for the expiry; the first died with the server.
        assert peer.keys("rate_limit*") == ["rate_limit:during:1666"]
        assert peer.get("rate_limit:during:1666") == "2"
        assert 590 < peer.ttl("rate_limit:during:1666") <= 600
    assert rate_limit_check("after", 5, 600)
    with server.peer() as peer:
        assert 590 < peer.ttl("rate_limit:after:1666") <= 600


def test_8_a_counter_in_memory_expires_too(monkeypatch):
    monkeypatch.delenv("REDIS_URL", raising=False)
    memory = ProductionRedisClient()
    now_ms = [time.time_ns() // 1_000_000]
    monkeypatch.setattr(module, "_now_ms", lambda: now_ms[0])
    monkeypatch.setattr(module, "production_redis_client", memory)
    monkeypatch.setattr(module.time, "time", lambda: 1_000_000.0)
    assert [rate_limit_check("user", 1, 600) for _ in range(2)] == [True, False]
    now_ms[0] += 600_001
    assert memory.get("rate_limit:user:1666") is None


@pytest.mark.parametrize(
    "url",
    [
        "reddis://user:planted@host:6379",
        "redis://user:planted@host:port",
        "rediss://user:planted@host:port",
        "user:planted@host",
        "redis://:planted/word@host",
    ],
)
def test_9_a_url_of_the_wrong_form_does_not_show_its_password(url, caplog):
    log_what_is_left()
    caplog.clear()
    caplog.set_level(logging.DEBUG)
    client = ProductionRedisClient(url)
    assert client.set("k", "v")
    seen = f"{client!r} {client.redis_url} {vars(client)} {client.get_status()}"
    assert "planted" not in seen + caplog.text
    assert len(caplog.records) == 1
