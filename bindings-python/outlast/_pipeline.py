"""Pipelines and transactions: many commands, one crossing to the native part, one write.

Those that watch keys, or hold a command that needs a connection of its own, go redis-py's way.
"""

# ruff: noqa: ANN401, FBT001 - the signatures are redis-py's, and values of any type

# redis-py is typed in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportInconsistentConstructor=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from redis.client import EMPTY_RESPONSE, NEVER_DECODE
from redis.client import Pipeline as Stock
from redis.exceptions import ConnectionError as StockConnectionError
from redis.exceptions import ExecAbortError, ResponseError, WatchError

from outlast import _outlast

if TYPE_CHECKING:
    from outlast._native import Native

Command = tuple[tuple[Any, ...], dict[str, Any]]

_NOT_FOR_SHAPES = {"keys", NEVER_DECODE, EMPTY_RESPONSE}


class Sent(_outlast.Queue):
    """What is queued, sent by the native client, and answered in redis-py's words."""

    _client: Native

    def annotate_exception(self, exception: Exception, number: int, command: Any) -> None:
        """Says of an error which command it is of."""
        Stock.annotate_exception(cast("Any", self), exception, number, command)

    def piped(self, raise_on_error: bool) -> Any:
        """The answers, or NotImplemented where redis-py has to send it."""
        ran = self._client.run_pipeline(self, self._client.response_callbacks)
        if ran is NotImplemented:
            return ran
        answers, failed = ran
        if failed and raise_on_error:
            self.raise_first(self.command_stack, answers)
        return answers

    def transacted(self, stack: list[Command], raise_on_error: bool) -> Any:
        """The same between MULTI and EXEC."""
        if any(EMPTY_RESPONSE in options or NEVER_DECODE in options for _, options in stack):
            return NotImplemented
        replies = self._client.run_transaction(stack)
        if replies is NotImplemented:
            return replies
        answers = replies.pop()
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
            self.shaped(answer, args[0], options) for answer, (args, options) in zip(answers, stack)
        ]

    def shaped(self, answer: Any, name: Any, options: dict[str, Any]) -> Any:
        """What redis-py makes of a reply in a transaction."""
        callback = self._client.callback(name)
        if callback is None or isinstance(answer, Exception):
            return answer
        if options:
            options = {key: value for key, value in options.items() if key not in _NOT_FOR_SHAPES}
        return callback(answer, **options)

    def raise_first(self, stack: list[Command], answers: list[Any]) -> None:
        """Raises the first error among the answers."""
        for number, answer in enumerate(answers):
            if isinstance(answer, (ResponseError, StockConnectionError)):
                self.annotate_exception(answer, number + 1, stack[number][0])
                raise answer


class Pipeline(Sent, Stock):
    """redis-py's pipeline, sent and answered by the native client."""

    def __init__(self, client: Any, transaction: bool | None, shard_hint: object) -> None:
        super().__init__(client.connection_pool, client.response_callbacks, transaction, shard_hint)
        self._client = client
        self._is_transaction = transaction

    def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Runs what was queued; the answers, in its order."""
        if len(self) == 0 or self.connection is not None or self.watching:
            return super().execute(raise_on_error)
        try:
            if self.scripts:
                self.load_scripts()
            if self._is_transaction or self.explicit_transaction:
                answers = self.transacted(self.command_stack, raise_on_error)
            else:
                answers = self.piped(raise_on_error)
        except BaseException:
            self.reset()
            raise
        if answers is NotImplemented:
            return super().execute(raise_on_error)
        self.reset()
        return answers

    def immediate_execute_command(self, *args: Any, **options: Any) -> Any:
        """WATCH, and what is read while keys are watched: over one connection."""
        if self.connection is None:
            self._client.ensure_connection(args)
        return super().immediate_execute_command(*args, **options)

    def load_scripts(self) -> None:
        """Makes the scripts that are about to be run known to Redis."""
        scripts = list(self.scripts)
        known = self._client.execute_command("SCRIPT EXISTS", *[script.sha for script in scripts])
        for script, is_known in zip(scripts, known):
            if not is_known:
                script.sha = self._client.execute_command("SCRIPT LOAD", script.script)
