"""The Redis client for when Redis is down: your application keeps answering.

>>> import outlast
>>> outlast.classify("Connection refused")["kind"]
'connection_refused'
"""

from __future__ import annotations

# Registers what happens at a fork and at exit; it starts nothing.
from outlast import _log as _log
from outlast._install import install, uninstall
from outlast._outlast import (
    Engine,
    Store,
    Throttle,
    __version__,
    backoff_schedule,
    check_log,
    class_of,
    classify,
    classify_reply,
    decide,
    error_kinds,
    failure_kinds,
    freshness,
    knobs,
    log_entry,
    parse_status,
    policy,
    rate_limits,
    replay,
    simulate,
    simulate_fleet,
)
from outlast.client import Redis, RedisCluster, from_url
from outlast.exceptions import (
    ClosedError,
    CommandError,
    InvalidArgument,
    InvalidOption,
    LimitReached,
    MaybeApplied,
    NoScriptError,
    OutlastError,
    PermissionDeniedError,
    RedisUnavailable,
    UnsupportedLocally,
)

__all__ = [
    "ClosedError",
    "CommandError",
    "Engine",
    "InvalidArgument",
    "InvalidOption",
    "LimitReached",
    "MaybeApplied",
    "NoScriptError",
    "OutlastError",
    "PermissionDeniedError",
    "Redis",
    "RedisCluster",
    "RedisUnavailable",
    "Store",
    "Throttle",
    "UnsupportedLocally",
    "__version__",
    "backoff_schedule",
    "check_log",
    "class_of",
    "classify",
    "classify_reply",
    "decide",
    "error_kinds",
    "failure_kinds",
    "freshness",
    "from_url",
    "install",
    "knobs",
    "log_entry",
    "parse_status",
    "policy",
    "rate_limits",
    "replay",
    "simulate",
    "simulate_fleet",
    "uninstall",
]
