"""The client of a cluster where redis-py is installed: a `redis.RedisCluster` that runs natively.

What is about nodes, or needs a connection of its own, goes over redis-py's connections to the
nodes. These, and redis-py's map of the nodes, are made when something first asks for them.
"""

# ruff: noqa: ANN401 - what commands take and answer is of any type

# redis-py is typed in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportInconsistentConstructor=false
# pyright: reportIncompatibleMethodOverride=false

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from threading import RLock
from typing import TYPE_CHECKING, Any, cast

from redis._parsers import Encoder
from redis.client import EMPTY_RESPONSE, NEVER_DECODE
from redis.client import Redis as OfOneNode
from redis.cluster import ClusterNode
from redis.cluster import RedisCluster as Stock
from redis.exceptions import ResponseError

from outlast import _cluster_arguments, _log, _outlast
from outlast._cluster_commands import is_for_nodes, known_places, scan_words
from outlast._cluster_pipeline import ClusterPipeline
from outlast._native import Callbacks, Native, kept, open_native, signature_of
from outlast.exceptions import OutlastError, of_cluster
from outlast.types import RulesOption

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["RedisCluster", "Stock"]

# What redis-py's constructor makes, in any of its versions: nodes are asked for it.
_OF_NODES = frozenset(
    {
        "_aggregate_nodes",
        "_command_flags_mapping",
        "_event_dispatcher",
        "_himport_registry",
        "_lock",
        "_oss_cluster_maint_notifications_handler",
        "_policies_callback_mapping",
        "_policy_resolver",
        "cluster_error_retry_attempts",
        "cluster_response_callbacks",
        "command_flags",
        "commands_parser",
        "load_balancing_strategy",
        "maint_notifications_config",
        "node_flags",
        "nodes_manager",
        "read_from_replicas",
        "reinitialize_counter",
        "reinitialize_steps",
        "result_callbacks",
        "retry",
        "startup_nodes",
        "user_on_connect_func",
    }
)


class RedisCluster(Native, Stock):
    """A client of a Redis Cluster that keeps answering while Redis, or a part of it, is away.

    It is a `redis.RedisCluster`, with all that it offers, and takes its arguments, and those of
    `outlast.Redis`. Each shard has a health, a memory and a journal of its own: where a master is
    away its keys are answered from memory, and what was written to them is written back to
    whoever serves them next; all other keys are on Redis. `url` may also be
    `redis-cluster://[[user]:password@]host[:port],host[:port][?knob=value]`; with TLS
    `rediss-cluster://`.

    Commands on several keys that may be divided are (MGET, MSET, DEL, …); DBSIZE and KEYS are
    of the whole cluster, while redis-py asks one node. What is about nodes (`target_nodes`,
    SCAN, CLUSTER, CLIENT, CONFIG and their like, subscriptions, WATCH, blocking commands) goes
    over redis-py's connections to them. `cluster_error_retry_attempts`, `retry`,
    `require_full_coverage`, `reinitialize_steps` and `dynamic_startup_nodes` are for these.
    `address_remap`, `policy_resolver`, a credential provider and client-side caching leave
    everything to redis-py, which is logged.
    """

    _has_seams = False

    def __init_subclass__(cls, **options: object) -> None:
        """Notes whether the class has to see each command."""
        super().__init_subclass__(**options)
        cls._has_seams = cls.execute_command is not RedisCluster.execute_command

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
        """Makes a client of the cluster that these nodes belong to."""
        if rules is not None:
            options["rules"] = rules
        made, self._named, keywords = _cluster_arguments.of_keywords(
            host, port, startup_nodes, url, profile=profile, options=options
        )
        try:
            open_native(self, made)
        except OutlastError as error:
            raise of_cluster(error) from None
        self._keywords = {**kept(made, self), **keywords}
        self._making = RLock()
        self._nodes_are_known = False
        self._own_callbacks: dict[str, Callable[..., Any]] = {}
        self.encoder = Encoder(made.encoding, made.encoding_errors, made.decode_responses)
        self.response_callbacks = Callbacks(_callbacks(self._keywords), self)
        self._is_stock = made.unserved is not None
        self.direct = not (self._is_stock or self._has_seams)
        if made.unserved is not None:
            self._find_nodes()
            _log.warn(f"{made.unserved} is left to redis-py: nothing is answered from memory")

    @classmethod
    def from_url(cls, url: str, **options: Any) -> RedisCluster:
        """Makes a client for the URL of a node, or for one that names several."""
        return cls(url=url, **options)

    def __getattr__(self, name: str) -> Any:
        """What redis-py knows of the nodes, which it is asked for the first time."""
        if name not in _OF_NODES:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        self._find_nodes()
        return object.__getattribute__(self, name)

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Runs any command: its name and arguments, as Redis documents them."""
        if options.get("target_nodes", self) is None:
            del options["target_nodes"]
        if self.is_for_nodes(args, options):
            return Stock.execute_command(self, *args, **options)
        try:
            reply = self.request(args, NEVER_DECODE in options)
        except ResponseError:
            if EMPTY_RESPONSE in options:
                return options[EMPTY_RESPONSE]
            raise
        if reply is NotImplemented:
            return Stock.execute_command(self, *args, **options)
        callback = self.callback(args[0])
        if callback is None:
            return reply
        options.pop("keys", None)
        options.pop(NEVER_DECODE, None)
        options.pop(EMPTY_RESPONSE, None)
        return callback(reply, **options)

    def is_for_nodes(self, args: tuple[Any, ...], options: Mapping[str, Any]) -> bool:
        """Whether redis-py has to choose the node that a command goes to."""
        return self._is_stock or "target_nodes" in options or is_for_nodes(args)

    def pipeline(self, transaction: Any = None, shard_hint: Any = None) -> Any:
        """Commands that are sent together, to all shards at once; the answers are in their order.

        With `transaction` all or none of them are done, and their keys lie in one slot.
        """
        if self._is_stock or shard_hint:
            return Stock.pipeline(self, transaction, shard_hint)
        return ClusterPipeline(self, transaction)

    def scan_iter(
        self, match: Any = None, count: Any = None, _type: Any = None, **options: Any
    ) -> Iterator[Any]:
        """Every key of the cluster, or of `target_nodes`."""
        if self._is_stock or options.get("target_nodes") is not None:
            yield from Stock.scan_iter(self, match, count, _type, **options)
            return
        words = scan_words(match, count, _type)
        cursor: Any = "0"
        while True:
            cursor, keys = self.request(("SCAN", cursor, *words))
            yield from keys
            if cursor in (b"0", "0", 0):
                return

    def set_response_callback(self, command: str, callback: Callable[..., Any]) -> None:
        """Has the replies to a command shaped further."""
        first = self.callback(command)
        self._own_callbacks[command.upper()] = callback

        def both(reply: Any, **options: Any) -> Any:
            return callback(reply if first is None else first(reply, **options), **options)

        self.response_callbacks[command] = both
        if self._nodes_are_known:
            Stock.set_response_callback(self, command, callback)

    def own_callback(self, command: object) -> Callable[..., Any] | None:
        """What `set_response_callback` was told."""
        return self._own_callbacks.get(str(command).upper())

    def mget_nonatomic(self, keys: Any, *args: Any) -> Any:
        """The values of keys in any slots."""
        return self.mget(keys, *args)

    def _split_command_across_slots(self, command: str, *keys: Any) -> Any:
        return self.execute_command(command, *keys)

    def _execute_pipeline_by_slot(
        self, command: str, slots_to_args: Mapping[int, Iterable[Any]]
    ) -> list[Any]:
        pipe = self.pipeline()
        for args in slots_to_args.values():
            pipe.execute_command(command, *args)
        return pipe.execute()

    def disconnect_connection_pools(self) -> None:
        """Closes redis-py's connections to the nodes, where there are any."""
        if self._nodes_are_known:
            Stock.disconnect_connection_pools(self)

    def close(self) -> None:
        """Closes every connection. Again does nothing.

        Commands are refused from then on; what is about nodes dials anew, as in redis-py.
        """
        if self._nodes_are_known:
            Stock.close(self)
        _outlast.Client.close(self)

    def __enter__(self) -> Self:
        """The client itself."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Closes it."""
        self.close()

    def _find_nodes(self) -> None:
        """Has redis-py ask the cluster for its nodes, once."""
        with self._making:
            if self._nodes_are_known:
                return
            places = known_places(self._named, None if self._is_stock else self.get_status())
            nodes = [ClusterNode(host, port) for host, port in places]
            Stock.__init__(self, startup_nodes=nodes, **self._keywords)
            for command, callback in self._own_callbacks.items():
                Stock.set_response_callback(self, command, callback)
            self._nodes_are_known = True


def _callbacks(keywords: Mapping[str, Any]) -> dict[str, Any]:
    """What a client of one node makes of replies."""
    told = {name: keywords[name] for name in ("protocol", "legacy_responses") if name in keywords}
    return dict(cast("Any", OfOneNode(**told)).response_callbacks)


cast("Any", RedisCluster.__init__).__signature__ = signature_of(Stock, RedisCluster)
