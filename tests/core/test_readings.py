import math
from dataclasses import replace

import pytest

from core.readings import Reading, read
from core.sessions import NEVER_NS, NO_SESSION, NO_TIME
from core.thresholds import Where
from tests.support.judged import level, nanos, rule_of
from tests.support.rule_world import flags, hour, universe_of, view_at

WATCH = level("watch", 1.0, 0.5)
WORLD = universe_of({"ACME": "XNAS", "BOLT": "XNYS", "000100": "XKRX"})
NOON_S = hour(15)


def test_symbol_is_read_as_its_row() -> None:
    view = view_at(
        WORLD, NOON_S, adv_ratio=[0.01, -0.02, 0.03], as_of_s=[NOON_S - 1, NOON_S, hour(6)]
    )

    readings = read(rule_of(WATCH), view, WORLD)

    assert readings.of("BOLT") == Reading(
        value=-0.02,
        is_known=True,
        label=0,
        close_ns=nanos(hour(21)),
        market_ns=nanos(NOON_S),
        as_of_ns=nanos(NOON_S),
    )
    assert readings.changes_ns.tolist() == [NEVER_NS] * 3


def test_rule_reads_only_what_it_covers() -> None:
    view = view_at(WORLD, NOON_S, adv_ratio=[0.01, -0.02, 0.03])
    rule = rule_of(WATCH, where=Where(venue=frozenset({"XKRX"})))

    readings = read(rule, view, WORLD)

    assert readings.value.tolist() == [0.03]
    assert readings.of("ACME") is None


def test_row_that_must_not_be_judged_or_has_no_finite_value_is_unknown() -> None:
    view = view_at(WORLD, NOON_S, adv_ratio=[math.nan, 0.02, math.inf])
    view = replace(view, is_unknown=flags(3, 1))

    assert read(rule_of(WATCH), view, WORLD).is_known.tolist() == [False, False, False]


@pytest.mark.parametrize(
    ("after_open_s", "before_close_s", "hours"),
    [(0, None, 14.5), (1_800, None, 15), (1_800, 4 * 3_600, 17), (3 * 3_600, 4 * 3_600, 17.5)],
)
def test_window_is_the_later_of_its_bounds(
    after_open_s: int, before_close_s: int | None, hours: float
) -> None:
    rule = rule_of(
        WATCH,
        after_open_ns=nanos(after_open_s),
        before_close_ns=None if before_close_s is None else nanos(before_close_s),
    )

    readings = read(rule, view_at(WORLD, NOON_S), WORLD)

    assert readings.active_from_ns.tolist()[:2] == [nanos(hour(hours))] * 2


def test_row_without_a_session_has_no_window() -> None:
    early = read(rule_of(WATCH), view_at(WORLD, NO_TIME / 1e9), WORLD)

    assert early.label.tolist() == [NO_SESSION] * 3
    assert early.active_from_ns.tolist() == [NO_TIME] * 3


def test_measure_that_moves_with_time_changes_at_each_second_of_the_session() -> None:
    view = view_at(WORLD, hour(6) + 0.25, breach_probability=[0.5, 0.5, 0.5])

    readings = read(rule_of(WATCH, measure="breach_probability"), view, WORLD)

    assert readings.changes_ns.tolist() == [NEVER_NS, NEVER_NS, nanos(hour(6) + 1)]


@pytest.mark.parametrize("measure", ["forced_flow_usd", "adv_ratio", "hours_to_trade"])
def test_a_flow_with_dealers_in_it_changes_at_each_minute_from_the_open(measure: str) -> None:
    rule = rule_of(WATCH, measure=measure)
    view = view_at(WORLD, hour(15) + 59.5, forced_flow_usd=[1.0] * 3)
    drifting = replace(view, is_drifting=flags(3, 0, 2))

    assert read(rule, view, WORLD).changes_ns.tolist() == [NEVER_NS] * 3
    # In Korea it is night.
    found = read(rule, drifting, WORLD).changes_ns.tolist()
    assert found == [nanos(hour(15) + 60), NEVER_NS, NEVER_NS]
    last = replace(drifting, market_ns=view.close_ns)
    assert read(rule, last, WORLD).changes_ns.tolist() == [NEVER_NS] * 3


def test_a_sum_changes_with_the_first_of_its_members() -> None:
    view = view_at(WORLD, NOON_S, forced_flow_usd=[2.0, -5.0, 7.0])
    view = replace(view, is_drifting=flags(3, 1))
    rule = rule_of(WATCH, scope="market", measure="forced_flow_usd")

    assert read(rule, view, WORLD).changes_ns.tolist() == [nanos(NOON_S + 60)]


def test_group_is_read_as_the_sum_of_its_members() -> None:
    view = view_at(WORLD, NOON_S, forced_flow_usd=[2.0, -5.0, 7.0])
    rule = rule_of(WATCH, scope="market", measure="forced_flow_usd", after_open_ns=nanos(1_800))

    readings = read(rule, view, WORLD)

    assert readings.of("market") == Reading(
        value=-3.0,
        is_known=True,
        label=0,
        close_ns=nanos(hour(21)),
        market_ns=nanos(NOON_S),
        as_of_ns=nanos(NOON_S),
    )
    assert readings.active_from_ns.tolist() == [nanos(hour(0.5))]
    assert readings.changes_ns.tolist() == [nanos(hour(21))]


def test_rule_that_covers_nobody_reads_nothing() -> None:
    for scope in ("symbol", "market"):
        rule = rule_of(WATCH, scope=scope, where=Where(symbol=frozenset({"NONE"})))

        assert read(rule, view_at(WORLD, NOON_S), WORLD).value.tolist() == []
