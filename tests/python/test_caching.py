"""Cached values, rate limits and outages on demand, on Redis, without it, and with it again."""

import threading

import outlast
import pytest
from conftest import wait_until
from outlast.caching import cached, rate_limit

# Loaded by its name, and not imported before: so pytest can rewrite its assertions.
pytest_plugins = ["outlast.testing"]


def cause_outage(*args):
    return outlast.testing.cause_outage(*args)


def together(count, call):
    """What so many threads get that call at the same moment."""
    answers = []
    barrier = threading.Barrier(count)

    def ask():
        barrier.wait()
        answers.append(call())

    threads = [threading.Thread(target=ask) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_a_value_is_computed_by_one_thread_for_all_and_kept(server):
    calls = []
    entered = threading.Event()

    with outlast.Redis.from_url(server.url, profile="production", decode_responses=True) as redis:

        @cached(redis, lambda number: f"square:{number}", 60)
        def square(number):
            """Of a number."""
            entered.wait(1)
            calls.append(number)
            return number * number

        timer = threading.Timer(0.05, entered.set)
        timer.start()
        assert together(8, lambda: square(3)) == [9] * 8
        assert square(3) == 9
        assert square(4) == 16
        assert calls == [3, 4]
        assert square.__doc__ == "Of a number."
        assert redis.get("square:4").split()[1] == "16"
        assert 110_000 < redis.pttl("square:4") <= 120_000


def test_what_a_function_raises_is_raised_and_not_kept(server):
    with outlast.Redis.from_url(server.url, profile="production") as redis:
        fails = [True]

        @cached(redis, "key", 60)
        def value():
            if fails[0]:
                raise RuntimeError("the database is away, too")
            return {"a": [1, None]}

        with pytest.raises(RuntimeError, match="database"):
            value()
        fails[0] = False
        assert value() == {"a": [1, None]}
        fails[0] = True
        assert value() == {"a": [1, None]}


def test_a_value_beyond_its_time_is_used_where_it_cannot_be_computed(server):
    with outlast.Redis.from_url(server.url, profile="production") as redis:
        answers = iter([1])

        @cached(redis, "key", 0.05, stale_for=60, beta=0)
        def value():
            return next(answers)

        assert value() == 1
        wait_until(lambda: redis.pttl("key") < 60_000, what="the end of its time")
        assert value() == 1


def test_a_value_is_computed_meanwhile_where_that_is_early_or_redis_is_away(server, outage):
    with outlast.Redis.from_url(server.url, profile="production") as redis:
        calls = []

        @cached(redis, "key", 60, stale_for=30, beta=100)
        def value():
            calls.append(threading.current_thread().name)
            return "new"

        redis.set("key", '1000000 "old"', px=90_000)
        assert value() == "old"
        wait_until(lambda: calls == ["outlast-cached"], what="the early load")
        wait_until(lambda: redis.get("key").endswith(b'"new"'), what="the new value")
        redis.set("key", '5 "older"', px=29_000)
        outage(redis, "dns")
        assert value() == "older"
        wait_until(lambda: len(calls) == 2, what="the load in the outage")


@pytest.mark.parametrize("kind", ["sliding", "fixed"])
def test_a_limit_holds_for_all_threads_together(server, kind):
    with outlast.Redis.from_url(server.url, profile="production") as redis:
        verdicts = together(20, lambda: rate_limit(redis, f"rl:{kind}", 7, 3_600, kind=kind))
        assert sum(verdict["allowed"] for verdict in verdicts) == 7
        assert {verdict["counted_by"] for verdict in verdicts} == {"redis"}
        with pytest.raises(outlast.InvalidOption, match="cost"):
            rate_limit(redis, "rl", 1, 60, cost=2)
        redis.lpush("list", "x")
        with pytest.raises(outlast.CommandError, match="WRONGTYPE"):
            rate_limit(redis, "list", 1, 60)


def test_while_redis_is_away_a_process_allows_its_share(server):
    with outlast.Redis.from_url(server.url, profile="production") as redis:

        def ask():
            return rate_limit(redis, "rl", 8, 3_600, share=0.25)

        assert ask()["remaining"] == 7
        with cause_outage(redis):
            verdicts = [ask(), ask(), ask()]
            assert [verdict["allowed"] for verdict in verdicts] == [True, True, False]
            assert {verdict["counted_by"] for verdict in verdicts} == {"process"}
        wait_until(lambda: redis.get_status()["redis_connected"], what="the return")
        assert ask()["counted_by"] == "redis"


@pytest.mark.parametrize(
    ("cause", "kind"),
    [
        ("refused", "connection_refused"),
        ("timeout", "response_timeout"),
        ("dns", "dns_error"),
        ("loading", "loading"),
    ],
)
def test_an_outage_on_demand_is_outlasted_and_written_back(server, cause, kind):
    with (
        outlast.Redis.from_url(server.url, profile="production") as redis,
        outlast.Redis.from_url(server.url, profile="production") as other,
    ):
        redis.set("k", "before")
        with cause_outage(redis, cause) as outage:
            status = redis.get_status()
            assert (status["mode"], status["last_failure_type"]) == ("degraded", kind)
            redis.set("k", "during")
            assert redis.get("k") == b"during"
            assert other.get("k") == b"before"
            with pytest.raises(outlast.RedisUnavailable):
                redis.set("lock", "me", nx=True)
        wait_until(lambda: other.get("k") == b"during", what="the write of the outage")
        outage.end()


def test_an_outage_of_the_fixture_ends_with_its_test(server, outage):
    with outlast.Redis.from_url(server.url, profile="test") as redis:
        redis.ping()
        outage(redis).end()
        wait_until(lambda: redis.get_status()["redis_connected"], what="the return")
        with pytest.raises(outlast.InvalidArgument, match="read_only"):
            outage(redis, "read_only")
