"""Outages on demand, for the tests of an application.

The client behaves as if Redis were away, in the way that is asked for; no server has to be stopped.

>>> from outlast.testing import cause_outage
>>> with cause_outage(redis, "refused"):  # doctest: +SKIP
...     assert service.is_up()

As a plugin of pytest (`pytest_plugins = ["outlast.testing"]`) it offers the fixture `outage`, with
which an outage ends with its test at the latest.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from outlast import _outlast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Self

    from outlast.client import Redis, RedisCluster

__all__ = ["Outage", "cause_outage"]

_BACK_WITHIN = 5.0
"""Seconds that the end of an outage waits for the dial that it begins."""


class Outage:
    """An outage that lasts until it is ended, or its `with` block is left."""

    def __init__(self, redis: Redis | RedisCluster) -> None:
        """For `cause_outage`, which has caused it."""
        self._redis = redis
        self._is_over = False

    def end(self) -> None:
        """Ends it. Redis is dialled at once, and this waits for that dial."""
        if self._is_over:
            return
        self._is_over = True
        dials = self._redis.get_status()["dials"]
        _outlast.end_outage(self._redis)
        end = time.monotonic() + _BACK_WITHIN
        while time.monotonic() < end:
            status = self._redis.get_status()
            if status["redis_connected"]:
                return
            # The dial that it began has failed, and another is planned or none is.
            if status["dials"] > dials and status["next_retry_in"] != 0:
                return
            time.sleep(0.001)

    def __enter__(self) -> Self:
        """The outage, which has begun."""
        return self

    def __exit__(self, *_: object) -> None:
        """Ends it."""
        self.end()


def cause_outage(redis: Redis | RedisCluster, cause: str = "refused") -> Outage:
    """Ends the client's connections and has its dials fail in this way.

    `cause` is `refused`, `lost`, `timeout`, `dns`, `tls`, or the code of a failure that ends
    connections. A client that has not dialled yet fails when it does.
    """
    _outlast.cause_outage(redis, cause)
    return Outage(redis)


def _fixture() -> Iterator[Callable[..., Outage]]:
    """A function that causes outages, all of which end with the test."""
    with contextlib.ExitStack() as stack:

        def cause(redis: Redis | RedisCluster, cause: str = "refused") -> Outage:
            return stack.enter_context(cause_outage(redis, cause))

        yield cause


# Applications have pytest where they test, and nowhere else.
with contextlib.suppress(ImportError):
    import pytest

    outage = pytest.fixture(name="outage")(_fixture)
