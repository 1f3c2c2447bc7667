"""The client where redis-py is installed: a `redis.asyncio.Redis` that runs commands natively.

What needs a connection of its own (subscriptions, WATCH, MONITOR, blocking commands, a client of
one connection) has one of redis-py, from a pool of redis-py.
"""

# ruff: noqa: ANN401, FBT001 - the signatures are redis-py's, and values of any type

# redis-py is typed in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportInconsistentConstructor=false
# pyright: reportIncompatibleMethodOverride=false

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, cast
from weakref import WeakKeyDictionary, ref

from redis.asyncio.client import Redis as Stock
from redis.asyncio.connection import ConnectionPool
from redis.client import EMPTY_RESPONSE, NEVER_DECODE, CaseInsensitiveDict
from redis.exceptions import ResponseError

from outlast import _arguments, _log, _outlast
from outlast._arguments import Arguments
from outlast._cluster_arguments import is_of_cluster
from outlast._native import forms, kept, open_native, signature_of
from outlast._sentinels import SERVED, asked_for, pool_of
from outlast.asyncio._pipeline import Pipeline
from outlast.exceptions import InvalidOption, RedisUnavailable
from outlast.types import RulesOption

__all__ = ["Redis", "Stock"]

# The native client of each pool, so that all who use a pool share a connection and a memory.
_NATIVES: WeakKeyDictionary[Any, _outlast.AsyncClient] = WeakKeyDictionary()

_NATIVE_METHODS = {"GET", "SET", "INCRBY", "DEL", "EXPIRE", "TTL"}
"""Commands that have a method in native code, which asks no callback."""

# redis-py measures their replies where what it is given is a coroutine and nothing else.
_COROUTINES = {"XREAD", "XREADGROUP"}

_ODD = {NEVER_DECODE, EMPTY_RESPONSE}
_NOT_FOR_SHAPES = {"keys", *_ODD}

# Whoever overrides one of these wants to see each command.
_SEAMS = ("execute_command", "_send_command_parse_response", "parse_response")


class Redis(_outlast.AsyncClient, Stock):  # type: ignore[misc]
    """A Redis client of one event loop that keeps answering while Redis is away.

    It is a `redis.asyncio.Redis`, with all that it offers, and takes the arguments that
    `outlast.Redis` takes. What a command answers is an awaitable that may be gathered, waited for
    and made a task of; the command is sent when the method is called. Where the profile is not lazy
    and a loop is running, the client dials when it is made; `await client.connect()` tells how that
    ended.
    """

    _has_seams = False

    def __init_subclass__(cls, **options: object) -> None:
        """Notes whether the class has to see each command."""
        super().__init_subclass__(**options)
        cls._has_seams = any(getattr(cls, name, None) is not _OWN[name] for name in _OWN)

    def __init__(
        self,
        *,
        host: str = "localhost",
        port: int = 6379,
        db: int | str = 0,
        password: str | None = None,
        username: str | None = None,
        ssl: bool = False,
        unix_socket_path: str | None = None,
        connection_pool: Any = None,
        single_connection_client: bool = False,
        auto_close_connection_pool: bool | None = None,
        profile: str | None = None,
        rules: RulesOption | None = None,
        **options: Any,
    ) -> None:
        """Makes a client for a host and a port, with TLS if `ssl`, for a unix socket, or a pool."""
        if rules is not None:
            options["rules"] = rules
        self._single_connection_client = single_connection_client
        if connection_pool is not None:
            made = self._over(connection_pool, profile, options)
            place: dict[str, Any] = {"connection_pool": connection_pool}
        else:
            made = _arguments.of_keywords(
                *(host, port, db, password),
                username=username,
                ssl=ssl,
                unix_socket_path=unix_socket_path,
                profile=profile,
                options=options,
            )
            open_native(self, made)
            place = {
                **kept(made, self),
                "host": host,
                "port": port,
                "db": db,
                "password": password,
                "username": username,
                "ssl": ssl,
                "unix_socket_path": unix_socket_path,
            }
        if auto_close_connection_pool is not None:
            # redis-py says that it is deprecated.
            place["auto_close_connection_pool"] = auto_close_connection_pool
        Stock.__init__(self, **place, single_connection_client=single_connection_client)
        if connection_pool is None:
            _share(self.connection_pool, self)
        self._ready(made)

    @classmethod
    def from_url(
        cls,
        url: str,
        single_connection_client: bool = False,
        auto_close_connection_pool: bool | None = None,
        *,
        profile: str | None = None,
        rules: RulesOption | None = None,
        **options: Any,
    ) -> Redis:
        """Makes a client for `redis://[[user]:password@]host[:port][/database][?knob=value]`.

        `rediss://` is the same with TLS; `unix:///path?db=0` is a unix socket. redis-py's
        parameters are understood as well. `redis-cluster://` makes a `RedisCluster`.
        """
        if rules is not None:
            options["rules"] = rules
        if is_of_cluster(url):
            if single_connection_client:
                options["single_connection_client"] = True
            return _cluster_of(cls, url, profile, options)
        made = _arguments.of_url(url, profile=profile, options=options)
        native = _outlast.AsyncClient()
        open_native(native, made)
        pool = pool_of(made, kept(made, native), ConnectionPool, "redis.asyncio.sentinel")
        _share(pool, native)
        client = cls(
            connection_pool=pool,
            single_connection_client=single_connection_client,
            auto_close_connection_pool=auto_close_connection_pool,
        )
        client.auto_close_connection_pool = auto_close_connection_pool is not False
        return client

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Runs any command: its name and arguments, as Redis documents them."""
        if self._is_stock or self.connection is not None:
            return Stock.execute_command(self, *args, **options)
        if self._is_watched or args[0] in _COROUTINES or not options.keys().isdisjoint(_ODD):
            return self._executed(args, options)
        options.pop("keys", None)
        reply = self.request(args, self._shape(args[0]), options or None)
        if reply is NotImplemented:
            return self._over_own_connection(args, options)
        return reply

    def pipeline(self, transaction: Any = True, shard_hint: Any = None) -> Any:
        """Commands that are sent together; with `transaction` all or none of them are done."""
        if self._is_stock:
            return Stock.pipeline(self, transaction, shard_hint)
        return Pipeline(cast("Any", self), transaction, shard_hint)

    async def ensure_connection(self, args: tuple[Any, ...]) -> None:
        """Raises RedisUnavailable at once where Redis is away, so that nobody dials for it."""
        if not await self.has_own_connection(args):
            # It says why.
            await self.request_from_memory(args)

    async def has_own_connection(self, args: tuple[Any, ...]) -> bool:
        """Whether Redis is there to give the command a connection of its own."""
        while True:
            answer = self.may_use_own_connection(args)
            if answer is not None:
                return answer
            try:
                await self.connect()
            except RedisUnavailable:
                return self.may_use_own_connection(args) or False

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        """Closes every connection; whoever shares its pool goes on. Again does nothing."""
        await Stock.aclose(self, close_connection_pool)
        if close_connection_pool or (
            close_connection_pool is None and self.auto_close_connection_pool
        ):
            for sentinel in asked_for(self.connection_pool):
                await sentinel.aclose()
            self.shut()

    def _over(self, pool: Any, profile: str | None, options: dict[str, Any]) -> Arguments:
        """Opens this client as one of all that use the pool."""
        made = _arguments.of_pool(pool, profile=profile, options=options)
        native = None if profile or options else _NATIVES.get(pool)
        if native is None:
            open_native(self, made)
            if not (profile or options):
                _share(pool, self)
        else:
            if pool in SERVED:
                made.unserved = None
            _outlast.AsyncClient.open(self, share=native, **forms(made))
        return made

    def _ready(self, made: Arguments) -> None:
        self._is_stock = self._single_connection_client or made.unserved is not None
        self._is_watched = self._has_seams
        self.response_callbacks = _Callbacks(cast("Any", self.response_callbacks), self)
        self.direct = not (self._is_stock or self._has_seams)
        if made.unserved is not None:
            _log.warn(f"{made.unserved} is left to redis-py: nothing is answered from memory")

    def callback_was_set(self, command: str) -> None:
        """A callback of one's own may answer an awaitable, and native methods ask none."""
        self._is_watched = True
        if command.upper() in _NATIVE_METHODS:
            self.direct = False

    def _shape(self, command: Any) -> Any:
        callbacks: Any = self.response_callbacks
        found = dict.get(callbacks, command)
        if found is None and isinstance(command, str):
            found = callbacks.get(command)
        return found

    async def _executed(self, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """As redis-py does it, step by step, for whoever looks at each."""
        as_bytes = NEVER_DECODE in options
        try:
            reply = self.request(args, as_bytes=as_bytes)
            if reply is NotImplemented:
                return await self._over_own_connection(args, options)
            answer = await reply
        except ResponseError:
            if EMPTY_RESPONSE in options:
                return options[EMPTY_RESPONSE]
            raise
        if self._has_seams:
            return await self.parse_response(cast("Any", _Answered(answer)), args[0], **options)
        return await self.shaped(answer, args[0], options)

    async def shaped(self, answer: Any, command: Any, options: dict[str, Any]) -> Any:
        """What redis-py makes of a reply."""
        shape = self._shape(command)
        if shape is None or isinstance(answer, Exception):
            return answer
        if options:
            options = {key: value for key, value in options.items() if key not in _NOT_FOR_SHAPES}
        shaped = shape(answer, **options)
        return await shaped if inspect.isawaitable(shaped) else shaped

    @property
    def shapes_by_hand(self) -> bool:
        """Whether what is made of replies may have to be awaited."""
        return self._is_watched

    async def _over_own_connection(self, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if await self.has_own_connection(args):
            return await Stock.execute_command(self, *args, **options)
        options.pop("keys", None)
        return await self.request_from_memory(args, self._shape(args[0]), options or None)


cast("Any", Redis.__init__).__signature__ = signature_of(Stock, Redis)
_OWN = {name: getattr(Redis, name, None) for name in _SEAMS}


class _Callbacks(CaseInsensitiveDict):
    """Response callbacks that tell when one is set."""

    def __init__(self, given: Mapping[str, Any], client: Redis) -> None:
        self._client: Callable[[], Redis | None] = _nobody
        super().__init__(dict(given))
        self._client = ref(client)

    def __setitem__(self, command: str, callback: Any) -> None:
        super().__setitem__(command, callback)
        client = self._client()
        if client is not None:
            client.callback_was_set(command)

    def update(self, data: Any) -> None:  # type: ignore[override]
        for command, callback in data.items():
            self[command] = callback


def _nobody() -> None:
    """Whoever is told while the callbacks are those of redis-py."""


class _Answered:
    """A connection that has read one reply, for `parse_response` of a subclass."""

    def __init__(self, reply: Any) -> None:
        self._reply = reply

    async def read_response(self, **_options: object) -> Any:
        return self._reply


def _cluster_of(cls: type, url: str, profile: str | None, options: dict[str, Any]) -> Any:
    from outlast.asyncio._cluster import RedisCluster  # noqa: PLC0415 - it is not for everybody

    if cls is not Redis:
        raise InvalidOption(f"invalid URL: {cls.__name__} is of one server, not of a cluster")
    return RedisCluster(url=url, profile=profile, **options)


def _share(pool: Any, native: _outlast.AsyncClient) -> None:
    """Has all that use the pool share what the client has. The client may end before them."""
    shared = _outlast.AsyncClient()
    shared.open(share=native)
    _NATIVES[pool] = shared
