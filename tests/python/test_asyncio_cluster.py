"""outlast.asyncio.RedisCluster in the place of redis.asyncio.RedisCluster, on a real cluster."""

import asyncio
import os

import outlast
import outlast.asyncio
import pytest
import redis
import redis.asyncio
import redis.asyncio.cluster
from clusters import PATIENCE, one_in_each_third
from conftest import until
from redis.exceptions import (
    ClusterCrossSlotError,
    CrossSlotTransactionError,
    RedisClusterException,
    WatchError,
)

AT_ONCE_SECONDS = 0.5
QUICK = {"server_delay_ms": 20, "server_delay_ms_max": 100, "jitter_percent": 0}


@pytest.fixture
async def connect():
    """Makes clients of a cluster and of the running loop, and closes them."""
    made = []

    async def connect(cluster, profile="production", **options):
        options = {**QUICK, "connect_timeout_ms": 1_000, **options}
        made.append(outlast.asyncio.RedisCluster.from_url(cluster.url, profile=profile, **options))
        await made[-1].connect()
        return made[-1]

    yield connect
    for client in made:
        await client.aclose()


@pytest.fixture
async def client(whole_cluster, connect):
    client = await connect(whole_cluster)
    await client.flushall()
    return client


@pytest.fixture
async def stock(whole_cluster):
    port = whole_cluster.nodes[0].port
    async with redis.asyncio.RedisCluster(host="127.0.0.1", port=port) as stock:
        yield stock


async def test_commands_go_where_their_keys_are(whole_cluster, client):
    assert isinstance(client, redis.asyncio.RedisCluster)
    a, b, c = one_in_each_third("k")
    made = await asyncio.gather(*(client.set(key, at) for at, key in enumerate((a, b, c))))
    assert made == [True] * 3
    for number, key in enumerate((a, b, c)):
        assert whole_cluster.read(number, key) == str(number)
    assert await client.mget(c, a, b, a) == [b"2", b"0", b"1", b"0"]
    assert await client.dbsize() == 3
    everything = sorted([a.encode(), b.encode(), c.encode()])
    assert sorted(await client.keys()) == everything
    assert sorted([key async for key in client.scan_iter(count=1)]) == everything
    assert client.get_status()["served_by_redis"] > 0
    assert client.mode == "connected"


async def test_both_constructors_and_urls_make_the_same(whole_cluster):
    ports = [node.port for node in whole_cluster.nodes]
    nodes = [redis.asyncio.cluster.ClusterNode("127.0.0.1", port) for port in ports[:2]]
    for make in (
        lambda: outlast.asyncio.RedisCluster("127.0.0.1", ports[0]),
        lambda: outlast.asyncio.RedisCluster(startup_nodes=nodes, decode_responses=True),
        lambda: outlast.asyncio.RedisCluster.from_url(f"redis://127.0.0.1:{ports[4]}"),
        lambda: outlast.asyncio.from_url(whole_cluster.url),
        lambda: outlast.asyncio.Redis.from_url(whole_cluster.url, decode_responses=True),
    ):
        async with make() as client:
            assert type(client) is outlast.asyncio.RedisCluster
            await client.set("made", "once")
            assert await client.get("made") in ("once", b"once")
            assert len(client.get_nodes()) == 6
            assert repr(client).startswith("<RedisCluster redis-cluster://127.0.0.1:")
        assert client.mode == "closed"


async def results(client):
    """The same steps on either client."""
    nodes = client.get_nodes
    script = client.register_script("return redis.call('GET', KEYS[1])")
    pipe = client.pipeline().set("a", 5).get("a").get("b").hgetall("h").incr("n")
    failing = client.pipeline().set("a", "text").incr("a").get("a")
    lock = client.lock("{t}lock", timeout=5)
    return [
        await client.set("a", 1),
        await client.set("b", "x", nx=True),
        await client.set("b", "x", nx=True),
        await client.incr("n", 3),
        await client.hset("h", mapping={"f": 1, "g": 2}),
        await client.hgetall("h"),
        await client.zadd("z", {"m": 1.5, "n": 2}),
        await client.zrange("z", 0, -1, withscores=True),
        await client.rpush("l", *"abc"),
        await client.blpop("l", timeout=1),
        await client.exists("a", "b", "none"),
        await client.unlink("a", "none"),
        await client.delete("b", "n", "none"),
        await client.mset_nonatomic({"a": 1, "b": 2, "c": 3}),
        await client.mget_nonatomic("c", "none", "a"),
        await client.mset({"{t}a": 1, "{t}b": 2}),
        await client.xadd("x", {"f": "v"}, id="1-1"),
        await client.xread({"x": "0"}),
        await client.eval("return {KEYS[1], ARGV[1]}", 1, "k", "v"),
        await script(["{t}a"]),
        await client.script_exists(await client.script_load("return 1"), "0" * 40),
        await client.ping(),
        client.keyslot("{t}a"),
        sorted(await client.cluster_slots()),
        (await client.cluster_info())["cluster_state"],
        sorted(node.name for node in nodes()),
        sorted(node.name for node in client.get_primaries()),
        client.get_node_from_key("{t}a").name,
        client.get_random_node() in nodes(),
        await client.dbsize(target_nodes=client.get_primaries()),
        await client.config_get("maxmemory-policy"),
        sorted([key async for key in client.scan_iter()]),
        sorted([key async for key in client.scan_iter(match="{t}*", count=2)]),
        await pipe.execute(),
        (await failing.execute(raise_on_error=False))[::2],
        await client.pipeline().mset_nonatomic({"a": 1, "b": 2}).execute(),
        await client.pipeline().delete("a", "b").execute(),
        await client.pipeline(transaction=True).set("{t}a", 7).hset("{t}h", "f", 1).execute(),
        await lock.acquire(),
        await lock.release(),
    ]


async def test_the_same_steps_come_to_the_same_on_both(client, stock):
    theirs = await results(stock)
    await client.flushall()
    await client
    ours = await results(client)
    for number, (expected, answer) in enumerate(zip(theirs, ours)):
        assert answer == expected, f"step {number}"
    assert client.get_status()["served_by_redis"] > len(ours) / 2


async def test_errors_are_those_of_redis_py_and_ours(client):
    a, b, _ = one_in_each_third("k")
    await client.set(a, "text")
    await client.set(b, 1)
    with pytest.raises(redis.ResponseError) as refused:
        await client.incr(a)
    assert isinstance(refused.value, outlast.CommandError)
    with pytest.raises(RedisClusterException) as refused:
        await client.rename(a, b)
    assert isinstance(refused.value, (outlast.CommandError, ClusterCrossSlotError))
    with pytest.raises(CrossSlotTransactionError):
        await client.pipeline(transaction=True).set(a, 1).set(b, 2).execute()
    assert await client.pipeline(transaction=True).set(a, 1).incr(a).execute() == [True, 2]
    with pytest.raises(redis.ResponseError, match=r"Command # 1 \(HGET .*error: WRONGTYPE"):
        await client.pipeline().hget(a, "f").set(b, 6).execute()
    assert await client.get(b) == b"6"


async def test_watched_keys_are_watched(whole_cluster, connect):
    client = await connect(whole_cluster)
    async with client.pipeline(transaction=True) as pipe:
        await pipe.watch("{w}k")
        assert await pipe.get("{w}k") is None
        pipe.multi()
        pipe.set("{w}k", "ours")
        await client.set("{w}k", "theirs")
        with pytest.raises(WatchError):
            await pipe.execute()


async def test_what_is_secret_stays_so(whole_cluster):
    port = whole_cluster.nodes[0].port
    login = {"username": "app", "password": "planted", "profile": "production"}
    client = outlast.asyncio.RedisCluster("127.0.0.1", port, **login)
    with pytest.raises(redis.AuthenticationError) as refused:
        await client.get("k")
    with pytest.raises(RedisClusterException):
        async with client:
            pass
    assert "planted" not in f"{client!r} {client.get_status()} {refused.value!r}"
    await client.aclose()


async def test_a_closed_client_stays_closed(whole_cluster, connect):
    client = await connect(whole_cluster)
    await client.set("k", 1)
    await client.aclose()
    await client.aclose()
    with pytest.raises(outlast.ClosedError):
        await client.get("k")
    with pytest.raises(outlast.ClosedError):
        await client.pipeline().get("k").execute()


async def test_a_dead_master_takes_only_its_own_keys_with_it(cluster, connect):
    client = await connect(cluster)
    keys = one_in_each_third("n")
    acknowledged = dict.fromkeys(keys, 0)
    doubtful = dict.fromkeys(keys, 0)
    stop = asyncio.Event()

    async def count():
        while not stop.is_set():
            for key in keys:
                try:
                    await client.incr(key)
                    acknowledged[key] += 1
                except outlast.MaybeApplied:
                    doubtful[key] += 1

    async def counting(until_what, what):
        stop.clear()
        tasks = [asyncio.create_task(count()) for _ in range(50)]
        await until(until_what, PATIENCE, what)
        stop.set()
        await asyncio.gather(*tasks)

    await counting(lambda: acknowledged[keys[1]] > 500, "a start")
    cluster.ask(1, "WAIT", 1, 5_000)
    cluster.nodes[1].kill()
    await counting(lambda: client.mode == "degraded", "the outage is noticed")
    began = asyncio.get_running_loop().time()
    values = await asyncio.gather(*(client.get(key) for key in keys))
    assert asyncio.get_running_loop().time() - began < AT_ONCE_SECONDS
    assert int(values[0]) == int(cluster.read(0, keys[0]))
    with pytest.raises(outlast.RedisUnavailable):
        await client.blpop(keys[1], timeout=1)
    await counting(lambda: client.mode == "connected", "the failover is followed")
    for at, key in zip((0, 4, 2), keys):
        found = int(cluster.read(at, key))
        assert acknowledged[key] <= found <= acknowledged[key] + doubtful[key], key
    assert doubtful[keys[0]] == doubtful[keys[2]] == 0
    assert client.get_status()["replayed"] > 0
    assert client.dead_letters() == []
    assert "db_client" in client.metrics() or "outlast" in client.metrics()


async def test_commands_follow_slots_that_are_moved(cluster, connect):
    client = await connect(cluster)
    key = one_in_each_third("n")[0]
    stop = asyncio.Event()
    counts = [0]

    async def count():
        while not stop.is_set():
            await client.incr(key)
            await client.pipeline().incr(key).get(key).execute()
            counts[0] += 2

    tasks = [asyncio.create_task(count()) for _ in range(10)]
    for start, end in ((0, 1), (1, 2), (2, 0)):
        before = counts[0]
        await asyncio.to_thread(cluster.move, key, start, end)
        await until(lambda before=before: counts[0] > before + 20, what="the commands go on")
    stop.set()
    await asyncio.gather(*tasks)
    assert int(cluster.read(0, key)) == counts[0]


async def test_subscriptions_have_a_node(client):
    async with client.pubsub(ignore_subscribe_messages=True) as listener:
        await listener.subscribe("news")
        await listener.get_message(timeout=5)
        await client.publish("news", "hello")
        message = None
        while message is None:
            message = await listener.get_message(timeout=5)
        assert message["data"] == b"hello"


def test_the_child_of_a_fork_has_a_client_of_its_own(whole_cluster):
    client = outlast.asyncio.RedisCluster.from_url(whole_cluster.url)

    async def get():
        return await client.get("k")

    async def main():
        await client.set("k", "before")
        return await get()

    assert asyncio.run(main()) == b"before"
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(write, asyncio.run(get()))
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 100) == b"before"
    asyncio.run(client.aclose())
    for end in (read, write):
        os.close(end)


async def test_a_cluster_that_is_not_there():
    async with outlast.asyncio.RedisCluster("127.0.0.1", 1, profile="development") as client:
        assert await client.set("k", 1) is True
        assert await client.get("k") == b"1"
        with pytest.raises(RedisClusterException):
            await client.ping(target_nodes="primaries")
