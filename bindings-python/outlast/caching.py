"""Values that are loaded once for all who ask, and rate limits.

>>> from outlast.caching import cached, rate_limit
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import json
import random
import threading
import time
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Callable, Generic, TypedDict, TypeVar, cast

from outlast import _outlast
from outlast.exceptions import (
    ClosedError,
    InvalidOption,
    LimitReached,
    MaybeApplied,
    RedisUnavailable,
)

if TYPE_CHECKING:
    from outlast.asyncio import Redis as AsyncRedis
    from outlast.client import Redis, RedisCluster

__all__ = ["RateLimited", "cached", "rate_limit"]

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

# Redis being away is answered for; what is wrong with a command is the program's affair.
_OUTAGE = (RedisUnavailable, MaybeApplied, LimitReached, ClosedError)


class RateLimited(TypedDict):
    """What became of a request under a rate limit."""

    allowed: bool
    """Whether it is within the limit. What is not, is not counted."""
    remaining: int
    """What the limit still allows."""
    retry_after_ms: int
    """Milliseconds until the same request would be allowed if no other came; 0 where it was."""
    reset_ms: int
    """Milliseconds until the window ends."""
    counted_by: str
    """`redis`, for all processes, or `process` while Redis is away."""


def cached(
    redis: Redis | RedisCluster | AsyncRedis,
    key: str | Callable[..., str],
    ttl: float,
    *,
    stale_for: float | None = None,
    beta: float = 1.0,
) -> Callable[[F], F]:
    """Keeps what a function returns, as JSON, for `ttl` seconds under a key.

    The key is a text, or made from the arguments. Of threads that miss a value at the same moment
    one calls the function, and the others get what it returns. A value may be computed anew by
    chance a little earlier (`beta`; 0 for never), and is used for `stale_for` seconds afterwards
    (as long as `ttl` unless told otherwise) while Redis is away or where the function raises.

    With a client of `outlast.asyncio` the function is an `async def`, and tasks take the place of
    threads: one that is cancelled leaves the others what it waited for.
    """
    ttl_ms, stale_ms = _milliseconds("ttl", ttl), _milliseconds("stale_for", stale_for or 0)
    if stale_for is None:
        stale_ms = ttl_ms
    keeping = _Keeping(ttl_ms, stale_ms, round(beta * 1_000))

    def name_of(args: tuple[object, ...], kwargs: dict[str, object]) -> str:
        return key if isinstance(key, str) else key(*args, **kwargs)

    def decorate(function: F) -> F:
        if inspect.iscoroutinefunction(function):
            tasks = _TaskCache(cast("AsyncRedis", redis), keeping)

            @functools.wraps(function)
            async def call_later(*args: object, **kwargs: object) -> object:
                name = name_of(args, kwargs)
                return await tasks.value(name, lambda: function(*args, **kwargs))

            return cast("F", call_later)
        cache: _Cache[Any] = _Cache(cast("Redis", redis), keeping)

        @functools.wraps(function)
        def call(*args: object, **kwargs: object) -> object:
            return cache.value(name_of(args, kwargs), lambda: function(*args, **kwargs))

        return cast("F", call)

    return decorate


def rate_limit(
    redis: Redis | RedisCluster,
    key: str,
    limit: int,
    window: float,
    *,
    cost: int = 1,
    kind: str = "sliding",
    share: float = 1.0,
) -> RateLimited:
    """Counts a request towards `limit` in `window` seconds, on Redis in one piece.

    `kind` is `sliding` or `fixed`; fixed windows allow up to twice the limit around their ends.
    While Redis is away each process counts by itself, up to its `share` of the limit.
    """
    window_ms = _milliseconds("window", window)
    told: Any = _outlast.rate_limit(redis, key, limit, window_ms, cost, kind, round(share * 1_000))
    return told


class _Keeping:
    def __init__(self, ttl_ms: int, stale_ms: int, beta_permille: int) -> None:
        self.ttl_ms = ttl_ms
        self.stale_ms = stale_ms
        self.beta_permille = beta_permille

    def found(self, entry: str | bytes, left_ms: int, status: Any) -> tuple[str, str] | None:  # noqa: ANN401 - a dict
        """How fresh an entry is, and its value as JSON; None where it is no entry."""
        text = entry.decode("utf-8", "replace") if isinstance(entry, bytes) else str(entry)
        is_down = not status["redis_connected"]
        return _outlast.cached(
            text, left_ms, self.stale_ms, self.beta_permille, is_down, random.getrandbits(32)
        )

    def entry(self, value: object, began: float) -> tuple[str, int]:
        """What is kept of a value whose load began then, and for how many milliseconds."""
        cost_ms = round((time.monotonic() - began) * 1_000)
        return _outlast.cache_entry(json.dumps(value), cost_ms, self.ttl_ms, self.stale_ms)


class _Load(Generic[T]):
    """A value that one thread computes, and others wait for."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.value: T | None = None
        self.error: BaseException | None = None

    def result(self) -> T:
        self.done.wait()
        if self.error is not None:
            raise self.error
        value: Any = self.value
        return value


class _Cache(Generic[T]):
    def __init__(self, redis: Redis | RedisCluster, keeping: _Keeping) -> None:
        self._redis = redis
        self._keeping = keeping
        self._lock = threading.Lock()
        self._loads: dict[str, _Load[T]] = {}

    def value(self, key: str, function: Callable[[], T]) -> T:
        found = self._find(key)
        if found is None:
            return self._load(key, function)
        freshness, text = found
        if freshness == "stale":
            try:
                return self._load(key, function)
            except Exception:  # noqa: BLE001 - whatever it was, there is a value
                return self._read(text)
        if freshness != "fresh":
            self._load_meanwhile(key, function)
        return self._read(text)

    def _find(self, key: str) -> tuple[str, str] | None:
        try:
            entry, left_ms = self._redis.get(key), self._redis.pttl(key)
        except _OUTAGE:
            return None
        if entry is None:
            return None
        return self._keeping.found(entry, left_ms, self._redis.get_status())

    def _read(self, text: str) -> T:
        value: Any = json.loads(text)
        return value

    def _begin(self, key: str) -> tuple[_Load[T], bool]:
        """The load of a key, and whether it is this thread's to do."""
        with self._lock:
            load = self._loads.get(key)
            if load is not None:
                return load, False
            load = self._loads[key] = _Load()
            return load, True

    def _load(self, key: str, function: Callable[[], T]) -> T:
        load, is_ours = self._begin(key)
        if is_ours:
            self._do(load, key, function)
        return load.result()

    def _load_meanwhile(self, key: str, function: Callable[[], T]) -> None:
        load, is_ours = self._begin(key)
        if is_ours:
            work = threading.Thread(
                target=self._do, args=(load, key, function), name="outlast-cached", daemon=True
            )
            work.start()

    def _do(self, load: _Load[T], key: str, function: Callable[[], T]) -> None:
        try:
            began = time.monotonic()
            load.value = function()
            self._keep(key, load.value, began)
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            load.error = error
        finally:
            with self._lock:
                del self._loads[key]
            load.done.set()

    def _keep(self, key: str, value: T, began: float) -> None:
        entry, kept_ms = self._keeping.entry(value, began)
        try:
            self._redis.set(key, entry, px=kept_ms)
        except _OUTAGE:
            # That it cannot be kept is no reason not to use it.
            return


class _TaskCache:
    """As `_Cache`, for the tasks of an event loop."""

    def __init__(self, redis: AsyncRedis, keeping: _Keeping) -> None:
        self._redis = redis
        self._keeping = keeping
        self._loads: dict[str, asyncio.Task[Any]] = {}

    async def value(self, key: str, function: Callable[[], Awaitable[Any]]) -> Any:  # noqa: ANN401 - the function's
        found = await self._find(key)
        if found is None:
            return await asyncio.shield(self._load(key, function))
        freshness, text = found
        if freshness == "stale":
            try:
                return await asyncio.shield(self._load(key, function))
            except Exception:  # noqa: BLE001 - whatever it was, there is a value
                return json.loads(text)
        if freshness != "fresh":
            self._load(key, function)
        return json.loads(text)

    async def _find(self, key: str) -> tuple[str, str] | None:
        try:
            entry, left_ms = await self._redis.get(key), await self._redis.pttl(key)
        except _OUTAGE:
            return None
        if entry is None:
            return None
        return self._keeping.found(entry, left_ms, self._redis.get_status())

    def _load(self, key: str, function: Callable[[], Awaitable[Any]]) -> asyncio.Task[Any]:
        """The load of a key, begun where there is none."""
        load = self._loads.get(key)
        # One of a loop that was left never ends.
        if load is None or load.get_loop().is_closed():
            load = self._loads[key] = asyncio.ensure_future(self._do(key, function))
            load.add_done_callback(lambda done: self._done(key, done))
        return load

    async def _do(self, key: str, function: Callable[[], Awaitable[Any]]) -> Any:  # noqa: ANN401 - the function's
        began = time.monotonic()
        value = await function()
        entry, kept_ms = self._keeping.entry(value, began)
        # That it cannot be kept is no reason not to use it.
        with contextlib.suppress(*_OUTAGE):
            await self._redis.set(key, entry, px=kept_ms)
        return value

    def _done(self, key: str, load: asyncio.Task[Any]) -> None:
        if self._loads.get(key) is load:
            del self._loads[key]
        # Of a load that nobody waits for any more, nobody asks either.
        if not load.cancelled():
            load.exception()


def _milliseconds(name: str, seconds: float) -> int:
    milliseconds = round(seconds * 1_000)
    if milliseconds < 0 or (name != "stale_for" and milliseconds < 1):
        message = f"invalid {name} {seconds!r}: allowed is a number of seconds"
        raise InvalidOption(message)
    return milliseconds
