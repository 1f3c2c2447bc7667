"""Pipelines of a cluster: divided among its shards by the native client, answers in their order.

Those that watch keys, name nodes, or hold a command that needs a connection of its own are
redis-py's, from that command on.
"""

# ruff: noqa: ANN401, FBT001 - the signatures are redis-py's, and values of any type

# redis-py is typed in part only.
# mypy: disable-error-code="override"
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportIncompatibleVariableOverride=false
# pyright: reportUnknownArgumentType=false, reportIncompatibleMethodOverride=false
# pyright: reportInconsistentConstructor=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redis.cluster import ClusterPipeline as Stock
from redis.cluster import RedisCluster as StockCluster
from redis.exceptions import RedisClusterException, RedisError

from outlast._pipeline import Sent

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["ClusterPipeline"]

_AT_ONCE = {"WATCH", "UNWATCH"}


class ClusterPipeline(Sent, Stock):
    """redis-py's pipeline, sent and answered by the native client."""

    def __init__(self, client: Any, transaction: bool | None) -> None:
        self._client = client
        self._is_transaction = transaction
        self._theirs: Any = None
        self.encoder = client.encoder

    def __getattr__(self, name: str) -> Any:
        """What redis-py's pipelines have of their client."""
        if name.startswith("__") or name in {"_client", "_theirs"}:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self._client, name)

    def __repr__(self) -> str:
        """Its class; as in redis-py."""
        return type(self).__name__

    def __len__(self) -> int:
        """How many commands wait."""
        return super().__len__() if self._theirs is None else len(self._theirs)

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Queues a command, or runs it where keys are watched."""
        if options.get("target_nodes", self) is None:
            del options["target_nodes"]
        client: Any = self._client
        is_theirs = args[0] in _AT_ONCE or client.is_for_nodes(args, options)
        if is_theirs and self._theirs is None:
            self._hand_over(args)
        if self._theirs is None:
            return self.pipeline_execute_command(*args, **options)
        return self._own(self._theirs.execute_command(*args, **options))

    def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Runs what was queued; the answers, in its order."""
        try:
            if self._theirs is not None:
                return self._theirs.execute(raise_on_error)
            if len(self) == 0:
                return []
            if self._is_transaction:
                answers = self.transacted(self.command_stack, raise_on_error)
            else:
                answers = self.piped(raise_on_error)
            if answers is NotImplemented:
                return self._hand_over(("MULTI",)).execute(raise_on_error)
            return answers
        finally:
            self.reset()

    def reset(self) -> None:
        """Forgets every command, and what is watched."""
        theirs, self._theirs = self._theirs, None
        self.command_stack = []
        self.watching = self.explicit_transaction = False
        if theirs is not None:
            theirs.reset()

    def shaped(self, answer: Any, name: Any, options: dict[str, Any]) -> Any:
        """In transactions of a cluster redis-py leaves replies as they are."""
        client: Any = self._client
        callback = client.own_callback(name)
        return answer if callback is None else callback(answer, **options)

    def watch(self, *names: Any) -> Any:
        """Watches keys, which lie in one slot, and so does all that follows."""
        self._must_be_transaction("watch")
        if self.explicit_transaction:
            raise RedisError("Cannot issue a WATCH after a MULTI")
        return self.execute_command("WATCH", *names)

    def unwatch(self) -> Any:
        """Watches nothing more."""
        self._must_be_transaction("unwatch")
        return True if self._theirs is None else self._theirs.unwatch()

    def multi(self) -> None:
        """Begins what is done only if nothing that is watched has changed."""
        self._must_be_transaction("multi")
        if self._theirs is not None:
            self._theirs.multi()
            return
        if self.explicit_transaction:
            raise RedisError("Cannot issue nested calls to MULTI")
        if len(self):
            raise RedisError("Commands without an initial WATCH have already been issued")
        self.explicit_transaction = True

    def discard(self) -> None:
        """Forgets every command, and what is watched."""
        self._must_be_transaction("discard")
        self.reset()

    def delete(self, *names: Any) -> Any:
        """Deletes keys; how many there were."""
        return self.execute_command("DEL", *names)

    def unlink(self, *names: Any) -> Any:
        """As `delete`, and their memory is freed later."""
        return self.execute_command("UNLINK", *names)

    def exists(self, *keys: Any) -> Any:
        """How many of the keys there are."""
        return self.execute_command("EXISTS", *keys)

    def __enter__(self) -> Self:
        """The pipeline itself."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Forgets what was not executed."""
        self.reset()

    def eval(self, script: Any, numkeys: Any, *keys_and_args: Any) -> Any:
        """Runs a script."""
        return self.execute_command("EVAL", script, numkeys, *keys_and_args)

    @property
    def _execution_strategy(self) -> Any:
        """What redis-py's own methods ask: its pipeline, which does all from then on."""
        theirs = self._theirs or self._hand_over(("EXEC",))
        return theirs._execution_strategy  # noqa: SLF001 - redis-py's own

    def _must_be_transaction(self, method: str) -> None:
        if not self._is_transaction:
            raise RedisClusterException(
                f"method {method}() is not supported outside of transactional context"
            )

    def _hand_over(self, args: tuple[Any, ...]) -> Any:
        """Has redis-py do what is queued, and what follows; its pipeline."""
        if args[0] in _AT_ONCE or args[0] == "MULTI":
            self._client.ensure_connection(args)
        client: Any = self._client
        theirs: Any = StockCluster.pipeline(client, self._is_transaction)
        if self.explicit_transaction:
            theirs.multi()
        for queued, options in self.command_stack:
            theirs.execute_command(*queued, **options)
        self.command_stack = []
        # Native methods leave it to `execute_command` while keys are watched.
        self.watching, self.explicit_transaction = True, False
        self._theirs = theirs
        return theirs

    def _own(self, answer: Any) -> Any:
        return self if answer is self._theirs else answer
