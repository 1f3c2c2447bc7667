"""What the asyncio worker measures: other clients, and outlast, each on the loop that it names.

A client has a `name`, the `packages` that it needs, and an `open(place)` that leaves callables on
the instance, each of which answers an awaitable: `get(key)`, `set(key, value)`, `mget(keys)` (one
explicit pipeline of GETs), where it answers without a server `degraded_get(key)` and
`degraded_set(key, value)`.
"""

from __future__ import annotations

import python_clients


class Client(python_clients.Client):
    """What all have in common."""

    uvloop = False

    @classmethod
    def versions(cls) -> str:
        """The version of each of its packages; raises PackageNotFoundError without one."""
        if not cls.uvloop:
            return super().versions()
        return f"{super().versions()} uvloop {python_clients.metadata.version('uvloop')}"


class RedisPy(Client):
    name = "redis-py"
    packages = ("redis", "hiredis")

    async def open(self, place):
        from redis import asyncio as redis  # noqa: PLC0415 - only the client that is measured

        # It refuses a hundred calls at once unless its pool may be larger.
        self.client = redis.Redis(host=place.host, port=place.port, max_connections=1_000)
        self.get, self.set = self.client.get, self.client.set

    async def mget(self, keys):
        pipeline = self.client.pipeline(transaction=False)
        for key in keys:
            pipeline.get(key)
        return await pipeline.execute()

    async def close(self):
        await self.client.aclose()


class RedisPyUvloop(RedisPy):
    name = "redis-py-uvloop"
    uvloop = True


class Coredis(Client):
    name = "coredis"
    packages = ("coredis",)

    async def open(self, place):
        import coredis  # noqa: PLC0415 - only the client that is measured

        self.client = coredis.Redis(host=place.host, port=place.port)
        await self.client.__aenter__()
        self.get, self.set = self.client.get, self.client.set

    async def mget(self, keys):
        async with self.client.pipeline(transaction=False) as pipeline:
            replies = [pipeline.get(key) for key in keys]
        return [await reply for reply in replies]

    async def close(self):
        await self.client.__aexit__(None, None, None)


class Glide(Client):
    name = "glide"
    packages = ("valkey-glide",)

    async def open(self, place):
        import glide  # noqa: PLC0415 - only the client that is measured

        where = [glide.NodeAddress(place.host, place.port)]
        self.client = await glide.GlideClient.create(glide.GlideClientConfiguration(where))
        self.batch = glide.Batch
        self.get, self.set = self.client.get, self.client.set

    def mget(self, keys):
        batch = self.batch(is_atomic=False)
        for key in keys:
            batch.get(key)
        return self.client.exec(batch, raise_on_error=True)

    async def close(self):
        await self.client.close()


class Outlast(Client):
    name = "outlast"
    packages = ("outlast", "redis")

    async def open(self, place):
        from outlast.asyncio import Redis  # noqa: PLC0415 - only the client that is measured

        self.client = Redis(host=place.host, port=place.port, profile="production")
        self.get, self.set = self.client.get, self.client.set
        # Lazy: nothing is dialled before a degraded workload's first call.
        self.degraded = Redis(host=place.host, port=place.absent_port, profile="development")
        self.degraded_get, self.degraded_set = self.degraded.get, self.degraded.set

    async def mget(self, keys):
        pipeline = self.client.pipeline(transaction=False)
        for key in keys:
            pipeline.get(key)
        return await pipeline.execute()

    def confirm(self):
        if self.client.get_status()["served_by_store"]:
            raise RuntimeError("outlast answered from memory although its server was there")
        if self.degraded.get_status()["served_by_redis"]:
            raise RuntimeError("a server answered where none should be")

    async def close(self):
        await self.client.aclose()
        await self.degraded.aclose()


class OutlastUvloop(Outlast):
    name = "outlast-uvloop"
    uvloop = True


CLIENTS = {
    client.name: client
    for client in (Outlast, OutlastUvloop, RedisPy, RedisPyUvloop, Coredis, Glide)
}
