"""Two alerter processes, real Redis, Kafka and Alertmanager: one ends, the other goes on."""

import os
import signal
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from services.alerter_lease import LEASE_SECONDS
from services.clock import SystemClock
from services.embedded_redis import EmbeddedRedis
from tests.support.alerter_fleet import AlerterFleet
from tests.support.alertmanager_server import AlertmanagerServer
from tests.support.waiting import eventually
from tests.support.webhook_recorder import WebhookRecorder

pytestmark = [pytest.mark.debian("prometheus-alertmanager"), pytest.mark.timeout(240)]

CLOCK = SystemClock()
RESUMED_SECONDS = 10.0
"""Within this pages go on after the active alerter died (docs/guarantees.md)."""
WAIT_SECONDS = 30.0


@pytest.fixture
def pager() -> Iterator[WebhookRecorder]:
    with WebhookRecorder() as recorder:
        yield recorder


@pytest.fixture
def server(tmp_path: Path, pager: WebhookRecorder) -> Iterator[AlertmanagerServer]:
    with AlertmanagerServer(tmp_path / "alertmanager", pager.url) as running:
        yield running


@pytest.fixture
def fleet(
    tmp_path: Path,
    kafka: str,
    own_redis: EmbeddedRedis,
    topic_suffix: str,
    server: AlertmanagerServer,
) -> Iterator[AlerterFleet]:
    with AlerterFleet(
        tmp_path / "service",
        bootstrap=kafka,
        redis_url=own_redis.url,
        prefix=f"{topic_suffix}-",
        peers=[server.url],
    ) as running:
        yield running


class Pages:
    """What the pager has heard of ACME and BOLT, which breach at 99 and 103."""

    def __init__(
        self, fleet: AlerterFleet, server: AlertmanagerServer, pager: WebhookRecorder
    ) -> None:
        self._fleet = fleet
        self._server = server
        self._pager = pager
        self._hour = 1.0

    def trade(self, **prices: float) -> None:
        self._hour += 0.01
        self._fleet.market.go(self._hour, **prices)

    def begin(self) -> str:
        """Let ACME breach; return the start of its alert once the pager has it."""
        self.trade(ACME=99.0, BOLT=100.0)
        self.until("ACME", "firing")
        return self.start()

    def start(self) -> str:
        """Return the start of ACME's alert, as Alertmanager has it now."""
        [alert] = self._of("ACME")
        return str(alert["startsAt"])

    def end(self) -> float:
        """Return when ACME's alert would end by itself, in seconds since 1970."""
        [alert] = self._of("ACME")
        return datetime.fromisoformat(alert["endsAt"]).timestamp()

    def told_at(self, symbol: str) -> float:
        """Return when the pager first heard of a symbol, monotonic seconds."""
        return self._pager.pages(symbol=symbol)[0].at

    def until_audited(self, symbol: str) -> None:
        """Wait until Kafka has what the pager may have been told before."""
        eventually(lambda: symbol in self._fleet.audited(), seconds=WAIT_SECONDS)

    def until_extended(self, seconds: float = WAIT_SECONDS) -> None:
        """Wait until somebody has told Alertmanager again that ACME fires."""
        before = self.end()
        eventually(lambda: self.end() > before, seconds=seconds)

    def until(self, symbol: str, *statuses: str) -> None:
        """Wait until this, and no more, is what the pager heard of a symbol."""
        eventually(
            lambda: self._pager.statuses(symbol=symbol) == list(statuses), seconds=WAIT_SECONDS
        )

    def finish(self) -> None:
        """Let a new breach page and both resolve; nobody was paged twice."""
        self.trade(ACME=99.0, BOLT=103.0)
        self.until("BOLT", "firing")
        assert self._pager.statuses(symbol="ACME") == ["firing"]
        self.trade(ACME=100.0, BOLT=100.0)
        self.until("ACME", "firing", "resolved")
        self.until("BOLT", "firing", "resolved")
        [fired, resolved] = self._pager.pages(symbol="ACME")
        assert fired.starts_at == resolved.starts_at

    def _of(self, symbol: str) -> list[dict[str, str]]:
        return [one for one in self._server.alerts() if one["labels"]["symbol"] == symbol]


@pytest.fixture
def pages(fleet: AlerterFleet, server: AlertmanagerServer, pager: WebhookRecorder) -> Pages:
    return Pages(fleet, server, pager)


def test_after_a_crash_the_stand_by_goes_on_within_ten_seconds(
    fleet: AlerterFleet, pages: Pages
) -> None:
    one, two = fleet.pair()
    start = pages.begin()
    one.child.kill()
    died, would_end = CLOCK.monotonic(), pages.end()
    pages.trade(BOLT=103.0)
    pages.until("BOLT", "firing")

    assert pages.told_at("BOLT") - died < RESUMED_SECONDS
    assert pages.end() > would_end
    eventually(two.is_active)
    assert pages.start() == start
    pages.trade(BOLT=100.0)
    pages.until("BOLT", "firing", "resolved")
    pages.trade(ACME=100.0)
    pages.until("ACME", "firing", "resolved")


def test_after_a_clean_exit_the_stand_by_goes_on_at_once(fleet: AlerterFleet, pages: Pages) -> None:
    one, two = fleet.pair()
    start = pages.begin()
    told = CLOCK.monotonic()
    os.kill(one.child.pid, signal.SIGTERM)
    eventually(two.is_active, seconds=WAIT_SECONDS)

    # It renews its lease with every evaluation: who waited for its end would wait longer.
    assert CLOCK.monotonic() - told < LEASE_SECONDS - 1.0
    eventually(lambda: one.child.returncode == 0)
    pages.until_extended()
    assert pages.start() == start
    pages.finish()


def test_who_was_frozen_is_refused_when_it_wakes_up(fleet: AlerterFleet, pages: Pages) -> None:
    one, two = fleet.pair()
    pages.begin()
    one.child.pause()
    pages.trade(ACME=100.0)
    pages.until("ACME", "firing", "resolved")
    eventually(two.is_active)

    one.child.resume()
    eventually(one.stands_by, seconds=WAIT_SECONDS)
    assert one.metric("alerter_fenced_total") == 1.0
    assert one.metric("adv_ratio", symbol="ACME") is None
    assert one.metric("alerts_active", severity="watch") is None
    eventually(lambda: two.metric("adv_ratio", symbol="ACME") is not None)

    pages.trade(BOLT=103.0)
    pages.until("BOLT", "firing")
    pages.until("ACME", "firing", "resolved")
    two.child.kill()
    eventually(one.is_active, seconds=WAIT_SECONDS)
    pages.trade(BOLT=100.0)
    pages.until("BOLT", "firing", "resolved")


def test_of_two_that_start_at_once_one_is_active(fleet: AlerterFleet, pages: Pages) -> None:
    both = fleet.alerter("one"), fleet.alerter("two")
    for process in both:
        eventually(lambda process=process: process.metric("alerter_active") is not None, seconds=60)  # type: ignore[misc]
    eventually(lambda: sum(process.is_active() for process in both) == 1, seconds=WAIT_SECONDS)
    pages.begin()
    pages.until_extended()
    pages.until_extended()

    assert [process.metric("alerter_terms_total") for process in both] in ([1.0, 0.0], [0.0, 1.0])
    assert sorted(process.metric("alerter_active") or 0.0 for process in both) == [0.0, 1.0]
    pages.finish()


def test_when_redis_loses_everything_the_active_one_goes_on(
    fleet: AlerterFleet, pages: Pages
) -> None:
    one, two = fleet.pair()
    start = pages.begin()
    holder = fleet.holder()
    fleet.market.wipe()
    fleet.market.publish()
    eventually(lambda: fleet.holder() == holder, seconds=WAIT_SECONDS)
    pages.until_extended()
    pages.until_extended()

    assert one.is_active()
    assert two.metric("alerter_terms_total") == 0.0
    assert pages.start() == start
    assert [one["key"][-1] for one in fleet.market.ledger()["episodes"]] == ["ACME"]
    pages.finish()


def test_when_the_active_one_and_redis_are_lost_kafka_tells_what_fires(
    fleet: AlerterFleet, pages: Pages
) -> None:
    one, two = fleet.pair()
    start = pages.begin()
    pages.until_audited("ACME")
    one.child.kill()
    fleet.market.wipe()
    fleet.market.publish()
    eventually(two.is_active, seconds=WAIT_SECONDS)
    pages.until_extended()

    assert pages.start() == start
    pages.finish()


def test_after_a_restart_of_redis_one_goes_on(
    fleet: AlerterFleet, pages: Pages, own_redis: EmbeddedRedis
) -> None:
    one, two = fleet.pair()
    start = pages.begin()
    own_redis.kill()
    eventually(lambda: one.metric("blind") == two.metric("blind") == 1.0, seconds=WAIT_SECONDS)
    pages.until_extended()
    pages.until_extended()
    assert (one.is_active(), two.is_active()) == (True, False)

    own_redis.start()
    eventually(lambda: one.metric("blind") == two.metric("blind") == 0.0, seconds=WAIT_SECONDS)
    pages.until_extended()
    assert (one.is_active(), two.is_active()) == (True, False)
    assert pages.start() == start
    pages.finish()
