"""Outages of a real redis-server under clients of asyncio."""

import asyncio
import random
import time

import outlast
import pytest
import vectors
from conftest import is_connected, until

DEADLINE_MS = 300
SLACK_MS = 50
TASKS = 50


async def timed(awaitable):
    """How a call ended, and how many milliseconds it took."""
    began = time.perf_counter()
    try:
        answer = await awaitable
    except outlast.OutlastError as error:
        answer = error
    return answer, (time.perf_counter() - began) * 1e3


async def test_fifty_tasks_ride_out_an_outage(server, open_client):
    client = open_client(server.url, on_ambiguous="local", decode_responses=True)
    await client.connect()
    is_over = asyncio.Event()
    calls = [0] * TASKS
    last = [""] * TASKS

    async def work(number):
        while not is_over.is_set():
            value = f"{number}:{calls[number]}"
            assert await client.set(f"k{number}", value) is True
            last[number] = value
            assert await client.get(f"k{number}") == value
            calls[number] += 2
            # In an outage nothing of this waits.
            await asyncio.sleep(0)

    tasks = [asyncio.create_task(work(number)) for number in range(TASKS)]
    for _ in range(2):
        before = list(calls)
        await until(lambda before=before: all(now > then for now, then in zip(calls, before)))
        server.kill()
        await until(lambda: not is_connected(client))
        before = list(calls)
        await until(lambda before=before: all(now > then for now, then in zip(calls, before)))
        server.start()
        await until(lambda: is_connected(client))
    before = list(calls)
    await until(lambda: all(now > then for now, then in zip(calls, before)))
    is_over.set()
    await asyncio.gather(*tasks)
    with server.peer() as peer:
        assert peer.mget([f"k{number}" for number in range(TASKS)]) == last
    status = client.get_status()
    assert status["served_by_store"] > TASKS
    assert status["journal_keys"] == 0


@pytest.mark.parametrize("outage", ["refused", "swallowed"])
async def test_no_call_outlives_its_deadline(server, open_client, outage):
    client = open_client(server.url, command_timeout_ms=DEADLINE_MS, on_ambiguous="local")
    await client.set("known", "1")
    assert is_connected(client)
    server.kill() if outage == "refused" else server.freeze()
    calls = []
    for number in range(200):
        calls += [client.get("known"), client.set("k", number, ex=100), client.incr("n")]
    ended = await asyncio.gather(*[timed(call) for call in calls])
    assert [answer for answer, _ in ended if isinstance(answer, Exception)] == []
    assert max(took for _, took in ended) <= DEADLINE_MS + SLACK_MS
    await until(lambda: not is_connected(client))
    ended = [await timed(client.get("known")) for _ in range(2_000)]
    assert {answer for answer, _ in ended} == {b"1"}
    assert sorted(took for _, took in ended)[1_000] < 0.1


async def test_a_deadline_is_kept_after_a_long_silence(server, open_client):
    client = open_client(server.url, command_timeout_ms=DEADLINE_MS)
    await client.set("k", "v")
    # The one timer is not there while nothing waits.
    planned = asyncio.get_running_loop()._scheduled
    await until(lambda: all(timer.cancelled() for timer in planned))
    server.freeze()
    answer, took = await asyncio.wait_for(timed(client.get("k")), 10)
    assert answer == b"v"
    assert DEADLINE_MS - SLACK_MS <= took <= DEADLINE_MS + SLACK_MS


async def test_what_was_written_meanwhile_is_written_back(server, open_client):
    client = open_client(server.url)
    await client.set("before", "1")
    server.kill()
    await until(lambda: not is_connected(client))
    assert await client.set("k", "v")
    assert [await client.incr("n") for _ in range(3)] == [1, 2, 3]
    assert client.get_status()["journal_keys"] == 2
    server.start()
    await until(lambda: is_connected(client))
    assert (server.read("k"), server.read("n")) == ("v", "3")
    assert await client.incr("n") == 4
    assert server.read("n") == "4"


async def test_an_answer_from_memory_needs_no_turn_of_the_loop(server, open_client):
    client = open_client(server.url)
    await client.set("k", "v")
    server.kill()
    await until(lambda: not is_connected(client))
    turned = []
    asyncio.get_running_loop().call_soon(turned.append, True)
    assert await client.get("k") == b"v"
    assert turned == []


async def test_who_asks_without_end_leaves_the_loop_to_others(server, open_client):
    client = open_client(server.url)
    await client.set("k", "v")
    server.kill()
    await until(lambda: not is_connected(client))
    is_over = asyncio.Event()

    async def ask():
        calls = 0
        while not is_over.is_set():
            await client.get("k")
            calls += 1
        return calls

    async def others():
        for _ in range(100):
            await asyncio.sleep(0)
        is_over.set()

    calls, _ = await asyncio.wait_for(asyncio.gather(ask(), others()), 10)
    assert calls > 100


async def test_an_increment_in_doubt_is_said_to_be(server, open_client):
    client = open_client(server.url, command_timeout_ms=DEADLINE_MS)
    await client.incr("n")
    server.freeze()
    answer, took = await timed(client.incr("n"))
    assert isinstance(answer, outlast.MaybeApplied)
    assert took >= DEADLINE_MS - SLACK_MS


async def test_a_thousand_tasks_each_get_their_own(server, open_client):
    client = open_client(server.url, decode_responses=True)

    async def work(number):
        await client.set(f"k{number}", number)
        for _ in range(5):
            assert await client.get(f"k{number}") == str(number)
            await asyncio.sleep(0)

    await asyncio.gather(*[work(number) for number in range(1_000)])
    with server.peer() as peer:
        assert len(peer.info("clients")) > 0
        assert peer.info("clients")["connected_clients"] == 2


async def test_cancelling_never_gives_a_reply_to_another(server, open_client):
    client = open_client(server.url, decode_responses=True)
    keys = {f"k{number}": str(number) for number in range(200)}
    await client.mset(keys)
    chance = random.Random(7)
    cancelled = ended = 0
    for _ in range(30):
        asked = {key: asyncio.ensure_future(client.get(key)) for key in keys}
        for key in chance.sample(sorted(keys), 60):
            # Some before they are sent, some while they wait.
            if chance.random() < 0.3:
                await asyncio.sleep(0)
            asked[key].cancel()
        for key, call in asked.items():
            try:
                assert await call == keys[key]
                ended += 1
            except asyncio.CancelledError:
                cancelled += 1
    assert cancelled > 200
    assert ended > 3_000
    assert is_connected(client)
    assert client.get_status()["dials"] == 1


async def test_a_timeout_of_the_caller_leaves_the_connection_in_order(server, open_client):
    client = open_client(server.url, command_timeout_ms=5_000, decode_responses=True)
    await client.mset({"a": "1", "b": "2"})
    server.freeze()
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(client.get("a"), 0.05)
    later = asyncio.ensure_future(client.get("b"))
    await asyncio.sleep(0)
    server.thaw()
    assert await later == "2"
    assert await client.get("a") == "1"
    assert client.get_status()["dials"] == 1


async def test_the_snapshot_is_that_of_every_language(server, open_client):
    client = open_client(server.url)
    vectors.validate(vectors.SCHEMA, client.get_status(), "status")
    await client.set("k", "v")
    vectors.validate(vectors.SCHEMA, client.get_status(), "status")
    server.kill()
    await until(lambda: not is_connected(client))
    await client.incr("n")
    vectors.validate(vectors.SCHEMA, client.get_status(), "status")
    await client.aclose()
    vectors.validate(vectors.SCHEMA, client.get_status(), "status")


async def test_startup_is_waited_for_once(server, open_client):
    client = open_client(server.url, decode_responses=True)
    answers = await asyncio.gather(*[client.set(f"k{number}", number) for number in range(100)])
    assert answers == [True] * 100
    assert client.get_status()["dials"] == 1
    await client.connect()


async def test_redis_required_and_never_there_is_said_at_once(server, open_client):
    server.kill()
    client = open_client(server.url, startup_delay_ms=1, startup_delay_ms_max=1)
    with pytest.raises(outlast.RedisUnavailable, match="Redis is required"):
        await client.connect()
    with pytest.raises(outlast.RedisUnavailable):
        await client.get("k")
    server.start()
    await until(lambda: is_connected(client))
    assert await client.get("k") is None


async def test_redis_optional_and_not_there_is_served_around(server, open_client):
    server.kill()
    client = open_client(server.url, "development", startup_delay_ms=1)
    await client.connect()
    assert await client.set("k", "v")
    assert await client.get("k") == b"v"
    server.start()
    await until(lambda: is_connected(client))
    assert server.read("k") == "v"
