from asyncio import AbstractEventLoop
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping, Sequence
from contextvars import Context
from datetime import timedelta
from os import PathLike
from typing import Any, Final, Literal, TypeVar, final

from typing_extensions import Self, TypeAlias, disjoint_base

from outlast.types import (
    Classification,
    CommandTreatment,
    Counts,
    DeadLetter,
    Delay,
    Incident,
    KeyTreatment,
    Knob,
    LogRecord,
    Status,
)

__all__ = [
    "AsyncClient",
    "Client",
    "Engine",
    "Health",
    "Later",
    "Link",
    "Queue",
    "Reply",
    "Store",
    "Throttle",
    "__version__",
    "after_fork",
    "backoff_schedule",
    "cache_entry",
    "cached",
    "cause_outage",
    "check_log",
    "class_of",
    "classify",
    "classify_reply",
    "close_all",
    "command_line",
    "decide",
    "end_outage",
    "error_class",
    "error_kinds",
    "failure_class",
    "failure_kinds",
    "freshness",
    "knobs",
    "log_entry",
    "log_pipe",
    "parse_status",
    "policy",
    "rate_limit",
    "rate_limits",
    "replay",
    "simulate",
    "simulate_fleet",
    "take_incidents",
    "take_records",
    "wake",
]

__version__: Final[str]

_Argument: TypeAlias = str | bytes | bytearray | memoryview | int | float
_Time: TypeAlias = int | timedelta
_Ended_co = TypeVar("_Ended_co", covariant=True)

@disjoint_base
class Queue:
    command_stack: list[Any]
    watching: bool
    explicit_transaction: bool
    def __new__(cls, *_args: object, **_options: object) -> Self: ...
    def __len__(self) -> int: ...
    def get(self, name: _Argument) -> Any: ...  # noqa: ANN401 - the pipeline, or the value
    def set(self, name: _Argument, value: _Argument, *args: object, **options: object) -> Any: ...  # noqa: ANN401 - likewise
    def incr(self, name: _Argument, amount: int | None = None) -> Any: ...  # noqa: ANN401 - likewise
    def pipeline_execute_command(self, *args: object, **options: object) -> Any: ...  # noqa: ANN401 - the pipeline

@disjoint_base
class Client:
    def __new__(cls, *_args: object, **_options: object) -> Self: ...
    def open(
        self,
        url: str | None = None,
        profile: str | None = None,
        options: dict[str, object] | None = None,
        *,
        share: Client | None = None,
        resp3: bool = False,
        decode_responses: bool = False,
        encoding: str = "utf-8",
        encoding_errors: str = "strict",
        listener: int | None = None,
    ) -> None: ...
    def connect(self) -> None: ...
    def begin(self) -> None: ...
    def get(self, name: _Argument) -> Any: ...  # noqa: ANN401 - bytes or str
    def set(
        self,
        name: _Argument,
        value: _Argument,
        ex: _Time | None = None,
        px: _Time | None = None,
        nx: bool = False,
        xx: bool = False,
        keepttl: bool = False,
        get: bool = False,
        *args: object,
        **options: object,
    ) -> Any: ...  # noqa: ANN401 - True, None, or the old value
    def incr(self, name: _Argument, amount: int | None = None) -> Any: ...  # noqa: ANN401 - an int
    def delete(self, *names: _Argument) -> Any: ...  # noqa: ANN401 - an int
    def expire(self, name: _Argument, time: _Time, *args: bool, **options: bool) -> Any: ...  # noqa: ANN401 - a bool
    def ttl(self, name: _Argument) -> Any: ...  # noqa: ANN401 - an int
    def execute_command(self, *args: _Argument) -> Any: ...  # noqa: ANN401 - any command's reply
    def request(self, args: tuple[Any, ...], as_bytes: bool = False) -> Any: ...  # noqa: ANN401 - any command's reply
    def run_pipeline(
        self,
        commands: Queue | list[tuple[tuple[Any, ...], dict[str, Any]]],
        callbacks: dict[str, Any] | None = None,
    ) -> Any: ...  # noqa: ANN401 - a list and a bool, or NotImplemented
    def run_transaction(
        self, commands: list[tuple[tuple[Any, ...], dict[str, Any]]], plain: bool = False
    ) -> Any: ...  # noqa: ANN401 - a list, or NotImplemented
    @property
    def direct(self) -> bool: ...
    @direct.setter
    def direct(self, direct: bool) -> None: ...
    @property
    def protocol(self) -> int | None: ...
    def get_status(self) -> Status: ...
    def metrics(self) -> str: ...
    def dead_letters(self) -> list[DeadLetter]: ...
    @property
    def mode(self) -> Literal["connected", "degraded", "reconciling", "closed"]: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_error: object) -> None: ...

@disjoint_base
class AsyncClient:
    def __new__(cls, *_args: object, **_options: object) -> Self: ...
    def open(
        self,
        url: str | None = None,
        profile: str | None = None,
        options: dict[str, object] | None = None,
        *,
        share: AsyncClient | None = None,
        resp3: bool = False,
        decode_responses: bool = False,
        encoding: str = "utf-8",
        encoding_errors: str = "strict",
        listener: int | None = None,
    ) -> None: ...
    def connect(self) -> Awaitable[None]: ...
    def begin(self) -> None: ...
    def get(self, name: _Argument) -> Awaitable[Any]: ...
    def set(
        self,
        name: _Argument,
        value: _Argument,
        ex: _Time | None = None,
        px: _Time | None = None,
        nx: bool = False,
        xx: bool = False,
        keepttl: bool = False,
        get: bool = False,
        *args: object,
        **options: object,
    ) -> Awaitable[Any]: ...
    def incr(self, name: _Argument, amount: int | None = None) -> Awaitable[int]: ...
    def delete(self, *names: _Argument) -> Awaitable[int]: ...
    def expire(
        self, name: _Argument, time: _Time, *args: bool, **options: bool
    ) -> Awaitable[bool]: ...
    def ttl(self, name: _Argument) -> Awaitable[int]: ...
    def execute_command(
        self, *args: _Argument, shape: Callable[[Any], Any] | None = None
    ) -> Awaitable[Any]: ...
    def request(
        self,
        args: tuple[Any, ...],
        shape: Callable[..., Any] | None = None,
        options: dict[str, Any] | None = None,
        as_bytes: bool = False,
    ) -> Any: ...  # noqa: ANN401 - an awaitable, or NotImplemented
    def request_from_memory(
        self,
        args: tuple[Any, ...],
        shape: Callable[..., Any] | None = None,
        options: dict[str, Any] | None = None,
    ) -> Awaitable[Any]: ...
    def may_use_own_connection(self, args: tuple[Any, ...]) -> bool | None: ...
    def run_pipeline(
        self,
        commands: Queue | list[tuple[tuple[Any, ...], dict[str, Any]]],
        shapes: dict[Any, Any] | None = None,
        plain: bool = False,
    ) -> Any: ...  # noqa: ANN401 - an awaitable, or NotImplemented
    def run_transaction(
        self, commands: list[tuple[tuple[Any, ...], dict[str, Any]]], plain: bool = False
    ) -> Any: ...  # noqa: ANN401 - an awaitable, or NotImplemented
    @property
    def direct(self) -> bool: ...
    @direct.setter
    def direct(self, direct: bool) -> None: ...
    @property
    def protocol(self) -> int | None: ...
    def get_status(self) -> Status: ...
    def metrics(self) -> str: ...
    def dead_letters(self) -> list[DeadLetter]: ...
    @property
    def mode(self) -> Literal["connected", "degraded", "reconciling", "closed"]: ...
    def shut(self) -> None: ...

@final
class Later:
    def __call__(self) -> Awaitable[Any]: ...

@final
class Link: ...

@final
class Reply(Coroutine[Any, Any, _Ended_co]):
    @property
    def _cancel_message(self) -> object: ...
    def _make_cancelled_error(self) -> BaseException: ...
    def __await__(self) -> Generator[Any, Any, _Ended_co]: ...
    def __iter__(self) -> Self: ...
    def __next__(self) -> Any: ...  # noqa: ANN401 - what asyncio passes on
    def send(self, _value: object) -> Any: ...  # noqa: ANN401 - what asyncio passes on
    def throw(self, *error: Any) -> Any: ...  # noqa: ANN401 - what asyncio passes on
    def close(self) -> None: ...
    def add_done_callback(
        self, callback: Callable[[Any], object], *, context: Context | None = None
    ) -> None: ...
    def remove_done_callback(self, callback: Callable[[Any], object]) -> int: ...
    def cancel(self, msg: object = None) -> bool: ...
    def cancelled(self) -> bool: ...
    def done(self) -> bool: ...
    def result(self) -> _Ended_co: ...
    def exception(self) -> BaseException | None: ...
    def get_loop(self) -> AbstractEventLoop: ...

@final
class Engine:
    def __new__(cls, options: Mapping[str, object] | None, endpoint: str, seed: int) -> Self: ...
    def handle(self, at_ms: int, event: Mapping[str, object]) -> list[dict[str, Any]]: ...
    def status(self, at_ms: int) -> Status: ...

@final
class Health:
    def __new__(
        cls, allow: list[str], hosts: list[str], devtools: str | PathLike[str] | None
    ) -> Self: ...
    def allows(self, remote: str, headers: list[tuple[str, str]]) -> bool: ...
    def answer(
        self,
        method: str,
        mount: str,
        path: str,
        remote: str,
        headers: list[tuple[str, str]],
        status: str,
        lines: str,
        metrics: str | None = None,
    ) -> tuple[int, list[tuple[str, str]], bytes]: ...

@final
class Throttle:
    def __new__(cls, interval_ms: int) -> Self: ...
    def count(self, counts: Mapping[str, int]) -> None: ...
    def failure(self, at_ms: int, kind: str) -> Counts | None: ...
    def summary(self, at_ms: int) -> Counts | None: ...
    def due(self) -> int | None: ...
    def since_line(self) -> Counts: ...

@final
class Store:
    def __new__(cls, bytes_max: int) -> Self: ...
    def execute(
        self, at_ms: int, args: Sequence[_Argument], journalled: bool = True
    ) -> dict[str, Any]: ...

def classify(evidence: str | Mapping[str, object] | BaseException) -> Classification: ...
def classify_reply(message: str) -> Classification: ...
def failure_kinds() -> list[Classification]: ...
def policy(options: Mapping[str, object] | None = None) -> dict[str, Any]: ...
def class_of(options: Mapping[str, object] | None, key: _Argument) -> KeyTreatment: ...
def decide(options: Mapping[str, object] | None, args: Sequence[_Argument]) -> CommandTreatment: ...
def freshness(found: Mapping[str, object]) -> str: ...
def cached(
    entry: str,
    left_ms: int,
    stale_ms: int,
    beta_permille: int,
    is_down: bool,
    random: int,
) -> tuple[str, str] | None: ...
def cache_entry(json: str, cost_ms: int, ttl_ms: int, stale_ms: int) -> tuple[str, int]: ...
def rate_limit(
    client: Client,
    key: str,
    limit: int,
    window_ms: int,
    cost: int,
    window: str,
    share_permille: int,
) -> dict[str, Any]: ...
def cause_outage(client: Client, cause: str) -> None: ...
def end_outage(client: Client) -> None: ...
def rate_limits(
    limit: Mapping[str, object], requests: Sequence[Mapping[str, object]]
) -> list[dict[str, Any]]: ...
def knobs() -> list[Knob]: ...
def backoff_schedule(
    options: Mapping[str, object] | None, attempts: int, seed: int, schedule: str = "server"
) -> list[Delay]: ...
def simulate(
    options: Mapping[str, object] | None = None, scenario: Mapping[str, object] | None = None
) -> dict[str, Any]: ...
def simulate_fleet(
    options: Mapping[str, object] | None, scenario: Mapping[str, object] | None, clients: int
) -> dict[str, Any]: ...
def parse_status(json: str) -> Status: ...
def log_entry(incident: Mapping[str, object], endpoint: str, service: str = "") -> str: ...
def check_log(text: str) -> dict[str, Any]: ...
def replay(recording: str) -> dict[str, Any]: ...
def error_kinds() -> list[str]: ...
def error_class(code: str) -> type[Exception] | None: ...
def failure_class(code: str) -> type[Exception] | None: ...
def log_pipe() -> int | None: ...
def take_incidents() -> tuple[list[tuple[int, Incident, str]], list[int]]: ...
def take_records() -> list[LogRecord]: ...
def wake() -> None: ...
def close_all() -> None: ...
def after_fork() -> None: ...
def command_line(args: Sequence[str]) -> int: ...
