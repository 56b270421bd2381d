"""What Prometheus sees of a service that is well, in session: each series at every scrape."""

import math

from tests.support.rule_tests import Series, clock, counting, steady

WORKER = 'job="forcedflow-worker",instance="w1:9464"'
GATEWAY = 'job="forcedflow-gateway",instance="g1:9474"'
ACTIVE = 'job="forcedflow-alerter",instance="a1:9475"'
STAND_BY = 'job="forcedflow-alerter",instance="a2:9475"'
PROMETHEUS = 'job="prometheus",instance="p1:9090"'
ALERTMANAGER = 'job="alertmanager",instance="m1:9093"'
PEERS = ("http://m1:9093", "http://m2:9093")


def ours(name: str, target: str, **labels: str) -> str:
    """Return a series of ours, by its name without the prefix."""
    own = "".join(f',{key}="{value}"' for key, value in labels.items())
    return f"forcedflow_{name}{{{target}{own}}}"


HEALTHY: Series = {
    **{
        f"up{{{target}}}": steady(1)
        for target in (WORKER, GATEWAY, ACTIVE, STAND_BY, PROMETHEUS, ALERTMANAGER)
    },
    f"scrape_samples_scraped{{{ACTIVE}}}": steady(20_000),
    f'prometheus_rule_evaluation_failures_total{{{PROMETHEUS},rule_group="rules"}}': steady(0),
    f'alertmanager_notifications_failed_total{{{ALERTMANAGER},integration="webhook"}}': steady(0),
    ours("alerter_active", ACTIVE): steady(1),
    ours("alerter_active", STAND_BY): steady(0),
    ours("blind", ACTIVE): steady(0),
    ours("blind", STAND_BY): steady(0),
    ours("rules_file_refused", ACTIVE): steady(0),
    ours("heartbeat_pings_total", ACTIVE, outcome="ok"): counting(0.2),
    ours("heartbeat_pings_total", ACTIVE, outcome="failed"): steady(0),
    **{ours("resolves_held", ACTIVE, peer=peer): steady(0) for peer in PEERS},
    ours("last_evaluation_timestamp_seconds", ACTIVE): clock(),
    ours("last_evaluation_timestamp_seconds", STAND_BY): steady(0),
    ours("evaluation_seconds_bucket", ACTIVE, le="0.05"): counting(9.99),
    ours("evaluation_seconds_bucket", ACTIVE, le="1.0"): counting(10),
    ours("evaluation_seconds_bucket", ACTIVE, le="+Inf"): counting(10),
    **{ours("last_push_timestamp_seconds", ACTIVE, peer=peer): clock() for peer in PEERS},
    **{ours("alerts_refused_total", ACTIVE, peer=peer): steady(0) for peer in PEERS},
    ours("alert_audit_records_total", ACTIVE, outcome="unaudited"): steady(0),
    ours("projection_records_total", ACTIVE, outcome="dropped"): steady(0),
    ours("partitions_unknown", ACTIVE): steady(0),
    ours("partitions_unknown", STAND_BY): steady(math.nan),
    ours("market_session_open", ACTIVE, calendar="XNYS"): steady(1),
    ours("market_session_open", ACTIVE, calendar="XKRX"): steady(0),
    ours("market_session_open", ACTIVE, calendar="24/7@16:00 America/New_York"): steady(1),
    ours("exposure_coverage", ACTIVE, calendar="24/7@16:00 America/New_York"): steady(0),
    ours("references_in_session", ACTIVE, calendar="XNYS"): steady(100),
    ours("references_in_session", ACTIVE, calendar="XKRX"): steady(0),
    ours("references_unknown", ACTIVE, calendar="XNYS"): steady(0),
    ours("references_unknown", ACTIVE, calendar="XKRX"): steady(0),
    ours("exposure_coverage", ACTIVE, calendar="XNYS"): steady(0.99),
    ours("exposure_coverage", ACTIVE, calendar="XKRX"): steady(math.nan),
    ours("forced_flow_usd", ACTIVE, symbol="ACME"): steady(-1e6),
    ours("breach_threshold_usd", ACTIVE, symbol="ACME"): steady(5e6),
    ours("adv_ratio", ACTIVE, symbol="ACME"): steady(-0.01),
    ours("price", ACTIVE, symbol="ACME"): steady(100),
    ours("breach_probability", ACTIVE, symbol="ACME"): steady(0.1),
    ours("gateway_heartbeats_total", GATEWAY): counting(1),
    ours("gateway_rejects_total", GATEWAY, reason="not a number"): steady(0),
    ours("event_lag_seconds", WORKER, topic="prices"): steady(0.5),
    ours("dead_letters_total", WORKER, reason="price"): steady(3),
    ours("dead_letters_waiting", WORKER): steady(0),
    ours("projection_latency_seconds_bucket", WORKER, le="0.1"): counting(999),
    ours("projection_latency_seconds_bucket", WORKER, le="10.0"): counting(1_000),
    ours("projection_latency_seconds_bucket", WORKER, le="+Inf"): counting(1_000),
    ours("last_progress_timestamp_seconds", WORKER): clock(),
    ours("consumer_lag_records", WORKER, topic="prices", partition="3"): steady(7),
    ours("offset_gaps_total", WORKER, topic="prices"): steady(0),
    ours("snapshots_total", WORKER, outcome="saved"): counting(1),
    ours("snapshots_total", WORKER, outcome="failed"): steady(0),
    ours("partial_writes_total", WORKER, outcome="failed"): steady(0),
    ours("fenced_total", WORKER): steady(0),
}
