"""For each alert on the service's health: what makes it fire, and what nearly does."""

import math

from tests.deploy.healthy_service import (
    ACTIVE,
    ALERTMANAGER,
    GATEWAY,
    PEERS,
    PROMETHEUS,
    STAND_BY,
    WORKER,
    ours,
)
from tests.support.rule_tests import Case, Series, changing, clock, counting, steady

SHUT: Series = {ours("market_session_open", ACTIVE, calendar="XNYS"): steady(0)}
"""Whatever pages in session alone is silent with this."""

_EVALUATED = ours("last_evaluation_timestamp_seconds", ACTIVE)
_PUSHED = [ours("last_push_timestamp_seconds", ACTIVE, peer=peer) for peer in PEERS]
_BREACH: Series = {ours("forced_flow_usd", ACTIVE, symbol="ACME"): steady(-6e6)}
_NOTHING_PUSHED: Series = {each: clock(until=30) for each in _PUSHED}
_NOTHING_JUDGED: Series = {_EVALUATED: clock(until=30)}
_ALERTER_GONE: Series = {
    ours("alerter_active", ACTIVE): steady(1, 30),
    _EVALUATED: clock(seconds=30),
    **{each: clock(seconds=30) for each in _PUSHED},
}


def _slow(share: float) -> Series:
    return {
        ours("evaluation_seconds_bucket", ACTIVE, le="0.05"): counting(10 * (1 - share)),
        ours("evaluation_seconds_bucket", ACTIVE, le="1.0"): counting(10),
    }


def _lagging(share: float) -> Series:
    return {
        ours("projection_latency_seconds_bucket", WORKER, le="0.1"): counting(1e3 * (1 - share))
    }


_PROCESSES = (
    Case("Watchdog", {}, {}, 0, "Prometheus evaluates rules and reaches Alertmanager."),
    Case(
        "ForcedFlowProcessDown",
        {f"up{{{WORKER}}}": changing(1, 0, at=30)},
        # It is back before it counts as down.
        {f"up{{{WORKER}}}": [1.0] * 6 + [0.0] * 6 + [1.0] * 20},
        90,
        "forcedflow-worker at w1:9464 does not answer.",
        {"job": "forcedflow-worker", "instance": "w1:9464"},
    ),
    Case(
        "ForcedFlowScrapeNearLimit",
        {f"scrape_samples_scraped{{{ACTIVE}}}": steady(170_000)},
        {f"scrape_samples_scraped{{{ACTIVE}}}": steady(160_000)},
        90,
        "a1:9475 shows 170k samples, near the limit.",
        {"job": "forcedflow-alerter", "instance": "a1:9475"},
    ),
    Case(
        "ForcedFlowRuleErrors",
        {
            f'prometheus_rule_evaluation_failures_total{{{PROMETHEUS},rule_group="rules"}}': (
                changing(0, 1, at=30)
            )
        },
        {
            f'prometheus_rule_evaluation_failures_total{{{PROMETHEUS},rule_group="rules"}}': (
                steady(5)
            )
        },
        60,
        "Prometheus fails to evaluate rules of rules.",
        {"instance": "p1:9090", "rule_group": "rules"},
    ),
)

_ALERTERS = (
    Case(
        "ForcedFlowNoActiveAlerter",
        _ALERTER_GONE,
        # The other takes over.
        {**_ALERTER_GONE, ours("alerter_active", STAND_BY): changing(0, 1, at=60)},
        90,
        "No alerter is active: nothing is judged and nobody is told.",
    ),
    Case(
        "ForcedFlowTwoActiveAlerters",
        {ours("alerter_active", STAND_BY): steady(1)},
        # A takeover: the one that was killed is seen a little longer.
        {ours("alerter_active", ACTIVE): changing(1, 0, at=60)}
        | {ours("alerter_active", STAND_BY): changing(0, 1, at=40)},
        60,
        "2 alerters say that they are active.",
    ),
    Case(
        "ForcedFlowEvaluationStale",
        _NOTHING_JUDGED,
        {**_NOTHING_JUDGED, **SHUT},
        90,
        "In session, and nothing was judged for 1m 0s.",
    ),
    Case(
        "ForcedFlowAlerterBlind",
        {ours("blind", STAND_BY): steady(1)},
        {ours("blind", STAND_BY): changing(1, 0, at=60)},
        120,
        "The alerter at a2:9475 sees nothing.",
        {"job": "forcedflow-alerter", "instance": "a2:9475"},
    ),
    Case(
        "ForcedFlowAlerterSlow",
        _slow(0.5),
        _slow(0.009),
        150,
        "One evaluation in a hundred takes 981ms.",
        {"instance": "a1:9475"},
    ),
    Case(
        "ForcedFlowRulesRefused",
        {ours("rules_file_refused", ACTIVE): changing(0, 1, at=30)},
        # It was mended at once.
        {ours("rules_file_refused", ACTIVE): [0.0] * 6 + [1.0] * 5 + [0.0] * 20},
        90,
        "The alerter at a1:9475 cannot use its rules file as it is.",
        {"job": "forcedflow-alerter", "instance": "a1:9475"},
    ),
    Case(
        "ForcedFlowAuditBehind",
        {ours("alert_audit_records_total", ACTIVE, outcome="unaudited"): changing(0, 2, at=30)},
        {ours("alert_audit_records_total", ACTIVE, outcome="acknowledged"): counting(1)},
        60,
        "Alerts went out before Kafka had them in the topic alerts.",
        {"instance": "a1:9475"},
    ),
    Case(
        "ForcedFlowProjectionsFailing",
        {ours("projection_records_total", ACTIVE, outcome="dropped"): changing(0, 75, at=30)},
        {ours("projection_records_total", ACTIVE, outcome="acknowledged"): counting(5)},
        60,
        "Rows of the topic projections are lost: dropped.",
        {"instance": "a1:9475", "outcome": "dropped"},
    ),
)

_DELIVERY = (
    Case(
        "ForcedFlowDeliveryFailing",
        _NOTHING_PUSHED,
        {_PUSHED[0]: clock(until=30)},
        90,
        "In session, and no Alertmanager took a push for 1m 0s.",
    ),
    Case(
        "ForcedFlowBackstop",
        {**_NOTHING_PUSHED, **_BREACH},
        _BREACH,
        90,
        "1 references breach their warning level and the alerter tells nobody.",
    ),
    Case(
        "ForcedFlowPeerFailing",
        {_PUSHED[1]: clock(until=30)},
        {_PUSHED[1]: [*clock(until=30, seconds=80), *[85.0 + 5 * n for n in range(20)]]},
        160,
        "The Alertmanager http://m2:9093 takes no pushes.",
        {"peer": "http://m2:9093"},
    ),
    Case(
        "ForcedFlowAlertRefused",
        {ours("alerts_refused_total", ACTIVE, peer=PEERS[0]): changing(0, 1, at=30)},
        {ours("alerts_refused_total", ACTIVE, peer=PEERS[0]): steady(4)},
        60,
        "The Alertmanager http://m1:9093 refuses single alerts.",
        {"peer": "http://m1:9093"},
    ),
    Case(
        "ForcedFlowResolvesHeld",
        {ours("resolves_held", ACTIVE, peer=PEERS[0]): steady(2, 960)},
        # An alert ends while it is silenced, and the silence soon after.
        {ours("resolves_held", ACTIVE, peer=PEERS[0]): [2.0] * 170 + [0.0] * 20},
        930,
        "2 alerts are over, and http://m1:9093 is not told so for a silence.",
        {"job": "forcedflow-alerter", "instance": "a1:9475", "peer": PEERS[0]},
    ),
    Case(
        "ForcedFlowHeartbeatFailing",
        {ours("heartbeat_pings_total", ACTIVE, outcome="failed"): counting(0.1)}
        | {ours("heartbeat_pings_total", ACTIVE, outcome="ok"): steady(0)},
        {ours("heartbeat_pings_total", ACTIVE, outcome="failed"): counting(0.1)},
        120,
        "The alerter at a1:9475 cannot reach the dead-man's switch outside.",
        {"instance": "a1:9475"},
    ),
    Case(
        "ForcedFlowNotificationsFailing",
        {
            f'alertmanager_notifications_failed_total{{{ALERTMANAGER},integration="webhook"}}': (
                changing(0, 2, at=30)
            )
        },
        {
            f'alertmanager_notifications_failed_total{{{ALERTMANAGER},integration="webhook"}}': (
                steady(2)
            )
        },
        90,
        "Alertmanager fails to notify by webhook.",
        {"integration": "webhook"},
    ),
)

_COMPLETENESS = (
    Case(
        "ForcedFlowPartitionsUnknown",
        {ours("partitions_unknown", ACTIVE): changing(0, 4, at=30)},
        # A worker that is restarted has them back in time.
        {ours("partitions_unknown", ACTIVE): [0.0] * 6 + [4.0] * 7 + [0.0] * 20},
        90,
        "In session, and 4 of 12 partitions are unknown.",
    ),
    Case(
        "ForcedFlowReferencesUnknown",
        {ours("references_unknown", ACTIVE, calendar="XNYS"): changing(0, 30, at=30)},
        {ours("references_unknown", ACTIVE, calendar="XNYS"): changing(0, 5, at=30)},
        90,
        "In session, and 30% of the references are unknown.",
    ),
    Case(
        "ForcedFlowCoverageLow",
        {ours("exposure_coverage", ACTIVE, calendar="XNYS"): steady(0.8)},
        {ours("exposure_coverage", ACTIVE, calendar="XNYS"): steady(0.96)},
        330,
        "On XNYS only 80% of the exposure is fresh.",
        {"calendar": "XNYS"},
    ),
    Case(
        "ForcedFlowGaugeNotFinite",
        {ours("adv_ratio", ACTIVE, symbol="ACME"): changing(0.1, math.nan, at=30)},
        {ours("adv_ratio", ACTIVE, symbol="ACME"): [0.1] * 7},
        60,
        "forcedflow_adv_ratio is not a number for 1 references.",
        {"column": "adv_ratio"},
    ),
)

_FEEDS = (
    Case(
        "ForcedFlowFeedSilent",
        {ours("gateway_heartbeats_total", GATEWAY): counting(1, until=60)},
        {ours("gateway_heartbeats_total", GATEWAY): counting(1, until=60), **SHUT},
        100,
        "In session, and the gateway at g1:9474 sends no heartbeat.",
        {"job": "forcedflow-gateway", "instance": "g1:9474"},
    ),
    Case(
        "ForcedFlowEventsLate",
        {ours("event_lag_seconds", WORKER, topic="prices"): steady(900)},
        # A recorded day is played.
        {ours("event_lag_seconds", WORKER, topic="prices"): steady(1e7)},
        90,
        "Prices reach Kafka 15m 0s after their own time.",
        {"topic": "prices"},
    ),
    Case(
        "ForcedFlowDeadLetters",
        {ours("dead_letters_total", WORKER, reason="price"): counting(1)},
        {ours("dead_letters_total", WORKER, reason="price"): changing(0, 5, at=30)},
        100,
        "100 bad inputs in 15 min: price.",
        {"job": "forcedflow-worker", "reason": "price"},
    ),
    Case(
        "ForcedFlowDeadLettersWaiting",
        {ours("dead_letters_waiting", WORKER): changing(0, 5, at=30)},
        {ours("dead_letters_waiting", WORKER): [0.0, 5.0] * 60},
        180,
        "The worker at w1:9464 cannot write its dead letters.",
        {"job": "forcedflow-worker", "instance": "w1:9464"},
    ),
)

_WORKERS = (
    Case(
        "ForcedFlowWorkerLagging",
        _lagging(0.5),
        _lagging(0.009),
        120,
        "The worker at w1:9464 is 9.802s behind.",
        {"instance": "w1:9464"},
    ),
    Case(
        "ForcedFlowWorkerStuck",
        {ours("last_progress_timestamp_seconds", WORKER): clock(until=30)},
        # Nothing waits.
        {ours("last_progress_timestamp_seconds", WORKER): clock(until=30)}
        | {ours("consumer_lag_records", WORKER, topic="prices", partition="3"): steady(0)},
        90,
        "The worker at w1:9464 reads nothing while records wait.",
        {"job": "forcedflow-worker", "instance": "w1:9464"},
    ),
    Case(
        "ForcedFlowOffsetGap",
        {ours("offset_gaps_total", WORKER, topic="prices"): changing(0, 1, at=30)},
        {ours("offset_gaps_total", WORKER, topic="prices"): steady(1)},
        60,
        "Records of prices were gone from Kafka before they were read.",
        {"topic": "prices"},
    ),
    Case(
        "ForcedFlowSnapshotsFailing",
        {ours("snapshots_total", WORKER, outcome="failed"): counting(1, since=30)}
        | {ours("snapshots_total", WORKER, outcome="saved"): counting(1, until=30)},
        # One failed, the others were saved.
        {ours("snapshots_total", WORKER, outcome="failed"): changing(0, 1, at=30)},
        210,
        "The worker at w1:9464 cannot save its state.",
        {"instance": "w1:9464"},
    ),
    Case(
        "ForcedFlowPartialsFailing",
        {ours("partial_writes_total", WORKER, outcome="failed"): counting(10, since=30)},
        {ours("partial_writes_total", WORKER, outcome="accepted"): counting(10)},
        90,
        "The worker at w1:9464 does not publish: failed.",
        {"instance": "w1:9464", "outcome": "failed"},
    ),
    Case(
        "ForcedFlowWorkerFenced",
        {ours("fenced_total", WORKER): changing(0, 3, at=30)},
        {ours("fenced_total", WORKER): steady(3)},
        60,
        "The worker at w1:9464 lost a partition to another one.",
        {"job": "forcedflow-worker", "instance": "w1:9464"},
    ),
)

CASES = (*_PROCESSES, *_ALERTERS, *_DELIVERY, *_COMPLETENESS, *_FEEDS, *_WORKERS)
