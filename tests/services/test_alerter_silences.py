"""Resolves under silences, from the alerter's ledger to the pager of a real Alertmanager."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import aiohttp
import pytest

from services.alertmanager_http import Answer, HttpTransport
from services.clock import SystemClock
from services.silences import Matcher, Silences, exact_matchers
from tests.support.alerter_scene import Scene, only
from tests.support.alerter_thread import AlerterThread
from tests.support.alerter_world import market_in
from tests.support.alertmanager_server import AlertmanagerServer
from tests.support.alertmanager_twins import gossiping_twins
from tests.support.recording_transport import Alert
from tests.support.silence_samples import silence, silences_answer
from tests.support.waiting import eventually
from tests.support.webhook_recorder import WebhookRecorder

EVERYTHING = Matcher("family", "forced-flow")
DAY_SECONDS = 24 * 3600.0
MINUTE_NS = 60 * 10**9
T = TypeVar("T")


async def fired_and_ended_under_a_silence(scene: Scene) -> Alert:
    """Let an alert fire and end; return it as it fired."""
    scene.transport.reply = lambda *_: silences_answer(silence(EVERYTHING))
    await scene.start()
    scene.market.trade(1.0, ACME=99.0)
    fired = only(await scene.tick())
    scene.market.trade(2.0, ACME=100.0)
    await scene.tick()
    return fired


async def test_a_held_resolve_outlives_days_and_its_alerter(scene: Scene) -> None:
    fired = await fired_and_ended_under_a_silence(scene)
    for _ in range(3):
        alert = only(await scene.tick(DAY_SECONDS))
        assert alert["startsAt"] == fired["startsAt"]
        assert alert["endsAt"] > fired["endsAt"]
    assert scene.market.view()["alerts"][0]["send_status"] == "held"
    assert scene.gauge("resolves_held", peer="http://one") == 1.0

    await scene.start()
    await scene.tick()
    assert only(await scene.tick(5.0))["endsAt"] > fired["endsAt"]
    assert scene.market.ledger()["episodes"][0]["sent_ns"] is None

    scene.transport.reply = lambda *_: Answer(200, "[]")
    assert only(await scene.tick(5.0))["endsAt"] == "2026-09-21T14:13:20.200Z"
    await scene.tick()
    assert scene.market.ledger()["episodes"][0]["sent_ns"] is not None
    assert scene.gauge("resolves_held", peer="http://one") == 0.0


@pytest.mark.parametrize(
    "reply", [silences_answer(silence(EVERYTHING)), Answer(500, "oops")], ids=["under", "unread"]
)
@pytest.mark.parametrize("has_kafka", [True, False])
async def test_what_was_told_to_be_over_does_not_fire_again_under_a_new_alerter(
    scene: Scene, reply: Answer, *, has_kafka: bool
) -> None:
    await scene.start()
    scene.market.trade(1.0, ACME=99.0)
    await scene.tick()
    scene.audit.is_up = has_kafka
    scene.market.trade(2.0, ACME=100.0)
    await scene.run(8.0)
    ended = only(await scene.tick(5.0))["endsAt"]
    assert scene.market.ledger()["episodes"][0]["sent_ns"] is not None

    scene.transport.reply = lambda *_: reply
    before = len(scene.transport.posts)
    await scene.start()
    await scene.run(20.0)
    told = scene.transport.sent()[before:]
    assert {alert["endsAt"] for batch in told for alert in batch} == {ended}
    assert scene.gauge("resolves_held", peer="http://one") == 0.0


async def test_what_a_rebuilt_ledger_does_not_know_to_be_told_is_asked_about(scene: Scene) -> None:
    fired = await fired_and_ended_under_a_silence(scene)

    scene.market.wipe()
    await scene.start()
    await scene.tick()
    assert only(await scene.tick(5.0))["endsAt"] > fired["endsAt"]


@pytest.fixture
def server(tmp_path: Path, pager: WebhookRecorder) -> Iterator[AlertmanagerServer]:
    with AlertmanagerServer(tmp_path / "one", pager.url) as running:
        yield running


def ask(url: str, question: Callable[[Silences], Awaitable[T]]) -> T:
    """Ask an Alertmanager about its silences, as an operator would beside the alerter."""

    async def answer() -> T:
        async with aiohttp.ClientSession() as session:
            return await question(Silences(url, HttpTransport(session)))

    return asyncio.run(answer())


def create(url: str, *matchers: Matcher) -> str:
    now_ns = SystemClock().now_ns()
    return ask(
        url,
        lambda silences: silences.create(
            matchers,
            starts_ns=now_ns,
            ends_ns=now_ns + 10 * MINUTE_NS,
            created_by="desk",
            comment="seen",
        ),
    )


def states(url: str) -> list[bool]:
    """Return of each silence whether it is active."""
    return [each.is_active for each in ask(url, lambda silences: silences.list())]


def is_suppressed(server: AlertmanagerServer) -> bool:
    return [found["status"]["state"] for found in server.alerts()] == ["suppressed"]


@pytest.mark.debian("prometheus-alertmanager")
def test_an_acknowledged_alert_is_resolved_at_the_pager_as_soon_as_it_is_over(
    redis_url: str, server: AlertmanagerServer, pager: WebhookRecorder
) -> None:
    with market_in(redis_url) as market:
        market.trade(1.0, ACME=99.0)
        with AlerterThread(redis_url, [server.url]):
            eventually(lambda: pager.statuses() == ["firing"])
            made = create(server.url, *exact_matchers(pager.notices[0].labels))
            eventually(lambda: is_suppressed(server))

            market.trade(2.0, ACME=100.0)
            eventually(lambda: pager.statuses() == ["firing", "resolved"], seconds=5.0)

    [after] = [one for one in ask(server.url, lambda silences: silences.list()) if one.id == made]
    assert not after.is_active


@pytest.mark.debian("prometheus-alertmanager")
def test_under_maintenance_the_resolve_reaches_the_pager_when_it_ends(
    redis_url: str, server: AlertmanagerServer, pager: WebhookRecorder
) -> None:
    with market_in(redis_url) as market:
        market.trade(1.0, ACME=99.0)
        with AlerterThread(redis_url, [server.url]):
            eventually(lambda: pager.statuses() == ["firing"])
            made = create(server.url, EVERYTHING)
            eventually(lambda: is_suppressed(server))

            market.trade(2.0, ACME=100.0)
            eventually(lambda: market.view()["alerts"][0]["send_status"] == "held")
            assert is_suppressed(server)
            assert pager.statuses() == ["firing"]

            ask(server.url, lambda silences: silences.expire(made))
            eventually(lambda: pager.statuses() == ["firing", "resolved"])


@pytest.mark.debian("prometheus-alertmanager")
def test_of_two_that_gossip_both_let_go_of_an_acknowledgement_that_one_was_told(
    redis_url: str, tmp_path: Path, pager: WebhookRecorder
) -> None:
    with market_in(redis_url) as market, gossiping_twins(tmp_path, pager.url) as twins:
        one, two = twins
        market.trade(1.0, ACME=99.0)
        with AlerterThread(redis_url, [one.url, two.url]):
            # Of two a page may come twice.
            eventually(lambda: "firing" in pager.statuses())
            create(one.url, *exact_matchers(pager.notices[0].labels))
            eventually(lambda: is_suppressed(one) and is_suppressed(two))

            market.trade(2.0, ACME=100.0)
            eventually(lambda: pager.statuses()[-1] == "resolved")
            # The resolve may come from one while the other is still being asked to let go.
            eventually(lambda: all(states(server.url) == [False] for server in twins))
