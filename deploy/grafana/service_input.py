"""Of *Service*: the way of an event from a feed to the view."""

from deploy.grafana.measures import GATEWAY, WORKER, events_per_second, happened, quantile
from deploy.grafana.panels import (
    COUNT,
    LATENCY,
    PER_SECOND,
    SECONDS,
    Look,
    Panels,
    Query,
    Said,
    lines,
)


def stream() -> Panels:
    """Return the panels on what lies between a tick and the view."""
    latency = "forcedflow_projection_latency_seconds"
    return [
        lines(
            Said("Events", "Read a second, by what became of them: see the metric's help."),
            [Query(events_per_second("forcedflow_events", "outcome"), "{{outcome}}")],
            PER_SECOND,
        ),
        lines(
            Said(
                "Latency of the projection",
                "From the append of a batch's oldest record in Kafka until it is applied.",
            ),
            [Query(quantile(0.5, latency), "median"), Query(quantile(0.99, latency), "99 %")],
            LATENCY,
        ),
        lines(
            Said(
                "Lag in event time",
                "Kafka time of the newest batch less its newest event time, by topic; a replay's "
                "is its age.",
            ),
            [Query("max by (topic) (forcedflow_event_lag_seconds)", "{{topic}}")],
            Look(SECONDS),
        ),
        lines(
            Said("Lag in records", "Records in Kafka that no worker has handled yet, by topic."),
            [Query("sum by (topic) (forcedflow_consumer_lag_records)", "{{topic}}")],
            COUNT,
        ),
        lines(
            Said("Age of the last progress", "Host time since each worker last handled a batch."),
            [
                Query(
                    "time() - forcedflow_last_progress_timestamp_seconds",
                    "{{instance}}",
                )
            ],
            Look(SECONDS, ((None, "transparent"), (10.0, "red")), range=(0.0, None)),
        ),
        lines(
            Said(
                "Partitions catching up",
                "Owned partitions that read what they missed, and publish nothing meanwhile.",
            ),
            [Query("sum by (instance) (forcedflow_partition_warming)", "{{instance}}")],
            COUNT,
        ),
        lines(
            Said("Partials written", "To Redis a second, by outcome."),
            [Query(events_per_second("forcedflow_partial_writes", "outcome"), "{{outcome}}")],
            PER_SECOND,
        ),
        lines(
            Said("Snapshots", "Of partitions a second, by outcome."),
            [Query(events_per_second("forcedflow_snapshots", "outcome"), "{{outcome}}")],
            PER_SECOND,
        ),
        lines(
            Said(
                "Moves and losses",
                "Assignments by Kafka, partitions lost to another worker, claims that failed, and "
                "records that were gone before they were read.",
            ),
            [
                Query("sum(increase(forcedflow_rebalances_total[$__rate_interval]))", "moves"),
                Query("sum(increase(forcedflow_fenced_total[$__rate_interval]))", "fenced"),
                Query(
                    "sum(increase(forcedflow_claim_failures_total[$__rate_interval]))",
                    "claims failed",
                ),
                Query(happened("forcedflow_offset_gaps", "topic", WORKER), "gaps {{topic}}"),
            ],
            COUNT,
        ),
        lines(
            Said("Time of a batch", "To decode and apply it, and to save a partition's state."),
            [
                Query(quantile(0.99, "forcedflow_apply_seconds"), "apply, 99 %"),
                Query(quantile(0.99, "forcedflow_snapshot_seconds"), "save, 99 %"),
            ],
            LATENCY,
        ),
        lines(
            Said(
                "Heard",
                "Batches and heartbeats of sources that workers handle a second, by topic.",
            ),
            [
                Query(events_per_second("forcedflow_batches", "topic"), "batches, {{topic}}"),
                Query(events_per_second("forcedflow_heartbeats", "topic"), "beats, {{topic}}"),
            ],
            PER_SECOND,
        ),
        lines(
            Said(
                "Kept",
                "Sessions' results for the topic closes, positioning for the view, and logs that "
                "were read from their start because no snapshot could be used.",
            ),
            [
                Query(happened("forcedflow_results", "outcome", WORKER), "results {{outcome}}"),
                Query(
                    happened("forcedflow_positioning_writes", "outcome", WORKER),
                    "positioning {{outcome}}",
                ),
                Query(
                    happened("forcedflow_gates_dropped", "reason", WORKER),
                    "read anew {{reason}}",
                ),
            ],
            COUNT,
        ),
        lines(
            Said("Size of snapshots", "Bytes saved to Redis a second, compressed."),
            [Query("sum(rate(forcedflow_snapshot_bytes_total[$__rate_interval]))", "bytes")],
            Look("Bps", range=(0.0, None)),
        ),
    ]


def bad_input() -> Panels:
    """Return the panels on what could not be used."""
    return [
        lines(
            Said("Dead letters", "Written by workers, by reason; 0 where there were none."),
            [Query(happened("forcedflow_dead_letters", "reason", WORKER), "{{reason}}")],
            COUNT,
        ),
        lines(
            Said("Rejected by gateways", "Bad rows of the feeds, by reason; 0 where none were."),
            [Query(happened("forcedflow_gateway_rejects", "reason", GATEWAY), "{{reason}}")],
            COUNT,
        ),
        lines(
            Said("Rows of gateways", "Read a second, by what became of them."),
            [Query(events_per_second("forcedflow_gateway_rows", "outcome"), "{{outcome}}")],
            PER_SECOND,
        ),
        lines(
            Said(
                "Age of the gateways' heartbeats",
                "Host time less the event time up to which each gateway has sent all; a replay's "
                "is its age.",
            ),
            [Query("time() - forcedflow_gateway_event_timestamp_seconds", "{{instance}}")],
            Look(SECONDS),
        ),
        lines(
            Said("Heartbeats of gateways", "Sent a second; they say what has all been sent."),
            [
                Query(
                    "rate(forcedflow_gateway_heartbeats_total[$__rate_interval])",
                    "{{instance}}",
                )
            ],
            PER_SECOND,
        ),
    ]
