"""The example services, each route once: with Redis, without, and at a start without."""

import http.client
import json
import shutil

import pytest
from demo.redis_server import RedisServer, StartError
from demo.services import KINDS, Service

OUTLAST = [kind for kind in KINDS if kind.on_outlast]
PLAIN = [kind for kind in KINDS if not kind.on_outlast]


def by_title(kinds):
    return pytest.mark.parametrize("kind", kinds, ids=[kind.title for kind in kinds])


@pytest.fixture
def redis(tmp_path):
    server = RedisServer(shutil.which("redis-server"), tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def service(kind, redis, tmp_path):
    service = Service(kind, tmp_path)
    service.start(redis.url, redis.port, {})
    yield service
    service.stop()


def ask(service, method, path, body=None):
    """The status of the answer, and its JSON if it has some."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)
    headers = {"Content-Type": "application/json"} if body is not None else {}
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        text = response.read()
    finally:
        connection.close()
    is_json = response.headers.get_content_type() == "application/json"
    return response.status, json.loads(text) if is_json else None


@by_title(KINDS)
def test_every_route_answers(service, redis):
    service.wait_until_ready()
    assert ask(service, "POST", "/visits") == (200, {"visits": 1})
    assert ask(service, "POST", "/visits") == (200, {"visits": 2})
    assert ask(service, "GET", "/session/ann") == (404, {"error": "no such session"})
    assert ask(service, "PUT", "/session/ann", '{"cart": [1, 2]}') == (204, None)
    assert ask(service, "GET", "/session/ann") == (200, {"cart": [1, 2]})
    assert ask(service, "PUT", "/session/ann", "{")[0] == 400
    status, health = ask(service, "GET", "/health")
    assert status == 200
    assert health["live"] is True
    assert health["ready"] is True
    assert redis.call("GET", f"{service.prefix}visits") == "2"
    assert 1790 <= redis.call("TTL", f"{service.prefix}session:ann") <= 1800


@by_title(OUTLAST)
def test_on_outlast_every_route_answers_without_redis(service, redis):
    service.wait_until_ready()
    redis.kill()
    # The first may be the one that was sent as Redis died.
    assert ask(service, "POST", "/visits")[0] in (200, 202)
    assert ask(service, "POST", "/visits")[0] == 200
    assert ask(service, "PUT", "/session/ann", '{"cart": [3]}') == (204, None)
    assert ask(service, "GET", "/session/ann") == (200, {"cart": [3]})
    status, health = ask(service, "GET", "/health")
    assert (status, health["live"], health["ready"]) == (200, True, True)
    assert health["redis"]["mode"] == "degraded"
    assert health["redis"]["last_failure_type"] in ("connection_lost", "connection_refused")


@by_title(PLAIN)
def test_a_plain_service_says_503_without_redis(service, redis):
    service.wait_until_ready()
    redis.kill()
    assert ask(service, "POST", "/visits") == (503, {"error": "Redis is unavailable"})
    assert ask(service, "GET", "/health") == (200, {"live": True, "ready": False})


@by_title(OUTLAST)
def test_on_outlast_it_does_not_start_without_redis(kind, redis, tmp_path):
    redis.kill()
    service = Service(kind, tmp_path)
    url = redis.url.replace("://", "://:planted-secret@")
    service.start(url, redis.port, {})
    try:
        with pytest.raises(StartError, match=r"not started: .*connection_refused") as refused:
            service.wait_until_ready()
    finally:
        service.stop()
    assert "planted-secret" not in str(refused.value)
    assert "Traceback" not in str(refused.value)
