"""The daily drill: when it is wanted, and that it goes the way of a page without being one."""

from dataclasses import replace
from pathlib import Path

import pytest

from core.sessions import SessionTable
from core.universe import Universe
from services.drill import DRILL_KEY, DRILL_NS, drill_at
from services.universe_files import load_universe
from streams.event_times import parse_time
from tests.support.alerter_scene import Scene, only
from tests.support.alerter_world import UNIVERSE
from tests.support.core_universe import DAY_NS, FIRST, HOUR_NS, Ref, at, core_universe

HALF_HOUR_NS = HOUR_NS // 2
SECOND_NS = 10**9
EXAMPLE = Path(__file__).resolve().parents[1] / "data" / "example"


def drills(universe: Universe, lead_ns: int = HALF_HOUR_NS) -> list[int]:
    """Return when drills begin on the first four days, found minute by minute."""
    begins, before = [], False
    for minute in range(-24 * 60, 4 * 24 * 60):
        now_ns = FIRST * DAY_NS + minute * 60 * SECOND_NS
        wanted = bool(drill_at(now_ns, lead_ns, universe))
        if wanted and not before:
            begins.append(minute)
        before = wanted
    return begins


def test_it_is_wanted_half_an_hour_before_each_days_first_open() -> None:
    days = [24 * 60 * day for day in range(4)]
    assert drills(core_universe([Ref("ACME")])) == [day + 9 * 60 + 30 for day in days]

    # NIGHT opens at 20:00 the evening before and comes first.
    both = core_universe([Ref("ACME"), Ref("NOX", schedule="NIGHT")])
    assert drills(both) == [day - 4 * 60 - 30 for day in days] + [24 * 60 * 4 - 4 * 60 - 30]


def test_a_market_that_never_closes_counts_only_where_there_is_no_other() -> None:
    mixed = core_universe([Ref("ACME"), Ref("COIN", schedule="ROUND")])
    assert drills(mixed) == drills(core_universe([Ref("ACME")]))

    alone = drills(core_universe([Ref("COIN", schedule="ROUND")]))
    assert alone == [24 * 60 * day - 12 * 60 - 30 for day in range(5)]


def test_it_can_be_left_out() -> None:
    assert drills(core_universe([Ref("ACME")]), lead_ns=0) == []


def test_it_lasts_two_minutes_to_the_nanosecond() -> None:
    universe = core_universe([Ref("ACME")])
    begin_ns = at(0, 0.0) - HALF_HOUR_NS

    assert not drill_at(begin_ns - 1, HALF_HOUR_NS, universe)
    assert drill_at(begin_ns, HALF_HOUR_NS, universe)
    assert drill_at(begin_ns + DRILL_NS - 1, HALF_HOUR_NS, universe)
    assert not drill_at(begin_ns + DRILL_NS, HALF_HOUR_NS, universe)


@pytest.mark.parametrize(
    ("host_time", "is_wanted"),
    [
        ("2026-11-25T09:01:00-05:00", True),
        ("2026-11-26T09:01:00-05:00", False),
        ("2026-11-27T09:01:00-05:00", True),
        ("2026-11-28T09:01:00-05:00", False),
        ("2026-07-06T09:01:00-04:00", True),
    ],
    ids=["wednesday", "thanksgiving", "half day", "saturday", "summer time"],
)
def test_real_holidays_have_none(host_time: str, *, is_wanted: bool) -> None:
    universe = load_universe(EXAMPLE / "universe")
    venues = tuple(table for table in universe.schedules if "York" in table.zone)
    universe = replace(universe, schedules=venues)

    assert bool(drill_at(parse_time(host_time), HALF_HOUR_NS, universe)) is is_wanted


def test_no_sessions_are_no_drill() -> None:
    table = UNIVERSE.schedules[0]
    empty = SessionTable("none", table.zone, *([table.label[:0]] * 4))

    assert not drill_at(0, HALF_HOUR_NS, replace(UNIVERSE, schedules=(empty,)))


async def test_it_is_audited_sent_and_resolved_by_itself_and_says_what_it_is(
    scene: Scene,
) -> None:
    begin_ns = at(0, 0.0) - HALF_HOUR_NS
    scene.clock.set_host(begin_ns - SECOND_NS)
    await scene.start(orders={"drill_lead_ns": HALF_HOUR_NS})
    assert await scene.tick(0.1) == []

    fired = only(await scene.tick(1.0))
    assert fired["labels"] == DRILL_KEY._asdict()
    assert fired["startsAt"] == "2024-10-04T09:30:00.100Z"
    assert fired["annotations"]["summary"].startswith("DRILL, nothing to trade")
    assert "2024-10-04T10:00:00+00:00" in fired["annotations"]["description"]
    assert [str(one.change) for one in scene.audit.records] == ["firing"]
    assert scene.gauge("alerts_active", severity="critical") == 0.0
    assert scene.market.view()["alerts"][0]["severity"] == "drill"

    ended = only((await scene.run(121.0))[-1])
    assert ended["labels"] == fired["labels"]
    assert ended["endsAt"].startswith("2024-10-04T09:32:0")
    assert ended["annotations"]["summary"] == fired["annotations"]["summary"]
    assert [str(one.change) for one in scene.audit.records] == ["firing", "resolved"]


async def test_a_new_alerter_goes_on_with_the_drill_under_way(scene: Scene) -> None:
    scene.clock.set_host(at(0, 0.0) - HALF_HOUR_NS)
    await scene.start(orders={"drill_lead_ns": HALF_HOUR_NS})
    fired = only(await scene.tick())
    await scene.tick()

    await scene.start(orders={"drill_lead_ns": HALF_HOUR_NS})
    assert only(await scene.tick(30.0))["startsAt"] == fired["startsAt"]
    assert len(scene.audit.records) == 1


async def test_a_drill_and_a_page_do_not_touch_each_other(scene: Scene) -> None:
    scene.clock.set_host(at(0, 0.0) - HALF_HOUR_NS)
    await scene.start(orders={"drill_lead_ns": HALF_HOUR_NS})
    scene.market.trade(1.0, ACME=99.0)
    names = {alert["labels"]["alertname"] for alert in await scene.tick()}
    assert names == {"ForcedFlowDrill", "ForcedFlowWatch"}
    assert scene.gauge("alerts_active", severity="watch") == 1.0

    await scene.run(130.0)
    firing = [one["alertname"] for one in scene.market.view()["alerts"] if one["state"] == "firing"]
    assert firing == ["ForcedFlowWatch"]
