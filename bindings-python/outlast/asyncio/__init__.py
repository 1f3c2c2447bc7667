"""The client for asyncio: the event loop itself reads and writes the socket.

>>> import asyncio
>>> from outlast.asyncio import Redis
>>> async def main():
...     async with Redis(profile="development") as client:
...         await client.set("greeting", "hello")
...         return await client.get("greeting")
>>> asyncio.run(main())
b'hello'
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outlast import _redis_py
from outlast.asyncio._loops import WrongLoopError

if TYPE_CHECKING or _redis_py.IS_INSTALLED:
    from outlast.asyncio._cluster import RedisCluster
    from outlast.asyncio._drop_in import Redis, Stock
else:
    from outlast.asyncio._standalone import Redis, RedisCluster, Stock

__all__ = ["Redis", "RedisCluster", "Stock", "WrongLoopError", "from_url"]


def from_url(url: str, **options: Any) -> Redis:  # noqa: ANN401 - knobs of all kinds
    """As `Redis.from_url`."""
    return Redis.from_url(url, **options)
