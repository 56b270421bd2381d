"""The life of one alert, by hand; times are seconds after the open, the close is at 23 400."""

import math
from dataclasses import replace

import numpy as np
import pytest

from core.alerts import AlertKey
from core.lifecycle import next_due_ns, step
from core.sessions import NEVER_NS, NO_TIME
from tests.support.judged import Judged, level, nanos, only, rule_of

WATCH = level("watch", 0.02, 0.015)
WARNING = level("warning", 0.05, 0.04, for_seconds=30)
CRITICAL = level("critical", 0.10, 0.08, for_seconds=10)
HOLD_NS = nanos(300)


def test_level_without_for_fires_when_it_is_crossed() -> None:
    judged = Judged(rule_of(WATCH))

    assert judged.at(100, 0.0199) == []
    assert judged.at(160, 0.02, as_of_s=150) == [("watch", "buy", "firing", 150, "")]
    assert list(judged.states) == [
        AlertKey("ForcedFlowWatch", "watch", "forced-flow", "buy", "symbol", "ACME")
    ]


def test_for_runs_out_in_market_time_without_a_new_event() -> None:
    judged = Judged(rule_of(WARNING))

    assert judged.at(100, -0.06) == []
    assert judged.live() == {("warning", "sell"): "pending"}
    assert judged.at(129.9, -0.06, as_of_s=100) == []
    assert judged.at(130.2, -0.06, as_of_s=100) == [("warning", "sell", "firing", 130, "")]


def test_pending_alert_is_dropped_below_raise_and_counts_anew() -> None:
    judged = Judged(rule_of(WARNING))
    judged.at(100, 0.06)

    assert judged.at(120, 0.045) == []
    assert judged.live() == {}
    judged.at(125, 0.05)
    assert judged.at(135, 0.05, as_of_s=125) == []
    assert judged.at(155, 0.05, as_of_s=125) == [("warning", "buy", "firing", 155, "")]


def test_late_first_look_fires_at_the_time_it_was_due() -> None:
    judged = Judged(rule_of(WARNING))

    assert judged.at(500, 0.06, as_of_s=100) == [("warning", "buy", "firing", 130, "")]


def test_input_ahead_of_the_market_time_fires_without_waiting_for_it() -> None:
    judged = Judged(rule_of(WATCH, WARNING))

    assert judged.at(100, 0.06, as_of_s=100.4) == [("watch", "buy", "firing", 100.4, "")]
    assert judged.at(130, 0.06, as_of_s=130.9) == []
    assert judged.at(131, 0.06, as_of_s=130.9) == [("warning", "buy", "firing", 130.4, "")]


def test_group_waits_until_all_its_members_are_as_far_as_its_newest_input() -> None:
    judged = Judged(replace(rule_of(WATCH), scope="market"))

    assert judged.at(100, 0.03, as_of_s=100.4) == []
    assert judged.at(101, 0.03, as_of_s=100.4) == [("watch", "buy", "firing", 100.4, "")]
    assert judged.at(200, 0.01, as_of_s=200.4) == []
    assert judged.at(201, 0.01, as_of_s=200.4) == [("watch", "buy", "resolved", 200.4, "cleared")]


def test_firing_alert_stays_between_clear_and_raise() -> None:
    judged = Judged(rule_of(WATCH))
    judged.at(100, 0.02)

    assert judged.at(200, 0.015) == []
    assert judged.live() == {("watch", "buy"): "firing"}
    assert judged.at(300, 0.0149) == [("watch", "buy", "resolved", 300, "cleared")]
    assert judged.live() == {}


def test_hold_keeps_it_firing_and_ends_without_an_event() -> None:
    judged = Judged(rule_of(WATCH, minimum_hold_ns=HOLD_NS))
    judged.at(100, 0.02)

    assert judged.at(150, 0.0) == []
    assert judged.at(399.9, 0.0, as_of_s=150) == []
    assert judged.at(401, 0.0, as_of_s=150) == [("watch", "buy", "resolved", 400, "cleared")]


def test_hold_is_counted_from_the_firing_not_the_crossing() -> None:
    judged = Judged(rule_of(WARNING, minimum_hold_ns=HOLD_NS))
    judged.at(100, 0.06)
    judged.at(130, 0.06, as_of_s=100)
    judged.at(140, 0.0)

    assert judged.at(429, 0.0, as_of_s=140) == []
    assert judged.at(430, 0.0, as_of_s=140) == [("warning", "buy", "resolved", 430, "cleared")]


def test_return_above_clear_within_the_hold_forgets_the_dip() -> None:
    judged = Judged(rule_of(WATCH, minimum_hold_ns=HOLD_NS))
    judged.at(100, 0.02)
    judged.at(150, 0.0)
    judged.at(200, 0.016)

    assert judged.at(450, 0.016, as_of_s=200) == []
    assert judged.at(500, 0.01) == [("watch", "buy", "resolved", 500, "cleared")]


def test_input_behind_the_dip_ahead_of_market_time_clears_without_waiting_for_it() -> None:
    judged = Judged(rule_of(WATCH))
    judged.at(100, 0.02)

    assert judged.at(200, 0.01, as_of_s=200.4) == [("watch", "buy", "resolved", 200.4, "cleared")]


def test_dip_ahead_of_market_time_waits_for_the_hold() -> None:
    judged = Judged(rule_of(WATCH, minimum_hold_ns=HOLD_NS))
    judged.at(100, 0.02)

    assert judged.at(399, 0.01, as_of_s=400.4) == [("watch", "buy", "resolved", 400.4, "cleared")]
    judged.at(500, 0.02)
    assert judged.at(799, 0.01, as_of_s=799.4) == []
    assert judged.at(800, 0.01, as_of_s=799.4) == [("watch", "buy", "resolved", 800, "cleared")]


def test_what_comes_after_the_close_does_not_end_the_session_early() -> None:
    judged = Judged(rule_of(WATCH))
    judged.at(100, 0.02)

    assert judged.at(23_399, 0.01, as_of_s=23_402) == []
    assert judged.at(23_401, 0.01, as_of_s=23_402) == [
        ("watch", "buy", "resolved", 23_400, "session_closed")
    ]


def test_higher_level_leaves_the_lower_ones_firing() -> None:
    judged = Judged(rule_of(WATCH, WARNING, CRITICAL))
    judged.at(100, 0.12)
    judged.at(140, 0.12, as_of_s=100)

    assert judged.happened == [
        ("watch", "buy", "firing", 100, ""),
        ("warning", "buy", "firing", 130, ""),
        ("critical", "buy", "firing", 110, ""),
    ]
    assert judged.at(200, 0.03) == [
        ("warning", "buy", "resolved", 200, "cleared"),
        ("critical", "buy", "resolved", 200, "cleared"),
    ]
    assert judged.live() == {("watch", "buy"): "firing"}


def test_change_of_side_is_another_alert() -> None:
    judged = Judged(rule_of(WATCH, minimum_hold_ns=HOLD_NS))
    judged.at(100, 0.03)

    assert judged.at(200, -0.03) == [("watch", "sell", "firing", 200, "")]
    assert judged.live() == {("watch", "buy"): "firing", ("watch", "sell"): "firing"}
    assert judged.at(400, -0.03, as_of_s=200) == [("watch", "buy", "resolved", 400, "cleared")]


def test_unknown_alert_fires_on_until_data_returns() -> None:
    judged = Judged(rule_of(WATCH))
    judged.at(100, 0.03)

    assert judged.at(200, 0.03, is_known=False) == [("watch", "buy", "unknown", 200, "")]
    assert judged.at(300, math.nan) == []
    assert judged.live() == {("watch", "buy"): "unknown"}
    assert judged.at(400, 0.03, as_of_s=390) == [("watch", "buy", "known", 400, "")]
    assert judged.live() == {("watch", "buy"): "firing"}


def test_unknown_alert_that_returns_below_clear_resolves_then() -> None:
    judged = Judged(rule_of(WATCH))
    judged.at(100, 0.03)
    judged.at(200, math.nan)

    assert judged.at(400, 0.0, as_of_s=390) == [
        ("watch", "buy", "known", 400, ""),
        ("watch", "buy", "resolved", 390, "cleared"),
    ]


def test_pending_alert_waits_for_data_to_fire() -> None:
    judged = Judged(rule_of(WARNING))
    judged.at(100, 0.06)

    assert judged.at(140, math.nan) == []
    assert judged.live() == {("warning", "buy"): "pending"}
    assert judged.at(150, 0.06, as_of_s=100) == [("warning", "buy", "firing", 130, "")]


def test_nothing_unknown_crosses() -> None:
    judged = Judged(rule_of(WATCH))

    assert judged.at(100, 0.5, is_known=False) == []
    assert judged.at(100, math.inf) == []
    assert judged.live() == {}


def test_every_alert_of_the_session_resolves_at_the_close() -> None:
    judged = Judged(rule_of(WATCH, WARNING, minimum_hold_ns=HOLD_NS))
    judged.at(23_300, 0.06)
    judged.at(23_350, 0.06, as_of_s=23_300)

    assert judged.at(23_401.5, 0.06, as_of_s=23_400) == [
        ("watch", "buy", "resolved", 23_400, "session_closed"),
        ("warning", "buy", "resolved", 23_400, "session_closed"),
    ]
    assert judged.at(23_500, 0.2) == []


def test_unknown_alert_resolves_at_the_close_too() -> None:
    judged = Judged(rule_of(WATCH))
    judged.at(100, 0.03)
    judged.at(200, math.nan)

    assert judged.at(23_400, math.nan) == [("watch", "buy", "resolved", 23_400, "session_closed")]


def test_alert_whose_market_time_stands_still_outlives_the_close_elsewhere() -> None:
    judged = Judged(rule_of(WATCH))
    judged.at(100, 0.03)
    judged.label, judged.open_s, judged.close_s = -(2**31), NO_TIME / 1e9, NO_TIME / 1e9

    assert judged.at(NO_TIME / 1e9, math.nan) == [("watch", "buy", "unknown", 100, "")]
    assert judged.live() == {("watch", "buy"): "unknown"}


@pytest.mark.parametrize("label", [1, 3])
def test_value_of_another_session_is_no_data(label: int) -> None:
    judged = Judged(rule_of(WATCH), label=2)
    judged.at(100, 0.03)
    judged.label = label

    assert judged.at(200, 0.0) == [("watch", "buy", "unknown", 200, "")]


def test_later_session_ends_the_earlier_ones_alerts_and_may_alert_at_once() -> None:
    judged = Judged(rule_of(WATCH))
    judged.at(100, 0.03)
    judged.label, judged.open_s, judged.close_s = 2, 86_400, 109_800

    assert judged.at(86_500, 0.03) == [
        ("watch", "buy", "resolved", 23_400, "session_closed"),
        ("watch", "buy", "firing", 86_500, ""),
    ]


def test_pending_alert_ends_silently_at_the_close() -> None:
    judged = Judged(rule_of(WARNING))
    judged.at(23_369, 0.06)

    assert judged.live() == {("warning", "buy"): "pending"}
    assert judged.at(23_400, 0.06, as_of_s=23_369) == []
    assert judged.live() == {}


def test_alert_that_could_only_fire_at_the_close_does_not_start() -> None:
    judged = Judged(rule_of(WARNING))

    assert judged.at(23_370, 0.06) == []
    assert judged.live() == {}


def test_window_starts_at_the_later_of_its_two_bounds() -> None:
    rule = rule_of(WARNING, after_open_ns=nanos(1_800), before_close_ns=nanos(14_400))
    judged = Judged(rule)

    assert judged.at(8_999, 0.06, as_of_s=100) == []
    assert judged.live() == {}
    judged.at(9_000, 0.06, as_of_s=100)
    assert judged.at(9_030, 0.06, as_of_s=100) == [("warning", "buy", "firing", 9_030, "")]


def test_subject_that_the_rule_no_longer_reads_is_unknown() -> None:
    judged = Judged(rule_of(WATCH))
    judged.at(100, 0.03)
    judged.name = "BOLT"

    assert judged.at(200, 0.0, as_of_s=90) == [("watch", "buy", "unknown", 100, "")]
    assert judged.due_s(200, 0.0) == math.inf


def test_state_keeps_the_last_value_and_the_furthest_on_its_side() -> None:
    judged = Judged(rule_of(WATCH, minimum_hold_ns=HOLD_NS))
    for now_s, value in ((100, -0.03), (110, -0.07), (120, -0.04), (130, 0.01)):
        judged.at(now_s, value)

    (state,) = judged.states.values()
    assert (state.value, state.peak, state.as_of_ns) == (0.01, -0.07, nanos(130))


def test_step_leaves_what_it_was_given_as_it_was() -> None:
    judged = Judged(rule_of(WATCH))
    judged.at(100, 0.03)
    before = dict(judged.states)

    step(judged.rule, judged.readings(200, 0.0), judged.states)

    assert judged.states == before


def test_state_that_sees_nothing_new_is_the_same_object() -> None:
    judged = Judged(rule_of(WATCH))
    judged.at(100, 0.03)
    (before,) = judged.states.values()

    judged.at(200, 0.03, as_of_s=100)

    assert next(iter(judged.states.values())) is before


@pytest.mark.parametrize(
    ("now_s", "value", "due_s"),
    [
        (100, 0.06, 130),  # `for` runs out
        (100, 0.0, math.inf),  # nothing live, nothing near
    ],
)
def test_next_due_of_a_fresh_subject(now_s: float, value: float, due_s: float) -> None:
    judged = Judged(rule_of(WARNING))
    judged.at(now_s, value)

    assert judged.due_s(now_s, value) == due_s


def test_next_due_of_a_firing_alert_is_its_close_then_its_hold() -> None:
    judged = Judged(rule_of(WATCH, minimum_hold_ns=HOLD_NS))
    judged.at(100, 0.02)

    assert judged.due_s(100, 0.02) == 23_400
    judged.at(150, 0.0)
    assert judged.due_s(150, 0.0) == 400


def test_next_due_of_an_idle_subject_above_a_bound_is_its_window() -> None:
    judged = Judged(rule_of(WATCH, after_open_ns=nanos(1_800)))

    assert judged.due_s(100, -0.03) == 1_800
    assert judged.due_s(100, -0.01) == math.inf
    assert judged.due_s(100, math.nan) == math.inf
    assert judged.due_s(1_800, -0.03) == math.inf


def test_window_that_starts_after_the_close_is_never_due() -> None:
    judged = Judged(rule_of(WATCH, after_open_ns=nanos(1_800)), close_s=1_800)

    assert judged.due_s(100, 0.03) == math.inf
    assert judged.at(1_799, 0.03) == []


def test_value_that_moves_by_itself_is_due_when_it_does() -> None:
    judged = Judged(rule_of(WATCH))
    readings = replace(judged.readings(100, 0.0), changes_ns=np.array([nanos(101)]))

    assert next_due_ns(judged.rule, readings, {}) == nanos(101)
    passed = replace(readings, changes_ns=np.array([nanos(100)]))
    assert next_due_ns(judged.rule, passed, {}) == NEVER_NS


def test_rule_without_subjects_does_nothing() -> None:
    judged = Judged(rule_of(WATCH))
    nobody = replace(only(), name=(), row={})
    empty = np.empty(0, np.int64)
    readings = replace(
        judged.readings(100, 0.0),
        subjects=nobody,
        value=np.empty(0),
        is_known=np.empty(0, np.bool_),
        label=empty,
        active_from_ns=empty,
        close_ns=empty,
        market_ns=empty,
        as_of_ns=empty,
        changes_ns=empty,
    )

    assert step(judged.rule, readings, {}) == ({}, [])
    assert next_due_ns(judged.rule, readings, {}) == NEVER_NS
