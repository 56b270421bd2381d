"""What the alerter shows of the market and of itself on /metrics."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from prometheus_client import CollectorRegistry

from core.columns import View
from core.sessions import NANOS_PER_SECOND
from core.thresholds import SEVERITIES
from core.universe import Universe
from services.alertmanager import PushObserver
from services.clock import Clock
from services.gauge_tables import GaugeTable
from services.heartbeat_ping import PingOutcome
from services.hours_gauges import HoursGauges
from services.market_gauges import MarketGauges
from services.positioning_table import Entry
from services.resolve_gate import GateObserver, SilenceEvent
from streams.market_metrics import POSITIONING
from streams.metric_catalogue import ALERTER
from streams.metric_registry import Metrics

POSITIONING_SHOWN_SECONDS = 15.0
"""Positioning is read every few seconds; what was shown longer ago is left out."""


class AlerterMetrics:
    """The alerter's registry, and the words in which it is told what happened."""

    def __init__(self, peers: Iterable[str], clock: Clock) -> None:
        self._clock = clock
        self._peers = tuple(peers)
        self._rules = ""
        self._metrics = Metrics(ALERTER)
        self._hours = HoursGauges(self._metrics, clock)
        self._market = MarketGauges(clock)
        self._positioning = GaugeTable(POSITIONING, clock, shown_seconds=POSITIONING_SHOWN_SECONDS)
        for peer in self._peers:
            # There from the start, so that a peer that never answers is seen as 0, not as absent.
            self._metrics.counter("forcedflow_alert_pushes", peer, "ok")
        self.stand_by()

    @property
    def registry(self) -> CollectorRegistry:
        """What /metrics serves of the alerter itself."""
        return self._metrics.registry

    @property
    def tables(self) -> Sequence[GaugeTable]:
        """What /metrics serves of the market, from the active alerter alone."""
        return (*self._market.tables, self._positioning)

    def observer(self) -> PushObserver:
        """Return where the Alertmanagers' pushes are counted."""
        return PushObserver(
            pushed=self._pushed,
            refused=self._refused,
            gate=GateObserver(silences=self._silences, held=self._held),
        )

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
        self._metrics.gauge("forcedflow_partitions_unknown").set(math.nan)
        self._market.hide()
        self._positioning.hide()
        self._hours.hide()
        for peer in self._peers:
            self._metrics.forget("forcedflow_last_push_timestamp_seconds", peer)
            self._metrics.forget("forcedflow_resolves_held", peer)
        for severity in SEVERITIES:
            self._metrics.forget("forcedflow_alerts_active", severity)
        # Last: who is asked meanwhile does not say that it stands by beside figures of its own.
        self._metrics.gauge("forcedflow_alerter_active").set(0)

    def seen(self, *, is_blind: bool) -> None:
        """Show whether a stand-by can see the lease."""
        self._metrics.gauge("forcedflow_blind").set(is_blind)

    def fenced(self) -> None:
        """Count a term that ended because another alerter has the lease."""
        self._metrics.counter("forcedflow_alerter_fenced").inc()

    def written(self, view: View, universe: Universe, *, unknown_partitions: int) -> None:
        """Show a view whose ledger was written, its rows the references of `universe`."""
        self._market.show(view, universe)
        self._hours.show(view, universe)
        self._metrics.counter("forcedflow_evaluations", "judged").inc()
        self._metrics.gauge("forcedflow_blind").set(0)
        self._metrics.gauge("forcedflow_partitions_unknown").set(unknown_partitions)
        self._metrics.gauge("forcedflow_last_evaluation_timestamp_seconds").set(self._now())

    def positioned(self, entries: Sequence[Entry]) -> None:
        """Show how options are positioned; the entries have every metric by its name."""
        labels = tuple([str(entry[name]) for entry in entries] for name in ("scope", "symbol"))
        names = [metric.name.removeprefix("forcedflow_") for metric in POSITIONING]
        columns = [np.array([entry[name] for entry in entries], np.float64) for name in names]
        self._positioning.show(labels, columns)

    def blind(self) -> None:
        """Count an evaluation that came to nothing."""
        self._metrics.counter("forcedflow_evaluations", "blind").inc()
        self._metrics.gauge("forcedflow_blind").set(1)
        self._hours.go_on()

    def rules_loaded(self, digest: str) -> None:
        """Show which rules are in force, and since when."""
        self._metrics.forget("forcedflow_rules_info", self._rules)
        self._rules = digest
        self._metrics.gauge("forcedflow_rules_info", digest).set(1)
        self._metrics.gauge("forcedflow_rules_loaded_timestamp_seconds").set(self._now())
        self.rules_kept()

    def rules_refused(self) -> None:
        """Count a content of the rules file that cannot be used."""
        self._metrics.counter("forcedflow_rules_reload_failures").inc()
        self._metrics.gauge("forcedflow_rules_file_refused").set(1)

    def rules_kept(self) -> None:
        """Show that the rules file says what is in force."""
        self._metrics.gauge("forcedflow_rules_file_refused").set(0)

    def pinged(self, outcome: PingOutcome) -> None:
        """Count a sign of life to the dead-man's switch outside."""
        self._metrics.counter("forcedflow_heartbeat_pings", outcome).inc()
        if outcome == "ok":
            self._metrics.gauge("forcedflow_last_heartbeat_timestamp_seconds").set(self._now())

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

    def _silences(self, peer: str, event: SilenceEvent) -> None:
        self._metrics.counter("forcedflow_silence_events", peer, event).inc()

    def _held(self, peer: str, resolves: int) -> None:
        self._metrics.gauge("forcedflow_resolves_held", peer).set(resolves)

    def _now(self) -> float:
        return self._clock.now_ns() / NANOS_PER_SECOND
