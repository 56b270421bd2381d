"""The alerter's own alerts as the pager gets them, by way of a real Alertmanager."""

from dataclasses import replace
from pathlib import Path

import pytest

from core.thresholds import Level
from tests.support.alerter_thread import AlerterThread
from tests.support.alerter_world import RULE, market_in
from tests.support.alertmanager_server import AlertmanagerServer
from tests.support.waiting import eventually
from tests.support.webhook_recorder import WebhookRecorder

pytestmark = pytest.mark.debian("prometheus-alertmanager")

ESCALATING = replace(RULE, levels=(Level("warning", 0.02, 0.015),), escalate_after_ns=2 * 10**9)
ORDERS = {"storm_cap": 1, "has_heartbeat": True}
OF_THE_STORM = (
    ("ForcedFlowWarning", "BOLT"),
    ("ForcedFlowWarningOthers", "others"),
    ("ForcedFlowWarningEscalated", "BOLT"),
)
HEARTBEAT = ("ForcedFlowHeartbeat", "alerter")


def test_a_storm_its_escalation_and_the_heartbeat_reach_the_pager_and_end(
    redis_url: str, tmp_path: Path, pager: WebhookRecorder
) -> None:
    def hears(alertname: str, symbol: str, *statuses: str) -> None:
        told = {"alertname": alertname, "symbol": symbol}
        eventually(lambda: pager.statuses(**told) == list(statuses))

    with market_in(redis_url) as market, AlertmanagerServer(tmp_path / "one", pager.url) as server:
        market.trade(1.0, ACME=99.0, BOLT=98.0)
        with AlerterThread(redis_url, [server.url], rules=[ESCALATING], orders=ORDERS):
            for alert in (*OF_THE_STORM, HEARTBEAT):
                hears(*alert, "firing")

            market.trade(2.0, ACME=100.0, BOLT=100.0)
            for alert in OF_THE_STORM:
                hears(*alert, "firing", "resolved")

    assert pager.statuses(symbol="ACME") == []
    hears(*HEARTBEAT, "firing")
