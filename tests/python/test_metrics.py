"""The metrics as Prometheus' own client reads them, under the names of the vectors."""

import json
from pathlib import Path

import outlast.asyncio
from conftest import is_connected, wait_until
from prometheus_client.parser import text_string_to_metric_families

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "metrics.json").read_text())
COMMON = {"db_system_name", "server_address", "server_port", "db_namespace"}


def families(client):
    return {family.name: family for family in text_string_to_metric_families(client.metrics())}


def value(client, name, **labels):
    """Of the one sample with these labels."""
    found = [
        sample.value
        for family in families(client).values()
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    assert len(found) == 1, (name, labels, found)
    return found[0]


def test_the_text_is_that_of_the_vectors(server, make):
    client = make(server.url)
    client.incr("n")
    found = families(client)
    # The parser takes the ending of a counter for no part of its name.
    expected = {metric["name"].removesuffix("_total"): metric for metric in VECTORS["metrics"]}
    assert list(found) == list(expected)
    for name, family in found.items():
        assert family.type == expected[name]["type"]
        assert family.documentation
        own = {expected[name]["label"]} - {None}
        own |= {"le"} if family.type == "histogram" else set()
        for sample in family.samples:
            assert set(sample.labels) >= COMMON
            assert set(sample.labels) - COMMON <= own
    for what in ("operation_duration", "connection_create_time"):
        name = f"db_client_{what}_seconds"
        buckets = [s for s in found[name].samples if s.name.endswith("_bucket")]
        counts = [bucket.value for bucket in buckets]
        assert counts == sorted(counts)
        assert buckets[-1].labels["le"] == "+Inf"
        assert counts[-1] == value(client, f"{name}_count")


def test_an_outage_is_counted(server, make):
    client = make(server.url)
    for _ in range(20):
        client.set("k", "v")
    assert value(client, "db_client_operation_duration_seconds_count") == 20
    assert 0 < value(client, "db_client_operation_duration_seconds_sum") < 20
    assert value(client, "outlast_commands_total", answered_by="redis") == 20
    assert value(client, "db_client_connection_count", db_client_connection_state="idle") == 1
    server.kill()
    client.set("k", "w")
    assert value(client, "outlast_redis_connected") == 0
    assert value(client, "outlast_mode", mode="degraded") == 1
    assert value(client, "outlast_journal_keys") == 1
    assert value(client, "outlast_commands_total", answered_by="store") == 1
    wait_until(lambda: value(client, "outlast_failures_total", error_type="connection_refused"))
    server.start()
    wait_until(lambda: is_connected(client))
    assert value(client, "outlast_replayed_keys_total") == 1
    assert value(client, "outlast_dials_total") == client.get_status()["dials"]
    client.close()
    assert value(client, "outlast_mode", mode="closed") == 1


async def test_asyncio_has_them_too(server):
    async with outlast.asyncio.Redis.from_url(server.url, profile="production") as client:
        await client.set("k", "v")
        assert value(client, "outlast_commands_total", answered_by="redis") == 1
        assert value(client, "db_client_connection_count", db_client_connection_state="idle") == 1


def test_nothing_secret_is_told(start_server, make):
    server = start_server("--requirepass", "planted")
    client = make(server.url.replace("redis://", "redis://:planted@"))
    assert client.ping()
    assert "planted" not in client.metrics()
