"""The asyncio client of a cluster where redis-py is installed.

It is a `redis.asyncio.RedisCluster` that has a native client for commands. What is about nodes, or
needs a connection of its own, goes over redis-py's connections to the nodes.
"""

# ruff: noqa: ANN401 - what commands take and answer is of any type

# redis-py is typed in part only.
# mypy: disable-error-code="override"
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportInconsistentConstructor=false
# pyright: reportIncompatibleMethodOverride=false, reportIncompatibleVariableOverride=false

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from redis.asyncio.cluster import ClusterNode
from redis.asyncio.cluster import RedisCluster as Stock
from redis.client import EMPTY_RESPONSE, NEVER_DECODE
from redis.exceptions import RedisClusterException, ResponseError
from redis.exceptions import RedisError as StockError

from outlast import _cluster_arguments, _log, _outlast
from outlast._cluster_commands import is_for_nodes, known_places, scan_words
from outlast._native import kept, open_native, signature_of
from outlast.asyncio._cluster_pipeline import ClusterPipeline
from outlast.exceptions import OutlastError, RedisUnavailable, of_cluster

if TYPE_CHECKING:
    from typing_extensions import Self

    from outlast.types import DeadLetter, RulesOption, Status

__all__ = ["RedisCluster", "Stock"]

# redis-py measures their replies where what it is given is a coroutine and nothing else.
_COROUTINES = {"XREAD", "XREADGROUP"}
# Seconds that whoever awaits the first command may wait for redis-py's map of the nodes.
_LOOK_SECONDS = 1.0

_ODD = {NEVER_DECODE, EMPTY_RESPONSE}
_NOT_FOR_SHAPES = {"keys", *_ODD}


class RedisCluster(Stock):
    """A client of a Redis Cluster, of one event loop, that keeps answering while Redis is away.

    It is a `redis.asyncio.RedisCluster`, with all that it offers, and takes the arguments that
    `outlast.RedisCluster` takes. What a command answers is an awaitable; the command is sent when
    the method is called. redis-py's map of the nodes is made by `await client`, `async with` and
    once the first command has ended, where Redis is there; else when it is needed.
    """

    def __init__(
        self,
        host: str | None = None,
        port: int | str = 6379,
        startup_nodes: Iterable[Any] | None = None,
        *,
        url: str | None = None,
        profile: str | None = None,
        rules: RulesOption | None = None,
        **options: Any,
    ) -> None:
        """Makes a client of the cluster that these nodes belong to."""
        if rules is not None:
            options["rules"] = rules
        made, self._named, keywords = _cluster_arguments.of_keywords(
            host, port, startup_nodes, url, profile=profile, options=options
        )
        self._native = _outlast.AsyncClient()
        try:
            open_native(self._native, made)
        except OutlastError as error:
            raise of_cluster(error) from None
        self._is_stock = made.unserved is not None
        keywords = {**kept(made, self._native), **keywords}
        places = [ClusterNode(host, port) for host, port in self._named]
        super().__init__(startup_nodes=places, **keywords)
        self._is_watched = False
        self._is_first = not self._is_stock
        is_overridden = type(self).execute_command is not RedisCluster.execute_command
        self.direct = not (self._is_stock or is_overridden)
        self.run_pipeline = self._native.run_pipeline
        self.run_transaction = self._native.run_transaction
        if made.unserved is not None:
            _log.warn(f"{made.unserved} is left to redis-py: nothing is answered from memory")

    @classmethod
    def from_url(cls, url: str, **options: Any) -> RedisCluster:
        """Makes a client for the URL of a node, or for one that names several."""
        return cls(url=url, **options)

    def __repr__(self) -> str:
        """Where the cluster is and how it is, without a secret."""
        return repr(self._native).replace("AsyncClient", type(self).__name__, 1)

    @property
    def native(self) -> _outlast.AsyncClient:
        """The client that runs commands."""
        return self._native

    def connect(self) -> Any:
        """Dials, unless that was done; to be awaited, until the startup is over."""
        return self._native.connect()

    def begin(self) -> None:
        """Dials in the background, without waiting."""
        self._native.begin()

    def get_status(self) -> Status:
        """The snapshot that an operator sees. Times are in seconds."""
        return self._native.get_status()

    def metrics(self) -> str:
        """What the client counted, in Prometheus' text format."""
        return self._native.metrics()

    def dead_letters(self) -> list[DeadLetter]:
        """Writes of outages that Redis refused for good, oldest first."""
        return self._native.dead_letters()

    @property
    def mode(self) -> str:
        """`connected`, `degraded`, `reconciling` or `closed`."""
        return self._native.mode

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Runs any command: its name and arguments, as Redis documents them."""
        if options.get("target_nodes", self) is None:
            del options["target_nodes"]
        if self.is_for_nodes(args, options):
            return self._by_nodes(args, options)
        if self._is_watched or args[0] in _COROUTINES or not options.keys().isdisjoint(_ODD):
            return self._executed(args, options)
        options.pop("keys", None)
        reply = self._native.request(args, self._shape(args[0]), options or None)
        if reply is NotImplemented:
            return self._over_own_connection(args, options)
        return self._first(reply) if self._is_first else reply

    def get(self, name: Any) -> Any:
        """The value of a key, or None."""
        if self.direct and not self._is_first:
            return self._native.get(name)
        return super().get(name)

    def is_for_nodes(self, args: tuple[Any, ...], options: Mapping[str, Any]) -> bool:
        """Whether redis-py has to choose the node that a command goes to."""
        return self._is_stock or "target_nodes" in options or is_for_nodes(args)

    def pipeline(self, transaction: Any = None, shard_hint: Any = None) -> Any:
        """Commands that are sent together, to all shards at once; the answers are in their order.

        With `transaction` all or none of them are done, and their keys lie in one slot.
        """
        if self._is_stock or shard_hint:
            return super().pipeline(transaction, shard_hint)
        made: Any = ClusterPipeline
        return made(self, transaction)

    async def scan_iter(
        self, match: Any = None, count: Any = None, _type: Any = None, **options: Any
    ) -> AsyncIterator[Any]:
        """Every key of the cluster, or of `target_nodes`."""
        if self._is_stock or options.get("target_nodes") is not None:
            async for key in super().scan_iter(match, count, _type, **options):
                yield key
            return
        cursor: Any = "0"
        while True:
            cursor, keys = await self._native.request(
                ("SCAN", cursor, *scan_words(match, count, _type))
            )
            for key in keys:
                yield key
            if cursor in (b"0", "0", 0):
                return

    def set_response_callback(self, command: str, callback: Callable[..., Any]) -> None:
        """Has the replies to a command shaped otherwise."""
        self._is_watched, self.direct = True, False
        super().set_response_callback(command, callback)

    async def mget_nonatomic(self, keys: Any, *args: Any) -> Any:
        """The values of keys in any slots."""
        return await self.mget(keys, *args)

    async def _split_command_across_slots(self, command: str, *keys: Any) -> Any:
        return await self.execute_command(command, *keys)

    async def _execute_pipeline_by_slot(
        self, command: str, slots_to_args: Mapping[int, Iterable[Any]]
    ) -> list[Any]:
        pipe = self.pipeline()
        for args in slots_to_args.values():
            pipe.execute_command(command, *args)
        return await pipe.execute()

    async def ensure_connection(self, args: tuple[Any, ...]) -> None:
        """Raises RedisUnavailable at once where Redis is away, so that nobody dials for it."""
        if not await self._has_own_connection(args):
            # It says why.
            await self._native.request_from_memory(args)

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

    async def aclose(self) -> None:
        """Closes every connection. Again does nothing."""
        await super().aclose()
        self._native.shut()

    async def __aenter__(self) -> Self:
        """The client itself, once its startup is over."""
        await self._started()
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Closes it."""
        await self.aclose()

    def __await__(self) -> Generator[Any, None, Self]:
        """The client itself, once its startup is over."""
        return self.__aenter__().__await__()

    async def _started(self) -> None:
        if self._is_stock:
            await self.initialize()
            return
        try:
            await self._native.connect()
        except OutlastError as error:
            raise of_cluster(error) from None
        await self.look_at_nodes()

    async def look_at_nodes(self) -> None:
        """Has redis-py know the nodes once the first command has ended, as it does by itself."""
        if not self._is_first:
            return
        self._is_first = False
        if self.mode == "connected":
            # Who is not known by then is looked for when it is needed.
            with contextlib.suppress(RedisClusterException, StockError, asyncio.TimeoutError):
                await asyncio.wait_for(self._know_and_leave(), _LOOK_SECONDS)

    async def know_nodes(self) -> None:
        """Has redis-py ask the cluster for its nodes, unless it has."""
        if not self._initialize:
            return
        places = known_places(self._named, None if self._is_stock else self.get_status())
        for host, port in places[len(self._named) :]:
            node = ClusterNode(host, port, **self.connection_kwargs)
            self.nodes_manager.startup_nodes.setdefault(node.name, node)
        await self.initialize()

    async def _know_and_leave(self) -> None:
        """A map needs no connections; the next loop could not use those of this one."""
        if not self._initialize:
            return
        await self.know_nodes()
        known = self.nodes_manager
        nodes: list[Any] = [*known.nodes_cache.values(), *known.startup_nodes.values()]
        # Older versions of redis-py cannot tell which of them are in use.
        leaving = [getattr(node, "disconnect_free_connections", None) for node in nodes]
        await asyncio.gather(*(leave() for leave in leaving if leave is not None))

    async def _first(self, reply: Any) -> Any:
        try:
            return await reply
        finally:
            await self.look_at_nodes()

    async def _by_nodes(self, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        # Where a flag tells the nodes, redis-py wants a key of many commands once it knows them.
        if not isinstance(options.get("target_nodes"), str):
            await self.know_nodes()
        return await super().execute_command(*args, **options)

    def _shape(self, command: Any) -> Any:
        callbacks: Any = self.response_callbacks
        found = callbacks.get(command)
        if found is None and isinstance(command, str):
            found = callbacks.get(command.upper())
        return found

    async def _executed(self, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """As redis-py does it, step by step, for whoever looks at each."""
        try:
            reply = self._native.request(args, as_bytes=NEVER_DECODE in options)
            if reply is NotImplemented:
                return await self._over_own_connection(args, options)
            answer = await reply
        except ResponseError:
            if EMPTY_RESPONSE in options:
                return options[EMPTY_RESPONSE]
            raise
        return await self.shaped(answer, args[0], options)

    async def _has_own_connection(self, args: tuple[Any, ...]) -> bool:
        """Whether Redis is there to give the command a connection of its own."""
        while True:
            answer = self._native.may_use_own_connection(args)
            if answer is not None:
                return answer
            try:
                await self._native.connect()
            except RedisUnavailable:
                return self._native.may_use_own_connection(args) or False

    async def _over_own_connection(self, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if await self._has_own_connection(args):
            return await self._by_nodes(args, options)
        options.pop("keys", None)
        return await self._native.request_from_memory(args, self._shape(args[0]), options or None)


cast("Any", RedisCluster.__init__).__signature__ = signature_of(Stock, RedisCluster)
