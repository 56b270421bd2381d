"""Minutes of rows, by hand: XNAS 14:30-21:00 UTC, COIN from one 16:00 to the next."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.columns import FundAssets, View
from core.minutes import MinuteTurns, minutes_of
from core.sessions import NO_SESSION, NO_TIME
from tests.support.rule_world import hour, universe_of, view_at

ACME = universe_of({"ACME": "XNAS"})
COIN = universe_of({"COIN": "COIN"})
PAIR = universe_of({"ACME": "XNAS", "BOLT": "XNAS"})


def without(view: View, *rows: int) -> View:
    """Return the view as it is while the partials of some rows are missing."""
    gone = np.isin(np.arange(len(view.reference)), rows)
    return replace(
        view,
        label=np.where(gone, NO_SESSION, view.label),
        market_ns=np.where(gone, NO_TIME, view.market_ns),
        open_ns=np.where(gone, NO_TIME, view.open_ns),
        close_ns=np.where(gone, NO_TIME, view.close_ns),
    )


@pytest.mark.parametrize(
    ("at", "minute"),
    [
        ("14:30:00", "14:30:00"),
        ("14:30:01", "14:31:00"),
        ("14:31:00", "14:31:00"),
        ("20:59:59", "21:00:00"),
        ("21:00:00", "21:00:00"),
        ("21:12:00", "21:00:00"),
        ("21:29:59", "21:00:00"),
    ],
)
def test_a_minute_is_named_by_its_end_and_the_last_lasts_until_the_official_close(
    at: str, minute: str
) -> None:
    assert minutes_of(view_at(ACME, seconds(at))).tolist() == [seconds(minute) * 10**9]


@pytest.mark.parametrize("at", ["21:30:00", "23:59:00", "38:29:59"])
def test_there_is_no_minute_between_sessions(at: str) -> None:
    assert minutes_of(view_at(ACME, seconds(at))).tolist() == [NO_TIME]


def test_the_strike_belongs_to_the_session_it_closes_and_what_follows_to_the_next() -> None:
    found = [minutes_of(view_at(COIN, seconds(at)))[0] for at in ("15:59:59", "16:00:01")]

    assert found == [seconds("16:00:00") * 10**9, seconds("16:01:00") * 10**9]


def seconds(at: str) -> int:
    """Return the seconds since 1970 of a time of its first day, or later: "38:30:00"."""
    hours, minutes, rest = (int(part) for part in at.split(":"))
    return hours * 3_600 + minutes * 60 + rest


def acme(at: str, price: float = 1.0) -> View:
    return view_at(ACME, seconds(at), price=[price])


def written(*views: View) -> list[tuple[int, float]]:
    """Return second and price of each row that ended a minute, for the first reference."""
    turns = MinuteTurns(views[0])
    found = []
    for view in views[1:]:
        before, rows = turns.ended(view)
        found += [
            (int(before.market_ns[row]) // 10**9, float(before.numeric["price"][row]))
            for row in rows.tolist()
        ]
    return found


def times(*views: View) -> list[int]:
    return [at for at, _ in written(*views)]


def test_the_last_state_of_a_minute_is_its_row_once_the_next_begins() -> None:
    seen = ["15:00:01", "15:00:30", "15:01:00", "15:01:01", "15:01:59", "15:02:01"]

    assert written(*(acme(at, price) for price, at in enumerate(seen))) == [
        (seconds("15:01:00"), 2.0),
        (seconds("15:01:59"), 4.0),
    ]


def test_minutes_that_nobody_saw_have_no_row() -> None:
    seen = acme("15:00:00"), acme("17:00:00"), acme("18:00:00")

    assert times(*seen) == [seconds("15:00:00"), seconds("17:00:00")]


def test_a_session_ends_with_the_row_of_its_official_close_and_nothing_follows() -> None:
    day = [acme("20:59:59", 1.0), acme("21:00:00", 2.0), acme("21:20:00", 3.0)]
    night = [acme("21:30:00", 4.0), acme("22:00:00", 5.0)]
    morning = [acme("38:30:00", 6.0), acme("38:31:00", 7.0)]
    closing = (seconds("21:20:00"), 3.0)

    assert written(*day, *night) == [closing]
    assert written(*day, *night, *morning) == [closing, (seconds("38:30:00"), 6.0)]


def test_a_partial_that_is_missing_for_a_while_neither_ends_nor_repeats_a_minute() -> None:
    gap = without(acme("15:00:00"), 0)
    first, second = acme("15:00:10", 1.0), acme("15:00:50", 2.0)

    assert written(first, gap, gap, second, acme("15:06:00")) == [(seconds("15:00:50"), 2.0)]
    assert written(first, gap, acme("15:06:00")) == [(seconds("15:00:10"), 1.0)]


def test_a_minute_that_has_ended_does_not_come_back() -> None:
    first, second, third = (acme(at) for at in ("15:00:00", "15:06:00", "15:12:00"))

    assert times(first, second, first, first, second, third, acme("15:18:00")) == [
        seconds("15:00:00"),
        seconds("15:06:00"),
        seconds("15:12:00"),
    ]


def test_references_turn_by_their_own_time() -> None:
    turns = MinuteTurns(view_at(PAIR, hour(15.0), hour(15.0)))
    _, rows = turns.ended(view_at(PAIR, hour(15.0), hour(15.1)))

    assert rows.tolist() == [1]


def with_funds(view: View, *references: int) -> View:
    """Return the view with a fund of each of some references, numbered like it."""
    number, size = np.array(references, np.int32), len(references)
    funds = FundAssets(
        fund=number,
        reference=number,
        assets_usd=np.full(size, 1e9),
        leverage_factor=np.full(size, 2.0),
        stated_label=np.full(size, 0, np.int64),
    )
    return replace(view, funds=funds)


def test_while_a_partial_is_missing_its_funds_are_those_known_before() -> None:
    whole = with_funds(view_at(PAIR, hour(15.0), hour(15.0)), 0, 1)
    gap = with_funds(without(view_at(PAIR, hour(15.0), hour(15.0)), 0), 1)
    turns = MinuteTurns(whole)
    turns.ended(gap)
    before, _ = turns.ended(whole)

    assert sorted(before.funds.reference.tolist()) == [0, 1]
    assert before.funds.assets_usd.tolist() == [1e9, 1e9]


@given(st.lists(st.tuples(st.integers(0, 3 * 86_400 // 7), st.booleans()), min_size=1, max_size=60))
def test_whatever_comes_no_minute_has_two_rows_and_no_row_is_of_another_minute(
    steps: list[tuple[int, bool]],
) -> None:
    views = [
        without(view_at(ACME, 7 * step), 0) if is_missing else view_at(ACME, 7 * step)
        for step, is_missing in steps
    ]
    turns = MinuteTurns(views[0])
    minutes = []
    for view in views[1:]:
        before, rows = turns.ended(view)
        minutes += minutes_of(before)[rows].tolist()

    assert minutes == sorted(set(minutes))
    assert NO_TIME not in minutes
