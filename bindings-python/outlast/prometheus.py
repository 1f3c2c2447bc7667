"""The metrics of clients in a registry of `prometheus_client`, beside those of the application.

>>> from outlast.prometheus import OutlastCollector
>>> from prometheus_client import REGISTRY
>>> REGISTRY.register(OutlastCollector(client))  # doctest: +SKIP

Needs `pip install outlast[prometheus]`. They are read when they are scraped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

__all__ = ["OutlastCollector"]


class _Client(Protocol):
    """Any client of outlast."""

    def metrics(self) -> str: ...


class OutlastCollector(Collector):
    """Collects what `client.metrics()` tells.

    Where there are several clients, they are handed over by name: `{"cache": one, "jobs": other}`.
    Their samples then have the name as the label `client`.
    """

    def __init__(self, clients: _Client | Mapping[str, _Client]) -> None:
        """Of one client, or of several by name."""
        self._clients = clients if isinstance(clients, Mapping) else {"": clients}

    def collect(self) -> Iterator[Metric]:
        """The metrics as they are now, for the registry."""
        families: dict[str, Metric] = {}
        for name, client in self._clients.items():
            own = {"client": name} if name else {}
            for family in text_string_to_metric_families(client.metrics()):
                known = families.setdefault(family.name, family)
                samples = [
                    sample._replace(labels={**sample.labels, **own}) for sample in family.samples
                ]
                if known is family:
                    family.samples = samples
                else:
                    known.samples.extend(samples)
        yield from families.values()
