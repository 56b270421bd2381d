"""Two alerters on a real Redis, tick by tick: one speaks, and nothing is lost in between."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from services.alert_ledger import Ledger, LedgerError, encode
from services.alerter_lease import LEASE_SECONDS
from services.embedded_redis import EmbeddedRedis
from tests.support.alerter_pair import Pair
from tests.support.alerter_world import market_in


@pytest.fixture
async def pair(own_redis: EmbeddedRedis) -> AsyncIterator[Pair]:
    with market_in(own_redis.url) as market:
        running = Pair(own_redis.url, market)
        market.trade(1.0, ACME=99.0)
        await running.tick(running.one)
        yield running
        await running.close()


async def test_one_is_active_and_the_other_says_nothing(pair: Pair) -> None:
    for _ in range(20):
        await pair.tick(seconds=1.0)

    assert (pair.one.is_active(), pair.two.is_active()) == (True, False)
    assert len(pair.one.transport.posts) > 3
    assert pair.two.transport.posts == []
    assert pair.audit.changes() == [("ACME", "watch", "firing")]


async def test_a_stand_by_exports_nothing_that_only_the_active_one_knows(pair: Pair) -> None:
    await pair.tick()

    for name, labels in (
        ("adv_ratio", {"symbol": "ACME"}),
        ("alerts_active", {"severity": "watch"}),
        ("last_push_timestamp_seconds", {"peer": "http://one"}),
    ):
        assert pair.one.gauge(name, **labels) is not None
        assert pair.two.gauge(name, **labels) is None
    assert pair.two.gauge("partitions_unknown") != pair.two.gauge("partitions_unknown")
    assert pair.two.gauge("alert_pushes_total", peer="http://one", outcome="ok") == 0.0


async def test_the_other_goes_on_with_the_same_start(pair: Pair) -> None:
    [fired] = pair.one.sent()
    pair.market.end_lease()
    pair.market.trade(2.0, ACME=99.0, BOLT=103.0)
    await pair.tick(pair.two, seconds=6.0)

    alerts = {alert["labels"]["symbol"]: alert for alert in pair.two.sent()}
    assert pair.two.is_active()
    assert sorted(alerts) == ["ACME", "BOLT"]
    assert alerts["ACME"]["startsAt"] == fired["startsAt"]
    assert alerts["ACME"]["endsAt"] > fired["endsAt"]


async def test_who_wakes_up_after_a_takeover_says_nothing_and_stands_by(pair: Pair) -> None:
    pair.market.end_lease()
    pair.market.trade(2.0, ACME=100.0)
    await pair.tick(pair.two, seconds=600.0)
    said = len(pair.one.transport.posts)
    written = pair.market.ledger()
    pair.market.trade(2.1, ACME=98.0, BOLT=103.0)
    await pair.tick(pair.one)

    assert len(pair.one.transport.posts) == said
    assert pair.market.ledger() == written
    assert not pair.one.is_active()
    assert pair.one.gauge("alerter_fenced_total") == 1.0
    assert pair.one.gauge("adv_ratio", symbol="ACME") is None
    [resolved] = pair.two.sent()
    assert "came back below" in resolved["annotations"]["description"]


async def test_an_answer_of_kafka_after_a_long_sleep_sends_nothing(pair: Pair) -> None:
    alerter = pair.one.alerter
    assert alerter is not None
    said = len(pair.one.transport.posts)
    pair.clock.advance(LEASE_SECONDS + 0.1)
    alerter._on_released()
    await alerter.settle()
    assert len(pair.one.transport.posts) == said

    await pair.tick(pair.one)
    assert len(pair.one.transport.posts) == said + 1


async def test_six_minutes_without_redis_resolve_nothing_and_one_goes_on(
    pair: Pair, own_redis: EmbeddedRedis
) -> None:
    [fired] = pair.one.sent()
    await pair.tick(pair.two)
    own_redis.kill()
    for _ in range(360):
        await pair.tick(seconds=1.0)
    [alert] = pair.one.sent()
    assert alert["startsAt"] == fired["startsAt"]
    assert "Redis is unreachable since" in alert["annotations"]["description"]
    assert pair.one.gauge("blind") == 1.0
    assert pair.two.is_blind
    assert pair.two.transport.posts == []

    own_redis.start()
    # The stand-by is the first to see Redis again, and its lease is long over.
    pair.market.end_lease()
    await pair.tick(pair.two)
    for _ in range(60):
        await pair.tick()
    pair.market.trade(2.0, ACME=99.0)
    await pair.tick(seconds=5.0)

    [alert] = pair.one.sent()
    assert (pair.one.is_active(), pair.two.is_active()) == (True, False)
    assert alert["startsAt"] == fired["startsAt"]
    assert not alert["annotations"]["summary"].startswith("State unknown")
    assert "resolved" not in {change for _symbol, _severity, change in pair.audit.changes()}


async def test_if_the_active_one_died_meanwhile_the_other_goes_on_a_lease_later(
    pair: Pair, own_redis: EmbeddedRedis
) -> None:
    [fired] = pair.one.sent()
    await pair.tick(pair.two)
    own_redis.kill()
    await pair.tick(pair.two, seconds=60.0)
    own_redis.start()
    pair.market.end_lease()
    await pair.tick(pair.two)
    await pair.tick(pair.two, seconds=LEASE_SECONDS - 0.1)
    assert not pair.two.is_active()

    await pair.tick(pair.two)
    assert pair.two.is_active()
    assert [alert["startsAt"] for alert in pair.two.sent()] == [fired["startsAt"]]


async def test_a_holder_that_lives_goes_on_when_redis_lost_everything(pair: Pair) -> None:
    [fired] = pair.one.sent()
    await pair.tick(pair.two)
    pair.market.wipe()
    await pair.tick(pair.two)
    await pair.tick()
    pair.market.trade(2.0, ACME=99.0)
    await pair.tick(seconds=5.0)

    assert (pair.one.is_active(), pair.two.is_active()) == (True, False)
    [alert] = pair.one.sent()
    assert alert["startsAt"] == fired["startsAt"]
    assert [one["key"][-1] for one in pair.market.ledger()["episodes"]] == ["ACME"]


async def test_when_all_was_lost_and_nobody_lives_the_topic_tells_what_fires(pair: Pair) -> None:
    [fired] = pair.one.sent()
    await pair.tick(pair.two)
    pair.market.wipe()
    await pair.tick(pair.two)
    pair.market.trade(2.0, ACME=99.0)
    await pair.tick(pair.two, seconds=LEASE_SECONDS)

    [alert] = pair.two.sent()
    assert alert["startsAt"] == fired["startsAt"]
    assert alert["labels"] == fired["labels"]
    assert pair.audit.changes() == [("ACME", "watch", "firing")]

    pair.market.trade(3.0, ACME=100.0)
    await pair.tick(pair.two)
    assert pair.audit.changes()[-1] == ("ACME", "watch", "resolved")
    assert pair.audit.records[-1].sequence == 2


async def test_a_ledger_that_is_there_counts_whatever_the_topic_says(pair: Pair) -> None:
    pair.market.store_ledger(encode(Ledger(sequence=7)))
    pair.market.end_lease()
    pair.market.trade(2.0, ACME=100.0)
    await pair.tick(pair.two)

    assert pair.audit.changes() == [("ACME", "watch", "firing")]
    assert pair.two.sent() == []
    assert pair.market.ledger()["sequence"] == 7


async def test_another_that_began_on_the_wiped_redis_keeps_the_lease(pair: Pair) -> None:
    [fired] = pair.one.sent()
    pair.market.wipe()
    pair.market.trade(2.0, ACME=99.0)
    # It has just started, so it knows of no other.
    await pair.tick(pair.two)
    await pair.tick(pair.one)

    assert (pair.one.is_active(), pair.two.is_active()) == (False, True)
    assert [alert["startsAt"] for alert in pair.two.sent()] == [fired["startsAt"]]


async def test_without_the_topic_numbers_go_on_beyond_all_there_were(pair: Pair) -> None:
    pair.market.wipe()
    pair.audit.is_up = False
    pair.market.trade(2.0, ACME=99.0)
    await pair.tick(pair.two)

    assert pair.two.post.store.lease.counter < pair.market.ledger()["sequence"]


async def test_the_lease_is_kept_while_evaluations_fail(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    alerter = pair.one.alerter
    assert alerter is not None

    def stumble(*_args: object, **_named: object) -> None:
        message = "a bug"
        raise ZeroDivisionError(message)

    monkeypatch.setattr(alerter._evaluator, "evaluate", stumble)
    for _ in range(3):
        pair.market.end_lease()
        await pair.tick(pair.one, seconds=1.0)
        await pair.tick(pair.two, seconds=0.0)

    assert pair.one.gauge("blind") == 1.0
    assert not pair.two.is_active()


async def test_a_ledger_nobody_could_take_over_with_ends_a_stand_by_at_its_start(
    pair: Pair,
) -> None:
    pair.market.store_ledger(b'{"version": 99}')

    with pytest.raises(LedgerError, match="version 99"):
        await pair.two.post.turns().run(asyncio.Event())
