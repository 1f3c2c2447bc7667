"""outlast.Redis in the place of redis.Redis: the whole surface, with a server and without."""

import datetime
import subprocess
import sys
import threading
import time

import outlast
import pytest
import redis
from conftest import is_connected, run_script, timed, wait_until
from redis.backoff import NoBackoff
from redis.retry import Retry

AT_ONCE_SECONDS = 0.5


@pytest.fixture
def client(server, make):
    return make(server.url, retry=Retry(NoBackoff(), 0))


@pytest.fixture
def degraded(server, client):
    client.set("seen", "before")
    server.kill()
    client.get("seen")
    assert client.mode == "degraded"
    return client


def test_it_is_a_redis_of_redis_py_with_every_method_of_it(client):
    assert isinstance(client, redis.Redis)
    assert client.hset("h", mapping={"a": 1, "b": 2.5}) == 2
    assert client.hgetall("h") == {b"a": b"1", b"b": b"2.5"}
    assert client.zadd("z", {"m": 1, "n": 2}) == 2
    assert client.zrange("z", 0, -1, withscores=True) == [(b"m", 1.0), (b"n", 2.0)]
    assert client.smembers("none") == set()
    assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    assert client.info("server")["redis_mode"] == "standalone"
    assert client.geoadd("g", [13.361389, 38.115556, "Palermo"]) == 1
    assert client.xadd("s", {"f": "v"}, id="1-1") == b"1-1"
    assert client.xrange("s") == [(b"1-1", {b"f": b"v"})]
    assert sorted(client.scan_iter()) == [b"g", b"h", b"s", b"z"]
    assert client.restore("copy", 0, client.dump("h")) == b"OK"
    assert client.object("encoding", "copy") in (b"listpack", b"ziplist")
    in_an_hour = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    assert client.set("k", "v", exat=in_an_hour) is True
    assert 3_590 < client.ttl("k") <= 3_600
    assert client.expire("k", 5, xx=True) is True
    assert client.execute_command("CLIENT NO-EVICT", "ON") == b"OK"


def shown(answer):
    """What can be compared; an error is of more than redis-py's class."""
    if isinstance(answer, list):
        return [shown(item) for item in answer]
    if isinstance(answer, Exception):
        return [
            cls.__name__ for cls in type(answer).__mro__ if cls.__module__ == "redis.exceptions"
        ]
    return repr(answer)


@pytest.mark.parametrize("protocol", [2, 3, None])
@pytest.mark.parametrize("decode_responses", [False, True])
def test_answers_are_those_of_redis_py(server, make, protocol, decode_responses):
    options = {"decode_responses": decode_responses, "protocol": protocol}
    steps = [
        ("hset", ("h", "f", "v")),
        ("hgetall", ("h",)),
        ("sadd", ("s", "m")),
        ("smembers", ("s",)),
        ("zadd", ("z", {"a": 1.5})),
        ("zrange", ("z", 0, -1, False, True)),
        ("zpopmin", ("z",)),
        ("zscore", ("z", "a")),
        ("eval", ("return {1, {ok='fine'}, 'x', redis.error_reply('E no')}", 0)),
        ("config_get", ("save",)),
        ("command_count", ()),
        ("xadd", ("x", {"f": "v"}, "7-7")),
        ("xread", ({"x": 0},)),
        ("geoadd", ("g", [13.5, 38.5, "P"])),
        ("geopos", ("g", "P", "nobody")),
        ("lpos", ("nolist", "x")),
        ("memory_usage", ("h",)),
        ("time", ()),
    ]
    found = []
    for made in (redis.Redis(port=server.port, **options), make(server.url, **options)):
        made.flushdb()
        answers = [shown(getattr(made, method)(*args)) for method, args in steps]
        found.append(answers[:-1])
    assert found[0] == found[1]


def test_texts_of_another_encoding(server, make):
    client = make(server.url, encoding="latin-1", decode_responses=True)
    client.set("grün", "größe")
    assert client.get("grün") == "größe"
    assert client.hset("h", "ß", "ü") == 1
    assert client.pipeline(transaction=False).get("grün").hgetall("h").execute() == [
        "größe",
        {"ß": "ü"},
    ]
    # redis-py packs texts as UTF-8 whatever it was told, where hiredis is installed.
    with server.peer(encoding="latin-1") as peer:
        assert peer.get("grün".encode("latin-1")) == "größe"
    lossy = make(server.url, decode_responses=True, encoding_errors="replace")
    assert lossy.get("grün".encode("latin-1")) == "gr\ufffd\ufffde"


def test_blocking_commands_wait_beyond_the_deadline_of_others(server, make):
    client = make(server.url, command_timeout_ms=100)
    assert client.blpop("q", timeout=0.3) is None
    waiting = threading.Thread(target=lambda: got.append(client.brpop("q", timeout=5)))
    got = []
    waiting.start()
    with server.peer() as peer:
        wait_until(lambda: peer.info("clients")["blocked_clients"] == 1)
    client.lpush("q", "x")
    waiting.join()
    assert got == [(b"q", b"x")]


def test_subscriptions_and_monitor_have_connections_of_their_own(client):
    with client.pubsub() as subscriber, client.monitor() as monitor:
        subscriber.subscribe("c")
        assert subscriber.get_message(timeout=5)["type"] == "subscribe"
        assert client.publish("c", "hello") == 1
        assert subscriber.get_message(timeout=5)["data"] == b"hello"
        assert any("SUBSCRIBE c" in command["command"] for command in monitor.listen())


def test_a_client_of_one_connection_keeps_it(server, client):
    with client.client() as single:
        single.client_setname("single")
        assert single.client_getname() == "single"
        assert single.set("k", "v") is True
        assert single.get("k") == b"v"
        assert single.select(1) is True
        assert single.get("k") is None
    assert client.get("k") == b"v"
    with outlast.Redis(port=server.port, single_connection_client=True) as alone:
        assert alone.client_id() == alone.client_id()


def test_a_watched_transaction_sees_a_change(server, client):
    client.set("k", 1)
    with client.pipeline() as pipe:
        pipe.watch("k")
        assert pipe.get("k") == b"1"
        pipe.multi()
        pipe.set("k", 2)
        with server.peer() as peer:
            peer.set("k", "changed")
        with pytest.raises(redis.WatchError):
            pipe.execute()
    assert client.get("k") == b"changed"

    def add(pipe):
        value = int(pipe.get("n") or 0)
        pipe.multi()
        pipe.set("n", value + 1)

    assert client.transaction(add, "n") == [True]
    assert client.get("n") == b"1"


def test_pipelines_answer_as_redis_py_does(client):
    with client.pipeline() as pipe:
        assert pipe.set("k", 1).incr("k").get("k").hset("h", "f", "v").execute() == [
            *(True, 2, b"2", 1)
        ]
        assert len(pipe) == 0
        pipe.lpush("k", "x").get("k")
        with pytest.raises(redis.ResponseError, match=r"Command # 1 \(LPUSH k x\) of pipeline"):
            pipe.execute()
        pipe.lpush("k", "x").get("k")
        error, value = pipe.execute(raise_on_error=False)
        assert isinstance(error, outlast.CommandError)
        assert value == b"2"
    with client.pipeline(transaction=False) as pipe:
        pipe.set("k", 1).dump("k").mget("k", "none").blpop("none", timeout=1)
        answers = pipe.execute()
        assert answers[0] is True
        assert answers[2:] == [[b"1", None], None]
    script = client.register_script("return redis.call('GET', KEYS[1])")
    client.script_flush()
    with client.pipeline() as pipe:
        pipe.set("k", 7)
        script(keys=["k"], client=pipe)
        assert pipe.execute() == [True, b"7"]


def test_a_pipeline_leaves_in_one_write(server, client):
    client.ping()
    with server.peer() as peer:
        before = peer.info("stats")["total_reads_processed"]
        client.pipeline(transaction=False).set("a", 1).get("a").incr("a").get("b").execute()
        client.pipeline().set("a", 1).get("a").incr("a").get("b").execute()
        reads = peer.info("stats")["total_reads_processed"] - before
    # The second INFO is one of them.
    assert reads == 3


def test_locks_and_scripts(client):
    with client.lock("lock", timeout=5) as lock:
        assert lock.owned()
        assert client.lock("lock", blocking=False).acquire() is False
    assert client.exists("lock") == 0
    assert client.register_script("return ARGV[1] + 1")(args=[41]) == 42


def test_callbacks_of_ones_own_are_heeded(client):
    client.set("k", "v")
    client.set_response_callback("GET", lambda reply: reply.decode().upper())
    assert client.get("k") == "V"
    client.response_callbacks["HGET"] = lambda _reply: "mine"
    assert client.hget("h", "f") == "mine"


@pytest.mark.parametrize("seam", ["execute_command", "parse_response"])
def test_a_subclass_sees_every_command(server, seam):
    seen = []

    def spy(self, *args, **options):
        seen.append(args)
        return getattr(outlast.Redis, seam)(self, *args, **options)

    with type("Spy", (outlast.Redis,), {seam: spy})(port=server.port) as client:
        client.set("k", "v")
        assert client.get("k") == b"v"
        assert client.incr("n") == 1
    assert len(seen) == 3


def test_clients_of_one_pool_share_what_they_know(server):
    with redis.ConnectionPool(port=server.port, socket_timeout=0.5) as pool:
        first, second = (outlast.Redis(connection_pool=pool) for _ in range(2))
        first.set("k", "v")
        server.kill()
        first.set("during", "1")
        assert (second.mode, second.get("during")) == ("degraded", b"1")
        del first
        assert second.get("during") == b"1"


def test_a_pool_keeps_its_place_and_its_limits(server):
    pool = redis.BlockingConnectionPool.from_url(f"{server.url}/3", max_connections=4, timeout=1)
    client = outlast.Redis(connection_pool=pool)
    client.set("k", "v")
    with server.peer(db=3) as peer:
        assert peer.get("k") == "v"
    client.close()
    assert client.get("k") == b"v", "a pool of others is not closed"


def test_what_the_native_client_cannot_do_is_left_to_redis_py(server, lines):
    class Login(redis.CredentialProvider):
        def get_credentials(self):
            return ()

    class Odd(redis.Connection):
        def read_response(self, *args, **options):
            return super().read_response(*args, **options)

    pool = redis.ConnectionPool(port=server.port, connection_class=Odd)
    messages = []
    for client, why in [
        (outlast.Redis(port=server.port, credential_provider=Login()), "a credential provider"),
        (outlast.Redis(connection_pool=pool), "Odd is left to redis-py"),
    ]:
        assert client.set("k", "v") is True
        assert client.get("k") == b"v"
        with pytest.raises(outlast.InvalidArgument, match="without a status"):
            client.get_status()
        messages.append(why)
    warnings = [record.getMessage() for record in lines.warnings()]
    assert [why in warning for why, warning in zip(messages, warnings)] == [True, True]


def test_arguments_of_redis_py_are_understood(server):
    with outlast.Redis(
        *("127.0.0.1", server.port, 0, None, 0.25),
        socket_connect_timeout=2,
        max_connections=7,
        client_name="mine",
        health_check_interval=30,
        retry=Retry(NoBackoff(), 0),
        socket_keepalive=True,
        socket_keepalive_options={},
        retry_on_error=[ConnectionError],
    ) as client:
        client.ping()
        assert client.client_getname() == "mine"
        with server.peer() as peer:
            assert len([c for c in peer.client_list() if c["name"] == "mine"]) == 2
        client.set("k", "v")
        server.freeze()
        value, seconds = timed(lambda: client.get("k"))
        server.thaw()
        assert (value, seconds < 0.25 + AT_ONCE_SECONDS) == (b"v", True)
    with pytest.raises(outlast.InvalidOption, match='invalid socket_timeout "-1"'):
        outlast.Redis(socket_timeout=-1)
    with pytest.raises(outlast.InvalidOption, match='unknown option "socket_timout"'):
        outlast.Redis(socket_timout=1)
    url = f"{server.url}?socket_timeout=2&decode_responses=True&health_check_interval=9"
    with outlast.from_url(url, command_timeout_ms=300) as client:
        client.set("k", "v")
        assert client.get("k") == "v"
        server.freeze()
        seconds = timed(lambda: client.get("k"))[1]
        server.thaw()
        assert seconds < 0.3 + AT_ONCE_SECONDS, "an option of ours goes before its translation"


ERRORS = [
    ("WRONGTYPE no", redis.ResponseError, "WRONGTYPE no"),
    ("ERR no", redis.ResponseError, "no"),
    ("NOSCRIPT no", redis.exceptions.NoScriptError, "no"),
    ("NOPERM no", redis.exceptions.NoPermissionError, "no"),
    ("EXECABORT no", redis.exceptions.ExecAbortError, "no"),
    ("MOVED 7 h:1", redis.exceptions.MovedError, "7 h:1"),
    ("ASK 7 h:1", redis.exceptions.AskError, "7 h:1"),
    ("CROSSSLOT no", redis.exceptions.ClusterCrossSlotError, "no"),
]


@pytest.mark.parametrize(("reply", "cls", "text"), ERRORS)
def test_error_replies_are_of_redis_pys_classes(client, reply, cls, text):
    with pytest.raises(cls) as caught:
        client.eval("return redis.error_reply(ARGV[1])", 0, reply)
    assert isinstance(caught.value, outlast.CommandError)
    assert str(caught.value) == text
    (nested,) = client.eval("return {redis.error_reply(ARGV[1])}", 0, reply)
    assert isinstance(nested, cls)


def test_an_outage_is_a_connection_error_of_redis_py(degraded):
    with pytest.raises(redis.ConnectionError) as caught:
        degraded.set("lock", 1, nx=True)
    assert (type(caught.value).__name__, caught.value.code) == (
        *("RedisUnavailable", "redis_unavailable"),
    )
    with pytest.raises(redis.ConnectionError):
        degraded.execute_command("NO SUCH COMMAND")
    degraded.close()
    with pytest.raises(redis.ConnectionError, match="closed"):
        degraded.get("k")


def test_a_missed_deadline_is_a_timeout_of_redis_py(server, make):
    client = make(server.url, command_timeout_ms=100)
    client.ping()
    server.freeze()
    with pytest.raises(redis.TimeoutError) as caught:
        client.incr("n")
    server.thaw()
    assert isinstance(caught.value, outlast.MaybeApplied)
    assert isinstance(caught.value, redis.ConnectionError)


def test_a_wrong_password_is_an_authentication_error_of_redis_py(start_server):
    server = start_server("--requirepass", "right")
    with pytest.raises(redis.AuthenticationError) as caught:
        outlast.Redis(port=server.port, password="planted", profile="production")
    assert isinstance(caught.value, outlast.RedisUnavailable)
    assert "planted" not in repr(caught.value) + str(caught.value)


def test_a_read_only_replica_is_one_of_redis_py(server, make):
    client = make(server.url, rules={"locked:*": "lock"})
    with server.peer() as peer:
        peer.execute_command("REPLICAOF", "127.0.0.1", 1)
    with pytest.raises(redis.exceptions.ReadOnlyError) as caught:
        client.set("locked:1", "v")
    assert caught.value.kind == "read_only"


def test_pipelines_are_answered_from_memory_and_written_back(server, degraded):
    for transaction in (True, False):
        pipe = degraded.pipeline(transaction=transaction)
        pipe.set("k", "v").incr("n").get("k").hset("h", "f", transaction * 1).hgetall("h")
        answers, seconds = timed(pipe.execute)
        assert seconds < AT_ONCE_SECONDS
        assert answers[0] is True
        assert answers[2] == b"v"
        assert isinstance(answers[4], dict)
    pipe = degraded.pipeline(transaction=False)
    pipe.set("m", 1).setnx("lock", 1).get("m")
    answers = pipe.execute(raise_on_error=False)
    assert (answers[0], type(answers[1]).__name__, answers[2]) == (True, "RedisUnavailable", b"1")
    with pytest.raises(outlast.RedisUnavailable):
        degraded.pipeline(transaction=False).set("m", 2).setnx("lock", 1).execute()
    server.start()
    wait_until(lambda: is_connected(degraded))
    with server.peer() as peer:
        assert peer.mget("k", "n", "m") == ["v", "2", "2"]
        assert peer.exists("lock") == 0


def test_what_needs_a_connection_says_so_at_once(degraded):
    def watch():
        with degraded.pipeline() as pipe:
            pipe.watch("k")

    for call in (watch, degraded.client_id, lambda: degraded.blpop("q", timeout=5)):
        began = time.perf_counter()
        with pytest.raises(outlast.RedisUnavailable):
            call()
        assert time.perf_counter() - began < AT_ONCE_SECONDS
    with pytest.raises(redis.ConnectionError):
        degraded.pubsub().subscribe("c")


def test_install_puts_it_in_place_of_redis_py_and_back(server):
    stock, from_url = redis.Redis, redis.from_url
    with outlast.install():
        assert redis.Redis is redis.StrictRedis is outlast.Redis
        for made in (redis.Redis(port=server.port), redis.from_url(server.url)):
            assert isinstance(made, outlast.Redis)
            assert made.ping() is True
        outlast.install()
    assert (redis.Redis, redis.from_url) == (stock, from_url)
    outlast.uninstall()
    assert redis.Redis is stock


def test_who_computes_beside_a_caller_seldom_holds_it_up(server):
    """Beside redis-py, which gives the GIL up for each reply and waits for the next switch."""
    printed = run_script(
        """
import sys, threading, time
import outlast, redis
sys.setswitchinterval(0.02)
port = int(sys.argv[1])
clients = [outlast.Redis(port=port), redis.Redis(port=port)]
slow = [0, 0]
ended = threading.Event()
def compute():
    while not ended.is_set():
        sum(range(1000))
def rounds():
    for _ in range(100):
        for place, client in enumerate(clients):
            for _ in range(100):
                began = time.perf_counter()
                client.get("k")
                slow[place] += time.perf_counter() - began > 0.01
        # On a busy machine it takes a while until the two threads meet.
        if slow[1] >= 40:
            return
busy = threading.Thread(target=compute)
busy.start()
rounds()
ended.set()
busy.join()
print(*slow)
""",
        server.port,
    )
    ours, theirs = map(int, printed.split())
    assert theirs >= 40, "nothing was held up"
    assert ours < theirs / 4


WITHOUT_REDIS_PY = """
import sys
sys.modules["redis"] = None
import outlast
assert outlast.OutlastError.__mro__[1] is Exception
port = int(sys.argv[1])
with outlast.Redis(port=port, decode_responses=True, socket_timeout=1) as client:
    client.flushdb()
    print(client.ping(), client.set("k", 1, ex=60), client.get("k"), client.ttl("k"))
    print(client.hset("h", mapping={"a": 1}), client.hgetall("h"), client.type("h"))
    print(client.zadd("z", {"m": 1.5}), client.zrange("z", 0, -1, withscores=True))
    print(client.sadd("s", "m"), client.smembers("s"), client.lpush("l", 1), client.lpop("l"))
    print(client.set("k", 2, pxat=33_000_000_000_000), client.expire("k", 5, nx=True))
    print(client.pipeline().incr("k").hgetall("h").zscore("z", "m").execute())
    print(client.pipeline(False).set("k", "OK").get("k").expire("k", 9).execute())
    print(client.evalsha(client.script_load("return 7"), 0), sorted(client.scan_iter()))
    for wrong in (lambda: client.lpush("k", 1), lambda: client.pipeline().lpush("k", 1).execute()):
        try:
            wrong()
        except outlast.CommandError as error:
            print(error.code)
    try:
        client.execute_command("SUBSCRIBE", "c")
    except outlast.InvalidArgument as error:
        print("connections are shared" in str(error))
try:
    outlast.install()
except outlast.InvalidOption as error:
    print(error)
"""


def test_without_redis_py_it_has_the_commands_that_are_used_most(server):
    assert run_script(WITHOUT_REDIS_PY, server.port).splitlines() == [
        "True True 1 60",
        "1 {'a': '1'} hash",
        "1 [('m', 1.5)]",
        "1 {'m'} 1 1",
        "True False",
        "[3, {'a': '1'}, 1.5]",
        "[True, 'OK', True]",
        "7 ['h', 'k', 's', 'z']",
        "command_error",
        "command_error",
        "True",
        "install() needs redis-py: pip install outlast[redis]",
    ]


def test_an_import_brings_little_with_it():
    """Without redis-py. Times are for a quiet machine; what is imported is the same on each."""
    source = "import sys; sys.modules['redis'] = None; import outlast; print(*sys.modules)"
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path = {sys.path!r}; {source}"]
    imported = set(subprocess.check_output(command, text=True).split())
    slow = {"asyncio", "dataclasses", "datetime", "inspect", "socket", "ssl", "uuid"}
    assert not imported & slow
    assert "outlast._outlast" in imported
