"""Libraries that send scripts: they do on `outlast serve` what they do on a real redis-server.

The same steps run on both, and on the server once more with outlast.Redis in place of redis.Redis.
What they answer must be the same, and so must what they leave behind.
"""

import contextlib
import threading
import time

import outlast
import pytest
import redis
from conftest import wait_until
from limits import RateLimitItemPerHour, RateLimitItemPerSecond
from limits.storage import RedisStorage
from limits.strategies import (
    FixedWindowRateLimiter,
    MovingWindowRateLimiter,
    SlidingWindowCounterRateLimiter,
)
from redis.exceptions import LockError, LockNotOwnedError, ResponseError

STRATEGIES = [FixedWindowRateLimiter, MovingWindowRateLimiter, SlidingWindowCounterRateLimiter]

# The two sides run one after the other: times, which are floats here, are this far apart at most.
SECONDS_APART_MAX = 5


def near(found):
    """What must be equal; a float only about."""
    if isinstance(found, float):
        return pytest.approx(found, abs=SECONDS_APART_MAX)
    if isinstance(found, dict):
        return {key: near(value) for key, value in found.items()}
    return [near(value) for value in found] if isinstance(found, list) else found


def keyspace(client):
    """Every key with its type, what it holds, and its rest of life in seconds."""
    readers = {
        "string": client.get,
        "list": lambda key: client.lrange(key, 0, -1),
        "set": lambda key: sorted(client.smembers(key)),
        "hash": client.hgetall,
        "zset": lambda key: client.zrange(key, 0, -1, withscores=True),
    }
    kept = {}
    for key in sorted(client.keys()):
        kind = client.type(key)
        kept[key] = [kind, readers[kind](key), client.pttl(key) / 1_000]
    return kept


@pytest.fixture(params=[2, 3])
def compare(request, server, serve):
    """Runs steps, given a client and a URL, on a front, on a server, and there by outlast.Redis."""

    def run(steps, forget=lambda kept: kept):
        found = []
        for port, ours in ((serve().port, False), (server.port, False), (server.port, True)):
            url = f"redis://127.0.0.1:{port}?protocol={request.param}"
            with contextlib.ExitStack() as stack:
                if ours:
                    stack.enter_context(outlast.install())
                client = stack.enter_context(redis.Redis.from_url(url, decode_responses=True))
                assert isinstance(client, outlast.Redis) is ours
                client.flushall()
                client.script_flush()
                found.append([steps(client, url), forget(keyspace(client))])
        assert found[0] == near(found[1])
        assert found[2] == near(found[1])
        return found[0][0]

    return run


def without_times(kept):
    """The moving window keeps the moments of its hits."""
    return {
        key: [kind, len(value) if kind == "list" else value, rest]
        for key, (kind, value, rest) in kept.items()
    }


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_limits_counts_hits(compare, strategy):
    def steps(_client, url):
        storage = RedisStorage(url)
        limiter, item = strategy(storage), RateLimitItemPerHour(3)
        answers = [storage.check()]
        for user, cost in [("a", 1), ("a", 1), ("b", 2), ("b", 2), ("c", 4), ("a", 1), ("a", 1)]:
            answers += [limiter.test(item, user, cost=cost), limiter.hit(item, user, cost=cost)]
            window = limiter.get_window_stats(item, user)
            answers.append(window.remaining)
            # Where two windows slide, the reset is now or in an hour, by the millisecond.
            if strategy is not SlidingWindowCounterRateLimiter:
                answers.append(float(window.reset_time))
        limiter.clear(item, "a")
        answers.append(limiter.hit(item, "a"))
        return answers

    answers = compare(steps, without_times)
    assert answers.count(False) > 3, "some hits were refused"


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_limits_lets_in_again_when_the_window_is_over(compare, strategy):
    def steps(_client, url):
        limiter, item = strategy(RedisStorage(url)), RateLimitItemPerSecond(2)
        began = time.monotonic()
        answers = [limiter.hit(item, "a"), limiter.hit(item, "a"), limiter.hit(item, "a")]
        wait_until(lambda: limiter.hit(item, "a"), what="a hit in the next window")
        answers.append(time.monotonic() - began)
        return answers

    assert compare(steps, lambda _kept: "their rest of life is short")[:3] == [True, True, False]


def test_limits_takes_many_hits_at_once_and_forgets_all(compare):
    def steps(client, url):
        storage = RedisStorage(url)
        limiter, item = MovingWindowRateLimiter(storage), RateLimitItemPerHour(20_000)
        answers = [limiter.hit(item, "a", cost=12_000), limiter.hit(item, "a", cost=12_000)]
        answers.append(limiter.get_window_stats(item, "a").remaining)
        for number in range(6_000):
            storage.incr(f"user:{number}", 100)
        client.set("other", "stays")
        return [*answers, storage.reset(), storage.reset()]

    assert compare(steps) == [True, False, 8_000, 6_001, 0]


def test_the_lock_of_redis_py(compare):
    def said(call):
        try:
            return call()
        except LockError as error:
            return [type(error).__name__, str(error)]

    def without_tokens(kept):
        return {key: rest for key, (_, _, rest) in kept.items()}

    def steps(client, _url):
        mine = client.lock("lock", timeout=60)
        other = client.lock("lock", timeout=60, blocking=False)
        answers = [mine.acquire(), mine.locked(), mine.owned(), other.acquire(), other.owned()]
        answers += [mine.extend(100), client.pttl("lock") / 1_000]
        answers += [mine.extend(30, replace_ttl=True), client.pttl("lock") / 1_000]
        answers += [mine.reacquire(), client.pttl("lock") / 1_000]
        other.local.token = b"wrong"
        answers += [said(other.release)]
        other.local.token = b"wrong"
        answers += [said(lambda: other.extend(5)), said(other.reacquire)]
        answers += [said(mine.release), said(mine.release), mine.locked(), other.acquire()]
        client.delete("lock")
        answers += [said(other.reacquire), said(other.release)]
        return [*answers, client.lock("kept", timeout=1_000).acquire()]

    answers = compare(steps, without_tokens)
    assert LockNotOwnedError.__name__ in [name[0] for name in answers if isinstance(name, list)]


def test_the_lock_of_redis_py_waits_for_its_release(compare):
    def steps(client, _url):
        mine = client.lock("lock", timeout=60)
        other = client.lock(
            "lock", timeout=60, blocking_timeout=10, sleep=0.005, thread_local=False
        )
        mine.acquire()
        waiter = threading.Thread(target=other.acquire)
        waiter.start()
        mine.release()
        waiter.join()
        return [other.owned(), other.release(), client.exists("lock")]

    assert compare(steps) == [True, None, 0]


def test_a_registered_script_of_redis_py(compare):
    source = (
        "local n = redis.call('INCRBY', KEYS[1], ARGV[1]) return {KEYS[1], n, 1.9, {true, false}}"
    )

    def steps(client, _url):
        script = client.register_script(source)
        answers = [script(keys=["n"], args=[2]), client.script_exists(script.sha, "0" * 40)]
        client.script_flush()
        answers += [client.script_exists(script.sha), script(keys=["n"], args=[3])]
        client.script_flush()
        with client.pipeline() as pipe:
            pipe.set("m", 5)
            script(keys=["m"], args=[1], client=pipe)
            answers.append(pipe.execute())
        for source_of_error in ("return redis.error_reply('MINE and so on')", "return nope()"):
            failing = client.register_script(source_of_error)
            with pytest.raises(ResponseError) as error:
                failing()
            answers.append(str(error.value))
        client.set("text", "x")
        with pytest.raises(ResponseError) as error:
            script(keys=["text"], args=[1])
        return [*answers, str(error.value)]

    assert compare(steps)[0][1] == 2
