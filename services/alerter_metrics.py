"""What the alerter shows of the market and of itself on /metrics."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from core.columns import NUMERIC_COLUMNS, View
from core.sessions import NANOS_PER_SECOND
from core.thresholds import SEVERITIES
from services.alertmanager import PushObserver
from services.clock import Clock
from streams.metric_catalogue import ALERTER, MARKET
from streams.metric_registry import Metrics

SHOWN_SECONDS = 3.0
"""Gauges of a view older than this are left out: no old number is shown as fresh."""


class MarketGauges(Collector):
    """Each numeric column of the newest view as a gauge; what is unknown has no sample."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._shown: tuple[View, Sequence[str], float] | None = None

    def show(self, view: View, symbols: Sequence[str]) -> None:
        """Show this view from now on, its rows by their symbols."""
        self._shown = (view, symbols, self._clock.monotonic())

    def hide(self) -> None:
        """Show nothing from now on."""
        self._shown = None

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield one family a column; called from the exposition's threads."""
        shown = self._shown
        is_shown = shown is not None and self._clock.monotonic() - shown[2] <= SHOWN_SECONDS
        for metric, column in zip(MARKET, NUMERIC_COLUMNS, strict=True):
            family = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
            if shown is not None and is_shown:
                _add_samples(family, column, shown[0], shown[1])
            yield family


def _add_samples(
    family: GaugeMetricFamily, column: str, view: View, symbols: Sequence[str]
) -> None:
    values = view.numeric[column]
    is_known = np.isfinite(values) & ~view.is_unknown
    for row in np.flatnonzero(is_known).tolist():
        family.add_metric([symbols[row]], float(values[row]))


class AlerterMetrics:
    """The alerter's registry, and the words in which it is told what happened."""

    def __init__(self, peers: Iterable[str], clock: Clock) -> None:
        self._clock = clock
        self._peers = tuple(peers)
        self._metrics = Metrics(ALERTER)
        self._market = MarketGauges(clock)
        self._metrics.registry.register(self._market)
        for peer in self._peers:
            # There from the start, so that a peer that never answers is seen as 0, not as absent.
            self._metrics.counter("forcedflow_alert_pushes", peer, "ok")
        self.stand_by()

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

    def take_over(self) -> None:
        """Show that this alerter is the active one; what it has done for nobody yet is 0."""
        self._metrics.gauge("forcedflow_alerter_active").set(1)
        self._metrics.counter("forcedflow_alerter_terms").inc()
        for peer in self._peers:
            self._metrics.gauge("forcedflow_last_push_timestamp_seconds", peer).set(0)
        self.active([])

    def stand_by(self) -> None:
        """Show that another is active, and nothing that only the active one can know."""
        self._metrics.gauge("forcedflow_alerter_active").set(0)
        self._metrics.gauge("forcedflow_partitions_unknown").set(math.nan)
        self._market.hide()
        for peer in self._peers:
            self._metrics.forget("forcedflow_last_push_timestamp_seconds", peer)
        for severity in SEVERITIES:
            self._metrics.forget("forcedflow_alerts_active", severity)

    def seen(self, *, is_blind: bool) -> None:
        """Show whether a stand-by can see the lease."""
        self._metrics.gauge("forcedflow_blind").set(is_blind)

    def fenced(self) -> None:
        """Count a term that ended because another alerter has the lease."""
        self._metrics.counter("forcedflow_alerter_fenced").inc()

    def written(self, view: View, symbols: Sequence[str], *, unknown_partitions: int) -> None:
        """Show a view whose ledger was written, its rows by their symbols."""
        self._market.show(view, symbols)
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

    def recorded(self, outcome: str, rows: int) -> None:
        """Count rows of the projection on their way to Kafka."""
        self._metrics.counter("forcedflow_projection_records", outcome).inc(rows)

    def _pushed(self, peer: str, outcome: str, seconds: float) -> None:
        self._metrics.counter("forcedflow_alert_pushes", peer, outcome).inc()
        self._metrics.histogram("forcedflow_alert_push_seconds", peer).observe(seconds)
        if outcome == "ok":
            self._metrics.gauge("forcedflow_last_push_timestamp_seconds", peer).set(self._now())

    def _refused(self, peer: str, alerts: int) -> None:
        self._metrics.counter("forcedflow_alerts_refused", peer).inc(alerts)

    def _now(self) -> float:
        return self._clock.now_ns() / NANOS_PER_SECOND
