"""Libraries of asyncio over `outlast.install()`, while the redis-server is killed and restarted."""

import asyncio
import contextlib

import outlast
import outlast.asyncio
import pytest
from aiocache import RedisCache
from aiocache.serializers import JsonSerializer
from conftest import is_connected, until
from fastapi import FastAPI, Request
from httpx import ASGITransport, AsyncClient
from limits import RateLimitItemPerHour
from limits.aio.storage import RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter
from slowapi import Limiter, _rate_limit_exceeded_handler
from slowapi.errors import RateLimitExceeded

# It takes its base class out of redis-py when it is imported.
with outlast.install():
    from cashews import Cache

# They use names of redis-py that have others now.
pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated:DeprecationWarning")


@pytest.fixture(autouse=True)
def options(monkeypatch):
    """Libraries hand no options on."""
    for name, value in {
        "PROFILE": "production",
        "STARTUP": "optional",
        "LAZY_CONNECT": "true",
        "SERVER_DELAY_MS": "20",
        "SERVER_DELAY_MS_MAX": "100",
        "ON_AMBIGUOUS": "local",
    }.items():
        monkeypatch.setenv(f"OUTLAST_{name}", value)


async def outlasts(server, client, use):
    """Has it used before, in and after an outage."""
    await use()
    assert is_connected(client)
    server.kill()
    await until(lambda: not is_connected(client))
    await use()
    server.start()
    await until(lambda: is_connected(client))
    await use()


@pytest.mark.parametrize("strategy", [FixedWindowRateLimiter, MovingWindowRateLimiter])
async def test_limits_goes_on_counting(server, strategy):
    with outlast.install():
        uri = f"async+{server.url}"
        storage = RedisStorage(uri, implementation="redispy")
    client = storage.bridge.storage
    assert isinstance(client, outlast.asyncio.Redis)
    limiter, rounds = strategy(storage), iter(range(10))

    async def use():
        item, key = RateLimitItemPerHour(3), str(next(rounds))
        hits = [await limiter.hit(item, key) for _ in range(4)]
        assert hits == [True, True, True, False]
        assert await limiter.test(item, key) is False

    await outlasts(server, client, use)
    await client.aclose()


async def test_aiocache_goes_on_caching(server):
    with outlast.install():
        cache = RedisCache(
            endpoint="127.0.0.1", port=server.port, serializer=JsonSerializer(), namespace="app"
        )
    assert isinstance(cache.client, outlast.asyncio.Redis)
    rounds = iter(range(10))

    async def use():
        key = f"k{next(rounds)}"
        assert await cache.get(key) is None
        assert await cache.set(key, {"a": 1}, ttl=60)
        assert await cache.get(key) == {"a": 1}
        assert await cache.exists(key)
        assert await cache.multi_set([(f"{key}:a", 1), (f"{key}:b", 2)]) is True
        assert await cache.multi_get([f"{key}:a", f"{key}:b"]) == [1, 2]
        assert await cache.delete(key) == 1
        raw = [await cache.increment("n", 1) for _ in range(2)]
        assert raw[1] == raw[0] + 1

    await outlasts(server, cache.client, use)
    await cache.close()


async def test_cashews_goes_on_caching(server):
    cache = Cache()
    cache.setup(server.url, client_side=False, suppress=False)
    calls = []

    @cache(ttl="1m", key="double:{number}")
    async def double(number):
        calls.append(number)
        return number * 2

    rounds = iter(range(10))

    async def use():
        number = next(rounds)
        assert [await double(number) for _ in range(3)] == [number * 2] * 3
        assert calls.count(number) == 1
        assert await cache.incr("n") >= 1
        await cache.set("k", {"a": 1}, expire=60)
        assert await cache.get("k") == {"a": 1}

    await cache.init()
    client = cache._get_backend("k")._client
    assert isinstance(client, outlast.asyncio.Redis)
    await outlasts(server, client, use)
    await cache.close()


async def test_a_service_of_fastapi_goes_on_answering_and_limiting(server):
    with outlast.install():
        limiter = Limiter(lambda request: request.headers["user"], storage_uri=server.url)
    client = outlast.asyncio.from_url(server.url, decode_responses=True)
    app = FastAPI()
    app.state.limiter = limiter
    app.add_exception_handler(RateLimitExceeded, _rate_limit_exceeded_handler)

    @app.get("/visits")
    @limiter.limit("3/hour")
    async def visits(request: Request):
        user = request.headers["user"]
        await asyncio.gather(client.incr(user), client.incr("all"))
        return {"visits": await client.get(user), "mode": client.mode}

    rounds = iter(range(10))
    modes = []

    async with contextlib.AsyncExitStack() as stack:
        http = AsyncClient(transport=ASGITransport(app), base_url="http://service")
        await stack.enter_async_context(http)

        async def use():
            headers = {"user": f"user{next(rounds)}"}
            answers = [await http.get("/visits", headers=headers) for _ in range(4)]
            assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
            assert [answer.json()["visits"] for answer in answers[:3]] == ["1", "2", "3"]
            modes.append(answers[2].json()["mode"])

        await outlasts(server, client, use)
        assert modes == ["connected", "degraded", "connected"]
        # The server came back empty: what it has now was written back, or came after.
        assert await client.get("all") == "6"
    await client.aclose()
