"""Pipelines of a cluster for asyncio: divided among its shards, answers in their order.

Those that watch keys, name nodes, or hold a command that needs a connection of its own are
redis-py's, from that command on.
"""

# ruff: noqa: ANN401, FBT001 - the signatures are redis-py's, and values of any type

# redis-py is typed in part only.
# mypy: disable-error-code="override, misc"
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportIncompatibleVariableOverride=false
# pyright: reportUnknownArgumentType=false, reportIncompatibleMethodOverride=false

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any, cast

from redis.asyncio.cluster import ClusterPipeline as Stock
from redis.asyncio.cluster import RedisCluster as StockCluster
from redis.client import Pipeline as OfOneServer
from redis.exceptions import RedisClusterException, RedisError

from outlast.asyncio._pipeline import Sent

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["ClusterPipeline"]


class ClusterPipeline(Sent, Stock):
    """redis-py's pipeline, sent and answered by the native client."""

    def __init__(self, client: Any, transaction: bool | None) -> None:
        self._client = self.cluster_client = client
        self._is_transaction = transaction
        self._is_explicit = False
        self._stack: list[Any] = []
        self._theirs: Any = None

    def annotate_exception(self, exception: Exception, number: int, command: Any) -> None:
        """Says of an error which command it is of, in the words that redis-py has for clusters."""
        OfOneServer.annotate_exception(cast("Any", self), exception, number, command)

    def __len__(self) -> int:
        """How many commands wait."""
        return len(self._stack) if self._theirs is None else len(self._theirs)

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Queues a command, or runs it where keys are watched."""
        if options.get("target_nodes", self) is None:
            del options["target_nodes"]
        if self._theirs is None and self._client.is_for_nodes(args, options):
            self._hand_over()
        if self._theirs is None:
            self._stack.append((args, options))
            return self
        answer = self._theirs.execute_command(*args, **options)
        return self if answer is self._theirs else answer

    async def execute(
        self, raise_on_error: bool = True, allow_redirections: bool = True
    ) -> list[Any]:
        """Runs what was queued; the answers, in its order."""
        try:
            if self._theirs is not None:
                return await self._theirs.execute(raise_on_error, allow_redirections)
            if not self._stack:
                return []
            if self._is_transaction:
                answers = await self.transacted(self._stack, raise_on_error)
            else:
                answers = await self.piped(self._stack, raise_on_error)
            await self._client.look_at_nodes()
            if answers is NotImplemented:
                await self._client.ensure_connection(("MULTI",))
                await self._client.know_nodes()
                return await self._hand_over().execute(raise_on_error, allow_redirections)
            return answers
        finally:
            await self.reset()

    async def reset(self) -> None:
        """Forgets every command, and what is watched."""
        theirs, self._theirs = self._theirs, None
        self._stack, self._is_explicit = [], False
        if theirs is not None:
            await theirs.reset()

    async def watch(self, *names: Any) -> Any:
        """Watches keys, which lie in one slot, and so does all that follows."""
        self._must_be_transaction("watch")
        if self._is_explicit:
            raise RedisError("Cannot issue a WATCH after a MULTI")
        if self._theirs is None:
            await self._client.ensure_connection(("WATCH", *names))
            await self._client.know_nodes()
            return await self._hand_over().watch(*names)
        return await self._theirs.watch(*names)

    async def unwatch(self) -> Any:
        """Watches nothing more."""
        self._must_be_transaction("unwatch")
        return True if self._theirs is None else await self._theirs.unwatch()

    def multi(self) -> None:
        """Begins what is done only if nothing that is watched has changed."""
        self._must_be_transaction("multi")
        if self._theirs is not None:
            self._theirs.multi()
            return
        if self._is_explicit:
            raise RedisError("Cannot issue nested calls to MULTI")
        if self._stack:
            raise RedisError("Commands without an initial WATCH have already been issued")
        self._is_explicit = True

    async def discard(self) -> None:
        """Forgets every command, and what is watched."""
        self._must_be_transaction("discard")
        await self.reset()

    async def unlink(self, *names: Any) -> Any:
        """Deletes keys, whose memory is freed later; an answer for each slot."""
        return self._split_command_across_slots("UNLINK", *names)

    def mset_nonatomic(self, mapping: Mapping[Any, Any]) -> Any:
        """Sets keys in any slots, by a command for each slot."""
        for pairs in self._client._partition_pairs_by_slot(mapping).values():  # noqa: SLF001 - redis-py's own
            self.execute_command("MSET", *pairs)
        return self

    async def __aenter__(self) -> Self:
        """The pipeline itself."""
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Forgets what was not executed."""
        await self.reset()

    def __await__(self) -> Generator[Any, None, Self]:
        """The pipeline itself."""
        return self.__aenter__().__await__()

    @property
    def _execution_strategy(self) -> Any:
        """What redis-py's own methods ask: its pipeline, which does all from then on."""
        theirs = self._theirs or self._hand_over()
        return theirs._execution_strategy  # noqa: SLF001 - redis-py's own

    def _must_be_transaction(self, method: str) -> None:
        if not self._is_transaction:
            raise RedisClusterException(
                f"method {method}() is not supported outside of transactional context"
            )

    def _hand_over(self) -> Any:
        """Has redis-py do what is queued, and what follows; its pipeline."""
        theirs: Any = StockCluster.pipeline(self._client, self._is_transaction)
        if self._is_explicit:
            theirs.multi()
        for queued, options in self._stack:
            theirs.execute_command(*queued, **options)
        self._stack = []
        self._theirs = theirs
        return theirs
