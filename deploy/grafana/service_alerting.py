"""Of *Service*: the way of an alert from the view to people."""

from deploy.grafana.measures import ALERTER, events_per_second, happened, quantile
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


def alerter() -> Panels:
    """Return the panels on who judges the market."""
    evaluation = "forcedflow_evaluation_seconds"
    return [
        lines(
            Said("Evaluations", "A second, by outcome; ten are meant to be judged."),
            [Query(events_per_second("forcedflow_evaluations", "outcome"), "{{outcome}}")],
            PER_SECOND,
        ),
        lines(
            Said("Time of an evaluation", "From asking Redis for the partials to judged alerts."),
            [Query(quantile(0.5, evaluation), "median"), Query(quantile(0.99, evaluation), "99 %")],
            LATENCY,
        ),
        lines(
            Said("What happened to alerts", "Transitions of market alerts, by kind."),
            [Query(happened("forcedflow_alert_transitions", "kind", ALERTER), "{{kind}}")],
            COUNT,
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
            COUNT,
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
            COUNT,
        ),
        lines(
            Said(
                "Rules of the market",
                "Which rules are in force, by the hash that each page carries, and contents of the "
                "file that could not be used.",
            ),
            [
                Query("max by (rules) (forcedflow_rules_info)", "{{rules}}"),
                Query(
                    "sum(increase(forcedflow_rules_reload_failures_total[$__rate_interval]))",
                    "refused",
                ),
            ],
            COUNT,
        ),
    ]


def alertmanagers() -> Panels:
    """Return the panels on who is told, and whether that works."""
    return [
        lines(
            Said("Pushes", "To each Alertmanager a second, by outcome."),
            [
                Query(
                    events_per_second("forcedflow_alert_pushes", "peer, outcome"),
                    "{{peer}} {{outcome}}",
                )
            ],
            PER_SECOND,
        ),
        lines(
            Said("Time of a push", "99 % of the pushes took no longer, by Alertmanager."),
            [Query(quantile(0.99, "forcedflow_alert_push_seconds", "peer"), "{{peer}}")],
            LATENCY,
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
            COUNT,
        ),
        lines(
            Said("Held by Alertmanagers", "Alerts that each Alertmanager has, by state."),
            [Query("sum by (instance, state) (alertmanager_alerts)", "{{instance}} {{state}}")],
            COUNT,
        ),
        lines(
            Said("Notifications that failed", "Of Alertmanagers to receivers, by integration."),
            [
                Query(
                    happened("alertmanager_notifications_failed", "integration", "alertmanager"),
                    "{{integration}}",
                )
            ],
            COUNT,
        ),
        lines(
            Said(
                "Silences and resolves",
                "What became of an Alertmanager's silences before a resolve was told, and resolves "
                "that are held back because one would swallow them.",
            ),
            [
                Query(happened("forcedflow_silence_events", "event", ALERTER), "{{event}}"),
                Query("sum by (peer) (forcedflow_resolves_held)", "held, {{peer}}"),
            ],
            COUNT,
        ),
        lines(
            Said(
                "Signs of life",
                "To the dead-man's switch outside, by outcome; 0 where none is set.",
            ),
            [Query(happened("forcedflow_heartbeat_pings", "outcome", ALERTER), "{{outcome}}")],
            COUNT,
        ),
    ]
