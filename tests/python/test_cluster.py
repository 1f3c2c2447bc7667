"""outlast.RedisCluster in the place of redis.RedisCluster, on a real cluster, whole and not."""

import os
import pickle
import threading
import time

import outlast
import outlast.caching
import outlast.health
import outlast.testing
import pytest
import redis
import redis.cluster
from clusters import PATIENCE, one_in_each_third
from conftest import is_connected, run_script, timed, wait_until
from redis.cluster import ClusterNode, LoadBalancingStrategy
from redis.exceptions import (
    ClusterCrossSlotError,
    CrossSlotTransactionError,
    RedisClusterException,
    WatchError,
)

AT_ONCE_SECONDS = 0.5
QUICK = {"server_delay_ms": 20, "server_delay_ms_max": 100, "jitter_percent": 0}


@pytest.fixture
def connect():
    """Makes clients of a cluster, and closes them."""
    made = []

    def connect(cluster, profile="production", **options):
        options = {**QUICK, "connect_timeout_ms": 1_000, **options}
        made.append(outlast.RedisCluster.from_url(cluster.url, profile=profile, **options))
        return made[-1]

    yield connect
    for client in made:
        client.close()


@pytest.fixture
def client(whole_cluster, connect):
    client = connect(whole_cluster)
    client.flushall()
    return client


@pytest.fixture
def stock(whole_cluster):
    port = whole_cluster.nodes[0].port
    with redis.RedisCluster(host="127.0.0.1", port=port) as stock:
        yield stock


def test_commands_go_where_their_keys_are(whole_cluster, client):
    assert isinstance(client, redis.RedisCluster)
    a, b, c = one_in_each_third("k")
    for number, key in enumerate((a, b, c)):
        assert client.set(key, number) is True
        assert whole_cluster.read(number, key) == str(number)
    assert client.mget(c, a, b, a) == [b"2", b"0", b"1", b"0"]
    assert client.dbsize() == 3
    assert sorted(client.keys()) == sorted([a.encode(), b.encode(), c.encode()])
    assert sorted(client.scan_iter(count=1)) == sorted([a.encode(), b.encode(), c.encode()])
    assert client.get_status()["served_by_redis"] > 0
    assert is_connected(client)


def test_both_constructors_and_urls_make_the_same(whole_cluster):
    ports = [node.port for node in whole_cluster.nodes]
    nodes = [ClusterNode("127.0.0.1", port) for port in ports[:2]]
    made = [
        outlast.RedisCluster("127.0.0.1", ports[0]),
        outlast.RedisCluster(host="127.0.0.1", port=ports[4]),
        outlast.RedisCluster(startup_nodes=nodes, decode_responses=True),
        outlast.RedisCluster.from_url(f"redis://127.0.0.1:{ports[1]}"),
        outlast.RedisCluster(url=f"redis://127.0.0.1:{ports[1]}/0?decode_responses=true"),
        outlast.RedisCluster.from_url(whole_cluster.url),
        outlast.from_url(whole_cluster.url),
        outlast.Redis.from_url(whole_cluster.url, decode_responses=True),
    ]
    made[0].set("made", "once")
    for client in made:
        assert type(client) is outlast.RedisCluster
        assert client.get("made") in ("once", b"once")
        assert len(client.get_nodes()) == 6
        assert repr(client).startswith("<RedisCluster redis-cluster://127.0.0.1:")
        client.close()


def test_what_cannot_be_is_refused_in_words():
    for make, message in [
        (
            outlast.RedisCluster,
            "RedisCluster requires at least one node to discover the cluster: host",
        ),
        (lambda: outlast.RedisCluster("h", db=1), "invalid db: a cluster has database 0 only"),
        (
            lambda: outlast.RedisCluster.from_url("redis://h/1"),
            'invalid database "1": allowed is 0, for a cluster has no other',
        ),
        (
            lambda: outlast.RedisCluster.from_url("unix:///path"),
            "invalid URL: a cluster is not reached by a unix socket",
        ),
        (lambda: outlast.RedisCluster("h", "p"), 'invalid port "p": allowed is a whole number'),
        (
            lambda: type("Mine", (outlast.Redis,), {}).from_url("redis-cluster://h"),
            "invalid URL: Mine is of one server, not of a cluster",
        ),
        (
            lambda: outlast.from_url("redis-cluster://h", single_connection_client=True),
            'unknown option "single_connection_client"',
        ),
        (lambda: outlast.RedisCluster("h", nope=1), 'unknown option "nope": allowed is one of'),
    ]:
        with pytest.raises(outlast.InvalidOption) as refused:
            make()
        assert str(refused.value).startswith(message)
    with pytest.raises(outlast.InvalidArgument, match="must have a host and a port"):
        outlast.RedisCluster(startup_nodes=["h:1"])
    # As redis-py's.
    with pytest.raises(RedisClusterException):
        outlast.RedisCluster()
    with pytest.raises(RedisClusterException):
        outlast.RedisCluster("h", db=1)


def test_what_is_secret_stays_so(whole_cluster):
    port = whole_cluster.nodes[0].port
    login = {"username": "app", "password": "planted"}
    with pytest.raises(redis.AuthenticationError) as refused:
        outlast.RedisCluster("127.0.0.1", port, profile="production", **login)
    assert isinstance(refused.value, outlast.RedisUnavailable)
    assert isinstance(refused.value, RedisClusterException)
    assert "planted" not in f"{refused.value} {refused.value!r}"
    with outlast.RedisCluster("127.0.0.1", port, profile="development", **login) as client:
        assert client.set("k", 1) is True
        assert "planted" not in f"{client!r} {client.get_status()} {client.metrics()}"


STEPS = [
    lambda c: c.set("a", 1),
    lambda c: c.set("b", "x", nx=True),
    lambda c: c.set("b", "x", nx=True),
    lambda c: c.get("a"),
    lambda c: c.incr("n", 3),
    lambda c: c.hset("h", mapping={"f": 1, "g": 2}),
    lambda c: c.hgetall("h"),
    lambda c: c.zadd("z", {"m": 1.5, "n": 2}),
    lambda c: c.zrange("z", 0, -1, withscores=True),
    lambda c: c.sadd("s", "x", "y"),
    lambda c: sorted(c.smembers("s")),
    lambda c: c.rpush("l", *"abc"),
    lambda c: c.lrange("l", 0, -1),
    lambda c: c.blpop("l", timeout=1),
    lambda c: c.exists("a", "b", "none"),
    lambda c: c.touch("a", "b"),
    lambda c: c.unlink("a", "none"),
    lambda c: c.delete("b", "n", "none"),
    lambda c: c.mset_nonatomic({"a": 1, "b": 2, "c": 3}),
    lambda c: c.mget_nonatomic("c", "none", "a"),
    lambda c: c.mset({"{t}a": 1, "{t}b": 2}),
    lambda c: c.mget("{t}b", "{t}a"),
    lambda c: c.xadd("x", {"f": "v"}, id="1-1"),
    lambda c: c.xread({"x": "0"}),
    lambda c: c.eval("return {KEYS[1], ARGV[1]}", 1, "k", "v"),
    lambda c: c.register_script("return redis.call('GET', KEYS[1])")(["{t}a"]),
    lambda c: c.script_exists(c.script_load("return 1"), "0" * 40),
    lambda c: c.ping(),
    lambda c: c.ping(target_nodes=redis.RedisCluster.ALL_NODES),
    lambda c: c.keyslot("{t}a"),
    lambda c: c.cluster_keyslot("foo"),
    lambda c: sorted(c.cluster_slots()),
    lambda c: c.cluster_info()["cluster_state"],
    lambda c: c.cluster_countkeysinslot(c.keyslot("{t}a")),
    lambda c: sorted(node.name for node in c.get_nodes()),
    lambda c: sorted(node.name for node in c.get_primaries()),
    lambda c: sorted(node.name for node in c.get_replicas()),
    lambda c: c.get_node_from_key("{t}a").name,
    lambda c: c.get_node_from_key("{t}a", replica=True).name,
    lambda c: c.get_random_node() in c.get_nodes(),
    lambda c: c.get_default_node() in c.get_primaries(),
    lambda c: c.get_redis_connection(c.get_primaries()[0]).ping(),
    lambda c: c.dbsize(target_nodes=c.get_primaries()),
    lambda c: c.config_get("maxmemory-policy"),
    lambda c: c.config_get("maxmemory", target_nodes="primaries"),
    lambda c: sorted(c.client_list()[0])[:1],
    lambda c: sorted(c.scan_iter()),
    lambda c: sorted(c.scan_iter(match="{t}*", count=2)),
    lambda c: sorted(c.scan(match="{t}*", count=1_000)[1]),
    lambda c: sorted(c.scan_iter(target_nodes=c.get_node_from_key("a"))),
    lambda c: sorted(c.keys(target_nodes="primaries")),
    lambda c: c.pipeline().set("a", 5).get("a").get("b").hgetall("h").incr("n").execute(),
    lambda c: c.pipeline().set("a", "text").incr("a").get("a").execute(raise_on_error=False)[::2],
    lambda c: c.pipeline(transaction=True).set("{t}a", 7).incr("{t}a").execute(),
    lambda c: c.transaction(lambda pipe: pipe.multi() or pipe.incr("{t}a"), "{t}a"),
    lambda c: c.lock("{t}lock", timeout=5).acquire(),
    lambda c: c.flushall() and c.flushdb() and None,
    lambda c: sorted(c.scan_iter()),
]


def test_the_same_steps_come_to_the_same_on_both(client, stock):
    theirs = [step(stock) for step in STEPS]
    ours = [step(client) for step in STEPS]
    for number, (expected, answer) in enumerate(zip(theirs, ours)):
        assert answer == expected, f"step {number}"
    assert client.get_status()["served_by_redis"] > len(STEPS) / 2


def test_errors_are_those_of_redis_py_and_ours(client):
    a, b, _ = one_in_each_third("k")
    client.mset({a: "text", b: 1})
    with pytest.raises(redis.ResponseError) as refused:
        client.incr(a)
    assert isinstance(refused.value, outlast.CommandError)
    with pytest.raises(RedisClusterException) as refused:
        client.rename(a, b)
    assert isinstance(refused.value, outlast.CommandError)
    assert isinstance(refused.value, ClusterCrossSlotError)
    again = pickle.loads(pickle.dumps(refused.value))
    assert type(again) is type(refused.value)
    assert (again.args, again.code) == (refused.value.args, "command_error")
    with pytest.raises(CrossSlotTransactionError):
        client.pipeline(transaction=True).set(a, 1).set(b, 2).execute()
    assert client.mget(a, b) == [b"text", b"1"]
    with pytest.raises(redis.ResponseError, match=r"Command # 2 \(INCRBY .*caused error"):
        client.pipeline().set(b, 5).incr(a).set(b, 6).execute()
    assert client.get(b) == b"6"
    with pytest.raises(RedisClusterException, match="outside of transactional context"):
        client.pipeline().watch(a)
    with pytest.raises(RedisClusterException, match="is not implemented"):
        client.pipeline().load_scripts()
    evaluated = client.pipeline().eval("return KEYS[1]", 1, a).get(b).execute()
    assert evaluated == [a.encode(), b"6"]


def test_watched_keys_are_watched(client):
    with client.pipeline(transaction=True) as pipe:
        pipe.watch("{w}k")
        assert pipe.get("{w}k") is None
        pipe.multi()
        pipe.set("{w}k", "ours").get("{w}k")
        assert len(pipe) == 2
        client.set("{w}k", "theirs")
        with pytest.raises(WatchError):
            pipe.execute()
        pipe.watch("{w}k")
        assert pipe.get("{w}k") == b"theirs"
        pipe.multi()
        pipe.set("{w}k", "ours")
        # As redis-py has it in a cluster.
        assert pipe.execute() == [b"OK"]
    assert client.get("{w}k") == b"ours"


def test_subscriptions_and_monitors_have_a_node(client):
    with client.pubsub(ignore_subscribe_messages=True) as listener:
        listener.subscribe("news")
        listener.get_message(timeout=5)
        client.publish("news", "hello")
        message = wait_until(lambda: listener.get_message(timeout=1), what="the message")
        assert message["data"] == b"hello"
    with client.monitor(client.get_node_from_key("k")) as monitor:
        client.set("k", "seen")
        seen = wait_until(monitor.next_command, what="the command")
        while "seen" not in seen["command"]:
            seen = monitor.next_command()
        assert seen["command"] == "SET k seen"


def test_callbacks_of_ones_own_and_subclasses_are_heeded(client, whole_cluster):
    client.set("k", 1)
    client.set_response_callback("GET", lambda reply, **_: ("seen", reply))
    assert client.get("k") == ("seen", b"1")
    assert client.pipeline().get("k").execute() == [("seen", b"1")]

    class Watching(outlast.RedisCluster):
        seen = ()

        def execute_command(self, *args, **options):
            self.seen += (args[0],)
            return super().execute_command(*args, **options)

    with Watching("127.0.0.1", whole_cluster.nodes[0].port) as watching:
        assert watching.get("k") == b"1"
        assert watching.seen == ("GET",)


def test_install_puts_it_in_the_place_of_redis_py(whole_cluster):
    port = whole_cluster.nodes[0].port
    stock = redis.RedisCluster
    with outlast.install():
        for made in (redis.RedisCluster("127.0.0.1", port), redis.from_url(whole_cluster.url)):
            assert type(made) is outlast.RedisCluster
            assert made.ping() is True
            made.close()
    assert redis.RedisCluster is redis.cluster.RedisCluster is stock


def test_what_only_redis_py_can_do_is_left_to_it(whole_cluster, lines):
    port = whole_cluster.nodes[0].port
    seen = []

    def remap(place):
        seen.append(place)
        return place

    with outlast.RedisCluster("127.0.0.1", port, address_remap=remap) as client:
        assert client.set("k", 1) is True
        assert client.get("k") == b"1"
        assert client.pipeline().get("k").execute() == [b"1"]
    assert len(seen) >= 6
    assert "address_remap is left to redis-py" in lines.text()


def test_a_closed_client_stays_closed(whole_cluster, connect):
    client = connect(whole_cluster)
    client.set("k", 1)
    client.close()
    client.close()
    for call in (
        lambda: client.get("k"),
        lambda: client.pipeline().get("k").execute(),
    ):
        with pytest.raises(outlast.ClosedError):
            call()
    assert client.mode == "closed"


def test_the_child_of_a_fork_has_a_client_of_its_own(client):
    client.set("k", "before")
    assert client.get_nodes()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            answer = client.get("k") + b"/" + str(len(client.get_nodes())).encode()
            os.write(write, answer)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 100) == b"before/6"
    assert client.get("k") == b"before"
    for end in (read, write):
        os.close(end)


def test_a_dead_master_takes_only_its_own_keys_with_it(cluster, connect):
    incidents = []

    def on_incident(*told):
        incidents.append(told)

    client = connect(cluster, on_incident=on_incident, incident_merge_ms=50)
    keys = one_in_each_third("n")
    for key in keys:
        client.set(key, "before")
    assert len(client.get_nodes()) == 6
    cluster.ask(1, "WAIT", 1, 5_000)
    cluster.nodes[1].kill()
    client.set(keys[1], "meanwhile")
    assert client.mode == "degraded"
    answer, seconds = timed(lambda: client.mget(keys))
    assert answer == [b"before", b"meanwhile", b"before"]
    assert seconds < AT_ONCE_SECONDS
    answer, seconds = timed(lambda: client.pipeline().get(keys[0]).get(keys[1]).incr("n").execute())
    assert answer[:2] == [b"before", b"meanwhile"]
    assert seconds < AT_ONCE_SECONDS
    client.set(keys[0], "on Redis")
    assert cluster.read(0, keys[0]) == "on Redis"
    with pytest.raises(redis.ConnectionError) as refused:
        client.blpop(keys[1], timeout=1)
    assert isinstance(refused.value, outlast.RedisUnavailable)
    with pytest.raises(outlast.RedisUnavailable), client.pipeline(transaction=True) as pipe:
        pipe.watch(keys[1])
    assert client.get_status()["redis_connected"] is False
    # Its replica is promoted, and has it from us.
    wait_until(lambda: client.mode == "connected", PATIENCE, "the failover is followed")
    wait_until(lambda: cluster.read(4, keys[1]) == "meanwhile", what="it is written back")
    assert client.get_status()["journal_keys"] == 0
    assert client.mget(keys) == [b"on Redis", b"meanwhile", b"before"]
    assert "outlast_" in client.metrics() or "db_client" in client.metrics()
    assert client.dead_letters() == []
    wait_until(lambda: incidents, what="the incident is told")


def test_no_increment_is_lost_or_doubled_by_a_failover(cluster, connect):
    client = connect(cluster)
    keys = one_in_each_third("n")
    acknowledged = [dict.fromkeys(keys, 0) for _ in range(8)]
    doubtful = [dict.fromkeys(keys, 0) for _ in range(8)]
    stop = threading.Event()

    def count(number):
        while not stop.is_set():
            for key in keys:
                try:
                    client.incr(key)
                    acknowledged[number][key] += 1
                except outlast.MaybeApplied:
                    doubtful[number][key] += 1

    threads = [threading.Thread(target=count, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    wait_until(lambda: sum(counts[keys[1]] for counts in acknowledged) > 1_000, what="a start")
    stop.set()
    for thread in threads:
        thread.join()
    # What Redis acknowledged before its replica had it, a failover of Redis loses.
    assert cluster.ask(1, "WAIT", 1, 5_000) >= 1
    cluster.nodes[1].kill()
    stop.clear()
    threads = [threading.Thread(target=count, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    wait_until(lambda: client.mode == "degraded", what="the outage is noticed")
    wait_until(lambda: client.mode == "connected", PATIENCE, "the failover is followed")
    stop.set()
    for thread in threads:
        thread.join()
    for at, key in zip((0, 4, 2), keys):
        sure = sum(counts[key] for counts in acknowledged)
        doubted = sum(counts[key] for counts in doubtful)
        found = int(cluster.read(at, key))
        assert sure <= found <= sure + doubted, key
    assert not any(counts[key] for counts in doubtful for key in (keys[0], keys[2]))


def test_commands_follow_slots_that_are_moved(cluster, connect):
    client = connect(cluster)
    key = one_in_each_third("n")[0]
    stop = threading.Event()
    counts = [0] * 4

    def count(number):
        while not stop.is_set():
            client.incr(key)
            client.pipeline().incr(key).get(key).execute()
            counts[number] += 2

    threads = [threading.Thread(target=count, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for start, end in ((0, 1), (1, 2), (2, 0)):
        before = sum(counts)
        cluster.move(key, start, end)
        wait_until(lambda before=before: sum(counts) > before + 20, what="the commands go on")
    stop.set()
    for thread in threads:
        thread.join()
    assert int(cluster.read(0, key)) == sum(counts)
    assert client.mode == "connected"


def test_reads_go_to_replicas_where_that_is_asked_for(whole_cluster, connect):
    client = connect(whole_cluster, load_balancing_strategy=LoadBalancingStrategy.RANDOM_REPLICA)
    key = one_in_each_third("replicated")[0]
    client.set(key, "v")
    assert whole_cluster.ask(0, "WAIT", 1, 5_000) == 1

    def gets(at):
        return whole_cluster.ask(at, "INFO", "commandstats").get("cmdstat_get", {"calls": 0})

    before = gets(3)["calls"]
    wait_until(lambda: client.get(key) == b"v" and gets(3)["calls"] > before, what="a replica")
    assert whole_cluster.read(0, key) == "v"


def test_an_outage_can_be_had_for_a_test(client):
    client.set("k", 1)
    with outlast.testing.cause_outage(client, "refused"):
        assert client.mode == "degraded"
        assert client.get("k") == b"1"
        client.incr("k")
    wait_until(lambda: client.mode == "connected", what="the end of the outage")
    wait_until(lambda: client.get("k") == b"2", what="the journal")


def test_limits_caches_and_health_work_on_it(client):
    told = [outlast.caching.rate_limit(client, "limit", 2, 60) for _ in range(3)]
    assert [(one["allowed"], one["counted_by"]) for one in told] == [
        (True, "redis"),
        (True, "redis"),
        (False, "redis"),
    ]
    calls = []

    @outlast.caching.cached(client, lambda name: f"cached:{name}", 60, beta=0)
    def made(name):
        calls.append(name)
        return {"made": name}

    keys = one_in_each_third("name")
    assert [made(name) for name in keys * 2] == [{"made": name} for name in keys * 2]
    assert calls == keys
    begun = []
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/readyz", "REMOTE_ADDR": "127.0.0.1"}
    environ["HTTP_HOST"] = "localhost"
    outlast.health.wsgi(client)(environ, lambda code, _headers: begun.append(code))
    assert begun == ["200 OK"]


def test_a_cluster_that_is_not_there():
    port = 1
    began = time.monotonic()
    client = outlast.RedisCluster("127.0.0.1", port, profile="development", **QUICK)
    assert client.set("k", 1) is True
    assert client.get("k") == b"1"
    assert time.monotonic() - began < 10
    with pytest.raises(RedisClusterException):
        client.get_nodes()
    client.close()
    required = outlast.RedisCluster(
        "127.0.0.1", port, profile="production", lazy_connect=True, **QUICK
    )
    with pytest.raises(redis.ConnectionError):
        required.get("k")
    required.close()
    with pytest.raises(RedisClusterException) as refused:
        outlast.RedisCluster("127.0.0.1", port, profile="production", **QUICK)
    assert isinstance(refused.value, outlast.RedisUnavailable)


WITHOUT_REDIS_PY = """
import asyncio, sys
sys.modules["redis"] = None
import outlast, outlast.asyncio
url, port = sys.argv[1], int(sys.argv[2])
node = {"host": "127.0.0.1", "port": port}
for client in (
    outlast.RedisCluster(startup_nodes=[node, ("127.0.0.1", port)]),
    outlast.RedisCluster.from_url(url),
    outlast.Redis.from_url(url),
):
    client.mset({"a": 1, "b": 2, "c": 3})
    print(type(client).__name__, client.mget("c", "a"), len(list(client.scan_iter(count=1))))
    print(client.pipeline(False).incr("a").get("b").execute())
    print(client.execute_command("DBSIZE"))
    client.close()

async def main():
    async with outlast.asyncio.RedisCluster("127.0.0.1", port) as client:
        print(await client.mget("c", "a"), await client.pipeline().get("b").execute())

asyncio.run(main())
"""


def test_it_is_there_without_redis_py(whole_cluster, client):
    client.flushall()
    printed = run_script(WITHOUT_REDIS_PY, whole_cluster.url, whole_cluster.nodes[0].port)
    assert printed.splitlines() == [
        "RedisCluster [b'3', b'1'] 3",
        "[2, b'2']",
        "3",
        "RedisCluster [b'3', b'1'] 3",
        "[2, b'2']",
        "3",
        "Redis [b'3', b'1'] 3",
        "[2, b'2']",
        "3",
        "[b'3', b'2'] [b'2']",
    ]
