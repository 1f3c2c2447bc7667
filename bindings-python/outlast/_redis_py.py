"""redis-py, where it is installed: whose exceptions ours are, and whose surface the client has."""

# redis-py is typed in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from typing import Any

_OLDEST = 5

_redis: Any = None
_exceptions: Any = None
try:
    import redis
    from redis import exceptions
except ImportError:
    pass
else:
    _redis, _exceptions = redis, exceptions


def _is_known() -> bool:
    version = str(getattr(_redis, "__version__", "0"))
    major = version.partition(".")[0]
    return major.isdigit() and int(major) >= _OLDEST


IS_INSTALLED = _is_known()
"""Whether there is a redis-py that is new enough; an older one counts as none."""


def exception(name: str) -> Any:  # noqa: ANN401 - a base class that no checker need know
    """The class of redis-py with this name, or a base of it where there is none."""
    if not IS_INSTALLED:
        return Exception
    return getattr(_exceptions, name, None) or _exceptions.RedisError


def parsed(message: str) -> tuple[type[Exception], BaseException] | None:
    """What redis-py makes of an error reply: the class, and an exception with text and fields."""
    if not IS_INSTALLED:
        return None
    from redis._parsers import BaseParser  # noqa: PLC0415 - it is first needed when a reply is one

    error = BaseParser.parse_error(message)
    return type(error), error
