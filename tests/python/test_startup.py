"""Starting with and without Redis."""

import outlast
import pytest
from conftest import free_port, is_connected, timed, wait_until


@pytest.mark.parametrize("profile", ["staging", "production"])
def test_required_without_redis_is_an_exception_that_says_it_all(make, profile):
    port = free_port()
    with pytest.raises(outlast.RedisUnavailable) as caught:
        make(f"redis://app:planted@127.0.0.1:{port}/2", profile)
    message = str(caught.value)
    assert f"(redis://127.0.0.1:{port}/2)" in message
    assert "in 3 dials" in message
    assert "connection_refused" in message
    assert (caught.value.code, caught.value.kind) == ("redis_unavailable", "connection_refused")
    assert "planted" not in message


@pytest.mark.parametrize("profile", ["staging", "production"])
def test_optional_starts_without_redis_and_finds_it_later(start_server, make, profile):
    server = start_server()
    server.kill()
    client = make(server.url, profile, startup="optional")
    assert client.mode == "degraded"
    assert client.set("k", "v")
    server.start()
    wait_until(lambda: is_connected(client))
    assert server.read("k") == "v"


def test_required_and_lazy_raises_at_the_first_command(make):
    client = make(f"redis://127.0.0.1:{free_port()}", lazy_connect=True)
    assert client.get_status()["dials"] == 0
    with pytest.raises(outlast.RedisUnavailable):
        client.get("k")


@pytest.mark.parametrize("profile", ["development", "test"])
def test_lazy_profiles_dial_with_the_first_command(server, make, profile):
    client = make(server.url, profile)
    assert (client.get_status()["dials"], client.mode) == (0, "degraded")
    client.set("k", "v")
    assert (client.get_status()["dials"], client.mode) == (1, "connected")


def test_other_profiles_are_connected_once_they_are_made(server, make):
    assert make(server.url, "production").mode == "connected"


def test_a_client_can_begin_in_the_background(server, make):
    client = make(server.url, "development")
    _, took = timed(client.begin)
    wait_until(lambda: is_connected(client))
    assert took < 0.5
    client.connect()
    assert client.get_status()["dials"] == 1
