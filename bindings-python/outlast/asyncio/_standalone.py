"""The client where redis-py is not installed.

It has the commands that are used most, any other by `execute_command`, and pipelines.
"""

# ruff: noqa: ANN401, FBT001 - the signatures are redis-py's, and values of any type
# pyright: reportInconsistentConstructor=false, reportIncompatibleMethodOverride=false

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Iterable
from typing import TYPE_CHECKING, Any, cast

from outlast import _arguments, _cluster_arguments, _log, _outlast
from outlast._commands import Commands, Shape, set_options, whole
from outlast._standalone import Pipeline as SyncPipeline
from outlast.exceptions import InvalidArgument, InvalidOption, OutlastError
from outlast.types import RulesOption

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Redis", "RedisCluster", "Stock"]


class Redis(_outlast.AsyncClient, Commands):
    """A Redis client of one event loop that keeps answering while Redis is away.

    With redis-py (`pip install outlast[redis]`) it is a `redis.asyncio.Redis`, with all that it
    offers; without, it has the commands that are used most, and any other by `execute_command`. It
    takes the arguments that `outlast.Redis` takes. What a command answers is an awaitable that may
    be gathered, waited for and made a task of.
    """

    def __init__(
        self,
        *,
        host: str = "localhost",
        port: int = 6379,
        db: int = 0,
        password: str | None = None,
        username: str | None = None,
        ssl: bool = False,
        unix_socket_path: str | None = None,
        profile: str | None = None,
        rules: RulesOption | None = None,
        **options: Any,
    ) -> None:
        """Makes a client for a host and a port, with TLS if `ssl`, or for a unix socket."""
        made = _arguments.of_keywords(
            *(host, port, db, password),
            username=username,
            ssl=ssl,
            unix_socket_path=unix_socket_path,
            profile=profile,
            options={"rules": rules, **options},
        )
        _open(self, made)

    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        profile: str | None = None,
        rules: RulesOption | None = None,
        **options: Any,
    ) -> Redis:
        """Makes a client for `redis://[[user]:password@]host[:port][/database][?knob=value]`.

        `rediss://` is the same with TLS; `unix:///path?db=0` is a unix socket.
        """
        made = _arguments.of_url(url, profile=profile, options={"rules": rules, **options})
        client = cls.__new__(cls)
        _open(client, made)
        return client

    async def scan_iter(self, match: Any = None, count: Any = None) -> AsyncIterator[Any]:
        """Every key."""
        cursor: Any = 0
        while True:
            cursor, keys = await self.scan(cursor, match, count)
            for key in keys:
                yield key
            if cursor == 0:
                return

    def pipeline(self, transaction: bool = True) -> Pipeline:
        """Commands that are sent together; with `transaction` all or none of them are done."""
        return Pipeline(self, transaction)

    async def aclose(self) -> None:
        """Closes every connection. Again does nothing."""
        self.shut()

    close = aclose

    async def __aenter__(self) -> Self:
        """The client itself."""
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Closes it."""
        await self.aclose()

    def _call(self, shape: Shape | None, *args: Any) -> Awaitable[Any]:
        if shape is None:
            return self.execute_command(*args)
        return self.execute_command(*args, shape=_OrNone(shape))


class _OrNone:
    """Makes something of a reply, unless there is none."""

    __slots__ = ("_shape",)

    def __init__(self, shape: Shape) -> None:
        self._shape = shape

    def __call__(self, reply: Any) -> Any:
        return None if reply is None else self._shape(reply)


class RedisCluster(Redis):
    """A client of a Redis Cluster, of one event loop, that keeps answering while Redis is away.

    As `Redis`, of the cluster that a node belongs to. With redis-py it is a
    `redis.asyncio.RedisCluster`.
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
        """Makes a client of the cluster that these nodes, dicts or pairs, belong to."""
        made, _, _ = _cluster_arguments.of_keywords(
            *(host, port, startup_nodes, url),
            profile=profile,
            options={"rules": rules, **options},
        )
        _open(self, made)

    @classmethod
    def from_url(cls, url: str, **options: Any) -> RedisCluster:
        """Makes a client for the URL of a node, or for one that names several."""
        return cls(url=url, **options)

    def pipeline(self, transaction: bool = False) -> Pipeline:
        """Commands that are sent together; those of a `transaction` have keys in one slot."""
        return Pipeline(self, transaction)


class Pipeline(SyncPipeline):
    """Commands that are sent together, once `execute` is awaited."""

    def __init__(self, client: Redis, transaction: bool) -> None:
        super().__init__(cast("Any", client), transaction)

    async def __aenter__(self) -> Self:
        """The pipeline itself."""
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Forgets what was not executed."""
        self.reset()

    async def execute(self, raise_on_error: bool = True) -> Any:  # type: ignore[override]
        """Runs what was queued; the answers in its order, or the first error."""
        stack, shapes = self._stack, self._shapes
        self.reset()
        if not stack:
            return []
        client: Any = self._client
        run = client.run_transaction if self._transaction else client.run_pipeline
        running: Any = run(stack, plain=True)
        if running is NotImplemented:
            raise InvalidArgument("a command needs a connection of its own: redis-py has these")
        answers = await running
        if self._transaction:
            *queued, answers = answers
            if isinstance(answers, OutlastError):
                raise next((reply for reply in queued if isinstance(reply, OutlastError)), answers)
        else:
            answers, _failed = answers
        return self._ended(answers, shapes, raise_on_error)


class Stock:
    """What methods of native code do not know themselves; with redis-py it is its own `Redis`."""

    @staticmethod
    def set(client: Redis, name: Any, value: Any, *options: Any, **named: Any) -> Any:
        """SET with more than one of its options."""
        names = ("ex", "px", "nx", "xx", "keepttl", "get", "exat", "pxat")
        flags = {**dict(zip(names, options)), **named}
        ex, px = flags.pop("ex", None), flags.pop("px", None)
        return client.execute_command("SET", name, value, *set_options(ex, px, flags))

    @staticmethod
    def get(client: Redis, name: Any) -> Any:
        """GET, seen by whoever watches each command."""
        return client.execute_command("GET", name)

    @staticmethod
    def incr(client: Redis, name: Any, amount: Any = 1) -> Any:
        """INCRBY, likewise."""
        return client.execute_command("INCRBY", name, amount)

    @staticmethod
    def delete(client: Redis, *names: Any) -> Any:
        """DEL, likewise."""
        return client.execute_command("DEL", *names)

    @staticmethod
    def ttl(client: Redis, name: Any) -> Any:
        """TTL, likewise."""
        return client.execute_command("TTL", name)

    @staticmethod
    def expire(client: Redis, name: Any, time: Any, *flags: Any, **named: Any) -> Any:
        """EXPIRE with conditions."""
        given = {**dict(zip(("nx", "xx", "gt", "lt"), flags)), **named}
        words = [flag.upper() for flag, wanted in given.items() if wanted]
        return client.execute_command("EXPIRE", name, whole(time), *words, shape=bool)


def _open(client: Redis, made: _arguments.Arguments) -> None:
    if made.unserved is not None:
        raise InvalidOption(f"{made.unserved} needs redis-py: pip install outlast[redis]")
    with _log.listening(made.on_incident) as listener:
        client.open(
            made.url,
            made.profile,
            made.options,
            decode_responses=made.decode_responses,
            encoding=made.encoding,
            encoding_errors=made.encoding_errors,
            listener=listener,
        )
