"""Every exception of outlast, under one base. `code` is the same in every language."""

# ruff: noqa: N818 - named after what happened, which is not always an error

from __future__ import annotations

__all__ = [
    "ClosedError",
    "CommandError",
    "InvalidArgument",
    "InvalidOption",
    "LimitReached",
    "MaybeApplied",
    "NoScriptError",
    "OutlastError",
    "PermissionDeniedError",
    "RedisUnavailable",
    "UnsupportedLocally",
]


class OutlastError(Exception):
    """The base of all."""

    code: str = "outlast_error"
    """What went wrong, in a word that does not change."""

    kind: str | None = None
    """The code of the failure where Redis was the reason, such as `connection_refused`."""

    next_dial_in: float | None = None
    """Seconds until Redis is dialled again, where that is known."""


class InvalidOption(OutlastError, ValueError):
    """An option, URL or profile that is not allowed. Nothing was dialled."""

    code = "invalid_option"


class InvalidArgument(OutlastError, TypeError, ValueError):
    """An argument that is not text, bytes or a number, or a command that cannot be sent."""

    code = "invalid_argument"


class ClosedError(OutlastError):
    """The client was closed."""

    code = "closed"


class RedisUnavailable(OutlastError):
    """Redis is not reachable, and this may not be answered from memory."""

    code = "redis_unavailable"


class MaybeApplied(OutlastError):
    """The connection died after the command was sent; it may have been applied."""

    code = "maybe_applied"


class UnsupportedLocally(RedisUnavailable):
    """The store in memory does not know this command, and Redis is not reachable."""

    code = "unsupported_locally"


class LimitReached(OutlastError):
    """A bound (store, journal, connections) is reached; nothing was written."""

    code = "limit_reached"


class CommandError(OutlastError):
    """An error reply to the command itself, handed through unchanged."""

    code = "command_error"


class NoScriptError(CommandError):
    """The script is not known to Redis (`NOSCRIPT`)."""

    code = "no_script"


class PermissionDeniedError(CommandError):
    """The user may not run this command (`NOPERM`)."""

    code = "permission_denied"
