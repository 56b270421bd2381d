"""Pages as the pager gets them: a running alerter, real Redis, real Alertmanagers, a webhook."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.support.alerter_thread import AlerterThread
from tests.support.alerter_world import Market, market_in
from tests.support.alertmanager_server import AlertmanagerServer
from tests.support.waiting import eventually
from tests.support.webhook_recorder import WebhookRecorder

pytestmark = pytest.mark.debian("prometheus-alertmanager")


@pytest.fixture
def market(redis_url: str) -> Iterator[Market]:
    with market_in(redis_url) as running:
        yield running


@pytest.fixture
def server(tmp_path: Path, pager: WebhookRecorder) -> Iterator[AlertmanagerServer]:
    with AlertmanagerServer(tmp_path / "one", pager.url) as running:
        yield running


def ends(server: AlertmanagerServer) -> float:
    """Return when the only alert of a server ends, in seconds since 1970."""
    [alert] = server.alerts()
    return datetime.fromisoformat(alert["endsAt"]).timestamp()


def resent(server: AlertmanagerServer, times: int) -> None:
    """Wait until the server's only alert was extended so many times."""
    for _ in range(times):
        before = ends(server)
        eventually(lambda before=before: ends(server) > before)  # type: ignore[misc]


def test_a_page_comes_once_and_its_resolve_follows(
    redis_url: str, market: Market, server: AlertmanagerServer, pager: WebhookRecorder
) -> None:
    market.trade(1.0, ACME=99.0, BOLT=100.0)
    with AlerterThread(redis_url, [server.url]):
        eventually(lambda: pager.statuses() == ["firing"])
        resent(server, 2)
        assert pager.statuses() == ["firing"]

        market.trade(2.0, ACME=100.0)
        eventually(lambda: pager.statuses() == ["firing", "resolved"])

    fired, resolved = pager.notices
    assert fired.labels == resolved.labels
    assert fired.labels["symbol"] == "ACME"
    assert fired.starts_at == resolved.starts_at
    assert fired.annotations["summary"].startswith("SELL ACME $20m")
    assert "came back below" in resolved.annotations["description"]


def test_a_restart_of_the_alerter_keeps_the_start_and_pages_nobody_again(
    redis_url: str, market: Market, server: AlertmanagerServer, pager: WebhookRecorder
) -> None:
    market.trade(1.0, ACME=99.0)
    with AlerterThread(redis_url, [server.url]):
        eventually(lambda: pager.statuses() == ["firing"])
    [before] = server.alerts()

    with AlerterThread(redis_url, [server.url]):
        resent(server, 2)
        [after] = server.alerts()
        assert after["startsAt"] == before["startsAt"]
        assert pager.statuses() == ["firing"]

        market.trade(2.0, ACME=100.0)
        eventually(lambda: pager.statuses() == ["firing", "resolved"])


def test_what_happens_while_the_alerter_is_away_is_told_when_it_is_back(
    redis_url: str, market: Market, server: AlertmanagerServer, pager: WebhookRecorder
) -> None:
    market.trade(1.0, ACME=99.0)
    with AlerterThread(redis_url, [server.url]):
        eventually(lambda: pager.statuses() == ["firing"])

    market.trade(2.0, ACME=100.0, BOLT=103.0)
    with AlerterThread(redis_url, [server.url]):
        eventually(lambda: pager.statuses(symbol="ACME") == ["firing", "resolved"])
        eventually(lambda: pager.statuses(symbol="BOLT", side="buy") == ["firing"])


def test_with_one_alertmanager_down_the_other_is_served(
    redis_url: str,
    market: Market,
    server: AlertmanagerServer,
    pager: WebhookRecorder,
    tmp_path: Path,
) -> None:
    market.trade(1.0, ACME=99.0)
    other = AlertmanagerServer(tmp_path / "two", pager.url)
    with AlerterThread(redis_url, [other.url, server.url]):
        eventually(lambda: pager.statuses() == ["firing"])
        eventually(lambda: market.view()["alerts"][0]["send_status"] == "partly sent")
        resent(server, 1)

        with other:
            eventually(lambda: len(other.alerts()) == 1)
            eventually(lambda: market.view()["alerts"][0]["send_status"] == "sent")


def test_an_alertmanager_that_restarts_empty_is_filled_again(
    redis_url: str, market: Market, server: AlertmanagerServer, pager: WebhookRecorder
) -> None:
    market.trade(1.0, ACME=99.0)
    with AlerterThread(redis_url, [server.url]):
        eventually(lambda: pager.statuses() == ["firing"])
        [before] = server.alerts()
        server.stop()
        server.start()
        eventually(lambda: len(server.alerts()) == 1)

        [after] = server.alerts()
        assert after["startsAt"] == before["startsAt"]
        resent(server, 1)
        assert pager.statuses() == ["firing"]

        market.trade(2.0, ACME=100.0)
        eventually(lambda: pager.statuses() == ["firing", "resolved"])


def test_an_unknown_partial_keeps_the_alert_and_says_so(
    redis_url: str, market: Market, server: AlertmanagerServer, pager: WebhookRecorder
) -> None:
    market.trade(1.0, ACME=99.0)
    with AlerterThread(redis_url, [server.url]):
        eventually(lambda: pager.statuses() == ["firing"])
        market.forget("ACME")
        eventually(
            lambda: server.alerts()[0]["annotations"]["summary"].startswith("State unknown: SELL")
        )
        resent(server, 1)
        assert pager.statuses() == ["firing"]

        market.publish()
        eventually(lambda: server.alerts()[0]["annotations"]["summary"].startswith("SELL ACME"))
        assert pager.statuses() == ["firing"]
