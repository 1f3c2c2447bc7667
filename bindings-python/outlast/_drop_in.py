"""The client where redis-py is installed: a `redis.Redis` whose commands the native client runs.

What needs a connection of its own (subscriptions, WATCH, MONITOR, blocking commands, a client of
one connection) has one of redis-py, from a pool of redis-py.
"""

# ruff: noqa: ANN401 - what commands take and answer is of any type

# redis-py is typed in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportInconsistentConstructor=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

from redis.client import EMPTY_RESPONSE, NEVER_DECODE
from redis.client import Redis as Stock
from redis.connection import ConnectionPool
from redis.exceptions import ResponseError

from outlast import _arguments, _log, _outlast
from outlast._arguments import Arguments
from outlast._cluster_arguments import is_of_cluster
from outlast._native import Callbacks, Native, forms, kept, open_native, signature_of
from outlast._pipeline import Pipeline
from outlast._sentinels import SERVED, asked_for, pool_of
from outlast.exceptions import InvalidOption
from outlast.types import RulesOption

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Redis", "Stock"]

# The native client of each pool, so that all who use a pool share a connection and a memory.
_NATIVES: WeakKeyDictionary[Any, _outlast.Client] = WeakKeyDictionary()

# Whoever overrides one of these wants to see each command.
_SEAMS = ("execute_command", "_execute_command", "_send_command_parse_response", "parse_response")


class Redis(Native, Stock):
    """A Redis client that keeps answering while Redis is away. Threads may share it.

    It is a `redis.Redis`, with all that it offers. Its arguments are understood, too:
    `socket_timeout` is the deadline of a command (`command_timeout_ms`), `socket_connect_timeout`
    that of a dial, `max_connections` is `connections_max`. `retry`, `retry_on_timeout` and
    `health_check_interval` are for connections of redis-py, which subscriptions and blocking
    commands have; no command is repeated on the caller's time here. A credential provider,
    client-side caching, connection classes of one's own, Sentinel's pools, and TLS with ciphers,
    OCSP or a key's password leave everything to redis-py, which is logged.

    `rules` say what keys are for, and so what may be done with them while Redis is away: in order,
    patterns as KEYS takes them, each with a class (cache, counter, session, queue, lock,
    idempotency) and perhaps a conflict policy (replay, merge, delete_wins, discard), as in
    `[("session:*", "session"), ("lock:*", "lock"), ("x:*", "session", "delete_wins")]`, a dict of
    the same, or a text as `OUTLAST_RULES` has it. The first that matches decides; other keys are
    cache keys.

    `options` are the knobs that `outlast.knobs()` lists, and how a connection is made:
    `tls_ca_file`, `tls_certificate_file`, `tls_key_file`, `tls_server_name`, `tls_insecure`,
    `client_name`, `protocol`. redis-py's `ssl_ca_certs`, `ssl_certfile`, `ssl_keyfile`,
    `ssl_cert_reqs` and `ssl_check_hostname` are understood. None leaves one as it is.
    Where the profile is not lazy, the client is connected once it is made, and RedisUnavailable is
    raised where Redis is required and cannot be reached.
    """

    _has_seams = False

    def __init_subclass__(cls, **options: object) -> None:
        """Notes whether the class has to see each command."""
        super().__init_subclass__(**options)
        cls._has_seams = any(getattr(cls, name, None) is not _OWN[name] for name in _OWN)

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
        connection_pool: Any = None,
        single_connection_client: bool = False,
        profile: str | None = None,
        rules: RulesOption | None = None,
        **options: Any,
    ) -> None:
        """Makes a client for a host and a port, with TLS if `ssl`, for a unix socket, or a pool."""
        if socket_timeout is not None:
            options["socket_timeout"] = socket_timeout
        if not isinstance(cast("object", self), Redis):
            # A class that a library derived from redis-py's, and that looks `redis.Redis` up again.
            given = {"connection_pool": connection_pool, "unix_socket_path": unix_socket_path}
            given |= {"single_connection_client": single_connection_client, "ssl": ssl}
            Stock.__init__(self, host, port, db, password, username=username, **given, **options)
            return
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
            place = {"host": host, "port": port, "db": db, "password": password}
            place |= {"username": username, "ssl": ssl, "unix_socket_path": unix_socket_path}
            place |= kept(made, self)
        Stock.__init__(self, **place, single_connection_client=single_connection_client)
        if connection_pool is None:
            _share(self.connection_pool, self)
        self._ready(made)

    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        profile: str | None = None,
        rules: RulesOption | None = None,
        single_connection_client: bool = False,
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
        native = _outlast.Client()
        open_native(native, made)
        pool = pool_of(made, kept(made, native), ConnectionPool, "redis.sentinel")
        _share(pool, native)
        client = cls(connection_pool=pool, single_connection_client=single_connection_client)
        client.auto_close_connection_pool = True
        return client

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Runs any command: its name and arguments, as Redis documents them."""
        if self._is_stock:
            return Stock.execute_command(self, *args, **options)
        try:
            reply = self.request(args, NEVER_DECODE in options)
        except ResponseError:
            if EMPTY_RESPONSE in options:
                return options[EMPTY_RESPONSE]
            raise
        if reply is NotImplemented:
            return Stock.execute_command(self, *args, **options)
        if self._has_seams:
            return self.parse_response(_Answered(reply), args[0], **options)
        callback = self.callback(args[0])
        if callback is None:
            return reply
        options.pop("keys", None)
        options.pop(NEVER_DECODE, None)
        options.pop(EMPTY_RESPONSE, None)
        return callback(reply, **options)

    def pipeline(self, transaction: Any = True, shard_hint: Any = None) -> Any:
        """Commands that are sent together; with `transaction` all or none of them are done."""
        if self._is_stock:
            return Stock.pipeline(self, transaction, shard_hint)
        return Pipeline(self, transaction, shard_hint)

    def close(self) -> None:
        """Closes every connection; whoever shares its pool goes on. Again does nothing."""
        if not hasattr(self, "connection"):
            return
        Stock.close(self)
        if self.auto_close_connection_pool:
            for sentinel in asked_for(self.connection_pool):
                sentinel.close()
            _outlast.Client.close(self)

    def __enter__(self) -> Self:
        """The client itself."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Closes it."""
        self.close()

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
            _outlast.Client.open(self, share=native, **forms(made))
        return made

    def _ready(self, made: Arguments) -> None:
        self._is_stock = self._single_connection_client or made.unserved is not None
        self.response_callbacks = Callbacks(self.response_callbacks, self)
        self.direct = not (self._is_stock or self._has_seams)
        if made.unserved is not None:
            _log.warn(f"{made.unserved} is left to redis-py: nothing is answered from memory")


cast("Any", Redis.__init__).__signature__ = signature_of(Stock, Redis, "socket_timeout")
_OWN = {name: getattr(Redis, name, None) for name in _SEAMS}


class _Answered:
    """A connection that has read one reply, for `parse_response` of a subclass."""

    def __init__(self, reply: Any) -> None:
        self._reply = reply

    def read_response(self, **_options: object) -> Any:
        return self._reply


def _cluster_of(cls: type, url: str, profile: str | None, options: dict[str, Any]) -> Any:
    from outlast._cluster import RedisCluster  # noqa: PLC0415 - it is not for everybody

    if cls is not Redis:
        raise InvalidOption(f"invalid URL: {cls.__name__} is of one server, not of a cluster")
    return RedisCluster(url=url, profile=profile, **options)


def _share(pool: Any, native: _outlast.Client) -> None:
    """Has all that use the pool share what the client has, which may end before them."""
    shared = _outlast.Client()
    shared.open(share=native)
    _NATIVES[pool] = shared
