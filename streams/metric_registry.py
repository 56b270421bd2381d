"""Registries of metrics, built from the catalogue and from nothing else."""

from collections.abc import Iterable
from contextlib import suppress

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
)
from prometheus_client.process_collector import ProcessCollector

from streams.metric import Metric


class Metrics:
    """The metrics of one process, by their names in the catalogue.

    ``registry`` is what `/metrics` shows; metrics without labels are there from the start.
    """

    def __init__(self, catalogue: Iterable[Metric]) -> None:
        # A gauge beside each counter, of when it began: Prometheus sees a restart by itself.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._counters: dict[str, Counter] = {}
        self._gauges: dict[str, Gauge] = {}
        self._histograms: dict[str, Histogram] = {}
        for metric in catalogue:
            self._add(metric)

    def _add(self, metric: Metric) -> None:
        if metric.kind == "counter":
            counter = Counter(metric.name, metric.help, metric.labels, registry=self.registry)
            self._counters[metric.name] = counter
            for values in metric.from_start:
                counter.labels(*values)
        elif metric.kind == "gauge":
            self._gauges[metric.name] = Gauge(
                metric.name, metric.help, metric.labels, registry=self.registry
            )
        else:
            self._histograms[metric.name] = Histogram(
                metric.name,
                metric.help,
                metric.labels,
                buckets=metric.buckets,
                registry=self.registry,
            )

    def counter(self, name: str, *labels: str) -> Counter:
        """Return a counter, or the one of these values of its labels, in their order."""
        counter = self._counters[name]
        return counter.labels(*labels) if labels else counter

    def gauge(self, name: str, *labels: str) -> Gauge:
        """Return a gauge, or the one of these values of its labels, in their order."""
        gauge = self._gauges[name]
        return gauge.labels(*labels) if labels else gauge

    def histogram(self, name: str, *labels: str) -> Histogram:
        """Return a histogram, or the one of these values of its labels, in their order."""
        histogram = self._histograms[name]
        return histogram.labels(*labels) if labels else histogram

    def forget(self, name: str, *labels: str) -> None:
        """Stop exporting the gauge of these values of its labels, if it was exported."""
        with suppress(KeyError):
            self._gauges[name].remove(*labels)
