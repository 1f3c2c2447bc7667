"""Commands on a real server: what goes in and what comes out."""

import datetime
import enum
import threading

import outlast
import pytest
import redis
from outlast import types


@pytest.fixture
def client(server, make):
    return make(server.url)


@pytest.fixture
def text_client(server, make):
    return make(server.url, decode_responses=True)


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ("grüße", "grüße"),
        (b"bytes", "bytes"),
        (bytearray(b"array"), "array"),
        (memoryview(b"view"), "view"),
        (memoryview(b"s.t.e.p")[::2], "step"),
        (7, "7"),
        (-(2**80), str(-(2**80))),
        (enum.IntEnum("Colour", "RED").RED, "1"),
        (0.1, "0.1"),
        (1e300, "1e+300"),
        (float("inf"), "inf"),
        ("", ""),
    ],
)
def test_values_are_stored_as_redis_py_stores_them(client, server, value, stored):
    assert client.set("k", value) is True
    assert server.read("k") == stored
    assert client.get("k") == stored.encode()


@pytest.mark.parametrize("wrong", [None, True, False, [], {}, (), object(), 1j])
def test_anything_else_is_a_type_error_that_names_the_type(client, wrong):
    name = type(wrong).__name__
    calls = {
        "value": lambda: client.set("k", wrong),
        "name": lambda: client.get(wrong),
        "an argument": lambda: client.execute_command("ECHO", wrong),
        "the command": lambda: client.execute_command(wrong),
        "amount": lambda: client.incr("k", amount=[wrong]),
    }
    commands = client.get_status()["served_by_redis"]
    for what, call in calls.items():
        named = "list" if what == "amount" else name
        with pytest.raises(TypeError, match=f"^{what} must be str, .* or float, not {named}$"):
            call()
    assert client.get_status()["served_by_redis"] == commands


def test_the_value_of_a_wrong_argument_is_not_shown(client):
    with pytest.raises(outlast.InvalidArgument) as caught:
        client.set("k", ["planted"])
    assert "planted" not in f"{caught.value} {caught.value.__dict__}"


def test_text_comes_back_as_text_where_asked(text_client):
    text_client.set("k", "grüße")
    assert text_client.get("k") == "grüße"
    assert text_client.get("absent") is None
    assert text_client.execute_command("TYPE", "k") == "string"
    text_client.set("k", b"\xff")
    with pytest.raises(UnicodeDecodeError):
        text_client.get("k")


def test_set_has_the_options_of_redis_py(client, server):
    assert client.set("k", "1", nx=True) is True
    assert client.set("k", "2", nx=True) is None
    assert client.set("k", "2", xx=True) is True
    assert client.set("absent", "2", xx=True) is None
    assert client.set("k", "3", get=True) == b"2"
    assert client.set("new", "3", get=True) is None
    assert client.set("k", "4", 100) is True
    assert client.ttl("k") == 100
    assert client.set("k", "5", keepttl=True) is True
    assert client.ttl("k") == 100
    assert client.set("k", "5") is True
    assert client.ttl("k") == -1
    assert client.set("k", "6", px=datetime.timedelta(seconds=50, milliseconds=-1)) is True
    with server.peer() as peer:
        assert 49_000 < peer.pttl("k") < 50_000
    assert client.set("k", "7", ex=datetime.timedelta(hours=1, microseconds=999_999)) is True
    assert client.ttl("k") == 3_600
    with pytest.raises(redis.DataError, match="mutually exclusive"):
        client.set("k", "8", ex=1, px=1)
    with pytest.raises(outlast.CommandError, match="syntax error") as caught:
        client.execute_command("SET", "k", "8", "EX", 1, "PX", 1)
    assert (caught.value.code, caught.value.kind) == ("command_error", "command_error")
    assert client.set("k", "8", ex="7") is True
    assert client.ttl("k") == 7
    for wrong in (1.0, True):
        with pytest.raises(TypeError, match=r"^ex must be int or timedelta, not "):
            client.set("k", "9", ex=wrong)


def test_counters_and_expiry(client):
    assert [client.incr("n"), client.incr("n", 5), client.incr("n", amount=-2)] == [1, 6, 4]
    assert client.expire("n", 10) is True
    assert client.expire("n", datetime.timedelta(minutes=1)) is True
    assert client.ttl("n") == 60
    assert client.expire("absent", 10) is False
    assert (client.ttl("absent"), client.delete("n", "absent")) == (-2, 1)
    assert client.ping() is True
    client.set("text", "x")
    with pytest.raises(outlast.CommandError, match="not an integer"):
        client.incr("text")
    with pytest.raises(outlast.CommandError, match="wrong number of arguments"):
        client.delete()


def test_any_command_and_any_reply(client, text_client):
    run = client.execute_command
    assert run("RPUSH", "list", "a", 2, 3.5) == 3
    assert run("LRANGE", "list", 0, -1) == [b"a", b"2", b"3.5"]
    assert run("HSET", "hash", "f", "v") == 1
    assert run("HGETALL", "hash") in ({b"f": b"v"}, [b"f", b"v"])
    assert run("SADD", "set", "m") == 1
    assert set(run("SMEMBERS", "set")) == {b"m"}
    assert run("CONFIG GET", "port") != []
    assert run("MSET", "a", 1, "b", 2) is True
    assert run("TYPE", "list") == b"list"
    assert text_client.execute_command("MGET", "a", "b", "c") == ["1", "2", None]
    nested = run("EVAL", "return {1, {'a', {}}, redis.error_reply('WRONGTYPE nested')}", 0)
    assert nested[:2] == [1, [b"a", []]]
    assert isinstance(nested[2], outlast.CommandError)
    with pytest.raises(outlast.NoScriptError):
        run("EVALSHA", "0" * 40, 0)
    with pytest.raises(outlast.InvalidArgument, match="at least a name"):
        run()
    # What belongs to a connection goes over one of redis-py, which keeps it for the next.
    assert run("CLIENT SETNAME", "mine") is True
    assert run("CLIENT GETNAME") == "mine"


def test_a_user_who_may_not_is_told(start_server, make):
    server = start_server("--user", "app", "on", ">planted", "~*", "+@all", "-flushall")
    client = make(f"redis://app:planted@127.0.0.1:{server.port}")
    with pytest.raises(outlast.PermissionDeniedError) as caught:
        client.execute_command("FLUSHALL")
    assert isinstance(caught.value, outlast.CommandError)


def test_a_database_and_a_password_with_every_character(start_server):
    password = "p@ss/w:r?d#%20 [ü]&=+"
    server = start_server("--requirepass", password)
    options = {"port": server.port, "password": password, "db": 3, "profile": "production"}
    with (
        outlast.Redis("127.0.0.1", **options) as client,
        server.peer(password=password, db=3) as peer,
    ):
        client.set("k", "v")
        assert peer.get("k") == "v"
        assert repr(client).startswith(f"<Redis redis://127.0.0.1:{server.port}/3 ")
        shown = f"{client!r} {client.get_status()}"
        assert password not in shown
        assert "p%40ss" not in shown


def test_a_host_may_be_an_ipv6_address(start_server):
    server = start_server("--bind", "127.0.0.1", "::1")
    for host in ("::1", "[::1]"):
        with outlast.Redis(host, server.port, profile="production") as client:
            assert client.ping()
            assert client.mode == "connected"
            assert client.get_status()["endpoint"] == f"redis://[::1]:{server.port}"


def test_a_closed_client_says_so(server):
    with outlast.from_url(server.url, profile="production") as client:
        assert client.set("k", "v")
    assert client.mode == "closed"
    assert client.get_status()["mode"] == "closed"
    client.close()
    for call in (client.ping, lambda: client.get("k"), client.connect):
        with pytest.raises(outlast.ClosedError, match="closed") as caught:
            call()
        assert caught.value.code == "closed"


def test_leaving_the_context_lets_exceptions_pass(server):
    with pytest.raises(ZeroDivisionError), outlast.from_url(server.url) as client:
        raise ZeroDivisionError
    assert client.mode == "closed"


def test_threads_share_a_client(client, server):
    faults = []

    def work(number):
        try:
            for step in range(300):
                client.incr("shared")
                client.set(f"own:{number}", step)
                assert client.get(f"own:{number}") == str(step).encode()
        except Exception as fault:  # noqa: BLE001 - whatever it is, the test tells it
            faults.append(fault)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert server.read("shared") == "2400"


def test_a_subclass_keeps_its_class(server):
    class Mine(outlast.Redis):
        pass

    with Mine.from_url(server.url) as client, Mine(port=server.port) as other:
        assert type(client) is type(other) is Mine
        assert repr(client).startswith("<Mine ")


def test_the_status_counts(client):
    client.set("k", 1)
    client.get("k")
    status = client.get_status()
    assert status["served_by_redis"] == 2
    assert status["redis_connected"] is True
    assert status["status"] == "healthy"
    assert status["circuit_breaker_state"] == "closed"
    assert status["profile"] == "production"
    assert status["latency"]["p50_us"] > 0
    assert set(status) == set(types.Status.__annotations__)
