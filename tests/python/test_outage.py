"""Real outages: a killed server refuses, a stopped one swallows, a name does not resolve."""

import threading

import outlast
import pytest
from conftest import (
    NO_SUCH_HOST,
    calls_while_it_freezes,
    is_connected,
    percentiles,
    timed,
    wait_until,
)
from outlast import _outlast

DEADLINE_MS = 300
SLACK_MS = 50
PROFILES = ("development", "test", "staging", "production")
OUTAGES = ("refused", "swallowed")


def strike(server, outage):
    server.kill() if outage == "refused" else server.freeze()


def heal(server, outage):
    server.start() if outage == "refused" else server.thaw()


def traffic(client, calls=300):
    """Calls of every kind; the longest in milliseconds."""
    longest = 0.0
    for number in range(calls):
        for call in (
            lambda: client.get("known"),
            lambda number=number: client.set("k", number, ex=100),
            lambda: client.incr("n"),
            client.ping,
            lambda: client.expire("k", 100),
            lambda: client.ttl("k"),
            lambda: client.delete("gone"),
        ):
            longest = max(longest, timed(call)[1] * 1e3)
    return longest


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("outage", OUTAGES)
def test_no_call_raises_or_outlives_its_deadline(server, make, profile, outage):
    options = {"command_timeout_ms": DEADLINE_MS, "on_ambiguous": "local"}
    client = make(server.url, profile, **options)
    client.set("known", "1")
    assert is_connected(client)
    strike(server, outage)
    assert traffic(client) <= DEADLINE_MS + SLACK_MS
    wait_until(lambda: not is_connected(client))
    for call in (lambda: client.get("k"), lambda: client.set("k", 1), lambda: client.incr("n")):
        median, high = percentiles(call)
        assert median < 0.1
        assert high < 1


def test_a_long_deadline_is_kept_as_closely(server, make):
    # The longer a socket's timeout, the later the kernel lets it end.
    client = make(server.url, command_timeout_ms=3_000)
    client.get("k")
    server.freeze()
    _, took = timed(lambda: client.get("k"))
    assert 2.95 <= took <= 3.05


@pytest.mark.parametrize("profile", PROFILES)
def test_a_name_that_does_not_resolve_is_served_around(make, profile):
    url = f"redis://{NO_SUCH_HOST}"
    options = {"startup": "optional", "command_timeout_ms": DEADLINE_MS, "startup_attempts_max": 1}
    client = make(url, profile, **options)
    assert timed(lambda: client.set("k", "v"))[1] * 1e3 <= DEADLINE_MS + SLACK_MS
    wait_until(lambda: client.get_status()["last_failure_type"] == "dns_error")
    assert client.get("k") == b"v"
    assert traffic(client) <= DEADLINE_MS + SLACK_MS
    median, high = percentiles(lambda: client.get("k"))
    assert median < 0.1
    assert high < 1


@pytest.mark.parametrize("outage", OUTAGES)
def test_it_returns_within_the_redial_delay_and_says_so_once(server, make, lines, outage):
    options = {"command_timeout_ms": DEADLINE_MS, "connect_timeout_ms": 400}
    client = make(server.url, server_delay_ms_max=500, **options)
    client.set("written before", "1")
    strike(server, outage)
    client.set("written in the outage", "2", ex=1_000)
    wait_until(lambda: client.get_status()["dials"] >= 4)
    client.incr("counted in the outage", 5)
    assert not is_connected(client)

    # A dial that was swallowed may have to end first.
    promised = wait_until(lambda: client.get_status()["next_retry_in"] or 0.01)
    bound = promised + 0.4 + 0.25
    heal(server, outage)
    _, took = timed(lambda: wait_until(lambda: is_connected(client)))
    assert took <= bound
    assert server.read("written in the outage") == "2"
    assert server.read("counted in the outage") == "5"
    with server.peer() as peer:
        assert 990 < peer.ttl("written in the outage") <= 1_000
    recovered = wait_until(lambda: lines.of("redis_recovered"))
    for _ in range(100):
        client.get("k")
    assert len(recovered) == len(lines.of("redis_recovered")) == 1
    assert recovered[0].outlast_replayed == 2
    assert client.get_status()["fallback_mode"] is False


def test_the_test_profile_does_not_come_back_by_itself(server, make):
    client = make(server.url, "test")
    client.set("k", "v")
    server.kill()
    client.set("k", "w")
    assert client.get_status()["next_retry_in"] is None


def test_two_thousand_failing_calls_are_two_warnings_at_most(server, make, lines):
    client = make(server.url)
    client.ping()
    server.kill()
    for number in range(2_000):
        client.set(f"k{number % 10}", number)
    wait_until(lambda: client.get_status()["dials"] >= 10)
    wait_until(lines.warnings)
    assert len(lines.warnings()) <= 2
    assert client.get_status()["failures_since_log"] >= 7


def test_what_may_be_applied_is_told_in_production(server, make):
    client = make(server.url, command_timeout_ms=DEADLINE_MS)
    client.incr("n")
    server.freeze()
    with pytest.raises(outlast.MaybeApplied, match="INCRBY was sent") as caught:
        client.incr("n")
    assert (caught.value.code, caught.value.kind) == ("maybe_applied", "response_timeout")
    server.thaw()
    wait_until(lambda: is_connected(client))
    assert server.read("n") == "2"


def test_locks_are_refused_in_production_and_the_next_dial_is_told(server, make):
    client = make(server.url, server_delay_ms=60_000, server_delay_ms_max=60_000)
    client.ping()
    server.kill()
    client.get("k")
    with pytest.raises(outlast.RedisUnavailable, match="SET is not served from memory") as caught:
        client.set("lock", "me", nx=True)
    assert 50 < caught.value.next_dial_in <= 60
    assert caught.value.kind in {"connection_lost", "connection_refused"}
    with pytest.raises(outlast.UnsupportedLocally, match="OBJECT is not known"):
        client.execute_command("OBJECT", "HELP")
    assert client.get_status()["refused"] == 2


RULES = [("session:*", "session"), ("lock:*", "lock"), ("queue:*", "queue")]
RULES_TEXT = "session:*=session,lock:*=lock,queue:*=queue"


@pytest.mark.parametrize("given", [RULES, dict(RULES), RULES_TEXT, "url", "variable"])
def test_rules_say_what_is_served_while_redis_is_away(server, make, monkeypatch, given):
    url, options = server.url, {"rules": given}
    if given == "url":
        url, options = f"{url}?rules={RULES_TEXT}", {}
    elif given == "variable":
        monkeypatch.setenv("OUTLAST_RULES", RULES_TEXT)
        options = {}
    client = make(url, startup="optional", **options)
    assert client.set("lock:1", "me", nx=True)
    server.kill()
    client.get("session:1")

    def refused(call, match):
        def caught():
            with pytest.raises(outlast.RedisUnavailable, match=match) as error:
                call()
            return str(error.value)

        message, took = timed(caught)
        assert took < 0.05
        assert ":1" not in message.split(";")[0]

    refused(lambda: client.get("lock:1"), r'GET is .* \(rule "lock:\*": class lock\)')
    refused(lambda: client.set("lock:1", "me", nx=True), "SET is .* class lock")
    refused(lambda: client.delete("lock:1"), "DEL is .* class lock")
    assert client.execute_command("RPUSH", "queue:1", "job") == 1
    refused(lambda: client.execute_command("LPOP", "queue:1"), "LPOP is .* class queue")
    refused(lambda: client.set("other", "me", nx=True), r"SET is .* \(on_guarded: no rule")
    assert client.set("session:1", "me", nx=True) is True
    assert client.get("session:1") == b"me"
    assert [rule["class"] for rule in client.get_status()["rules"]] == ["session", "lock", "queue"]


def test_rules_of_a_keyword_go_before_those_of_the_environment(server, make, monkeypatch):
    monkeypatch.setenv("OUTLAST_RULES", "a:*=lock")
    client = make(f"{server.url}?rules=b:*=lock", rules={"c:*": ("session", "delete_wins")})
    rules = [{"pattern": "c:*", "class": "session", "policy": "delete_wins"}]
    assert client.get_status()["rules"] == rules
    assert make(f"{server.url}?rules=b:*=lock").get_status()["rules"][0]["pattern"] == "a:*"
    assert make(server.url, rules=[]).get_status()["rules"] == []


def test_a_full_store_refuses_and_says_so(server, make):
    client = make(server.url, store_bytes_max=4_096)
    client.ping()
    server.kill()
    client.set("small", "x")
    with pytest.raises(outlast.LimitReached, match="store_bytes_max 4096") as caught:
        client.set("large", "x" * 8_192)
    assert caught.value.code == "limit_reached"


@pytest.mark.parametrize("connections_max", [3, 8])
def test_threads_are_not_held_up_by_each_other(server, make, connections_max):
    options = {"command_timeout_ms": DEADLINE_MS, "connections_max": connections_max}
    client = make(server.url, **options)
    threads = 8
    times = calls_while_it_freezes(server, client, threads)
    assert [error for error, _ in times] == [None] * threads
    assert max(seconds for _, seconds in times) * 1e3 <= DEADLINE_MS + SLACK_MS


def test_more_threads_than_connections_are_told_of_the_limit_while_redis_answers(server, make):
    client = make(server.url, command_timeout_ms=DEADLINE_MS, connections_max=1)
    client.ping()
    errors = []

    def ask():
        try:
            # Holds its native connection for a while; the server goes on.
            _outlast.Client.execute_command(client, "BLPOP", "absent", 0.1)
        except outlast.OutlastError as error:
            errors.append(error)

    askers = [threading.Thread(target=ask) for _ in range(8)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    limited = [error for error in errors if "1 of 1 (connections_max)" in str(error)]
    assert limited
    assert {error.code for error in limited} == {"limit_reached"}
