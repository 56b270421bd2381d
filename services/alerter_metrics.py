"""What the alerter shows of the market and of itself on /metrics."""

from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from core.columns import NUMERIC_COLUMNS, View
from core.sessions import NANOS_PER_SECOND
from core.thresholds import SEVERITIES
from core.universe import Universe
from services.alertmanager import PushObserver
from services.clock import Clock
from streams.metric_catalogue import ALERTER, MARKET
from streams.metric_registry import Metrics

SHOWN_SECONDS = 3.0
"""Gauges of a view older than this are left out: no old number is shown as fresh."""


class MarketGauges(Collector):
    """Each numeric column of the newest view as a gauge; what is unknown has no sample."""

    def __init__(self, universe: Universe, clock: Clock) -> None:
        self._symbols = universe.symbol
        self._clock = clock
        self._shown: tuple[View, float] | None = None

    def show(self, view: View) -> None:
        """Show this view from now on."""
        self._shown = (view, self._clock.monotonic())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield one family a column; called from the exposition's threads."""
        shown = self._shown
        is_shown = shown is not None and self._clock.monotonic() - shown[1] <= SHOWN_SECONDS
        for metric, column in zip(MARKET, NUMERIC_COLUMNS, strict=True):
            family = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
            if shown is not None and is_shown:
                self._add_samples(family, column, shown[0])
            yield family

    def _add_samples(self, family: GaugeMetricFamily, column: str, view: View) -> None:
        values = view.numeric[column]
        is_known = np.isfinite(values) & ~view.is_unknown
        for row in np.flatnonzero(is_known).tolist():
            family.add_metric([self._symbols[row]], float(values[row]))


class AlerterMetrics:
    """The alerter's registry, and the words in which it is told what happened."""

    def __init__(self, universe: Universe, peers: Iterable[str], clock: Clock) -> None:
        self._clock = clock
        self._metrics = Metrics(ALERTER)
        self._market = MarketGauges(universe, clock)
        self._metrics.registry.register(self._market)
        for peer in peers:
            # There from the start, so that a peer that never answers is seen as 0, not as absent.
            self._metrics.counter("forcedflow_alert_pushes", peer, "ok")
            self._metrics.gauge("forcedflow_last_push_timestamp_seconds", peer)
        self.active([])

    @property
    def registry(self) -> CollectorRegistry:
        """What /metrics serves."""
        return self._metrics.registry

    def observer(self) -> PushObserver:
        """Return where the Alertmanagers' pushes are counted."""
        return PushObserver(pushed=self._pushed, refused=self._refused)

    def evaluated(self, seconds: float) -> None:
        """Count an evaluation, from reading partials to judged alerts."""
        self._metrics.histogram("forcedflow_evaluation_seconds").observe(seconds)

    def written(self, view: View, unknown_partitions: int) -> None:
        """Show a view whose ledger was written."""
        self._market.show(view)
        self._metrics.counter("forcedflow_evaluations", "judged").inc()
        self._metrics.gauge("forcedflow_blind").set(0)
        self._metrics.gauge("forcedflow_partitions_unknown").set(unknown_partitions)
        self._metrics.gauge("forcedflow_last_evaluation_timestamp_seconds").set(self._now())

    def blind(self) -> None:
        """Count an evaluation that came to nothing."""
        self._metrics.counter("forcedflow_evaluations", "blind").inc()
        self._metrics.gauge("forcedflow_blind").set(1)

    def changed(self, change: str) -> None:
        """Count a transition of an alert."""
        self._metrics.counter("forcedflow_alert_transitions", change).inc()

    def active(self, severities: Iterable[str]) -> None:
        """Show how many alerts fire now, by severity."""
        counts = Counter(severities)
        for severity in SEVERITIES:
            self._metrics.gauge("forcedflow_alerts_active", severity).set(counts[severity])

    def audited(self, outcome: str, records: int) -> None:
        """Count transitions on their way to Kafka."""
        self._metrics.counter("forcedflow_alert_audit_records", outcome).inc(records)

    def _pushed(self, peer: str, outcome: str, seconds: float) -> None:
        self._metrics.counter("forcedflow_alert_pushes", peer, outcome).inc()
        self._metrics.histogram("forcedflow_alert_push_seconds", peer).observe(seconds)
        if outcome == "ok":
            self._metrics.gauge("forcedflow_last_push_timestamp_seconds", peer).set(self._now())

    def _refused(self, peer: str, alerts: int) -> None:
        self._metrics.counter("forcedflow_alerts_refused", peer).inc(alerts)

    def _now(self) -> float:
        return self._clock.now_ns() / NANOS_PER_SECOND
