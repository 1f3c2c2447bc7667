"""Spans and metrics as OpenTelemetry's own SDK gets them, through an outage."""

import outlast
import outlast.asyncio
import pytest
from conftest import is_connected, run_script, until, wait_until
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from outlast.opentelemetry import instrument, uninstrument


class Telemetry:
    """An application's providers."""

    def __init__(self):
        self.exporter = InMemorySpanExporter()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.reader = InMemoryMetricReader()
        self.meters = MeterProvider(metric_readers=[self.reader])

    def instrument(self, client, **options):
        instrument(client, tracer_provider=self.tracers, meter_provider=self.meters, **options)

    def spans(self):
        spans = self.exporter.get_finished_spans()
        self.exporter.clear()
        return spans

    def metrics(self):
        """The points of each metric, as pairs of attributes and value."""
        told = self.reader.get_metrics_data()
        scopes = [scope for resource in told.resource_metrics for scope in resource.scope_metrics]
        return {
            metric.name: [
                (dict(point.attributes), getattr(point, "value", getattr(point, "count", None)))
                for point in metric.data.data_points
            ]
            for scope in scopes
            for metric in scope.metrics
        }

    def value(self, name, **attributes):
        wanted = {key.replace("__", "."): value for key, value in attributes.items()}
        found = [value for told, value in self.metrics()[name] if wanted.items() <= told.items()]
        assert len(found) == 1, (name, found)
        return found[0]


@pytest.fixture
def telemetry():
    telemetry = Telemetry()
    yield telemetry
    telemetry.meters.shutdown()
    telemetry.tracers.shutdown()


def test_a_command_is_a_span_of_its_callers_trace(server, make, telemetry):
    client = make(server.url)
    telemetry.instrument(client)
    with telemetry.tracers.get_tracer("app").start_as_current_span("request") as parent:
        client.set("secret-key", "secret-value")
        assert client.get("secret-key") == b"secret-value"
        client.hset("h", "f", 1)
        client.pipeline().set("a", 1).incr("a").execute()
        client.pipeline().execute()
    *spans, request = telemetry.spans()
    assert request.name == "request"
    assert [span.name for span in spans] == ["SET", "GET", "HSET", "PIPELINE"]
    for span in spans:
        assert span.kind is SpanKind.CLIENT
        assert span.parent.span_id == parent.get_span_context().span_id
        attributes = dict(span.attributes)
        assert attributes.pop("db.operation.name") == span.name
        assert attributes.pop("db.operation.batch.size", None) == (
            2 if span.name == "PIPELINE" else None
        )
        assert attributes == {
            "db.system.name": "redis",
            "db.namespace": "0",
            "server.address": "127.0.0.1",
            "server.port": server.port,
        }
        assert "secret" not in span.to_json()


def test_what_failed_is_told_by_its_code(server, make, telemetry):
    client = make(server.url, rules=[("lock:*", "lock")])
    telemetry.instrument(client)
    client.set("k", "v")
    with pytest.raises(outlast.CommandError):
        client.lpush("k", 1)
    *_, wrong = telemetry.spans()
    assert wrong.attributes["error.type"] == "command_error"
    assert wrong.status.status_code is StatusCode.ERROR
    server.kill()
    wait_until(lambda: client.set("k", "w") and not is_connected(client), what="an outage")
    assert client.get("k") == b"w"
    with pytest.raises(outlast.RedisUnavailable):
        client.set("lock:1", "mine")
    *_, served, refused = telemetry.spans()
    assert served.name == "GET"
    assert "error.type" not in served.attributes
    assert served.status.status_code is StatusCode.UNSET
    assert refused.attributes["error.type"] in ("connection_refused", "connection_lost")


def test_metrics_are_observed_through_an_outage(server, make, telemetry):
    client = make(server.url)
    telemetry.instrument(client)
    for _ in range(20):
        client.set("k", "v")
    assert telemetry.value("outlast.commands", outlast__answered_by="redis") == 20
    assert telemetry.value("db.client.operation.duration", db__operation__name="SET") == 20
    idle = {"db__client__connection__state": "idle"}
    assert telemetry.value("db.client.connection.count", **idle, server__port=server.port) == 1
    assert telemetry.value("outlast.redis_connected") == 1
    server.kill()
    wait_until(lambda: client.set("k", "w") and not is_connected(client), what="an outage")
    assert telemetry.value("outlast.redis_connected") == 0
    assert telemetry.value("outlast.mode", outlast__mode="degraded") == 1
    assert telemetry.value("outlast.journal_keys") == 1
    server.start()
    wait_until(lambda: is_connected(client), what="the end of the outage")
    assert telemetry.value("outlast.replayed_keys") == 1


def test_every_metric_of_the_client_is_there(server, make, telemetry):
    client = make(server.url)
    telemetry.instrument(client)
    client.set("k", "v")
    types = [
        line.split()[2:] for line in client.metrics().splitlines() if line.startswith("# TYPE")
    ]
    expected = {
        name.removesuffix("_total").replace("db_client_connection_", "").replace("outlast_", "")
        for name, kind in types
        if kind != "histogram"
    }
    told = set(telemetry.metrics()) - {"db.client.operation.duration"}
    assert {name.rsplit(".", 1)[1] for name in told} == expected
    assert len(told) == len(expected) > 10


async def test_asyncio_commands_are_spans_too(server, open_client, telemetry):
    client = open_client(server.url)
    telemetry.instrument(client)
    with telemetry.tracers.get_tracer("app").start_as_current_span("request") as parent:
        await client.set("k", "v")
        assert await client.get("k") == b"v"
        async with client.pipeline() as pipe:
            pipe.set("a", 1)
            pipe.incr("a")
            assert await pipe.execute() == [True, 2]
        with pytest.raises(outlast.CommandError):
            await client.lpush("k", 1)
    *spans, _ = telemetry.spans()
    assert [span.name for span in spans] == ["SET", "GET", "PIPELINE", "LPUSH"]
    assert {span.parent.span_id for span in spans} == {parent.get_span_context().span_id}
    assert spans[-1].attributes["error.type"] == "command_error"
    assert spans[-1].end_time > spans[-1].start_time
    server.kill()
    await until(lambda: not is_connected(client), what="an outage")
    await client.set("k", "w")
    assert telemetry.value("outlast.redis_connected") == 0


def test_a_text_of_the_command_is_told_where_that_is_wanted(server, make, telemetry):
    client = make(server.url)
    telemetry.instrument(client, query_text=lambda args: f"{args[0]} {len(args) - 1} arguments")
    client.set("k", "v")
    (span,) = telemetry.spans()
    assert span.attributes["db.query.text"] == "SET 2 arguments"


def test_it_ends_and_begins_again(server, make, telemetry):
    client = make(server.url)
    telemetry.instrument(client)
    telemetry.instrument(client)
    client.set("k", "v")
    assert len(telemetry.spans()) == 1
    uninstrument(client)
    uninstrument(client)
    client.set("k", "v")
    assert client.direct
    assert telemetry.spans() == ()
    telemetry.instrument(client)
    client.get("k")
    assert len(telemetry.spans()) == 1


WITHOUT_REDIS_PY = """
import sys
sys.modules["redis"] = None
import outlast
from outlast.opentelemetry import instrument
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

exporter, tracers = InMemorySpanExporter(), TracerProvider()
tracers.add_span_processor(SimpleSpanProcessor(exporter))
client = outlast.from_url(sys.argv[1], profile="production")
instrument(client, tracer_provider=tracers)
client.set("k", 1)
assert client.get("k") == b"1"
assert client.incr("k") == 2
assert client.ttl("k") == -1
assert client.expire("k", 10) is True
assert client.delete("k") == 1
client.hset("h", "f", 1)
assert client.pipeline().set("k", 1).get("k").execute()[1] == b"1"
print(*(span.name for span in exporter.get_finished_spans()))
client.close()
"""


def test_without_redis_py(server):
    names = "SET GET INCRBY TTL EXPIRE DEL HSET PIPELINE"
    assert run_script(WITHOUT_REDIS_PY, server.url).split() == names.split()
