"""The collector in a real registry, scraped over HTTP, through an outage."""

import urllib.request

import outlast.asyncio
import pytest
from conftest import is_connected, wait_until
from outlast.prometheus import OutlastCollector
from prometheus_client import CollectorRegistry, Counter, generate_latest, start_http_server
from prometheus_client.parser import text_string_to_metric_families


@pytest.fixture
def registry():
    return CollectorRegistry()


def test_metrics_are_scraped_beside_the_applications_own(server, make, registry):
    client = make(server.url)
    registry.register(OutlastCollector(client))
    Counter("app_requests", "The application's own.", registry=registry).inc()
    http, thread = start_http_server(0, "127.0.0.1", registry)
    place = f"http://127.0.0.1:{http.server_port}/metrics"

    def scrape():
        with urllib.request.urlopen(place) as answer:
            text = answer.read().decode()
        families = text_string_to_metric_families(text)
        return {
            (sample.name, sample.labels.get("answered_by")): sample.value
            for family in families
            for sample in family.samples
        }

    for _ in range(5):
        client.set("k", "v")
    told = scrape()
    assert told["app_requests_total", None] == 1
    assert told["outlast_commands_total", "redis"] == 5
    assert told["outlast_redis_connected", None] == 1
    assert told["db_client_operation_duration_seconds_count", None] == 5
    server.kill()
    wait_until(lambda: client.set("k", "w") and not is_connected(client), what="an outage")
    told = scrape()
    assert told["outlast_redis_connected", None] == 0
    assert told["outlast_commands_total", "store"] >= 1
    assert told["outlast_journal_keys", None] == 1
    server.start()
    wait_until(lambda: is_connected(client), what="the end of the outage")
    assert scrape()["outlast_replayed_keys_total", None] == 1
    http.shutdown()
    http.server_close()
    thread.join()


def test_the_registry_tells_what_the_client_tells(server, make, registry):
    client = make(server.url)
    client.set("k", "v")
    registry.register(OutlastCollector(client))

    def told(text):
        return {
            (sample.name, *sorted(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    assert told(generate_latest(registry).decode()) == told(client.metrics())


async def test_several_clients_have_their_names(server, make, registry):
    async with outlast.asyncio.from_url(server.url, profile="production") as jobs:
        await jobs.set("k", "v")
        cache = make(server.url)
        cache.set("k", "v")
        cache.get("k")
        registry.register(OutlastCollector({"cache": cache, "jobs": jobs}))
        common = {"answered_by": "redis", "db_system_name": "redis", "db_namespace": "0"}
        common |= {"server_address": "127.0.0.1", "server_port": str(server.port)}
        for name, count in (("cache", 2), ("jobs", 1)):
            labels = {"client": name, **common}
            assert registry.get_sample_value("outlast_commands_total", labels) == count
