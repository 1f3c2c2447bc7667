"""What a client of asyncio answers and offers, on a real redis-server and without one."""

import asyncio
import inspect
from datetime import timedelta

import outlast
import outlast.asyncio
import pytest
import redis
import redis.asyncio
from conftest import is_connected, run_script, until


@pytest.fixture
async def client(server, open_client):
    return open_client(server.url, decode_responses=True)


async def test_an_answer_is_awaited_gathered_waited_for_and_made_a_task_of(client):
    await client.mset({"a": "1", "b": "2"})
    assert await client.get("a") == "1"
    assert await asyncio.gather(client.get("a"), client.get("b")) == ["1", "2"]
    assert await asyncio.create_task(client.get("b")) == "2"
    assert await asyncio.wait_for(client.get("a"), 5) == "1"
    assert await asyncio.shield(client.get("a")) == "1"
    done, _ = await asyncio.wait({asyncio.create_task(client.get("b"))})
    assert done.pop().result() == "2"
    assert inspect.isawaitable(client.get("a"))
    assert asyncio.iscoroutine(client.get("a"))
    assert asyncio.isfuture(client.get("a"))
    twice = client.get("a")
    assert (await twice, await twice) == ("1", "1")


async def test_the_same_for_answers_from_memory(server, client):
    await client.mset({"a": "1", "b": "2"})
    server.kill()
    await until(lambda: not is_connected(client))
    assert await client.get("a") == "1"
    assert await asyncio.gather(client.get("a"), client.get("b")) == ["1", "2"]
    assert await asyncio.create_task(client.get("b")) == "2"
    assert await asyncio.wait_for(client.get("a"), 5) == "1"
    assert await asyncio.shield(client.get("a")) == "1"
    answer = client.get("a")
    called = []
    answer.add_done_callback(called.append)
    assert answer.done()
    assert answer.result() == "1"
    await asyncio.sleep(0)
    assert len(called) == 1
    with pytest.raises(outlast.RedisUnavailable):
        await client.set("lock", "1", nx=True)
    errors = await asyncio.gather(
        client.incr("a"), client.set("lock", "1", nx=True), return_exceptions=True
    )
    assert errors[0] == 2
    assert isinstance(errors[1], outlast.RedisUnavailable)


async def test_errors_arrive_where_they_are_awaited(client):
    await client.set("text", "x")
    answer = client.incr("text")
    with pytest.raises(outlast.CommandError, match="not an integer") as raised:
        await answer
    assert isinstance(raised.value, redis.ResponseError)
    with pytest.raises(outlast.CommandError):
        await asyncio.create_task(client.incr("text"))
    with pytest.raises(outlast.CommandError):
        await asyncio.gather(client.get("text"), client.incr("text"))
    with pytest.raises(outlast.InvalidArgument):
        await client.set("k", object())


async def test_a_waiting_answer_is_cancelled(server, client):
    await client.set("k", "v")
    server.freeze()
    waiting = client.get("k")
    task = asyncio.create_task(waiting)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    other = client.get("k")
    assert other.cancel()
    assert other.cancelled()
    with pytest.raises(asyncio.CancelledError):
        await other
    server.thaw()
    assert await client.get("k") == "v"


async def test_it_is_a_client_of_redis_py(client):
    assert isinstance(client, redis.asyncio.Redis)
    assert isinstance(client, outlast.asyncio.Redis)
    assert await client.set("k", "v", ex=timedelta(minutes=1)) is True
    assert await client.ttl("k") == 60
    assert await client.expire("k", 100) is True
    assert await client.expire("absent", 100) is False
    assert await client.expire("k", 50, gt=True) is False
    assert await client.incr("n") == 1
    assert await client.incr("n", 4) == 5
    assert await client.delete("n", "absent") == 1
    assert await client.set("k", "w", nx=True) is None
    assert await client.set("k", "w", get=True) == "v"
    assert await client.hset("h", mapping={"a": 1, "b": 2}) == 2
    assert await client.hgetall("h") == {"a": "1", "b": "2"}
    await client.zadd("z", {"a": 1, "b": 2})
    assert await client.zrange("z", 0, -1, withscores=True) == [("a", 1.0), ("b", 2.0)] or [
        ["a", 1.0],
        ["b", 2.0],
    ]
    assert await client.sadd("s", 1, 2) == 2
    assert await client.smembers("s") == {"1", "2"}
    assert await client.ping() is True
    assert (await client.info("server"))["redis_mode"] == "standalone"
    assert sorted([key async for key in client.scan_iter("[hz]")]) == ["h", "z"]
    assert await client.execute_command("ECHO", "x") == "x"
    assert client.mode == "connected"
    assert client.get_status()["served_by_redis"] > 10


async def test_replies_are_bytes_unless_text_is_asked_for(server, open_client):
    client = open_client(server.url)
    await client.set("k", "ä")
    assert await client.get("k") == "ä".encode()
    assert await client.hgetall("absent") == {}


async def test_a_pipeline_and_a_transaction(client):
    pipeline = client.pipeline(transaction=False)
    pipeline.set("a", 1).incr("a").get("a").hset("h", "f", "v").hgetall("h")
    assert await pipeline.execute() == [True, 2, "2", 1, {"f": "v"}]
    async with client.pipeline() as transaction:
        transaction.incr("a").hgetall("h").get("absent")
        assert await transaction.execute() == [3, {"f": "v"}, None]
    async with client.pipeline(transaction=False) as pipeline:
        pipeline.incr("h").get("a")
        answers = await pipeline.execute(raise_on_error=False)
        assert isinstance(answers[0], redis.ResponseError)
        assert answers[1] == "3"
        pipeline.get("a").incr("h")
        with pytest.raises(redis.ResponseError, match="Command # 2"):
            await pipeline.execute()
    async with client.pipeline() as transaction:
        transaction.set("b", 1).incr("h")
        with pytest.raises(redis.ResponseError, match="Command # 2"):
            await transaction.execute()
    assert await client.get("b") == "1"
    many = client.pipeline(transaction=False)
    for number in range(5_000):
        many.set(f"k{number}", number)
    assert await many.execute() == [True] * 5_000


async def test_pipelines_while_redis_is_away(server, client):
    await client.set("a", 1)
    server.kill()
    await until(lambda: not is_connected(client))
    pipeline = client.pipeline(transaction=False)
    assert await pipeline.incr("a").get("a").execute() == [2, "2"]
    assert await client.pipeline().incr("a").get("a").execute() == [3, "3"]
    with pytest.raises(redis.ConnectionError):
        async with client.pipeline() as watching:
            await watching.watch("a")
    server.start()
    await until(lambda: is_connected(client))
    # The server came back empty: what was added meanwhile is there.
    assert server.read("a") == "2"


async def test_keys_are_watched(client):
    async with client.pipeline() as pipeline:
        await pipeline.watch("k")
        await client.set("k", "changed")
        pipeline.multi()
        pipeline.set("k", "mine")
        with pytest.raises(redis.WatchError):
            await pipeline.execute()
    assert await client.get("k") == "changed"


async def test_subscriptions_and_blocking_commands_have_connections_of_their_own(client):
    async with client.pubsub() as subscriber:
        await subscriber.subscribe("news")
        assert (await subscriber.get_message(timeout=5))["type"] == "subscribe"
        assert await client.publish("news", "hello") == 1
        message = await subscriber.get_message(timeout=5)
        assert message["data"] == "hello"
    popping = asyncio.create_task(client.blpop("queue", timeout=5))
    await asyncio.sleep(0)
    assert await client.get("k") is None
    await client.rpush("queue", "job")
    assert tuple(await popping) == ("queue", "job")


async def test_what_needs_a_connection_is_refused_at_once_while_redis_is_away(server, client):
    await client.set("k", "v")
    server.kill()
    await until(lambda: not is_connected(client))
    with pytest.raises(redis.ConnectionError):
        await asyncio.wait_for(client.blpop("queue", timeout=0), 5)
    with pytest.raises(redis.ConnectionError):
        await asyncio.wait_for(client.client_id(), 5)


async def test_locks_and_scripts(client):
    async with client.lock("lock:a", timeout=5):
        assert not await client.lock("lock:a", blocking=False).acquire()
    script = client.register_script("return redis.call('INCRBY', KEYS[1], ARGV[1])")
    assert await script(keys=["n"], args=[5]) == 5
    assert await script(keys=["n"], args=[5]) == 10
    pipeline = client.pipeline()
    await script(keys=["n"], args=[1], client=pipeline)
    assert await pipeline.execute() == [11]


async def test_scripts_while_redis_is_away(server, client):
    script = client.register_script("return redis.call('INCRBY', KEYS[1], ARGV[1])")
    await client.set("n", 1)
    server.kill()
    await until(lambda: not is_connected(client))
    assert await script(keys=["n"], args=[5]) == 6
    assert await client.eval("return redis.call('GET', KEYS[1])", 1, "n") == "6"


async def test_callbacks_of_ones_own_are_heeded_also_async_ones(client):
    async def shouted(response, **_options):
        await asyncio.sleep(0)
        return response.upper()

    await client.set("k", "v")
    client.set_response_callback("GET", shouted)
    assert await client.get("k") == "V"
    assert await client.pipeline(transaction=False).get("k").ping().execute() == ["V", True]
    assert await client.pipeline().get("k").execute() == ["V"]


async def test_whoever_overrides_a_seam_sees_each_command(server):
    seen = []

    class Watching(outlast.asyncio.Redis):
        async def parse_response(self, connection, command_name, **options):
            seen.append(command_name)
            return await super().parse_response(connection, command_name, **options)

    async with Watching.from_url(server.url, decode_responses=True) as client:
        await client.set("k", "v")
        assert await client.get("k") == "v"
    assert seen == ["SET", "GET"]


async def test_a_client_is_closed_by_its_block(server):
    async with outlast.asyncio.from_url(server.url, profile="production") as client:
        await client.set("k", "v")
        server.freeze()
        waiting = client.get("k")
    with pytest.raises(outlast.ClosedError):
        await client.get("k")
    assert client.mode == "closed"
    with pytest.raises(outlast.ClosedError):
        await waiting
    await client.aclose()


async def test_clients_of_a_pool_share_a_connection_and_a_memory(server):
    pool = redis.asyncio.ConnectionPool.from_url(server.url, decode_responses=True)
    one, other = (outlast.asyncio.Redis(connection_pool=pool) for _ in range(2))
    await one.set("k", "v")
    assert await other.get("k") == "v"
    assert one.get_status() == other.get_status()
    with server.peer() as peer:
        assert peer.info("clients")["connected_clients"] == 2
    await one.aclose()
    server.kill()
    await until(lambda: not is_connected(other))
    assert await other.get("k") == "v"
    await pool.aclose()
    other.shut()


async def test_a_client_of_one_connection_is_redis_pys(server):
    async with outlast.asyncio.from_url(
        server.url, single_connection_client=True, decode_responses=True
    ) as client:
        await client.set("k", "v")
        assert await client.get("k") == "v"
        assert await client.client_id() == await client.client_id()


async def test_long_replies_are_whole(client):
    await client.rpush("list", *range(10_000))
    assert await client.lrange("list", 0, -1) == [str(number) for number in range(10_000)]
    await client.hset("hash", mapping={f"f{number}": number for number in range(5_000)})
    assert len(await client.hgetall("hash")) == 5_000
    assert len(await client.execute_command("HGETALL", "hash")) in {5_000, 10_000}
    await client.sadd("set", *range(5_000))
    assert await client.smembers("set") == {str(number) for number in range(5_000)}


async def test_secrets_are_not_shown(server):
    url = f"redis://user:hunter2@127.0.0.1:{server.port}"
    client = outlast.asyncio.from_url(url, profile="development")
    assert "hunter2" not in repr(client)
    assert "hunter2" not in str(client.get_status())
    await client.aclose()


WITHOUT_REDIS_PY = """
import asyncio, sys
sys.modules["redis"] = None
import outlast.asyncio

async def use():
    async with outlast.asyncio.from_url(sys.argv[1], decode_responses=True) as client:
        assert await client.set("k", "v", ex=100, keepttl=False) is True
        assert await client.get("k") == "v"
        assert await client.hset("h", mapping={"a": 1}) == 1
        assert await client.hgetall("h") == {"a": "1"}
        assert await client.expire("k", 10, gt=True) is False
        assert await client.setnx("k", 1) is False
        assert [key async for key in client.scan_iter("h")] == ["h"]
        assert await client.pipeline().incr("n").get("n").expire("n", 9).execute() == [1, "1", True]
        assert await client.pipeline(transaction=False).get("n").execute() == ["1"]
        assert await client.execute_command("ECHO", "x") == "x"
        assert client.mode == "connected"
    print("ended")

asyncio.run(use(), debug=False)
"""


def test_without_redis_py(server):
    assert run_script(WITHOUT_REDIS_PY, server.url) == "ended\n"
