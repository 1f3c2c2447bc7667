"""The client where redis-py is not installed.

It has the commands that are used most, any other by `execute_command`, and pipelines.
"""

# ruff: noqa: ANN401, FBT001 - the signatures are redis-py's, and values of any type

# pyright: reportInconsistentConstructor=false

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from outlast import _arguments, _cluster_arguments, _log, _outlast
from outlast._commands import Commands, Shape, set_options, whole
from outlast.exceptions import InvalidArgument, InvalidOption, OutlastError
from outlast.types import RulesOption

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Redis", "RedisCluster", "Stock"]


class Redis(_outlast.Client, Commands):
    """A Redis client that keeps answering while Redis is away. Threads may share it.

    With redis-py (`pip install outlast[redis]`) it is a `redis.Redis`, with all that it offers;
    without, it has the commands that are used most, and any other by `execute_command`.

    `rules` say what keys are for, and so what may be done with them while Redis is away: in order,
    patterns as KEYS takes them, each with a class (cache, counter, session, queue, lock,
    idempotency) and perhaps a conflict policy, as in `[("session:*", "session"), ("lock:*",
    "lock")]`, a dict of the same, or a text as `OUTLAST_RULES` has it.

    `options` are the knobs that `outlast.knobs()` lists, how a connection is made
    (`tls_ca_file`, `client_name`, `protocol`, …), and redis-py's names for them. Where the profile
    is not lazy, the client is connected once it is made, and RedisUnavailable is raised where Redis
    is required and cannot be reached.
    """

    def __init__(
        self,
        host: str = "localhost",
        port: int = 6379,
        db: int = 0,
        password: str | None = None,
        socket_timeout: float | None = None,
        *,
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
            options={"rules": rules, "socket_timeout": socket_timeout, **options},
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

    def scan_iter(self, match: Any = None, count: Any = None) -> Iterator[Any]:
        """Every key."""
        cursor: Any = 0
        while True:
            cursor, keys = self.scan(cursor, match, count)
            yield from keys
            if cursor == 0:
                return

    def pipeline(self, transaction: bool = True) -> Pipeline:
        """Commands that are sent together; with `transaction` all or none of them are done."""
        return Pipeline(self, transaction)

    def _call(self, shape: Shape | None, *args: Any) -> Any:
        reply = self.execute_command(*args)
        return reply if shape is None or reply is None else shape(reply)


class RedisCluster(Redis):
    """A client of a Redis Cluster that keeps answering while Redis, or a part of it, is away.

    As `Redis`, of the cluster that a node belongs to. With redis-py it is a `redis.RedisCluster`.
    """

    def __init__(
        self,
        host: str | None = None,
        port: int = 6379,
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


class Pipeline(Commands):
    """Commands that are sent together, once `execute` is called."""

    def __init__(self, client: Redis, transaction: bool) -> None:
        self._client = client
        self._transaction = transaction
        self._stack: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
        self._shapes: list[Shape | None] = []

    def __len__(self) -> int:
        """How many commands wait."""
        return len(self._stack)

    def __bool__(self) -> bool:
        """True, also without commands."""
        return True

    def __enter__(self) -> Self:
        """The pipeline itself."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Forgets what was not executed."""
        self.reset()

    def reset(self) -> None:
        """Forgets every command."""
        self._stack, self._shapes = [], []

    def get(self, name: Any) -> Pipeline:
        """The value of a key, or None."""
        return self._call(None, "GET", name)

    def set(self, name: Any, value: Any, ex: Any = None, px: Any = None, **flags: Any) -> Pipeline:
        """Sets a key, as `Redis.set` does."""
        return self._call(None, "SET", name, value, *set_options(ex, px, flags))

    def incr(self, name: Any, amount: Any = 1) -> Pipeline:
        """Adds to a counter; the new value."""
        return self._call(None, "INCRBY", name, amount)

    def delete(self, *names: Any) -> Pipeline:
        """Deletes keys; how many there were."""
        return self._call(None, "DEL", *names)

    def expire(self, name: Any, time: Any) -> Pipeline:
        """Lets a key expire after seconds or a timedelta; whether it was there."""
        return self._call(bool, "EXPIRE", name, whole(time))

    def ttl(self, name: Any) -> Pipeline:
        """Seconds until a key expires: -1 if never, -2 if there is no such key."""
        return self._call(None, "TTL", name)

    def execute_command(self, *args: Any) -> Pipeline:
        """Any command: its name and arguments, as Redis documents them."""
        return self._call(None, *args)

    def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Runs what was queued; the answers in its order, or the first error."""
        stack, shapes = self._stack, self._shapes
        self.reset()
        if not stack:
            return []
        answers: Any
        if self._transaction:
            answers = self._client.run_transaction(stack, plain=True)
        else:
            answers = self._client.run_pipeline(stack)
        if answers is NotImplemented:
            raise InvalidArgument("a command needs a connection of its own: redis-py has these")
        if self._transaction:
            *queued, answers = answers
            if isinstance(answers, OutlastError):
                raise next((reply for reply in queued if isinstance(reply, OutlastError)), answers)
        else:
            answers, _failed = answers
        return self._ended(answers, shapes, raise_on_error)

    def _ended(
        self, answers: list[Any], shapes: list[Shape | None], raise_on_error: bool
    ) -> list[Any]:
        if raise_on_error:
            for answer in answers:
                if isinstance(answer, OutlastError):
                    raise answer
        return [_shaped(answer, shape) for answer, shape in zip(answers, shapes)]

    def _call(self, shape: Shape | None, *args: Any) -> Pipeline:
        self._stack.append((args, {}))
        self._shapes.append(shape)
        return self


class Stock:
    """What methods of native code do not know themselves; with redis-py it is `redis.Redis`."""

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
        return bool(client.execute_command("EXPIRE", name, whole(time), *words))


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


def _shaped(answer: Any, shape: Shape | None) -> Any:
    if shape is None or answer is None or isinstance(answer, OutlastError):
        return answer
    return shape(answer)
