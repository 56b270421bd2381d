"""What the gateway exports, kept at its counts."""

from collections import Counter

from core.sessions import NANOS_PER_SECOND
from services.gateway_outlet import Outlet
from streams.metric_catalogue import GATEWAY
from streams.metric_registry import Metrics


class GatewayMetrics:
    """The registry of one gateway."""

    def __init__(self) -> None:
        self._metrics = Metrics(GATEWAY)
        self.registry = self._metrics.registry
        self._shown: Counter[str] = Counter()
        self._shown_reasons: Counter[str] = Counter()

    def show(self, outlet: Outlet) -> None:
        """Bring the metrics to an outlet's counts."""
        counts = outlet.counts
        rows = {"sent": counts.rows, "skipped": counts.skipped, "unused": counts.unused}
        for outcome, count in rows.items():
            counter = self._metrics.counter("forcedflow_gateway_rows", outcome)
            counter.inc(count - self._shown[outcome])
            self._shown[outcome] = count
        for reason, count in counts.rejected.items():
            counter = self._metrics.counter("forcedflow_gateway_rejects", reason)
            counter.inc(count - self._shown_reasons[reason])
            self._shown_reasons[reason] = count
        beats = self._metrics.counter("forcedflow_gateway_heartbeats")
        beats.inc(counts.heartbeats - self._shown["heartbeats"])
        self._shown["heartbeats"] = counts.heartbeats
        beat_seconds = outlet.beat_ns / NANOS_PER_SECOND
        self._metrics.gauge("forcedflow_gateway_event_timestamp_seconds").set(beat_seconds)
