"""Puts the client in place of redis-py's for libraries that make their own.

It replaces names in modules: what a library took from them before (`from redis import Redis`) stays
what it was, so install first and import libraries after it.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from types import ModuleType
from typing import Any

from outlast import client
from outlast._redis_py import IS_INSTALLED
from outlast.exceptions import InvalidOption

__all__ = ["install", "uninstall"]

# What was there before, by module and name; a dict keeps the order.
_before: dict[tuple[ModuleType, str], Any] = {}


class Installed(AbstractContextManager[None]):
    """What `install` gives back: used by `with`, it ends with the block."""

    def __exit__(self, *_error: object) -> None:
        """Puts redis-py's names back."""
        uninstall()


def install() -> Installed:
    """Makes `redis.Redis`, `StrictRedis`, `RedisCluster` and `from_url` those of outlast.

    The same for those of `redis.asyncio`.

    Options of outlast come from the environment then (`OUTLAST_PROFILE`, `OUTLAST_RULES`, …) and
    from the parameters of URLs, for libraries hand none of them on. Again does nothing. With `with`
    it lasts for a block only.

    Raises InvalidOption where redis-py is not installed.
    """
    if not IS_INSTALLED:
        raise InvalidOption("install() needs redis-py: pip install outlast[redis]")
    if not _before:
        for module, name, ours in _places():
            _before[module, name] = getattr(module, name)
            setattr(module, name, ours)
    return Installed()


def uninstall() -> None:
    """Puts redis-py's names back. Clients that were made stay what they are."""
    while _before:
        (module, name), stock = _before.popitem()
        setattr(module, name, stock)


def _places() -> list[tuple[ModuleType, str, Any]]:
    import redis  # noqa: PLC0415 - it is not always there
    import redis.asyncio.client  # noqa: PLC0415
    import redis.asyncio.cluster  # noqa: PLC0415
    import redis.asyncio.utils  # noqa: PLC0415
    import redis.client  # noqa: PLC0415
    import redis.cluster  # noqa: PLC0415
    import redis.utils  # noqa: PLC0415

    from outlast import asyncio as ours  # noqa: PLC0415 - it is not for everybody

    theirs = redis.asyncio
    return [
        (redis, "Redis", client.Redis),
        (redis, "StrictRedis", client.Redis),
        (redis, "from_url", client.from_url),
        (redis.client, "Redis", client.Redis),
        (redis.client, "StrictRedis", client.Redis),
        (redis.utils, "from_url", client.from_url),
        (redis, "RedisCluster", client.RedisCluster),
        (redis.cluster, "RedisCluster", client.RedisCluster),
        (theirs, "Redis", ours.Redis),
        (theirs, "StrictRedis", ours.Redis),
        (theirs, "from_url", ours.from_url),
        (theirs.client, "Redis", ours.Redis),
        (theirs.client, "StrictRedis", ours.Redis),
        (theirs.utils, "from_url", ours.from_url),
        (theirs, "RedisCluster", ours.RedisCluster),
        (theirs.cluster, "RedisCluster", ours.RedisCluster),
    ]
