"""The alerter's host clock, stepped by an hour either way under prices that are being fed."""

from collections.abc import AsyncIterator

import pytest

from tests.support.alerter_scene import Scene
from tests.support.alerter_world import market_in

HOUR_NS = 3600 * 10**9
BEAT_SECONDS = 5.0
"""How old a heartbeat may be."""


@pytest.fixture
async def scene(redis_url: str) -> AsyncIterator[Scene]:
    """ACME has crossed a threshold, its source beats, and the alert fires."""
    with market_in(redis_url) as market:
        running = Scene(redis_url, market)
        await running.start()
        beat(running)
        await running.tick()
        assert len(running.transport.sent()[-1]) == 1
        assert not stale(running)
        yield running
        await running.close()


def beat(scene: Scene, *, by_ns: int | None = None) -> None:
    """Have the source say that all was sent, by Kafka's clock."""
    scene.market.trade(1.0, beat_ns=by_ns or scene.clock.now_ns(), ACME=99.0, BOLT=100.0)


def stale(scene: Scene) -> bool:
    """Say whether the page shows ACME as stale, and no gauge shows its price."""
    row = scene.market.view()["rows"][0]
    assert row["symbol"] == "ACME"
    is_hidden = scene.gauge("price", symbol="ACME") is None
    assert row["stale"] == is_hidden
    return is_hidden


def resolved(scene: Scene) -> bool:
    """Say whether the alert was ever told to be over."""
    return any("resolved" in change for _, _, change in scene.audit.changes())


async def test_an_hour_forward_is_told_as_stale_and_resolves_nothing(scene: Scene) -> None:
    kafka_ns = scene.clock.now_ns()
    scene.clock.set_host(kafka_ns + HOUR_NS)
    beat(scene, by_ns=kafka_ns)

    await scene.run(10)

    assert stale(scene)
    assert not resolved(scene)

    # The clock is put right again.
    scene.clock.set_host(kafka_ns + 10 * 10**9)
    beat(scene)
    await scene.tick()

    assert not stale(scene)
    assert not resolved(scene)


async def test_an_hour_back_never_shows_a_silent_feed_as_fresh(scene: Scene) -> None:
    scene.clock.set_host(scene.clock.now_ns() - HOUR_NS)

    # No heartbeat comes any more.
    await scene.run(BEAT_SECONDS + 1)

    assert stale(scene)
    assert not resolved(scene)
