"""Drop-in replacement for a hand-written `redis_client_production`, on outlast.

Nothing here raises because of Redis. Importing it neither dials nor fails nor starts a thread: a
client connects at its first use, in the background.
"""

# redis-py is typed in part only.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import logging
import math
import os
import re
import time
from typing import Any, Union, cast

from outlast import _outlast
from outlast.client import Redis, from_url
from outlast.exceptions import (
    CommandError,
    InvalidArgument,
    InvalidOption,
    LimitReached,
    OutlastError,
)

__all__ = ["ProductionRedisClient", "production_redis_client", "rate_limit_check"]

_logger = logging.getLogger("outlast")


class ProductionRedisClient:
    """Text in, text out; served from memory while Redis is away. Threads may share it."""

    base_retry_interval = 60
    """Seconds before the first redial for DNS, routes, TLS and credentials; it doubles."""
    max_retry_interval = 300
    """Seconds that it grows to at most."""
    log_interval = 300
    """Seconds between two lines of one outage."""
    recovery_interval = 300
    """Kept for callers that read it: recovery is tried at the redial intervals."""
    connect_timeout = 10
    """Seconds for one dial. Dials are made in the background."""
    socket_timeout = 5
    """Seconds that a command takes at most."""

    def __init__(self, redis_url: str | None = None) -> None:
        """Takes the URL, else that of REDIS_URL at the first use. It dials nothing yet."""
        self._url = None if redis_url is None else RedisUrl(redis_url)

    def ping(self) -> bool:
        """Whether Redis answers. False at once while it is away."""
        client = self._client()
        try:
            client.ping()
        except OutlastError:
            return False
        return client.mode == "connected"

    def get(self, key: str) -> str | None:
        """The value of a key, or None."""
        return cast("str | None", self._answer("get", (key,), None))

    def set(self, key: str, value: object, ex: int | None = None) -> bool:
        """Sets a key, for `ex` seconds if given; whether it is set."""
        return bool(self._answer("set", (key, value, ex), None))

    def incr(self, key: str, amount: int = 1) -> int:
        """Adds to a counter; the new value, which is `amount` where nothing can count."""
        return cast("int", self._answer("incr", (key, amount), amount))

    def expire(self, key: str, seconds: int) -> bool:
        """Lets a key expire; whether it was there."""
        return bool(self._answer("expire", (key, seconds), otherwise=False))

    def get_status(self) -> dict[str, Any]:
        """The snapshot that an operator sees, times in seconds."""
        return cast("dict[str, Any]", self._client().get_status())

    @property
    def connected(self) -> bool:
        """Whether commands go to Redis."""
        return self._client().mode == "connected"

    @property
    def fallback_mode(self) -> bool:
        """Whether commands are answered from memory."""
        return not self.connected

    @property
    def connection_failure_count(self) -> int:
        """Failed dials and lost connections of the current outage."""
        return cast("int", self.get_status()["connection_failure_count"])

    @property
    def last_failure_type(self) -> str | None:
        """What failed last, such as `dns_error`."""
        return cast("str | None", self.get_status()["last_failure_type"])

    @property
    def redis_url(self) -> RedisUrl | None:
        """The URL, whole for whoever connects with it, redacted for whoever prints it."""
        if self._url is not None:
            return self._url
        url = os.environ.get("REDIS_URL")
        return None if url is None else RedisUrl(url)

    def __repr__(self) -> str:
        """Shows no secret."""
        return f"<{type(self).__name__} {self.__dict__.get('_made')!r}>"

    def _answer(self, method: str, arguments: tuple[object, ...], otherwise: object) -> object:
        """Runs a command. What is wrong with the command itself is the caller's affair."""
        try:
            return getattr(self._client(), method)(*arguments)
        except (CommandError, InvalidArgument):
            raise
        except OutlastError:
            return otherwise

    def _client(self) -> _Inner:
        inner = cast("_Inner | None", self.__dict__.get("_made"))
        if inner is not None:
            return inner
        made, problem = self._make(self.redis_url)
        # No lock, which a fork could leave locked: of two threads the first one's stays.
        inner = cast("_Inner", self.__dict__.setdefault("_made", made))
        if inner is made:
            if problem:
                _logger.warning("%s; serving from memory only", problem)
            made.begin()
        return inner

    def _make(self, url: str | None) -> tuple[_Inner, str | None]:
        """A client, or one without Redis and why."""
        if not url:
            return _Memory(), "REDIS_URL is not set"
        try:
            return from_url(
                url, profile="production", decode_responses=True, **self._options()
            ), None
        except InvalidOption as error:
            return _Memory(), str(error)

    def _options(self) -> dict[str, Any]:
        return {
            "startup": "optional",
            "startup_attempts_max": 1,
            "lazy_connect": True,
            "on_ambiguous": "local",
            "on_guarded": "serve",
            "network_delay_ms": _ms(self.base_retry_interval),
            "network_delay_factor_percent": 200,
            "network_delay_ms_max": _ms(self.max_retry_interval),
            "log_interval_ms": _ms(self.log_interval),
            "connect_timeout_ms": _ms(self.connect_timeout),
            "command_timeout_ms": _ms(self.socket_timeout),
        }


class RedisUrl(str):
    """A URL that is whole for whoever connects with it, and shows itself without its secrets."""

    __slots__ = ()

    def __str__(self) -> str:
        """Without user, password and parameters."""
        scheme, separator, rest = str.partition(self, "://")
        place = re.split("[?#]", rest.rpartition("@")[2])[0]
        return f"{scheme}{separator}{place}" if separator else "(no URL)"

    def __repr__(self) -> str:
        """As `str`, quoted."""
        return repr(str(self))

    def __format__(self, format_spec: str) -> str:
        """As `str`."""
        return format(str(self), format_spec)


class _Memory:
    """What serves where there is no Redis to connect to: the store that every client has."""

    mode = "degraded"

    def __init__(self) -> None:
        options = {"profile": "production", "startup": "optional"}
        self._store = _outlast.Store(_outlast.policy(options)["store_bytes_max"])
        self._engine = _outlast.Engine(options, "none", 0)

    def begin(self) -> None:
        """There is nothing to dial."""

    def ping(self) -> bool:
        return True

    def get(self, name: str) -> object:
        return self._execute("GET", name)

    def set(self, name: str, value: object, ex: int | None = None) -> object:
        expiry = () if ex is None else ("EX", ex)
        return self._execute("SET", name, value, *expiry)

    def incr(self, name: str, amount: int = 1) -> object:
        return self._execute("INCRBY", name, amount)

    def expire(self, name: str, time: int) -> object:
        return self._execute("EXPIRE", name, time)

    def get_status(self) -> dict[str, Any]:
        return cast("dict[str, Any]", self._engine.status(_now_ms()))

    def _execute(self, *args: object) -> object:
        now_ms = _now_ms()
        reply = self._store.execute(now_ms, cast("Any", args), journalled=False)
        if "error" in reply:
            raise CommandError(reply["error"])
        if "refused" in reply:
            self._engine.handle(now_ms, {"type": "tally", "refused": 1})
            raise LimitReached("the store in memory is full: nothing was written")
        self._engine.handle(now_ms, {"type": "tally", "served_locally": 1})
        return None if "nil" in reply else next(iter(reply.values()))


def rate_limit_check(key: str, limit: int, window: float) -> bool:
    """Whether this call is within `limit` calls per `window` seconds. It fails open."""
    if window <= 0:
        raise ValueError("window must be more than 0 seconds")
    name = f"rate_limit:{key}:{int(time.time() // window)}"
    try:
        count = production_redis_client.incr(name)
        if count == 1:
            production_redis_client.expire(name, math.ceil(window))
    except CommandError:
        return True
    return count <= limit


_Inner = Union[Redis, _Memory]


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


production_redis_client = ProductionRedisClient()
