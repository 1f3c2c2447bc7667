"""`python -m outlast serve`: the store behind a socket, for any client of Redis."""

import signal
import subprocess
import sys
import threading

import pytest
import redis
from conftest import wait_until


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_a_signal_comes(serve, number):
    front = serve()
    with front.client() as client:
        assert client.set("k", "v", ex=60)
        assert client.get("k") == "v"
        assert front.end(number) == (0, ("", ""))
        with pytest.raises(redis.ConnectionError):
            client.get("k")


@pytest.mark.parametrize("protocol", [2, 3])
def test_redis_py_speaks_with_it(serve, protocol):
    front = serve()
    with front.client(protocol=protocol, client_name="me") as client:
        assert client.client_getname() == "me"
        with client.pipeline() as pipe:
            assert pipe.set("n", 1).incr("n").get("n").execute() == [True, 2, "2"]
        with pytest.raises(redis.ResponseError, match="is not served from memory"):
            client.execute_command("MONITOR")
        with pytest.raises(redis.ResponseError, match="unknown command 'NONSENSE'"):
            client.execute_command("NONSENSE")


@pytest.mark.parametrize("protocol", [2, 3])
def test_messages_are_published(serve, protocol):
    front = serve()
    with front.client(protocol=protocol) as client, client.pubsub() as listener:
        listener.subscribe("news")
        listener.psubscribe("n*")
        kinds = [listener.get_message(timeout=5)["type"] for _ in range(2)]
        assert kinds == ["subscribe", "psubscribe"]
        assert client.publish("news", "hello") == 2
        messages = [listener.get_message(timeout=5) for _ in range(2)]
        assert [message["type"] for message in messages] == ["message", "pmessage"]
        assert {message["data"] for message in messages} == {"hello"}
        assert client.pubsub_numsub("news") == [("news", 1)]


def test_a_blocked_pop_is_answered_by_a_push(serve):
    front = serve()
    got = []
    with front.client() as client, front.client() as waiter:
        worker = threading.Thread(target=lambda: got.append(waiter.blpop("jobs", timeout=10)))
        worker.start()
        wait_until(lambda: client.info("clients")["blocked_clients"] == 1, what="the wait")
        client.rpush("jobs", "one")
        worker.join(10)
    assert got == [("jobs", "one")]


def test_the_password_comes_from_a_file_or_the_environment(serve, tmp_path):
    file = tmp_path / "password"
    file.write_text("sekret\n")
    variable = {"OUTLAST_SERVE_PASSWORD": "sekret"}
    for front in (serve("--password-file", str(file)), serve(**variable)):
        with front.client() as stranger, pytest.raises(redis.AuthenticationError):
            stranger.get("k")
        with front.client(password="wrong") as stranger, pytest.raises(redis.AuthenticationError):
            stranger.get("k")
        with front.client(password="sekret") as friend:
            assert friend.get("k") is None
        code, output = front.end(signal.SIGTERM)
        assert code == 0
        assert "sekret" not in "".join(output)


def test_bounds_are_options(serve):
    front = serve("--bytes-max", "1000000", "--eviction", "allkeys-lru", "--clients-max", "2")
    with front.client(single_connection_client=True) as client:
        for number in range(100):
            client.set(f"k{number}", "v" * 50_000)
        assert 0 < client.dbsize() < 100
        with front.client(single_connection_client=True) as second:
            second.ping()
            with front.client() as third, pytest.raises(redis.ConnectionError, match="max number"):
                third.ping()


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["serve", "--port", "x"], 2, "invalid value 'x' for '--port"),
        (["serve", "--eviction", "x"], 2, "allkeys-lru"),
        (["serve", "--bind", "0.0.0.0"], 1, "any other needs a password"),
        (["serve", "--password-file", "/none"], 1, "cannot read the password file /none"),
        ([], 2, "Usage"),
    ],
)
def test_a_wrong_call_says_what_is_wrong(options, code, says):
    ended = subprocess.run(
        [sys.executable, "-m", "outlast", *options],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert ended.returncode == code
    assert says in ended.stderr
    assert ended.stdout == ""
