"""Which event loop has a client, and calls that are made where none is running."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Callable, TypeVar

from outlast.exceptions import OutlastError

_Answer = TypeVar("_Answer")


class WrongLoopError(OutlastError, RuntimeError):
    """A client is used on an event loop while another one has it that is not closed."""

    code = "wrong_loop"


async def later(call: Callable[[], Awaitable[_Answer]]) -> _Answer:
    """Makes the call once a loop is there."""
    return await call()
