"""Alerts on what is known: freshness, completeness, feeds, workers and what they keep."""

from services.health_rules import IN_SESSION, Alert, Group

_DAY_SECONDS = 86_400
_JUDGED = ("forced_flow_usd", "adv_ratio", "price", "breach_probability")
"""Gauges that people and rules decide by."""
_LATENCY_P99 = (
    "histogram_quantile(0.99, sum by (instance, le)"
    " (rate(forcedflow_projection_latency_seconds_bucket[1m])))"
)


def _not_finite(column: str) -> str:
    gauge = f"last_over_time(forcedflow_{column}[15s])"
    found = f"count({gauge} != {gauge} or abs({gauge}) == Inf)"
    return f'label_replace({found}, "column", "{column}", "", "")'


COMPLETENESS = Group(
    "forcedflow-completeness",
    (
        Alert(
            "ForcedFlowPartitionsUnknown",
            "page",
            f"forcedflow:partitions_unknown:max > 0 {IN_SESSION}",
            "In session, and {{ $value }} of 12 partitions are unknown.",
            "No worker publishes them, or it is catching up: their references are neither shown "
            "nor judged, and what fired stays. Look at the workers, Kafka and Redis.",
            wait="45s",
            hold="30s",
        ),
        Alert(
            "ForcedFlowReferencesUnknown",
            "page",
            f"forcedflow:references_unknown:ratio > 0.05 {IN_SESSION}"
            " unless on() forcedflow:partitions_unknown:max > 0",
            "In session, and {{ $value | humanizePercentage }} of the references are unknown.",
            "Their prices are stale: the gateway or its upstream has stopped, or has not begun. "
            "They are not judged, and what fired stays.",
            wait="30s",
            hold="30s",
        ),
        Alert(
            "ForcedFlowCoverageLow",
            "ticket",
            # At weekends nobody states assets, and bitcoin trades on.
            "min by (calendar) (last_over_time("
            'forcedflow_exposure_coverage{calendar!~"24/7.*"}[30s])) < 0.95'
            f" {IN_SESSION}",
            "On {{ $labels.calendar }} only {{ $value | humanizePercentage }} of the exposure"
            " is fresh.",
            "Funds' assets were not stated for this session, or prices are stale: the figures are "
            "computed from assets carried forward from older sessions, or leave funds out.",
            wait="5m",
            hold="1m",
        ),
        Alert(
            "ForcedFlowGaugeNotFinite",
            "ticket",
            " or ".join(_not_finite(column) for column in _JUDGED),
            "forcedflow_{{ $labels.column }} is not a number for {{ $value }} references.",
            "What is unknown has no sample, so this is a fault of ours. Comparisons with NaN are "
            "false: no rule on this gauge fires for them.",
            wait="10s",
        ),
    ),
)

FEEDS = Group(
    "forcedflow-feeds",
    (
        Alert(
            "ForcedFlowFeedSilent",
            "page",
            "increase(forcedflow_gateway_heartbeats_total[30s]) == 0"
            f" and last_over_time(forcedflow_gateway_heartbeats_total[1m]) > 0 {IN_SESSION}",
            "In session, and the gateway at {{ $labels.instance }} sends no heartbeat.",
            "Its upstream is gone or has said nothing for 10 s. After 5 s its prices are stale: "
            "their references are unknown and not judged.",
            hold="15s",
        ),
        Alert(
            "ForcedFlowEventsLate",
            "ticket",
            'max by (topic) (last_over_time(forcedflow_event_lag_seconds{topic="prices"}[30s])'
            f" < {_DAY_SECONDS}) > 10 {IN_SESSION}",
            "Prices reach Kafka {{ $value | humanizeDuration }} after their own time.",
            "The upstream is delayed, or the clocks disagree. Market time is late by as much, and "
            "so is every alert.",
            wait="1m",
            hold="1m",
        ),
        Alert(
            "ForcedFlowDeadLetters",
            "ticket",
            "sum by (job, reason) (increase(forcedflow_dead_letters_total[15m])"
            " or increase(forcedflow_gateway_rejects_total[15m])) > 10",
            "{{ $value | humanize }} bad inputs in 15 min: {{ $labels.reason }}.",
            "They moved no number and lie in the topic dead-letters. forcedflow dead-letters list "
            "shows them; what is mended can be sent again.",
        ),
        Alert(
            "ForcedFlowDeadLettersWaiting",
            "ticket",
            "min_over_time(forcedflow_dead_letters_waiting[15s]) > 0",
            "The worker at {{ $labels.instance }} cannot write its dead letters.",
            "Kafka does not take them. Nothing is lost, but when too many wait the worker reads no "
            "more and its references become unknown.",
            wait="2m",
        ),
    ),
)

WORKERS = Group(
    "forcedflow-workers",
    (
        Alert(
            "ForcedFlowWorkerLagging",
            "ticket",
            f"{_LATENCY_P99} > 2.5",
            "The worker at {{ $labels.instance }} is {{ $value | humanizeDuration }} behind.",
            "That is the age of an event when it counts, p99 over a minute. Above 5 s its prices "
            "are stale and page. More workers, or fewer events, help.",
            wait="1m",
            hold="1m",
        ),
        Alert(
            "ForcedFlowWorkerStuck",
            "ticket",
            "time() - last_over_time(forcedflow_last_progress_timestamp_seconds[30s]) > 30"
            " and on(instance) sum by (instance)"
            " (min_over_time(forcedflow_consumer_lag_records[30s])) > 0",
            "The worker at {{ $labels.instance }} reads nothing while records wait.",
            "Its Kafka client hangs, or dead letters hold it up. It ends itself after a minute and "
            "is started again by its supervisor.",
            wait="15s",
        ),
        Alert(
            "ForcedFlowOffsetGap",
            "ticket",
            "sum by (topic) (increase(forcedflow_offset_gaps_total[30m])) > 0",
            "Records of {{ $labels.topic }} were gone from Kafka before they were read.",
            "Figures of this session may lack them until later events replace them. Send the "
            "missing ones again, from the source, and lengthen the topic's retention.",
        ),
        Alert(
            "ForcedFlowSnapshotsFailing",
            "ticket",
            'sum by (instance) (increase(forcedflow_snapshots_total{outcome="failed"}[2m])) > 0'
            " unless on(instance) sum by (instance)"
            ' (increase(forcedflow_snapshots_total{outcome="saved"}[2m])) > 0',
            "The worker at {{ $labels.instance }} cannot save its state.",
            "Redis does not take it: away, full, or another password. A restart reads Kafka again "
            "from the last snapshot that was saved, and takes longer each minute.",
            wait="30s",
            hold="1m",
        ),
        Alert(
            "ForcedFlowPartialsFailing",
            "ticket",
            "sum by (instance, outcome) (increase("
            'forcedflow_partial_writes_total{outcome=~"failed|not_computed"}[2m])) > 0',
            "The worker at {{ $labels.instance }} does not publish: {{ $labels.outcome }}.",
            "failed: Redis does not answer; not_computed: a fault of ours, its log has the trace. "
            "After 3 s its partitions are unknown, and page.",
            wait="30s",
            hold="1m",
        ),
        Alert(
            "ForcedFlowWorkerFenced",
            "ticket",
            "increase(forcedflow_fenced_total[10m]) > 0",
            "The worker at {{ $labels.instance }} lost a partition to another one.",
            "It was frozen or cut off for longer than its membership lasts, and what it wrote then "
            "was refused. Once is no harm; again and again, look at its machine.",
        ),
    ),
)
