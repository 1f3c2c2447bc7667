"""A master that a real sentinel names: for commands, and for what is left to redis-py."""

import contextlib
import subprocess

import outlast
import outlast.asyncio
import pytest
import redis
from conftest import free_port, wait_until


@pytest.fixture
def url(start_server, tmp_path):
    """Of a master that a sentinel watches; the first that is named is not there."""
    server = start_server("--requirepass", "kept")
    port = free_port()
    file = tmp_path / "sentinel.conf"
    file.write_text(
        f"bind 127.0.0.1\nport {port}\ndir {tmp_path}\nrequirepass watched\n"
        f"sentinel monitor cache 127.0.0.1 {server.port} 1\nsentinel auth-pass cache kept\n"
    )
    with subprocess.Popen(
        ["redis-server", file, "--sentinel"], stdout=subprocess.DEVNULL
    ) as sentinel:
        wait_until(lambda: answers(port), what="the start of the sentinel")
        places = f"127.0.0.1:{free_port()},127.0.0.1:{port}"
        yield f"redis-sentinel://:kept@{places}/cache/1?sentinel_password=watched"
        sentinel.kill()


def answers(port):
    with contextlib.suppress(redis.RedisError):
        return redis.Redis(port=port, password="watched").ping()
    return False


def test_commands_and_subscriptions_find_the_master(url):
    with outlast.from_url(url, profile="production") as client:
        assert client.set("k", "v")
        status = client.get_status()
        assert status["served_by_redis"] == 1
        assert status["endpoint"].startswith("redis-sentinel://127.0.0.1:")
        assert "watched" not in f"{status} {client!r}"
        with client.pubsub(ignore_subscribe_messages=True) as listener:
            listener.subscribe("news")
            listener.get_message(timeout=5)
            client.publish("news", "hello")
            assert listener.get_message(timeout=5)["data"] == b"hello"


async def test_asyncio_finds_it_too(url):
    async with outlast.asyncio.from_url(url, profile="production") as client:
        assert await client.set("k", "v")
        assert client.get_status()["served_by_redis"] == 1
        async with client.pubsub(ignore_subscribe_messages=True) as listener:
            await listener.subscribe("news")
            await listener.get_message(timeout=5)
            await client.publish("news", "hello")
            assert (await listener.get_message(timeout=5))["data"] == b"hello"
