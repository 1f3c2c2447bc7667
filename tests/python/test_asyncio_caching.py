"""`cached` for `async def`: one task loads for all who ask, through outages of a real server."""

import asyncio

import pytest
from conftest import is_connected, until
from outlast.caching import cached


async def test_a_value_is_computed_by_one_task_for_all_and_kept(server, open_client):
    redis = open_client(server.url)
    calls, entered = [], asyncio.Event()

    @cached(redis, lambda number: f"square:{number}", 60)
    async def square(number):
        """Of a number."""
        await entered.wait()
        calls.append(number)
        return number * number

    asked = [asyncio.ensure_future(square(3)) for _ in range(8)]
    await until(lambda: redis.get_status()["served_by_redis"] >= 16, what="eight misses")
    entered.set()
    assert await asyncio.gather(*asked) == [9] * 8
    assert await square(3) == 9
    assert await square(4) == 16
    assert calls == [3, 4]
    assert square.__doc__ == "Of a number."
    assert asyncio.iscoroutinefunction(square)
    assert 110_000 < await redis.pttl("square:4") <= 120_000


async def test_who_is_cancelled_leaves_the_others_what_it_waited_for(server, open_client):
    redis = open_client(server.url)
    calls, begun, may_end = [], asyncio.Event(), asyncio.Event()

    @cached(redis, "key", 60)
    async def value():
        calls.append(1)
        begun.set()
        await may_end.wait()
        return "whole"

    first = asyncio.ensure_future(value())
    await begun.wait()
    other = asyncio.ensure_future(value())
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    may_end.set()
    assert await other == "whole"
    assert calls == [1]


async def test_what_a_function_raises_is_raised_to_all_and_not_kept(server, open_client):
    redis = open_client(server.url)
    fails = [True]

    @cached(redis, "key", 60)
    async def value():
        await asyncio.sleep(0)
        if fails[0]:
            raise RuntimeError("the database is away, too")
        return {"a": [1, None]}

    answers = await asyncio.gather(value(), value(), return_exceptions=True)
    assert [type(answer) for answer in answers] == [RuntimeError] * 2
    fails[0] = False
    assert await value() == {"a": [1, None]}
    fails[0] = True
    assert await value() == {"a": [1, None]}


async def test_a_value_beyond_its_time_is_used_where_it_cannot_be_computed(server, open_client):
    redis = open_client(server.url)
    answers = iter([1])

    @cached(redis, "key", 0.05, stale_for=60, beta=0)
    async def value():
        found = next(answers, None)
        if found is None:
            raise LookupError("nothing more")
        return found

    assert await value() == 1
    deadline = asyncio.get_running_loop().time() + 10
    while await redis.pttl("key") >= 60_000:
        assert asyncio.get_running_loop().time() < deadline
    assert await value() == 1


async def test_a_value_is_served_stale_and_computed_meanwhile_in_an_outage(server, open_client):
    redis = open_client(server.url)
    calls = []

    @cached(redis, "key", 60, stale_for=30, beta=0)
    async def value():
        calls.append(1)
        return "new"

    await redis.set("key", '5 "older"', px=29_000)
    server.kill()
    await until(lambda: not is_connected(redis), what="the outage")
    assert await value() == "older"
    await until(lambda: calls, what="the load in the outage")
    await until(lambda: redis.get_status()["journal_keys"] == 1, what="the new value in memory")
    assert await value() == "new"
    server.start()
    await until(lambda: is_connected(redis), what="the way back")
    assert server.read("key").endswith('"new"')
    assert len(calls) == 1
