"""Every exception of outlast, under one base. `code` is the same in every language.

Where redis-py is installed they are exceptions of redis-py as well: who catches
`redis.ConnectionError`, `redis.TimeoutError` or `redis.ResponseError` goes on catching what they
stand for. An error that a failure of Redis was the reason of is of the class that redis-py has for
that failure, too: `RedisUnavailable` because of a wrong password is a `redis.AuthenticationError`.
"""

# ruff: noqa: N818 - named after what happened, which is not always an error

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outlast import _redis_py

if TYPE_CHECKING:
    from redis.exceptions import (
        ConnectionError as _ConnectionError,
    )
    from redis.exceptions import (
        DataError as _DataError,
    )
    from redis.exceptions import (
        MaxConnectionsError as _MaxConnectionsError,
    )
    from redis.exceptions import (
        NoPermissionError as _NoPermissionError,
    )
    from redis.exceptions import (
        NoScriptError as _NoScriptError,
    )
    from redis.exceptions import (
        RedisError as _RedisError,
    )
    from redis.exceptions import (
        ResponseError as _ResponseError,
    )
else:
    _RedisError = _redis_py.exception("RedisError")
    _ConnectionError = _redis_py.exception("ConnectionError")
    _DataError = _redis_py.exception("DataError")
    _MaxConnectionsError = _redis_py.exception("MaxConnectionsError")
    _NoPermissionError = _redis_py.exception("NoPermissionError")
    _NoScriptError = _redis_py.exception("NoScriptError")
    _ResponseError = _redis_py.exception("ResponseError")

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


class OutlastError(_RedisError):
    """The base of all; with redis-py a `redis.RedisError`."""

    code: str = "outlast_error"
    """What went wrong, in a word that does not change."""

    kind: str | None = None
    """The code of the failure where Redis was the reason, such as `connection_refused`."""

    next_dial_in: float | None = None
    """Seconds until Redis is dialled again, where that is known."""


class InvalidOption(OutlastError, ValueError):
    """An option, URL or profile that is not allowed. Nothing was dialled."""

    code = "invalid_option"


class InvalidArgument(OutlastError, TypeError, ValueError, _DataError):
    """An argument that is not text, bytes or a number, or a command that cannot be sent."""

    code = "invalid_argument"


class ClosedError(OutlastError, _ConnectionError):
    """The client was closed."""

    code = "closed"


class RedisUnavailable(OutlastError, _ConnectionError):
    """Redis is not reachable, and this may not be answered from memory."""

    code = "redis_unavailable"


class MaybeApplied(OutlastError, _ConnectionError):
    """The connection died after the command was sent; it may have been applied."""

    code = "maybe_applied"


class UnsupportedLocally(RedisUnavailable):
    """The store in memory does not know this command, and Redis is not reachable."""

    code = "unsupported_locally"


class LimitReached(OutlastError, _MaxConnectionsError):
    """A bound (store, journal, connections) is reached; nothing was written."""

    code = "limit_reached"


class CommandError(OutlastError, _ResponseError):
    """An error reply to the command itself, in the words of Redis."""

    code = "command_error"


class NoScriptError(CommandError, _NoScriptError):
    """The script is not known to Redis (`NOSCRIPT`)."""

    code = "no_script"


class PermissionDeniedError(CommandError, _NoPermissionError):
    """The user may not run this command (`NOPERM`)."""

    code = "permission_denied"


# What redis-py would raise for a failure, where a connection error is not all that it says.
_OF_FAILURES = {
    "auth_failed": "AuthenticationError",
    "busy_script": "ResponseError",
    "cluster_down": "ClusterDownError",
    "connect_timeout": "TimeoutError",
    "disk_error": "ResponseError",
    "loading": "BusyLoadingError",
    "master_down": "MasterDownError",
    "no_replicas": "ResponseError",
    "out_of_memory": "OutOfMemoryError",
    "quota_exceeded": "ResponseError",
    "read_only": "ReadOnlyError",
    "response_timeout": "TimeoutError",
    "try_again": "TryAgainError",
}


def made(
    name: str, code: str, message: str, kind: str | None, next_dial_in: float | None
) -> OutlastError:
    """The exception that a caller gets: its class by name, and by the failure behind it."""
    cls: type[OutlastError] = globals()[name]
    reply = _redis_py.parsed(message) if issubclass(cls, CommandError) else None
    if reply is not None:
        theirs, parsed = reply
        error = _joined(cls, theirs, *_besides(message))(*parsed.args)
        error.__dict__.update(parsed.__dict__)
    else:
        theirs = _redis_py.exception(_OF_FAILURES.get(kind or "", "RedisError"))
        error = _joined(cls, theirs)(message)
    error.code, error.kind, error.next_dial_in = code, kind, next_dial_in
    return error


def of_cluster(error: OutlastError) -> OutlastError:
    """The same as an error of redis-py's cluster client, too."""
    theirs = _redis_py.exception("RedisClusterException")
    known: tuple[type[OutlastError], tuple[type[Exception], ...]]
    known = _parts.get(type(error), (type(error), ()))
    made = _joined(known[0], *known[1], theirs)(*error.args)
    made.__dict__.update(vars(error))
    return made


def _besides(message: str) -> tuple[type[Exception], ...]:
    """What redis-py's cluster client raises before it asks Redis."""
    if not message.startswith("CROSSSLOT"):
        return ()
    refused = _redis_py.exception("RedisClusterException")
    in_transaction = _redis_py.exception("CrossSlotTransactionError")
    return (in_transaction if issubclass(in_transaction, refused) else refused,)


_known: dict[tuple[type, ...], type[OutlastError]] = {}
_parts: dict[type, tuple[type[OutlastError], tuple[type[Exception], ...]]] = {}


def _joined(cls: type[OutlastError], *theirs: type[Exception]) -> type[OutlastError]:
    """The class itself where it is one of redis-py's classes, else one that is all of them."""
    more = tuple(other for other in theirs if not issubclass(cls, other))
    # A base goes after what is derived from it.
    more = tuple(
        dict.fromkeys(
            other
            for other in more
            if not any(issubclass(better, other) and better is not other for better in more)
        )
    )
    if not more:
        return cls
    known = _known.get((cls, *more))
    if known is not None:
        return known

    def __reduce__(self: OutlastError) -> tuple[Any, ...]:  # noqa: N807 - it becomes a method
        return _copied, (cls, more, self.args), vars(self)

    names = {"__doc__": cls.__doc__, "__module__": cls.__module__, "__reduce__": __reduce__}
    made = type(cls.__name__, (cls, *more), names)
    # Of two threads the first one's stays.
    made = _known.setdefault((cls, *more), made)
    _parts[made] = (cls, more)
    return made


def _copied(
    cls: type[OutlastError], theirs: tuple[type[Exception], ...], args: tuple[object, ...]
) -> OutlastError:
    return _joined(cls, *theirs)(*args)
