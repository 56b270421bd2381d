"""Dashboard *Service*: is what the other dashboards show fresh, complete, and sent."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from deploy.grafana import service_alerting, service_input
from deploy.grafana.frame import SERVICE_ALERTS, Section, framed
from deploy.grafana.panels import (
    COUNT,
    LATENCY,
    NUMBER,
    SECONDS,
    SHARE,
    WRONG_ABOVE_ZERO,
    Look,
    Panels,
    Query,
    Said,
    big_number,
    lines,
    states,
)

_UP = {"0": ("down", "red"), "1": ("up", "green")}
_OPEN = {"0": ("closed", "blue"), "1": ("open", "green")}
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
            Section("From a tick to the view", service_input.stream()),
            Section("Bad input", service_input.bad_input()),
            Section("Alerter", service_alerting.alerter()),
            Section("Alertmanagers", service_alerting.alertmanagers()),
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
        big_number(
            Said("Service alerts", "Rules on the service's health that fire, Watchdog left out."),
            Query(f'count({SERVICE_ALERTS}) or 0 * max(up{{job=~"forcedflow.*"}} == 1)'),
            Look(NUMBER, WRONG_ABOVE_ZERO),
            span=8,
        ),
        big_number(
            Said(
                "Rules file refused",
                "1 while the alerter's rules file cannot be used, and the rules before it are "
                "in force.",
            ),
            Query("max(forcedflow_rules_file_refused)"),
            Look(NUMBER, WRONG_ABOVE_ZERO),
            span=8,
        ),
        big_number(
            Said("Breaching", "References whose forced flow is at or above their warning level."),
            Query("forcedflow:references_breaching:count"),
            Look(NUMBER, ((None, "green"), (1.0, "orange"))),
            span=8,
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
            COUNT,
        ),
        states(
            Said(
                "Sessions",
                "Whether a session is open, by calendar; budgets count only while one is.",
            ),
            Query("max by (calendar) (forcedflow_market_session_open)", "{{calendar}}"),
            Look(NUMBER, ((None, "blue"), (1.0, "green")), _OPEN, range=(0.0, 1.0)),
        ),
        lines(
            Said(
                "Coverage",
                "Share of the exposure of references in session that is known and fresh.",
            ),
            [Query("max by (calendar) (forcedflow_exposure_coverage >= 0)", "{{calendar}}")],
            Look(SHARE, range=(0.0, 1.0)),
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
            Look(SHARE, range=(0.0, None)),
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
            LATENCY,
        ),
    ]
