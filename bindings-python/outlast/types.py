"""What the dicts of outlast hold. The fields are the same in every language."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypedDict, Union


class Classification(TypedDict):
    """What a failure is and what it means."""

    kind: str
    verdict: Literal["link", "writes", "wait", "command"]
    schedule: Literal["server", "network", "quota"]
    words: str


# What a key is for, and what a conflict on recovery comes to.
KeyClass = Literal["cache", "counter", "session", "queue", "lock", "idempotency"]
ConflictPolicy = Literal["replay", "merge", "delete_wins", "discard"]

# A checked keyspace rule. (`class` is a keyword, so it cannot be a class of its own.)
KeyRule = TypedDict("KeyRule", {"pattern": str, "class": KeyClass, "policy": ConflictPolicy})

# Keyspace rules as they may be given: a text such as `session:*=session,lock:*=lock`, a list of
# pattern, class and perhaps policy, or a dict of the patterns.
RuleOption = Union[tuple[str, KeyClass], tuple[str, KeyClass, ConflictPolicy], KeyRule]
RulesOption = Union[
    str,
    Sequence[RuleOption],
    Mapping[str, Union[KeyClass, tuple[KeyClass, ConflictPolicy]]],
]


# What a key is for, and the pattern of the rule that says so.
KeyTreatment = TypedDict(
    "KeyTreatment",
    {"class": KeyClass, "policy": ConflictPolicy, "pattern": Union[str, None]},
)


class CommandTreatment(TypedDict):
    """What becomes of a command while Redis is away."""

    serve: bool
    reason: str | None


class Knob(TypedDict):
    """One knob of the policy."""

    name: str
    unit: Literal["ms", "percent", "count", "bytes", "flag", "choice", "text"]
    min: int
    max: int
    meaning: str


class Delay(TypedDict):
    """One step of a redial schedule."""

    attempt: int
    delay_ms: int
    low_ms: int
    high_ms: int
    jittered_ms: int


class Counts(TypedDict):
    """What is counted between two log lines, and over a whole incident."""

    dials_failed: int
    commands_failed: int
    served_locally: int
    refused: int


class Cause(TypedDict):
    """One kind of failure within an incident."""

    kind: str
    first_at_ms: int
    count: int


class Incident(TypedDict):
    """One outage. Times are milliseconds since 1970."""

    number: int
    opened_at_ms: int
    recovered_at_ms: int | None
    causes: list[Cause]
    flaps: int
    counts: Counts
    replayed: int
    conflicts: int
    replay_refused: int


# Called with an incident that is over, and its entry for the production log.
OnIncident = Callable[[Incident, str], object]


class Latency(TypedDict):
    """How long commands took on Redis, in microseconds."""

    p50_us: int
    p90_us: int
    p99_us: int
    max_us: int


class ShardStatus(TypedDict):
    """A shard of a cluster: a master and its slots, as first and last of each range."""

    endpoint: str
    slots: list[tuple[int, int]]
    mode: Literal["connected", "degraded", "reconciling", "closed"]
    last_failure_type: str | None
    served_by_redis: int
    served_by_store: int
    refused: int
    journal_keys: int
    journal_bytes: int
    store_keys: int
    replayed: int


class Status(TypedDict):
    """The snapshot that an operator sees. Times are in seconds; one that does not apply is None."""

    redis_connected: bool
    fallback_mode: bool
    circuit_breaker_state: Literal["closed", "open", "half_open"]
    connection_failure_count: int
    last_failure_type: str | None
    time_since_last_attempt: float | None
    next_retry_in: float | None
    time_since_last_recovery: float | None
    failures_since_log: int
    failure_count: int
    status: Literal["healthy", "degraded"]
    mode: Literal["connected", "degraded", "reconciling", "closed"]
    profile: Literal["development", "test", "staging", "production"]
    endpoint: str
    incident: Incident | None
    served_by_redis: int
    served_by_store: int
    refused: int
    dials: int
    journal_keys: int
    journal_bytes: int
    journal_file: Literal["off", "open", "set_aside", "failed"]
    store_keys: int
    store_bytes: int
    replayed: int
    conflicts: int
    replay_refused: int
    retries_refused: int
    latency: Latency
    rules: list[KeyRule]
    ready: bool
    redirects: int
    shards: list[ShardStatus]


class DeadLetter(TypedDict):
    """A write of an outage that Redis refused for good."""

    key: bytes | str
    commands: list[list[bytes | str]]
    error: str
    at: float
    """When it was refused, in seconds since 1970."""


class _Endpoint(TypedDict):
    """What every log record has."""

    endpoint: str


class LogFields(_Endpoint, total=False):
    """The figures of a log record; absent ones do not apply."""

    kind: str
    text: str
    incident: int
    duration_ms: int
    dials_failed: int
    commands_failed: int
    served_locally: int
    refused: int
    replayed: int
    conflicts: int
    replay_refused: int
    journal_keys: int
    next_dial_ms: int


class LogRecord(TypedDict):
    """One log record; `logging` has it as `record.outlast`."""

    level: Literal["info", "warning", "error"]
    code: str
    message: str
    fields: LogFields
