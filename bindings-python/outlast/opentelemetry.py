"""Spans and metrics for OpenTelemetry, by its conventions for database clients.

>>> from outlast.opentelemetry import instrument
>>> instrument(client)  # doctest: +SKIP

Needs `pip install outlast[opentelemetry]`, and a tracer or meter provider that the application sets
up. Each command becomes a span of its caller's trace, named after the command, whether Redis
answered it or memory; a pipeline is one span. No argument is told: `query_text` may make a text of
them. Metrics are observed when they are exported, and are those of `client.metrics()` but for the
histograms, in place of which each command is measured here.
"""

# ruff: noqa: ANN401 - what commands take and answer is of any type

from __future__ import annotations

import inspect
import re
import time
from collections.abc import Awaitable, Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Callable

from opentelemetry import metrics, trace
from opentelemetry.trace import SpanKind, StatusCode

from outlast._outlast import __version__

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Meter, MeterProvider, Observation
    from opentelemetry.trace import TracerProvider

__all__ = ["instrument", "uninstrument"]

_NAME = "outlast"
# Where a client keeps what is told of it.
_TOLD = "_outlast_told"

# Prometheus' names for attributes, put as the conventions put them.
_ATTRIBUTES = {
    "db_system_name": "db.system.name",
    "db_namespace": "db.namespace",
    "server_address": "server.address",
    "server_port": "server.port",
    "db_client_connection_state": "db.client.connection.state",
    "error_type": "error.type",
    "answered_by": "outlast.answered_by",
    "mode": "outlast.mode",
}
# What stands at every sample, and at every span.
_COMMON = {"db.system.name", "db.namespace", "server.address", "server.port"}
# What the conventions want as a number.
_NUMBERS = {"server.port"}
# The bounds that the conventions give for this histogram, in seconds.
_SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]

_SAMPLE = re.compile(r"(\w+)\{(.*)\} (\S+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")

_QueryText = Callable[[tuple[Any, ...]], str]


def instrument(
    client: Any,
    *,
    tracer_provider: TracerProvider | None = None,
    meter_provider: MeterProvider | None = None,
    query_text: _QueryText | None = None,
) -> None:
    """Has a client (`outlast.Redis`, `outlast.asyncio.Redis`) tell of its commands.

    Without a provider it is the one that the application has set. `query_text` gets the name and
    the arguments of a command and answers what stands as `db.query.text` in its span; keys and
    values may be secret, and by default none is told.
    """
    if getattr(client, _TOLD, None) is not None:
        return
    tracer = trace.get_tracer(_NAME, __version__, tracer_provider)
    meter = metrics.get_meter(_NAME, __version__, meter_provider)
    told = _Told(client, tracer, meter, query_text)
    run, pipeline = client.execute_command, client.pipeline

    def execute_command(*args: Any, **options: Any) -> Any:
        return told.during(_word(args[0]), lambda: run(*args, **options), args=args)

    def instrumented_pipeline(*args: Any, **options: Any) -> Any:
        made = pipeline(*args, **options)
        execute = made.execute

        def execute_all(*args: Any, **options: Any) -> Any:
            count = len(made)
            if count == 0:
                return execute(*args, **options)
            return told.during("PIPELINE", lambda: execute(*args, **options), count=count)

        made.execute = execute_all
        return made

    # Commands that have a method in native code would pass by what stands here.
    client.direct = False
    client.execute_command, client.pipeline = execute_command, instrumented_pipeline
    setattr(client, _TOLD, told)
    _observe(client, meter, told)


def uninstrument(client: Any) -> None:
    """Ends it; metrics are observed no more."""
    told: _Told | None = getattr(client, _TOLD, None)
    if told is None:
        return
    delattr(client, _TOLD)
    del client.execute_command, client.pipeline
    client.direct = told.was_direct
    told.is_over = True


class _Told:
    """What is told of one client."""

    def __init__(
        self, client: Any, tracer: trace.Tracer, meter: Meter, query_text: _QueryText | None
    ) -> None:
        self.was_direct: bool = client.direct
        self.is_over = False
        self._tracer = tracer
        self._query_text = query_text
        samples = [sample for _, (_, _, found) in _families(client.metrics()) for sample in found]
        of_any = samples[0][0] if samples else {}
        self._common = {name: value for name, value in of_any.items() if name in _COMMON}
        self._durations = meter.create_histogram(
            "db.client.operation.duration",
            unit="s",
            description="How long commands took, by whoever they were answered.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )

    def during(
        self,
        name: str,
        call: Callable[[], Any],
        *,
        args: tuple[Any, ...] = (),
        count: int | None = None,
    ) -> Any:
        """The answer to a command; of one for asyncio an awaitable."""
        attributes = {**self._common, "db.operation.name": name}
        began = time.perf_counter()
        span = self._tracer.start_span(name, kind=SpanKind.CLIENT, attributes=attributes)
        if count is not None and count > 1:
            span.set_attribute("db.operation.batch.size", count)
        if self._query_text is not None and args and span.is_recording():
            span.set_attribute("db.query.text", self._query_text(args))
        with self._ending(span, began, attributes) as ending:
            with trace.use_span(span, record_exception=False, set_status_on_exception=False):
                answer = call()
            if inspect.isawaitable(answer):
                ending.is_later = True
                return self._awaited(span, began, attributes, answer)
            return answer

    async def _awaited(
        self, span: trace.Span, began: float, attributes: dict[str, Any], answer: Awaitable[Any]
    ) -> Any:
        with self._ending(span, began, attributes):
            return await answer

    @contextmanager
    def _ending(
        self, span: trace.Span, began: float, attributes: dict[str, Any]
    ) -> Generator[_Ending]:
        ending = _Ending()
        failed: dict[str, Any] = {}
        try:
            yield ending
        except BaseException as error:
            code = _code(error)
            failed["error.type"] = code
            span.set_attribute("error.type", code)
            # The words of an error may quote a key.
            span.set_status(StatusCode.ERROR, code)
            raise
        finally:
            if not ending.is_later:
                span.end()
                self._durations.record(time.perf_counter() - began, {**attributes, **failed})


class _Ending:
    """Whether a command ends later than its call."""

    is_later = False


def _word(name: Any) -> str:
    text = name.decode("latin-1") if isinstance(name, bytes) else str(name)
    return text.upper()


def _code(error: BaseException) -> str:
    """The failure of Redis where there was one, else the code of the error, else its class."""
    kind = getattr(error, "kind", None) or getattr(error, "code", None)
    return kind if isinstance(kind, str) else type(error).__qualname__


_Sample = tuple[dict[str, Any], float]
_Family = tuple[str, tuple[str, str, list[_Sample]]]


def _observe(client: Any, meter: Meter, told: _Told) -> None:
    """Makes an instrument for each metric of the client that has no histogram's parts."""
    for name, (kind, help_text, _) in _families(client.metrics()):
        if kind == "histogram":
            continue
        make = (
            meter.create_observable_counter if kind == "counter" else meter.create_observable_gauge
        )
        make(_named(name), [_observer(client, name, told)], description=help_text)


def _observer(
    client: Any, name: str, told: _Told
) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def observe(_options: CallbackOptions) -> Iterable[Observation]:
        if told.is_over:
            return []
        families = dict(_families(client.metrics()))
        samples = families[name][2] if name in families else []
        return [metrics.Observation(value, attributes) for attributes, value in samples]

    return observe


def _named(name: str) -> str:
    """A metric of Prometheus, named as the conventions do."""
    name = name.removesuffix("_total")
    for prefix in ("db_client_connection_", "outlast_"):
        if name.startswith(prefix):
            return prefix.replace("_", ".") + name[len(prefix) :]
    return name


def _families(text: str) -> Iterator[_Family]:
    """The metrics in a text for Prometheus, with their types, words and samples."""
    samples: list[_Sample] = []
    name = kind = words = ""
    for line in [*text.splitlines(), "# HELP  "]:
        if line.startswith("# HELP "):
            if name:
                yield name, (kind, words, samples)
            _, _, name, words = line.split(" ", 3)
            samples = []
        elif line.startswith("# TYPE "):
            kind = line.rsplit(" ", 1)[1]
        else:
            found = _SAMPLE.fullmatch(line)
            if found is not None:
                pairs = [(str(pair[0]), str(pair[1])) for pair in _LABEL.findall(found[2])]
                attributes = dict(_attribute(label, value) for label, value in pairs)
                samples.append((attributes, float(found[3])))


def _attribute(label: str, value: str) -> tuple[str, str | int]:
    name = _ATTRIBUTES.get(label, label)
    value = _ESCAPED.sub(lambda found: "\n" if found[1] == "n" else found[1], value)
    return name, int(value) if name in _NUMBERS else value
