"""From one version of the universe to the next: the workers move one by one, nobody is blind."""

from dataclasses import replace

import pytest

from core.universe import Universe
from services.universe_switch import PATIENCE_SECONDS, UniverseSwitch
from tests.support.alert_samples import HOST_NS
from tests.support.alerter_scene import Scene
from tests.support.alerter_world import UNIVERSE, Market, market_in
from tests.support.core_universe import FIRST, Fund, Ref, core_universe
from tests.support.manual_clock import ManualClock

NEXT = replace(
    core_universe(
        [Ref("CORE"), Ref("BOLT"), Ref("ACME")],
        [
            Fund("ACMU", "ACME", [(FIRST, 1e9, 2.0)]),
            Fund("BOLD", "BOLT", [(FIRST, 1e9, -1.0)]),
            Fund("CORU", "CORE", [(FIRST, 1e9, 2.0)]),
        ],
    ),
    version="next",
)
"""Another order, and one reference more; ACME and BOLT owe the same."""
WITHOUT_ACME = replace(
    core_universe([Ref("BOLT")], [Fund("BOLD", "BOLT", [(FIRST, 1e9, -1.0)])]), version="without"
)


@pytest.fixture
async def scene(scene: Scene) -> Scene:
    await scene.start()
    scene.market.trade(1.0, ACME=99.0, BOLT=100.0)
    await scene.tick()
    return scene


@pytest.fixture
def moved(redis_url: str) -> Market:
    """The same market as workers of the next version see it; they have published nothing."""
    return Market(redis_url, NEXT)


def shown(scene: Scene) -> tuple[str, list[str]]:
    view = scene.market.view()
    return view["universe"], [row["symbol"] for row in view["rows"]]


async def test_while_workers_move_everything_is_known_under_the_old_version(
    scene: Scene, moved: Market
) -> None:
    scene.alerter.switch(NEXT)
    moved.trade(1.1, only="ACME", ACME=98.0, BOLT=100.0, CORE=100.0)
    [alert] = await scene.tick(6.0)

    assert shown(scene) == ("test", ["ACME", "BOLT"])
    assert scene.market.view()["unknown_partitions"] == []
    assert scene.market.view()["rows"][0]["price"] == 98.0
    assert not alert["annotations"]["summary"].startswith("State unknown")
    moved.close()


async def test_once_the_last_has_moved_the_next_version_counts(scene: Scene, moved: Market) -> None:
    [fired] = scene.transport.sent()[-1]
    scene.alerter.switch(NEXT)
    moved.trade(1.1, ACME=99.0, BOLT=100.0, CORE=97.0)
    await scene.tick()
    alerts = {alert["labels"]["symbol"]: alert for alert in await scene.tick()}

    assert shown(scene) == ("next", ["CORE", "BOLT", "ACME"])
    assert alerts["ACME"]["startsAt"] == fired["startsAt"]
    assert "CORE" in alerts
    assert "unknown" not in {change for _symbol, _severity, change in scene.audit.changes()}
    assert scene.gauge("adv_ratio", symbol="CORE") is not None
    moved.close()


async def test_who_has_not_moved_after_ten_seconds_is_unknown(scene: Scene, moved: Market) -> None:
    scene.alerter.switch(NEXT)
    moved.trade(1.1, only="BOLT", ACME=99.0, BOLT=100.0, CORE=100.0)
    await scene.tick(PATIENCE_SECONDS - 0.1)
    assert shown(scene)[0] == "test"

    await scene.tick()
    await scene.tick()
    assert shown(scene)[0] == "next"
    assert len(scene.market.view()["unknown_partitions"]) == 11
    assert scene.audit.changes()[-1] == ("ACME", "watch", "unknown")
    assert scene.alerter.ledger.firing()

    moved.publish()
    await scene.tick(6.0)
    assert scene.audit.changes()[-1] == ("ACME", "watch", "known")
    moved.close()


async def test_an_alert_whose_symbol_is_gone_is_withdrawn_with_its_reason(
    scene: Scene, redis_url: str
) -> None:
    scene.alerter.switch(WITHOUT_ACME)
    with market_in(redis_url, WITHOUT_ACME) as market:
        market.trade(1.1, BOLT=100.0)
        await scene.tick()
        [alert] = await scene.tick()

    assert "no longer have it" in alert["annotations"]["description"]
    assert str(scene.audit.records[-1].reason) == "withdrawn"
    assert scene.gauge("adv_ratio", symbol="ACME") is None


async def test_the_minute_in_progress_is_written_once(scene: Scene, moved: Market) -> None:
    scene.alerter.switch(NEXT)
    moved.trade(1.0 + 1 / 3_600, ACME=99.0, BOLT=100.0, CORE=100.0)
    await scene.tick()
    await scene.tick()
    moved.trade(1.1, ACME=99.0, BOLT=100.0, CORE=100.0)
    await scene.tick()

    rows = [row for row in scene.post.projections.rows if row["symbol"] == "ACME"]
    assert [str(row["event_time"])[11:19] for row in rows] == ["11:00:00", "11:00:01"]
    moved.close()


def versions(switch: UniverseSwitch) -> tuple[str, str | None]:
    coming = switch.coming
    return switch.current.version, None if coming is None else coming.version


def test_a_version_it_has_is_no_news() -> None:
    switch = UniverseSwitch(UNIVERSE, ManualClock(HOST_NS))
    switch.announce(replace(UNIVERSE))
    assert versions(switch) == ("test", None)

    switch.announce(NEXT)
    switch.announce(replace(NEXT))
    assert versions(switch) == ("test", "next")


def test_it_waits_while_there_is_nothing_fresh_of_either() -> None:
    clock = ManualClock(HOST_NS)
    switch = UniverseSwitch(UNIVERSE, clock)
    switch.announce(NEXT)
    switch.settle(())
    assert versions(switch) == ("test", "next")

    clock.advance(PATIENCE_SECONDS)
    switch.settle(())
    assert versions(switch) == ("next", None)


@pytest.mark.parametrize(
    ("fresh", "current"), [(("test", "next"), "test"), (("next",), "next"), (("test",), "test")]
)
def test_it_moves_when_the_last_has_moved(fresh: tuple[str, ...], current: str) -> None:
    switch = UniverseSwitch(UNIVERSE, ManualClock(HOST_NS))
    switch.announce(NEXT)
    switch.settle(fresh)

    assert switch.current.version == current


def test_a_third_version_hurries_the_second() -> None:
    switch = UniverseSwitch(UNIVERSE, ManualClock(HOST_NS))
    switch.announce(NEXT)
    third: Universe = replace(NEXT, version="third")
    switch.announce(third)

    assert versions(switch) == ("next", "third")
