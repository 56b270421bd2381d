"""One table of every metric: registries, documentation, rules and dashboards follow it.

Each process has its section; a name is written here and nowhere else.
"""

from dataclasses import dataclass
from typing import Literal

from core.columns import NUMERIC_COLUMNS
from core.positioning import MEASURES

FAST_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
"""Buckets of work that should take milliseconds."""
LATENCY_SECONDS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)
"""Buckets of how late something is."""


@dataclass(frozen=True)
class Metric:
    """One metric: full name without the ``_total`` of counters' samples, base units."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


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
    ),
    Metric(
        "forcedflow_alert_pushes",
        "counter",
        "Pushes to an Alertmanager: ok; refused, 400; bug, 415 or 422; rejected, any other 3xx "
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
    ),
)
"""What the alerter exports of itself."""

_MARKET_HELP = {
    "seconds_to_close": "Market time left until the close.",
    "seconds_to_cutoff": "Market time left to enter orders for the close.",
    "price": "Last price, in the reference's currency.",
    "underlying_return": "Return since the previous close; 0.01 is 1 %.",
    "leveraged_rebalance_usd": "What leveraged funds must trade by the close; buy > 0, sell < 0.",
    "creation_redemption_usd": "Known creations times leverage; buy > 0, sell < 0.",
    "dealer_hedge_usd": "Change of dealers' hedges since the previous close; buy > 0, sell < 0.",
    "dealer_hedge_low_usd": "Smallest dealer hedge over all sign models.",
    "dealer_hedge_high_usd": "Largest dealer hedge over all sign models.",
    "lookthrough_usd": "Demand that reaches the reference through baskets; buy > 0, sell < 0.",
    "forced_flow_usd": "Forced flow due at the close; buy > 0, sell < 0.",
    "forced_flow_lower_usd": "5 % quantile of the forced flow at the close.",
    "forced_flow_upper_usd": "95 % quantile of the forced flow at the close.",
    "breach_threshold_usd": "Size of forced flow at which the first rule's warning is raised.",
    "breach_probability": "Probability that the forced flow at the close reaches the threshold.",
    "adv_ratio": "Forced flow over the average daily volume; signed.",
    "auction_ratio": "Forced flow over the usual closing auction; signed.",
    "baseline_ratio": "Forced flow over what is usual at this time; signed.",
    "impact_ratio": "Expected impact of the forced flow on the price; signed.",
    "amplification": "How much the forced flow feeds on itself.",
    "level": "Highest level that fires: 0 none, 1 watch, 2 warning, 3 critical.",
    "coverage": "Share of the exposure whose inputs are fresh; 0 to 1.",
    "last_half_hour_ratio": "Forced flow over the usual last half hour's volume; signed.",
    "hours_to_trade": "Usual trading time that the forced flow takes at a tenth of the volume.",
    "dealer_decay_usd": "Change of dealers' hedges since the previous close for time and "
    "volatility alone; in no sum; buy > 0, sell < 0.",
    "dealer_to_come_usd": "What dealers must still trade by the close at an unchanged price; "
    "buy > 0, sell < 0.",
}

IN_BASE_UNITS = {"hours_to_trade": ("seconds_to_trade", 3600.0)}
"""Columns that are no base unit: the name under which each is a metric, and its factor."""

MARKET = tuple(
    Metric(
        f"forcedflow_{IN_BASE_UNITS.get(column, (column, 1.0))[0]}",
        "gauge",
        _MARKET_HELP[column],
        ("symbol",),
    )
    for column in NUMERIC_COLUMNS
)
"""The numeric columns of the projection, in their order, exported by the active alerter alone."""

_POSITIONING_HELP = {
    "open_interest_contracts": "Open interest, calls and puts, contracts",
    "put_call_open_interest": "Open puts for each open call",
    "risk_reversal_25d_30d": "Volatility of the 25-delta call less that of the 25-delta put at 30 "
    "days, a fraction a year: below 0 the put is dearer",
    "open_interest_concentration": "Herfindahl index of the open interest over the strikes, 0 to "
    "1: 1 where all lies on one",
}
_COMPARED_HELP = {
    "": "{}.",
    "_change": "{}; less that of the session before.",
    "_z_score": "{}; standard deviations above its mean over up to 60 sessions before (20 at "
    "least).",
    "_change_z_score": "{}; standard deviations of its change since the session before above the "
    "mean of such changes.",
}

POSITIONING = (
    *(
        Metric(
            f"forcedflow_{measure}{ending}",
            "gauge",
            wording.format(_POSITIONING_HELP[measure]),
            ("scope", "symbol"),
        )
        for measure in MEASURES
        for ending, wording in _COMPARED_HELP.items()
    ),
    Metric(
        "forcedflow_open_interest_age_sessions",
        "gauge",
        "Sessions since the one that the open interest is of: 0 where it is of this one; of a "
        "room the oldest.",
        ("scope", "symbol"),
    ),
    Metric(
        "forcedflow_open_interest_coverage",
        "gauge",
        "Share of the open interest whose volatility is known, so that it is priced; 0 to 1.",
        ("scope", "symbol"),
    ),
)
"""Of each symbol and room that has open interest, exported by the active alerter alone."""

GATEWAY = (
    Metric(
        "forcedflow_gateway_rows",
        "counter",
        "Rows read: sent; skipped, outside the universe; unused, bars that began before the open.",
        ("outcome",),
    ),
    Metric("forcedflow_gateway_rejects", "counter", "Bad rows, in the dead letters.", ("reason",)),
    Metric("forcedflow_gateway_heartbeats", "counter", "Heartbeats sent, each to every partition."),
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
    "positioning": POSITIONING,
    "gateway": GATEWAY,
}
"""Metrics by process."""
