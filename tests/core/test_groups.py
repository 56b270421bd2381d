"""Sums of groups, by hand: XKRX 00:00-06:30, XLON 08:00-16:30, XNYS and XNAS 14:30-21:00 UTC."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.columns import View
from core.groups import SubjectRows, sum_groups
from core.readings import read
from core.sessions import NO_SESSION, NO_TIME
from core.subjects import subjects
from core.universe import Universe
from tests.support.judged import level, rule_of
from tests.support.rule_world import flags, hour, schedule, universe_of, view_at

WATCH = level("watch", 1.0, 0.5)
PAIR = universe_of({"ACME": "XNAS", "BOLT": "XNYS"})
WORLD = universe_of({"HYNX": "XKRX", "ARMH": "XLON", "ACME": "XNAS"})


def market(view: View, universe: Universe, measure: str = "forced_flow_usd") -> SubjectRows:
    whom = subjects(rule_of(WATCH, scope="market", measure=measure), universe)
    return sum_groups(measure, view, universe, subjects=whom)


def hours(times_ns: np.ndarray[tuple[int], np.dtype[np.int64]]) -> float:
    return float(times_ns[0]) / 3_600e9


def test_only_members_whose_session_is_open_are_summed() -> None:
    flows = [1.0, 20.0, 300.0]

    sums = [
        market(view_at(WORLD, hour(at), forced_flow_usd=flows), WORLD).value[0]
        for at in (0, 6.5, 8, 15, 16.5, 20.99, 21)
    ]

    assert sums == [1.0, 0.0, 20.0, 320.0, 300.0, 300.0, 0.0]


def test_ratio_is_the_sum_of_flows_over_the_sum_of_liquidity() -> None:
    view = view_at(
        PAIR,
        hour(15),
        forced_flow_usd=[6.0, -2.0],
        adv_usd=[100.0, 300.0],
        auction_usd=[10.0, 10.0],
    )

    assert market(view, PAIR, "adv_ratio").value[0] == 4.0 / 400.0
    assert market(view, PAIR, "auction_ratio").value[0] == 4.0 / 20.0


def test_ratio_counts_a_member_without_flow_in_the_liquidity() -> None:
    view = view_at(PAIR, hour(15), forced_flow_usd=[6.0, 0.0], adv_usd=[100.0, 300.0])

    assert market(view, PAIR, "adv_ratio").value[0] == 6.0 / 400.0


def test_ratio_is_zero_while_nobody_is_open_and_unknown_without_liquidity() -> None:
    shut = view_at(PAIR, hour(22), forced_flow_usd=[6.0, 0.0])
    dry = view_at(PAIR, hour(15), forced_flow_usd=[6.0, 0.0], adv_usd=[0.0, 0.0])

    assert market(shut, PAIR, "adv_ratio").value[0] == 0.0
    assert not market(dry, PAIR, "adv_ratio").is_known[0]


@pytest.mark.parametrize(("unknown_usd", "is_known"), [(5.0, True), (5.01, False)])
@pytest.mark.parametrize("reason", ["row", "figure", "liquidity"])
def test_group_bears_unknown_members_up_to_a_twentieth_of_its_weight(
    reason: str, unknown_usd: float, *, is_known: bool
) -> None:
    view = view_at(
        PAIR,
        hour(15),
        weight_usd=[100.0 - unknown_usd, unknown_usd],
        forced_flow_usd=[6.0, math.nan if reason == "figure" else 2.0],
        adv_usd=[100.0, math.nan if reason == "liquidity" else 100.0],
    )
    if reason == "row":
        view = replace(view, is_unknown=flags(2, 1))

    rows = market(view, PAIR, "adv_ratio")

    assert rows.is_known[0] == is_known
    assert rows.value[0] == 6.0 / 100.0


def test_liquidity_is_not_missed_where_nothing_is_divided() -> None:
    view = view_at(PAIR, hour(15), forced_flow_usd=[6.0, 2.0], adv_usd=[100.0, math.nan])

    assert market(view, PAIR).is_known[0]
    assert market(view, PAIR).value[0] == 8.0


def test_group_is_unknown_while_a_partial_is_missing() -> None:
    view = view_at(WORLD, hour(3), weight_usd=[1, 1, math.nan], forced_flow_usd=[6, 2, math.nan])

    assert not market(view, WORLD).is_known[0]


def test_closed_members_do_not_vouch_for_the_only_open_one() -> None:
    view = view_at(WORLD, hour(3), weight_usd=[3, 7, 90], forced_flow_usd=[math.nan, 2, 3])

    assert not market(view, WORLD).is_known[0]


def test_share_is_also_taken_of_the_open_members_alone() -> None:
    world = universe_of({"HYNX": "XKRX", "SSNL": "XKRX", "ACME": "XNAS"})
    flows = [math.nan, 2.0, 3.0]

    few = view_at(world, hour(3), weight_usd=[1, 19, 900], forced_flow_usd=flows)
    many = view_at(world, hour(3), weight_usd=[2, 18, 900], forced_flow_usd=flows)

    assert market(few, world).is_known[0]
    assert not market(many, world).is_known[0]


def test_open_members_without_weight_are_not_all_left_out() -> None:
    view = view_at(PAIR, hour(15), weight_usd=[0, 0], forced_flow_usd=[math.nan, math.nan])
    one = view_at(PAIR, hour(15), weight_usd=[0, 0], forced_flow_usd=[math.nan, 4.0])

    assert not market(view, PAIR).is_known[0]
    assert market(one, PAIR).is_known[0]


@pytest.mark.parametrize(
    ("at", "label", "opens", "closes"),
    [
        (3, 1, 24, 45),  # Seoul is open: the day's last close is New York's, still to come
        (7, 1, 24, 45),  # between Seoul and London
        (15, 1, 24, 45),
        (22, 1, 24, 45),  # all closed
        (24.5, 2, 48, 69),
    ],
)
def test_session_of_a_group_runs_from_its_first_open_to_its_last_close(
    at: float, label: int, opens: float, closes: float
) -> None:
    rows = market(view_at(WORLD, hour(at, day=1)), WORLD)

    assert rows.label[0] == label
    assert hours(rows.open_ns) == opens
    assert hours(rows.close_ns) == closes


def test_member_that_never_shuts_does_not_end_the_others_session() -> None:
    world = universe_of({"BTC": "COIN", "ACME": "XNAS"})

    evening = market(view_at(world, hour(18), forced_flow_usd=[5.0, 7.0]), world)
    night = market(view_at(world, hour(22), forced_flow_usd=[5.0, 7.0]), world)

    assert (evening.label[0], hours(evening.close_ns), evening.value[0]) == (0, 21, 12.0)
    assert (night.label[0], hours(night.open_ns), hours(night.close_ns)) == (1, 16, 45)
    assert night.value[0] == 5.0


def test_holiday_of_a_member_does_not_hold_the_group_open() -> None:
    shut = schedule("XNAS", labels=(0, 2))
    world = universe_of({"ARMH": "XLON", "ACME": "XNAS"}, schedules=[shut])

    rows = market(view_at(world, hour(16.5, day=1)), world)

    assert (rows.label[0], hours(rows.close_ns), hours(rows.market_ns)) == (1, 40.5, 40.5)


def test_market_time_is_the_smallest_of_the_open_members() -> None:
    rows = market(view_at(WORLD, hour(6.9), hour(15.1), hour(15)), WORLD)

    assert hours(rows.market_ns) == pytest.approx(15)


def test_group_closes_only_when_its_last_member_has() -> None:
    lags = market(view_at(WORLD, hour(22), hour(22), hour(20.9)), WORLD)
    to_come = market(view_at(WORLD, hour(6.9), hour(22), hour(14)), WORLD)
    closed = market(view_at(WORLD, hour(21), hour(16.6), hour(21)), WORLD)

    assert hours(lags.market_ns) == pytest.approx(20.9)
    assert to_come.market_ns[0] == to_come.close_ns[0] - 1
    assert closed.market_ns[0] == closed.close_ns[0]


def test_time_goes_on_between_sessions() -> None:
    rows = market(view_at(WORLD, hour(6.9), hour(6.8), hour(6.8)), WORLD)

    assert hours(rows.market_ns) == pytest.approx(6.9)
    assert rows.market_ns[0] < rows.close_ns[0]


def test_small_unknown_member_does_not_hold_the_groups_time() -> None:
    view = view_at(PAIR, hour(18), hour(20), weight_usd=[4.0, 96.0], forced_flow_usd=[1.0, 2.0])
    view = replace(view, is_unknown=flags(2, 0))

    assert hours(market(view, PAIR).market_ns) == 20


def test_unknown_group_waits_for_its_unknown_members() -> None:
    view = view_at(PAIR, hour(18), hour(22), forced_flow_usd=[1.0, 2.0])
    view = replace(view, is_unknown=flags(2, 0))

    rows = market(view, PAIR)

    assert not rows.is_known[0]
    assert hours(rows.market_ns) == 18


def test_group_whose_members_were_never_seen_has_no_session() -> None:
    view = view_at(PAIR, NO_TIME / 1e9, weight_usd=[math.nan, math.nan])
    view = replace(view, is_unknown=flags(2, 0, 1))

    rows = market(view, PAIR)

    assert not rows.is_known[0]
    assert (rows.label[0], rows.market_ns[0]) == (NO_SESSION, NO_TIME)
    assert read(rule_of(WATCH, scope="market"), view, PAIR).is_known.tolist() == [False]


def test_newest_input_is_of_an_open_member_or_a_members_close() -> None:
    flows, as_of_s = [1.0, 2.0, 3.0], [hour(6.9), hour(15.9), hour(15.5)]

    def newest(at: float) -> float:
        view = view_at(WORLD, hour(at), forced_flow_usd=flows, as_of_s=as_of_s)
        return hours(market(view, WORLD).as_of_ns)

    assert newest(7) == 6.5
    assert newest(16) == 15.9
    assert newest(16.5) == 16.5
    assert newest(17) == 16.5


def test_input_of_a_member_left_out_is_left_out() -> None:
    view = view_at(
        PAIR,
        hour(15),
        weight_usd=[4.0, 96.0],
        forced_flow_usd=[math.nan, 2.0],
        as_of_s=[hour(14.9), hour(14.8)],
    )

    assert hours(market(view, PAIR).as_of_ns) == pytest.approx(14.8)


def test_sum_changes_by_itself_when_the_next_member_closes() -> None:
    flows = [1.0, 2.0, 3.0]

    assert hours(market(view_at(WORLD, hour(15), forced_flow_usd=flows), WORLD).changes_ns) == 16.5
    assert hours(market(view_at(WORLD, hour(17), forced_flow_usd=flows), WORLD).changes_ns) == 21


@st.composite
def moments(draw: st.DrawFn) -> View:
    def column(*choices: float) -> list[float]:
        return [draw(st.sampled_from(choices)) for _ in range(5)]

    view = view_at(
        MIXED,
        *column(hour(3), hour(7), hour(15), hour(18), hour(22)),
        forced_flow_usd=column(-7.0, 0.0, 2.5, math.nan),
        adv_usd=column(1.0, 10.0, math.nan),
        weight_usd=column(0.0, 1.0, 30.0, 1_000.0, math.nan),
    )
    return replace(view, is_unknown=np.array(column(0.0, 0.0, 0.0, 1.0)) > 0)


MIXED = universe_of(
    {"HYNX": "XKRX", "ARMH": "XLON", "ACME": "XNAS", "BOLT": "XNYS", "BTC": "COIN"},
    rooms={
        "east": ["HYNX", "ARMH"],
        "west": ["ACME", "BOLT", "BTC"],
        "odd": ["BTC", "HYNX", "ACME"],
    },
)


@given(moments(), st.sampled_from(["forced_flow_usd", "adv_ratio"]))
def test_rooms_sum_as_a_plain_loop_does(view: View, measure: str) -> None:
    rule = rule_of(WATCH, scope="room", measure=measure)
    readings = read(rule, view, MIXED)

    for room, members in MIXED.rooms.items():
        reading = readings.of(room)
        assert reading is not None
        value, is_known = looped(view, members.tolist(), measure)
        assert reading.is_known == is_known
        if is_known:
            assert reading.value == pytest.approx(value, rel=1e-12, abs=1e-12)


def looped(view: View, members: list[int], measure: str) -> tuple[float, bool]:
    flow = view.numeric["forced_flow_usd"]
    weights = {True: [0.0, 0.0], False: [0.0, 0.0]}
    total = liquidity = 0.0
    known_open = unknown_open = 0
    for row in members:
        is_open = bool(view.open_ns[row] <= view.market_ns[row] < view.close_ns[row])
        parts = [flow[row]] + ([view.adv_usd[row]] if measure == "adv_ratio" else [])
        is_unknown = bool(view.is_unknown[row]) or (is_open and not np.isfinite(parts).all())
        for key in {False, is_open}:
            weights[key][0] += view.weight_usd[row]
            weights[key][1] += view.weight_usd[row] * is_unknown
        if is_open and is_unknown:
            unknown_open += 1
        elif is_open:
            known_open += 1
            total += flow[row]
            liquidity += view.adv_usd[row] if measure == "adv_ratio" else 0.0
    is_known = all(part <= 0.05 * whole for whole, part in weights.values())
    is_known = is_known and not (unknown_open and not known_open)
    if measure == "adv_ratio" and known_open:
        return total / liquidity, is_known
    return total, is_known
