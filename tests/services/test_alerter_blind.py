"""Without Redis the alerter extends what fires, starts and resolves nothing, and says so."""

from collections.abc import AsyncIterator

import pytest

from services.embedded_redis import EmbeddedRedis
from tests.support.alerter_scene import Scene
from tests.support.alerter_world import Market, market_in


class BlindScene(Scene):
    """A scene whose Redis the test may take away."""

    def __init__(self, redis: EmbeddedRedis, market: Market) -> None:
        super().__init__(redis.url, market)
        self.redis = redis

    def is_blind(self) -> bool:
        return self.gauge("blind") == 1.0


@pytest.fixture
async def scene(own_redis: EmbeddedRedis) -> AsyncIterator[BlindScene]:
    with market_in(own_redis.url) as market:
        running = BlindScene(own_redis, market)
        yield running
        await running.close()


async def test_what_fires_is_extended_and_nothing_starts_or_resolves(scene: BlindScene) -> None:
    await scene.start()
    scene.market.trade(1.0, ACME=99.0)
    [fired] = await scene.tick()
    scene.redis.kill()

    for _ in range(400):
        [alert] = await scene.tick(1.0)
    assert scene.is_blind()
    assert alert["startsAt"] == fired["startsAt"]
    assert "2026-09-21T14:24:55" < alert["endsAt"] <= "2026-09-21T14:25:00.100Z"
    assert alert["labels"] == fired["labels"]
    assert alert["annotations"]["description"].startswith(
        "State unknown: Redis is unreachable since 2026-09-21T14:13:21.100Z."
    )
    assert scene.audit.changes() == [("ACME", "watch", "firing")]


async def test_it_goes_on_by_itself_when_redis_is_back(scene: BlindScene) -> None:
    await scene.start()
    scene.market.trade(1.0, ACME=99.0)
    [fired] = await scene.tick()
    scene.redis.kill()
    await scene.tick(6.0)

    scene.redis.start()
    scene.market.trade(2.0, ACME=99.0, BOLT=103.0)
    alerts = {alert["labels"]["symbol"]: alert for alert in await scene.tick(6.0)}
    assert not scene.is_blind()
    assert sorted(alerts) == ["ACME", "BOLT"]
    assert alerts["ACME"]["startsAt"] == fired["startsAt"]
    assert "unknown" not in alerts["ACME"]["annotations"]["summary"]

    scene.market.trade(3.0, ACME=100.0)
    await scene.tick()
    assert scene.audit.changes()[-1] == ("ACME", "watch", "resolved")


async def test_a_redis_that_comes_back_empty_gets_its_ledger_again(scene: BlindScene) -> None:
    await scene.start()
    scene.market.trade(1.0, ACME=99.0)
    await scene.tick()
    scene.redis.kill()
    (scene.redis.directory / "appendonly.aof").unlink()
    scene.redis.start()
    await scene.tick()
    [alert] = await scene.tick(6.0)

    assert alert["annotations"]["summary"].startswith("State unknown: SELL ACME")
    assert [one["key"][-1] for one in scene.market.ledger()["episodes"]] == ["ACME"]


async def test_a_redis_that_is_full_is_as_good_as_none(scene: BlindScene) -> None:
    await scene.start()
    scene.market.trade(1.0, ACME=99.0)
    await scene.tick()
    scene.market.trade(2.0, ACME=100.0)
    await scene.client.config_set("maxmemory", "1kb")
    [alert] = await scene.tick(6.0)
    assert "State unknown" in alert["annotations"]["summary"]

    await scene.client.config_set("maxmemory", "100mb")
    await scene.tick()
    assert scene.audit.changes()[-1] == ("ACME", "watch", "resolved")


async def test_a_redis_that_hangs_holds_up_a_tick_for_a_second(scene: BlindScene) -> None:
    await scene.start()
    scene.market.trade(1.0, ACME=99.0)
    await scene.tick()
    scene.redis.pause()
    try:
        [alert] = await scene.tick(6.0)
    finally:
        scene.redis.resume()

    assert "State unknown" in alert["annotations"]["summary"]
