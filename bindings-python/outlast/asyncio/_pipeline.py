"""Pipelines and transactions: many commands, one crossing to the native part, one write.

Those that watch keys, or hold a command that needs a connection of its own, go redis-py's way.
"""

# ruff: noqa: ANN401, FBT001 - the signatures are redis-py's, and values of any type

# redis-py is typed in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportInconsistentConstructor=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from redis.asyncio.client import Pipeline as Stock
from redis.client import EMPTY_RESPONSE, NEVER_DECODE
from redis.exceptions import ConnectionError as StockConnectionError
from redis.exceptions import ExecAbortError, ResponseError, WatchError

from outlast import _outlast

if TYPE_CHECKING:
    from outlast.asyncio._drop_in import Redis


class Sent:
    """What is queued, sent by the native client, and answered in redis-py's words."""

    _client: Any

    def annotate_exception(self, exception: Exception, number: int, command: Any) -> None:
        """Says of an error which command it is of."""
        Stock.annotate_exception(cast("Any", self), exception, number, command)

    async def piped(self, commands: Any, raise_on_error: bool) -> Any:
        """The answers to a queue or a list; NotImplemented where redis-py has to send it."""
        client = self._client
        running = NotImplemented
        if not client.shapes_by_hand:
            running = client.run_pipeline(commands, client.response_callbacks)
        if running is NotImplemented:
            return await self._piped_by_hand(_listed(commands), raise_on_error)
        answers, failed = await running
        if failed and raise_on_error:
            self.raise_first(_listed(commands), answers)
        return answers

    async def _piped_by_hand(self, stack: list[Any], raise_on_error: bool) -> Any:
        alone = [(args, {k: v for k, v in o.items() if k != EMPTY_RESPONSE}) for args, o in stack]
        running = self._client.run_pipeline(alone)
        if running is NotImplemented:
            return running
        answers, _failed = await running
        shaped: list[Any] = []
        for answer, (args, options) in zip(answers, stack):
            if isinstance(answer, ResponseError) and EMPTY_RESPONSE in options:
                shaped.append(options[EMPTY_RESPONSE])
            else:
                shaped.append(await self._client.shaped(answer, args[0], options))
        if raise_on_error:
            self.raise_first(stack, shaped)
        return shaped

    async def transacted(self, stack: list[Any], raise_on_error: bool) -> Any:
        """The same between MULTI and EXEC."""
        if any(EMPTY_RESPONSE in options or NEVER_DECODE in options for _, options in stack):
            return NotImplemented
        running = self._client.run_transaction(stack)
        if running is NotImplemented:
            return running
        *replies, answers = await running
        for number, reply in enumerate(replies):
            if isinstance(reply, ResponseError) and number > 0:
                self.annotate_exception(reply, number, stack[number - 1][0])
        if isinstance(answers, ExecAbortError):
            raise next((reply for reply in replies if isinstance(reply, Exception)), answers)
        if isinstance(answers, Exception):
            raise answers
        if answers is None:
            raise WatchError("Watched variable changed.")
        if raise_on_error:
            self.raise_first(stack, answers)
        return [
            await self._client.shaped(answer, args[0], options)
            for answer, (args, options) in zip(answers, stack)
        ]

    def raise_first(self, stack: list[Any], answers: list[Any]) -> None:
        """Raises the first error among the answers."""
        for number, answer in enumerate(answers):
            if isinstance(answer, (ResponseError, StockConnectionError)):
                self.annotate_exception(answer, number + 1, stack[number][0])
                raise answer


class Pipeline(Sent, _outlast.Queue, Stock):  # type: ignore[misc]
    """redis-py's pipeline, sent and answered by the native client."""

    def __init__(self, client: Redis, transaction: bool | None, shard_hint: Any) -> None:
        super().__init__(
            client.connection_pool, client.response_callbacks, bool(transaction), shard_hint
        )
        self._client = client

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Runs what was queued; the answers, in its order."""
        if len(self) == 0 or self.connection is not None or self.watching:
            return await super().execute(raise_on_error)
        try:
            if self.scripts:
                await self.load_scripts()
            if self.is_transaction or self.explicit_transaction:
                answers = await self.transacted(self.command_stack, raise_on_error)
            else:
                answers = await self.piped(self, raise_on_error)
        except BaseException:
            await self.reset()
            raise
        if answers is NotImplemented:
            await self._client.ensure_connection(("MULTI",))
            return await super().execute(raise_on_error)
        self._forget()
        return answers

    async def immediate_execute_command(self, *args: Any, **options: Any) -> Any:
        """WATCH, and what is read while keys are watched: over one connection, if there is one."""
        if self.connection is None:
            await self._client.ensure_connection(args)
        return await super().immediate_execute_command(*args, **options)

    async def load_scripts(self) -> None:
        """Makes the scripts that are about to be run known to Redis."""
        scripts = list(self.scripts)
        known = await self._client.execute_command("SCRIPT EXISTS", *[s.sha for s in scripts])
        for script, is_known in zip(scripts, known):
            if not is_known:
                script.sha = await self._client.execute_command("SCRIPT LOAD", script.script)

    def _forget(self) -> None:
        """As `reset` where no connection was used."""
        self.command_stack = []
        self.scripts = set()
        self.explicit_transaction = False


def _listed(commands: Any) -> list[Any]:
    return cast("list[Any]", commands if isinstance(commands, list) else commands.command_stack)
