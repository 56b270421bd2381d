"""What the alerter shows of sessions and completeness: service-health rules are gated by it."""

import pytest

from tests.support.alerter_scene import Scene
from tests.support.alerter_world import UNIVERSE

[CALENDAR] = {schedule.name for schedule in UNIVERSE.schedules}


def shown(scene: Scene, name: str) -> float | None:
    registry = scene.post.metrics.registry
    return registry.get_sample_value(f"forcedflow_{name}", {"calendar": CALENDAR})


async def test_the_active_alerter_shows_what_is_open_and_how_complete_it_is(scene: Scene) -> None:
    await scene.start()
    # BOLT has no price.
    scene.market.trade(1.0, ACME=99.0)
    await scene.tick()

    assert shown(scene, "market_session_open") == 1
    assert shown(scene, "references_in_session") == 2
    assert shown(scene, "references_unknown") == 1
    # Without a market time it has no exposure either: only the count misses it.
    assert shown(scene, "exposure_coverage") == pytest.approx(1.0)


async def test_while_blind_it_says_so_on_and_a_stand_by_says_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scene.start()
    scene.market.trade(1.0, ACME=99.0, BOLT=100.0)
    await scene.tick()

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("cannot evaluate")

    monkeypatch.setattr(scene.post.store, "read_partials", fails)
    await scene.run(20.0)
    assert scene.alerter.blind
    assert shown(scene, "market_session_open") == 1
    scene.post.metrics.stand_by()
    assert shown(scene, "market_session_open") is None
