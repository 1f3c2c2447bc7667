"""The client for asyncio: the event loop itself reads and writes the socket."""

from __future__ import annotations

from outlast import _outlast
from outlast.exceptions import OutlastError

__all__ = ["Redis", "WrongLoopError"]


class WrongLoopError(OutlastError, RuntimeError):
    """The client is used on an event loop while another one, still open, has it."""

    code = "wrong_loop"


class Redis(_outlast.AsyncClient):
    """A Redis client of one event loop."""

    @classmethod
    def from_url(cls, url, *, profile=None, decode_responses=False, **options):
        """A client for a URL."""
        return _outlast.AsyncClient.__new__(cls, url, profile, decode_responses, options)
