"""The client that applications make: over redis-py where it is installed, else on its own."""

# ruff: noqa: ANN401 - what commands take and answer is of any type

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outlast import _redis_py

if TYPE_CHECKING or _redis_py.IS_INSTALLED:
    from outlast._cluster import RedisCluster
    from outlast._drop_in import Redis, Stock
else:
    from outlast._standalone import Redis, RedisCluster, Stock

__all__ = ["Redis", "RedisCluster", "Stock", "from_url"]


def from_url(url: str, **options: Any) -> Redis:
    """As `Redis.from_url`."""
    return Redis.from_url(url, **options)
