"""Dashboard *Service*: is what the other dashboards show fresh, complete, and sent."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from deploy.grafana.frame import Section, framed
from deploy.grafana.measures import ALERTER, GATEWAY, WORKER, events_per_second, happened, quantile
from deploy.grafana.panels import (
    NUMBER,
    SECONDS,
    WRONG_ABOVE_ZERO,
    Look,
    Panels,
    Query,
    Said,
    big_number,
    lines,
    states,
)

_COUNT = Look(NUMBER, decimals=0, range=(0.0, None))
_PER_SECOND = Look("cps", range=(0.0, None))
_LATENCY = Look(SECONDS, range=(0.0, None))
_UP = {"0": ("down", "red"), "1": ("up", "green")}
_ROLE = {"0": ("stands by", "blue"), "1": ("active", "green")}


def build() -> Dashboard:
    """Return the dashboard."""
    return framed(
        "Service",
        "The service's own health. Ages and lags are of this machine's clock, not of the market's.",
        choices=(),
        sections=(
            Section("Now", _now()),
            Section("Error budgets", _budgets()),
            Section("Processes", _processes()),
            Section("From a tick to the view", _stream()),
            Section("Bad input", _bad_input()),
            Section("Alerter", _alerter()),
            Section("Alertmanagers", _alertmanagers()),
        ),
        since="now-1h",
    )


def _now() -> Panels:
    return [
        big_number(
            Said(
                "Age of the view",
                "Host time since the last evaluation whose ledger was written.",
            ),
            Query("time() - max(forcedflow_last_evaluation_timestamp_seconds)"),
            Look(SECONDS, ((None, "green"), (5.0, "orange"), (15.0, "red")), decimals=1),
        ),
        big_number(
            Said("Partitions unknown", "Of 12; what is unknown is neither raised nor resolved."),
            Query("max(forcedflow_partitions_unknown >= 0)"),
            Look(NUMBER, WRONG_ABOVE_ZERO),
        ),
        big_number(
            Said("Blind alerters", "Those that can judge nothing now, or cannot see the lease."),
            Query("sum(forcedflow_blind)"),
            Look(NUMBER, WRONG_ABOVE_ZERO),
        ),
        big_number(
            Said("Active alerters", "Exactly one speaks; none means that nobody does."),
            Query("sum(forcedflow_alerter_active)"),
            Look(NUMBER, ((None, "red"), (1.0, "green"), (2.0, "red"))),
        ),
        big_number(
            Said("Last accepted push", "Host time since any Alertmanager took a push."),
            Query("time() - max(forcedflow_last_push_timestamp_seconds > 0)"),
            Look(SECONDS, ((None, "green"), (10.0, "orange"), (30.0, "red")), decimals=1),
        ),
        big_number(
            Said("Dead letters waiting", "Written by workers and not yet taken by Kafka."),
            Query("sum(forcedflow_dead_letters_waiting)"),
            Look(NUMBER, WRONG_ABOVE_ZERO),
        ),
    ]


def _budgets() -> Panels:
    def burn(objective: str) -> list[Query]:
        return [
            Query(f"forcedflow:{objective}_burn:rate{window}", window)
            for window in ("5m", "30m", "1h", "6h", "3d")
        ]

    look = Look(NUMBER, ((None, "transparent"), (1.0, "yellow"), (14.4, "red")), range=(0.0, None))
    return [
        lines(
            Said(
                "Freshness: burn of the budget",
                "Times the allowed rate at which the view was old in session, over windows; 1 "
                "keeps to 99.9 %, 14.4 over an hour pages.",
            ),
            burn("freshness"),
            look,
        ),
        lines(
            Said(
                "Delivery: burn of the budget",
                "Times the allowed rate at which no Alertmanager took a push in session, over "
                "windows; 1 keeps to 99.9 %, 14.4 over an hour pages.",
            ),
            burn("delivery"),
            look,
        ),
        lines(
            Said(
                "Sessions and completeness",
                "References in session, and those of them that are unknown, by calendar.",
            ),
            [
                Query("max by (calendar) (forcedflow_references_in_session)", "{{calendar}}"),
                Query("max by (calendar) (forcedflow_references_unknown)", "{{calendar}}, unknown"),
            ],
            _COUNT,
        ),
        lines(
            Said(
                "Coverage",
                "Share of the exposure of references in session that is known and fresh.",
            ),
            [Query("max by (calendar) (forcedflow_exposure_coverage >= 0)", "{{calendar}}")],
            Look("percentunit", range=(0.0, 1.0)),
        ),
    ]


def _processes() -> Panels:
    return [
        states(
            Said("Answering", "Whether Prometheus could read /metrics of each process."),
            Query('up{job=~"forcedflow.*"}', "{{job}} {{instance}}"),
            Look(NUMBER, ((None, "red"), (1.0, "green")), _UP, range=(0.0, 1.0)),
        ),
        states(
            Said("Who speaks", "Which alerter has the lease over time."),
            Query("forcedflow_alerter_active", "{{instance}}"),
            Look(NUMBER, ((None, "blue"), (1.0, "green")), _ROLE, range=(0.0, 1.0)),
        ),
        lines(
            Said("Processor", "Share of one processor that each process of ours takes."),
            [
                Query(
                    'rate(process_cpu_seconds_total{job=~"forcedflow.*"}[$__rate_interval])',
                    "{{job}} {{instance}}",
                )
            ],
            Look("percentunit", range=(0.0, None)),
        ),
        lines(
            Said("Memory", "Resident memory of each process of ours."),
            [
                Query(
                    'process_resident_memory_bytes{job=~"forcedflow.*"}',
                    "{{job}} {{instance}}",
                )
            ],
            Look("bytes", range=(0.0, None)),
        ),
        lines(
            Said(
                "Series per scrape",
                "Samples of one /metrics; a scrape over the limit of 200,000 fails as a whole.",
            ),
            [
                Query(
                    'scrape_samples_scraped{job=~"forcedflow.*"}',
                    "{{job}} {{instance}}",
                )
            ],
            Look(NUMBER, ((None, "transparent"), (160_000.0, "orange")), range=(0.0, None)),
        ),
        lines(
            Said("Time of a scrape", "From the request of /metrics until all of it was read."),
            [
                Query(
                    'scrape_duration_seconds{job=~"forcedflow.*"}',
                    "{{job}} {{instance}}",
                )
            ],
            _LATENCY,
        ),
    ]


def _stream() -> Panels:
    latency = "forcedflow_projection_latency_seconds"
    return [
        lines(
            Said("Events", "Read a second, by what became of them: see the metric's help."),
            [Query(events_per_second("forcedflow_events", "outcome"), "{{outcome}}")],
            _PER_SECOND,
        ),
        lines(
            Said(
                "Latency of the projection",
                "From the append of a batch's oldest record in Kafka until it is applied.",
            ),
            [Query(quantile(0.5, latency), "median"), Query(quantile(0.99, latency), "99 %")],
            _LATENCY,
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
            _COUNT,
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
            _COUNT,
        ),
        lines(
            Said("Partials written", "To Redis a second, by outcome."),
            [Query(events_per_second("forcedflow_partial_writes", "outcome"), "{{outcome}}")],
            _PER_SECOND,
        ),
        lines(
            Said("Snapshots", "Of partitions a second, by outcome."),
            [Query(events_per_second("forcedflow_snapshots", "outcome"), "{{outcome}}")],
            _PER_SECOND,
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
            _COUNT,
        ),
        lines(
            Said("Time of a batch", "To decode and apply it, and to save a partition's state."),
            [
                Query(quantile(0.99, "forcedflow_apply_seconds"), "apply, 99 %"),
                Query(quantile(0.99, "forcedflow_snapshot_seconds"), "save, 99 %"),
            ],
            _LATENCY,
        ),
    ]


def _bad_input() -> Panels:
    return [
        lines(
            Said("Dead letters", "Written by workers, by reason; 0 where there were none."),
            [Query(happened("forcedflow_dead_letters", "reason", WORKER), "{{reason}}")],
            _COUNT,
        ),
        lines(
            Said("Rejected by gateways", "Bad rows of the feeds, by reason; 0 where none were."),
            [Query(happened("forcedflow_gateway_rejects", "reason", GATEWAY), "{{reason}}")],
            _COUNT,
        ),
        lines(
            Said("Rows of gateways", "Read a second, by what became of them."),
            [Query(events_per_second("forcedflow_gateway_rows", "outcome"), "{{outcome}}")],
            _PER_SECOND,
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
    ]


def _alerter() -> Panels:
    evaluation = "forcedflow_evaluation_seconds"
    return [
        lines(
            Said("Evaluations", "A second, by outcome; ten are meant to be judged."),
            [Query(events_per_second("forcedflow_evaluations", "outcome"), "{{outcome}}")],
            _PER_SECOND,
        ),
        lines(
            Said("Time of an evaluation", "From asking Redis for the partials to judged alerts."),
            [Query(quantile(0.5, evaluation), "median"), Query(quantile(0.99, evaluation), "99 %")],
            _LATENCY,
        ),
        lines(
            Said("What happened to alerts", "Transitions of market alerts, by kind."),
            [Query(happened("forcedflow_alert_transitions", "kind", ALERTER), "{{kind}}")],
            _COUNT,
        ),
        lines(
            Said("Written to Kafka", "Transitions and rows of the projection, by outcome."),
            [
                Query(
                    happened("forcedflow_alert_audit_records", "outcome", ALERTER),
                    "alerts {{outcome}}",
                ),
                Query(
                    happened("forcedflow_projection_records", "outcome", ALERTER),
                    "rows {{outcome}}",
                ),
            ],
            _COUNT,
        ),
        lines(
            Said(
                "Terms",
                "Times that an alerter became the active one, or was refused because another was.",
            ),
            [
                Query("sum(increase(forcedflow_alerter_terms_total[$__rate_interval]))", "terms"),
                Query("sum(increase(forcedflow_alerter_fenced_total[$__rate_interval]))", "fenced"),
            ],
            _COUNT,
        ),
    ]


def _alertmanagers() -> Panels:
    return [
        lines(
            Said("Pushes", "To each Alertmanager a second, by outcome."),
            [
                Query(
                    events_per_second("forcedflow_alert_pushes", "peer, outcome"),
                    "{{peer}} {{outcome}}",
                )
            ],
            _PER_SECOND,
        ),
        lines(
            Said("Time of a push", "99 % of the pushes took no longer, by Alertmanager."),
            [Query(quantile(0.99, "forcedflow_alert_push_seconds", "peer"), "{{peer}}")],
            _LATENCY,
        ),
        lines(
            Said("Age of the last accepted push", "Host time since each Alertmanager took one."),
            [
                Query(
                    "time() - max by (peer) (forcedflow_last_push_timestamp_seconds > 0)",
                    "{{peer}}",
                )
            ],
            Look(SECONDS, ((None, "transparent"), (15.0, "red")), range=(0.0, None)),
        ),
        lines(
            Said("Refused alerts", "Alerts that an Alertmanager refused by themselves."),
            [Query(happened("forcedflow_alerts_refused", "peer", ALERTER), "{{peer}}")],
            _COUNT,
        ),
        lines(
            Said("Held by Alertmanagers", "Alerts that each Alertmanager has, by state."),
            [Query("sum by (instance, state) (alertmanager_alerts)", "{{instance}} {{state}}")],
            _COUNT,
        ),
        lines(
            Said("Notifications that failed", "Of Alertmanagers to receivers, by integration."),
            [
                Query(
                    happened("alertmanager_notifications_failed", "integration", "alertmanager"),
                    "{{integration}}",
                )
            ],
            _COUNT,
        ),
    ]
