"""One table of every metric: registries, documentation, rules and dashboards follow it.

Each process has its section; a name is written here and nowhere else.
"""

from streams.market_metrics import LIQUIDITY, MARKET, POSITIONING, REFERENCE, ROOM
from streams.metric import FAST_SECONDS, LATENCY_SECONDS, Metric
from streams.topics import INPUTS

WORKER = (
    Metric(
        "forcedflow_events",
        "counter",
        "Events read: applied; unused, they belong to no session; unknown, outside the universe; "
        "rejected, in the dead letters.",
        ("topic", "outcome"),
    ),
    Metric("forcedflow_heartbeats", "counter", "Heartbeats of sources read.", ("topic",)),
    Metric("forcedflow_batches", "counter", "Record batches handled.", ("topic",)),
    Metric(
        "forcedflow_dead_letters",
        "counter",
        "Dead letters written, by reason; a record read again gives no second letter.",
        ("reason",),
    ),
    Metric(
        "forcedflow_dead_letters_waiting", "gauge", "Dead letters that Kafka has not taken yet."
    ),
    Metric(
        "forcedflow_apply_seconds",
        "histogram",
        "Time to decode a batch and apply it.",
        buckets=FAST_SECONDS,
    ),
    Metric(
        "forcedflow_projection_latency_seconds",
        "histogram",
        "From the append of a batch's oldest record in Kafka until it is applied.",
        buckets=LATENCY_SECONDS,
    ),
    Metric(
        "forcedflow_event_lag_seconds",
        "gauge",
        "Kafka time of the newest batch less its newest event time.",
        ("topic",),
    ),
    Metric(
        "forcedflow_consumer_lag_records",
        "gauge",
        "Records in Kafka that are not handled yet.",
        ("topic", "partition"),
    ),
    Metric(
        "forcedflow_offset_gaps",
        "counter",
        "Times that records were gone from Kafka before they were read.",
        ("topic",),
        from_start=tuple((topic,) for topic in INPUTS),
    ),
    Metric(
        "forcedflow_partition_warming",
        "gauge",
        "1 while an owned partition reads what it missed and writes no partial, else 0.",
        ("partition",),
    ),
    Metric(
        "forcedflow_partial_writes",
        "counter",
        "Partials written to Redis: accepted; refused, the token was replaced; "
        "failed, Redis did not answer; not_computed, a fault of ours, see the log.",
        ("outcome",),
        from_start=(("accepted",), ("refused",), ("failed",), ("not_computed",)),
    ),
    Metric(
        "forcedflow_positioning_writes",
        "counter",
        "Positioning of partitions' options written to Redis: accepted; refused, the token was "
        "replaced; failed, Redis did not answer; not_computed, a reference, by a fault of ours.",
        ("outcome",),
    ),
    Metric(
        "forcedflow_snapshots",
        "counter",
        "Snapshots of partitions: saved; refused, the token was replaced; empty, Redis has lost "
        "the one before, so that everything is saved anew; failed, Redis did not take it.",
        ("outcome",),
        from_start=(("saved",), ("refused",), ("empty",), ("failed",)),
    ),
    Metric(
        "forcedflow_snapshot_seconds",
        "histogram",
        "Time to copy, encode and save what has changed of a partition.",
        buckets=FAST_SECONDS,
    ),
    Metric("forcedflow_snapshot_bytes", "counter", "Bytes of snapshots saved, compressed."),
    Metric(
        "forcedflow_gates_dropped",
        "counter",
        "Logs read from their start because the snapshot has no offset for them: none; "
        "other_format, of another version of the program; refused, damaged; other_log, of another "
        "cluster or a topic made anew; beyond_the_log.",
        ("topic", "reason"),
    ),
    Metric(
        "forcedflow_results",
        "counter",
        "Sessions' results for the topic closes: sent; failed, to be tried again.",
        ("outcome",),
    ),
    Metric(
        "forcedflow_fenced",
        "counter",
        "Partitions given up because another worker has taken their token.",
    ),
    Metric("forcedflow_rebalances", "counter", "Assignments of partitions by Kafka."),
    Metric(
        "forcedflow_claim_failures",
        "counter",
        "Attempts to take over assigned partitions that Redis or Kafka did not answer.",
    ),
    Metric(
        "forcedflow_last_progress_timestamp_seconds",
        "gauge",
        "Host time when a batch was last handled.",
    ),
)
"""What a worker exports."""

ALERTER = (
    Metric(
        "forcedflow_evaluation_seconds",
        "histogram",
        "From asking Redis for the partials until the alerts are judged.",
        buckets=LATENCY_SECONDS,
    ),
    Metric(
        "forcedflow_evaluations",
        "counter",
        "Evaluations: judged; blind, nothing could be judged or written, what fires is extended.",
        ("outcome",),
    ),
    Metric(
        "forcedflow_last_evaluation_timestamp_seconds",
        "gauge",
        "Host time of the last evaluation whose ledger was written.",
    ),
    Metric(
        "forcedflow_blind",
        "gauge",
        "1 while nothing can be judged, or a stand-by cannot see the lease, else 0.",
    ),
    Metric(
        "forcedflow_alerter_active",
        "gauge",
        "1 for the alerter that has the lease, 0 for one that stands by.",
    ),
    Metric("forcedflow_alerter_terms", "counter", "Times that this alerter became the active one."),
    Metric(
        "forcedflow_alerter_fenced",
        "counter",
        "Times that this alerter was refused because another has taken the lease.",
    ),
    Metric(
        "forcedflow_partitions_unknown",
        "gauge",
        "Partitions whose partial is missing or too old; NaN while standing by.",
    ),
    Metric(
        "forcedflow_market_session_open",
        "gauge",
        "1 while a session of this calendar is open, by market time, and where that stands still "
        "by the host's clock too; else 0. Of the active alerter alone.",
        ("calendar",),
    ),
    Metric(
        "forcedflow_references_in_session",
        "gauge",
        "References whose session is open; of the active alerter alone.",
        ("calendar",),
    ),
    Metric(
        "forcedflow_references_unknown",
        "gauge",
        "References whose session is open and whose row is unknown, or of an earlier session; of "
        "the active alerter alone.",
        ("calendar",),
    ),
    Metric(
        "forcedflow_exposure_coverage",
        "gauge",
        "Share of the exposure of references in session that is known and fresh; 0 to 1, NaN "
        "where no session is open. Of the active alerter alone.",
        ("calendar",),
    ),
    Metric(
        "forcedflow_alerts_active",
        "gauge",
        "Alerts that fire, known or unknown; of the active alerter alone.",
        ("severity",),
    ),
    Metric(
        "forcedflow_alert_transitions",
        "counter",
        "What happened to alerts: firing, unknown, known, resolved.",
        ("kind",),
    ),
    Metric(
        "forcedflow_alert_audit_records",
        "counter",
        "Transitions for the topic alerts: acknowledged; failed, to be tried again; "
        "unaudited, sent to Alertmanager before Kafka had them.",
        ("outcome",),
        from_start=(("acknowledged",), ("failed",), ("unaudited",)),
    ),
    Metric(
        "forcedflow_alert_pushes",
        "counter",
        "Pushes to an Alertmanager: ok; refused, 400 or 422; bug, 415; rejected, any other 3xx "
        "or 4xx; error, 429 or 5xx; timeout; unreachable.",
        ("peer", "outcome"),
    ),
    Metric(
        "forcedflow_alert_push_seconds",
        "histogram",
        "Time a push took, until the answer or its failure.",
        ("peer",),
        LATENCY_SECONDS,
    ),
    Metric(
        "forcedflow_alerts_refused",
        "counter",
        "Alerts that an Alertmanager refused by themselves; each is tried again after a minute.",
        ("peer",),
    ),
    Metric(
        "forcedflow_last_push_timestamp_seconds",
        "gauge",
        "Host time of the last push that an Alertmanager accepted; of the active alerter alone, "
        "0 before the first.",
        ("peer",),
    ),
    Metric(
        "forcedflow_rules_info",
        "gauge",
        "1 for the rules in force, by the short hash of their file; it is in every page.",
        ("rules",),
    ),
    Metric(
        "forcedflow_rules_loaded_timestamp_seconds",
        "gauge",
        "Host time since when the rules in force are.",
    ),
    Metric(
        "forcedflow_rules_reload_failures",
        "counter",
        "New contents of the rules file that could not be used; the rules before stayed in force.",
    ),
    Metric(
        "forcedflow_rules_file_refused",
        "gauge",
        "1 while the rules file as it is cannot be used, and others are in force, else 0.",
    ),
    Metric(
        "forcedflow_heartbeat_pings",
        "counter",
        "Signs of life to the dead-man's switch outside, none while nothing is evaluated: ok, it "
        "answered 2xx; failed.",
        ("outcome",),
        from_start=(("ok",), ("failed",)),
    ),
    Metric(
        "forcedflow_last_heartbeat_timestamp_seconds",
        "gauge",
        "Host time when the dead-man's switch outside last answered; 0 before the first.",
    ),
    Metric(
        "forcedflow_resolves_held",
        "gauge",
        "Alerts that are over and that an Alertmanager is not told so yet, for a silence of its "
        "own, or because its silences could not be read; of the active alerter alone.",
        ("peer",),
    ),
    Metric(
        "forcedflow_silence_events",
        "counter",
        "An Alertmanager's silences, before a resolve is told: read; failed, they could not be "
        "read or expired; expired, an acknowledgement was ended.",
        ("peer", "event"),
    ),
    Metric(
        "forcedflow_projection_records",
        "counter",
        "Rows for the topic projections: acknowledged; failed, Kafka did not take them in time; "
        "dropped, too many waited.",
        ("outcome",),
        from_start=(("acknowledged",), ("failed",), ("dropped",)),
    ),
)
"""What the alerter exports of itself."""

GATEWAY = (
    Metric(
        "forcedflow_gateway_rows",
        "counter",
        "Rows read: sent; skipped, outside the universe; unused, bars that began before the open.",
        ("outcome",),
    ),
    Metric("forcedflow_gateway_rejects", "counter", "Bad rows, in the dead letters.", ("reason",)),
    Metric(
        "forcedflow_gateway_heartbeats",
        "counter",
        "Heartbeats of prices and creations sent, each to every partition.",
    ),
    Metric(
        "forcedflow_gateway_event_timestamp_seconds",
        "gauge",
        "Event time of the last heartbeat: all before it has been sent.",
    ),
)
"""What a gateway exports."""

SECTIONS = {
    "worker": WORKER,
    "alerter": ALERTER,
    "market": MARKET,
    "liquidity": LIQUIDITY,
    "positioning": POSITIONING,
    "reference": REFERENCE,
    "room": ROOM,
    "gateway": GATEWAY,
}
"""Metrics by process."""
