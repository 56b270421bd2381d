"""Alerts on those who judge and tell: alerters, their pushes, Alertmanager and Prometheus."""

from services.health_rules import IN_SESSION, SAMPLE_LIMIT, Alert, Group

_ACTIVE = "forcedflow:alerters_active:sum"
_HAS_ALERTER = f"unless on() {_ACTIVE} == 0"
_EVALUATION_P99 = (
    "histogram_quantile(0.99, sum by (instance, le)"
    " (rate(forcedflow_evaluation_seconds_bucket[5m])))"
)

PROCESSES = Group(
    "forcedflow-processes",
    (
        Alert(
            "Watchdog",
            "none",
            "vector(1)",
            "Prometheus evaluates rules and reaches Alertmanager.",
            "Fires always. An outside dead-man's switch tells somebody when it stops arriving.",
        ),
        Alert(
            "ForcedFlowProcessDown",
            "ticket",
            'max_over_time(up{job=~"forcedflow-.+|alertmanager|prometheus"}[30s]) == 0',
            "{{ $labels.job }} at {{ $labels.instance }} does not answer.",
            "No scrape has succeeded for 30 s: the process is gone, hangs, or its page is over a "
            "limit. Others may do its work; what is missed meanwhile pages by itself.",
            wait="15s",
        ),
        Alert(
            "ForcedFlowScrapeNearLimit",
            "ticket",
            'last_over_time(scrape_samples_scraped{job=~"forcedflow-.+"}[1m])'
            f" > {SAMPLE_LIMIT * 8 // 10}",
            "{{ $labels.instance }} shows {{ $value | humanize }} samples, near the limit.",
            f"Above {SAMPLE_LIMIT} samples Prometheus refuses the whole scrape and the process "
            "counts as down. Raise sample_limit with the universe.",
            wait="1m",
        ),
        Alert(
            "ForcedFlowRuleErrors",
            "ticket",
            "sum by (instance, rule_group)"
            " (increase(prometheus_rule_evaluation_failures_total[5m])) > 0",
            "Prometheus fails to evaluate rules of {{ $labels.rule_group }}.",
            "A rule that fails raises nothing. Prometheus' page /rules names the error.",
            hold="1m",
        ),
    ),
)

ALERTERS = Group(
    "forcedflow-alerters",
    (
        Alert(
            "ForcedFlowNoActiveAlerter",
            "page",
            f"{_ACTIVE} == 0",
            "No alerter is active: nothing is judged and nobody is told.",
            "What fires at Alertmanager ends five minutes after the last push; nothing new fires. "
            "Start an alerter, or mend Redis, without which none takes over.",
            wait="30s",
        ),
        Alert(
            "ForcedFlowTwoActiveAlerters",
            "ticket",
            f"{_ACTIVE} > 1",
            "{{ $value }} alerters say that they are active.",
            "One is cut off from Redis and does not know that its lease is over: what it fired "
            "goes on, also what the other has resolved. Restart the one whose blind gauge is 1.",
            wait="30s",
        ),
        Alert(
            "ForcedFlowEvaluationStale",
            "page",
            f"forcedflow:evaluation_age_seconds:min > 15 {IN_SESSION} {_HAS_ALERTER}",
            "In session, and nothing was judged for {{ $value | humanizeDuration }}.",
            "An alerter is active and cannot evaluate or write: Redis is away or full, or it "
            "stumbles over an evaluation. What fires goes on, nothing starts or resolves.",
            wait="10s",
            hold="30s",
        ),
        Alert(
            "ForcedFlowAlerterBlind",
            "ticket",
            "min_over_time(forcedflow_blind[15s]) == 1",
            "The alerter at {{ $labels.instance }} sees nothing.",
            "It does not reach Redis, or cannot evaluate. If it stands by, nobody would take over.",
            wait="1m",
        ),
        Alert(
            "ForcedFlowAlerterSlow",
            "ticket",
            f"{_EVALUATION_P99} > 0.5",
            "One evaluation in a hundred takes {{ $value | humanizeDuration }}.",
            "Ten a second are due. Alerts come that much later; Redis or the machine is slow.",
            wait="2m",
            hold="1m",
        ),
        Alert(
            "ForcedFlowRulesRefused",
            "ticket",
            "last_over_time(forcedflow_rules_file_refused[15s]) == 1",
            "The alerter at {{ $labels.instance }} cannot use its rules file as it is.",
            "The rules before stay in force until it is started again, and then it would not "
            "start. forcedflow rules check names every fault and its line.",
            wait="30s",
        ),
        Alert(
            "ForcedFlowAuditBehind",
            "ticket",
            "sum by (instance)"
            ' (increase(forcedflow_alert_audit_records_total{outcome="unaudited"}[10m])) > 0',
            "Alerts went out before Kafka had them in the topic alerts.",
            "Kafka did not acknowledge within a second, so the page went first. Until it has them, "
            "a lost ledger could not be rebuilt whole.",
        ),
        Alert(
            "ForcedFlowProjectionsFailing",
            "ticket",
            "sum by (instance, outcome) (increase("
            'forcedflow_projection_records_total{outcome=~"failed|dropped"}[10m])) > 0',
            "Rows of the topic projections are lost: {{ $labels.outcome }}.",
            "Kafka does not take the history in time. Alerts and gauges go on; who reads the topic "
            "has a gap of those minutes.",
            hold="1m",
        ),
    ),
)

_NOBODY_TAKES = "forcedflow:push_age_seconds:min > 30"

DELIVERY = Group(
    "forcedflow-delivery",
    (
        Alert(
            "ForcedFlowDeliveryFailing",
            "page",
            f"{_NOBODY_TAKES} {IN_SESSION} {_HAS_ALERTER}",
            "In session, and no Alertmanager took a push for {{ $value | humanizeDuration }}.",
            "A new alert of the market reaches nobody. Read the dashboards until it is mended; see "
            "forcedflow_alert_pushes_total for how each Alertmanager answers.",
            wait="10s",
        ),
        Alert(
            "ForcedFlowBackstop",
            "page",
            f"forcedflow:references_breaching:count > 0 and on() {_NOBODY_TAKES}",
            "{{ $value }} references breach their warning level and the alerter tells nobody.",
            "Stands in for pages that do not get out: the market's gauges are above the first "
            "rule's warning while every push fails. The figures are on the dashboards.",
        ),
        Alert(
            "ForcedFlowPeerFailing",
            "ticket",
            "time() - max by (peer)"
            " (last_over_time(forcedflow_last_push_timestamp_seconds[15m])) > 60",
            "The Alertmanager {{ $labels.peer }} takes no pushes.",
            "The others are served by themselves; with one fewer a page hangs on what is left.",
            wait="1m",
        ),
        Alert(
            "ForcedFlowAlertRefused",
            "ticket",
            "sum by (peer) (increase(forcedflow_alerts_refused_total[10m])) > 0",
            "The Alertmanager {{ $labels.peer }} refuses single alerts.",
            "It finds something wrong with their labels; they are tried again each minute and the "
            "others go out. The alerter's log names them (alert_refused).",
            hold="1m",
        ),
        Alert(
            "ForcedFlowResolvesHeld",
            "ticket",
            "min_over_time(forcedflow_resolves_held[15s]) > 0",
            "{{ $value }} alerts are over, and {{ $labels.peer }} is not told so for a silence.",
            "A silence wider than one alert holds them back, or silences cannot be read: incidents "
            "stay open though nothing is wrong any more. They are told when it ends.",
            wait="15m",
        ),
        Alert(
            "ForcedFlowHeartbeatFailing",
            "ticket",
            'sum by (instance) (increase(forcedflow_heartbeat_pings_total{outcome="failed"}[5m]))'
            " > 0 unless on(instance) sum by (instance)"
            ' (increase(forcedflow_heartbeat_pings_total{outcome="ok"}[5m])) > 0',
            "The alerter at {{ $labels.instance }} cannot reach the dead-man's switch outside.",
            "The switch will page for it, though the alerter is well: its address or the way out "
            "is wrong. Mend it soon; until then nobody would notice a dead alerter.",
            wait="1m",
            hold="1m",
        ),
        Alert(
            "ForcedFlowNotificationsFailing",
            "page",
            "sum by (integration) (increase(alertmanager_notifications_failed_total[5m])) > 0",
            "Alertmanager fails to notify by {{ $labels.integration }}.",
            "Alerts arrive at Alertmanager and do not leave it. This page may share their fate: "
            "hence the dead-man's switch. See Alertmanager's log.",
            wait="30s",
            hold="2m",
        ),
    ),
)
