"""What /metrics says to Prometheus' own parser; and the slow way to write it, as an oracle."""

import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from http.client import HTTPException

import numpy as np
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from core.columns import Bools, Floats
from services.alerter_metrics import AlerterMetrics
from services.metrics_page import MetricsPage
from streams.metric import Metric

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(page: bytes) -> Samples:
    """Return every sample of a page by its name and labels."""
    found: Samples = {}
    for family in text_string_to_metric_families(page.decode()):
        for sample in family.samples:
            key = sample.name, frozenset(sample.labels.items())
            assert key not in found, f"{key} is there twice"
            found[key] = float(sample.value)
    return found


def samples_at(port: int) -> Samples:
    """Return every sample of a process' /metrics on loopback, none while it does not answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            page: bytes = answer.read()
    except (OSError, HTTPException):
        # Also where it ends in the midst of its answer.
        return {}
    return samples(page)


def values(found: Samples, name: str, labels: Mapping[str, str]) -> list[float]:
    """Return the values of the samples of a name that have these labels, and maybe others."""
    return [
        value for (sample, of), value in found.items() if sample == name and labels.items() <= of
    ]


def alerter_gauge(metrics: AlerterMetrics, name: str, labels: dict[str, str]) -> float | None:
    """Return one sample of an alerter's page, None where there is none."""
    page = MetricsPage(metrics.registry, metrics.tables).plain()
    return samples(page).get((name, frozenset(labels.items())))


class SlowGauges(Collector):
    """The figures of a `GaugeTable`, written by Prometheus' own client."""

    def __init__(
        self,
        metrics: Sequence[Metric],
        labels: tuple[Sequence[str], ...],
        columns: Sequence[Floats],
        is_known: Bools,
    ) -> None:
        self._metrics, self._labels = metrics, labels
        self._columns, self._is_known = columns, is_known

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield one family a metric, with what is known."""
        rows = list(zip(*self._labels, strict=True))
        for metric, column in zip(self._metrics, self._columns, strict=True):
            family = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
            for row in np.flatnonzero(np.isfinite(column) & self._is_known).tolist():
                family.add_metric(rows[row], float(column[row]))
            yield family

    def page(self) -> bytes:
        """Return the text."""
        registry = CollectorRegistry()
        registry.register(self)
        return generate_latest(registry)
