"""Splits of what a book holds: levels of before in the terms of after, in any order."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.contract_splits import NO_SPLITS, Splits
from core.interest_state import interest_state, take_up
from core.live_positioning import positioning_rows
from core.option_book import OptionBook
from core.positioning import FIGURES
from core.row_calendar import RowCalendar
from core.universe import PriceFactors
from tests.support.core_universe import FIRST, Ref, at, core_universe
from tests.support.option_records import Record, apply, columns, settle, targets
from tests.support.positioned_book import make_due, positioned_book, smile, stand, take, trade
from tests.support.results import results_of, take_results

DAY = FIRST + 1
"""The split of the tests is in effect from the second session on."""


def split(factor: float = 1 / 7, *, label: int = DAY, known_ns: int = 0, row: int = 0) -> Splits:
    return Splits(np.array([row]), np.array([label]), np.array([known_ns]), np.array([factor]))


def split_book(splits: Splits, rows: int = 1) -> OptionBook:
    universe = core_universe([Ref(f"R{i}") for i in range(rows)])
    calendar = RowCalendar(universe, np.arange(rows, dtype=np.int32))
    return OptionBook(calendar, rows, splits=splits)


Held = dict[tuple[float, bool], tuple[float, float, float]]


def held(book: OptionBook, row: int = 0) -> Held:
    """Return open interest, volatility and deliverable by strike and right."""
    chain = book.chain(row, underlying="R0", spot=100.0)
    found = [
        (round(float(strike), 6), bool(is_call))
        for strike, is_call in zip(chain.strike, chain.is_call, strict=True)
    ]
    assert len(set(found)) == len(found), "two contracts of one strike and right"
    figures = (chain.open_interest, chain.implied_volatility, chain.deliverable)
    return dict(zip(found, zip(*(each.tolist() for each in figures), strict=True), strict=True))


BEFORE = Record(at(0, -1.0), 100.0, 0.3, strike=645.0)


def test_seven_for_one_turns_a_level_into_seven_at_a_seventh_of_the_strike() -> None:
    book = split_book(split())
    apply(book, BEFORE, replace(BEFORE, strike=630.0, is_call=False, open_interest=10.0))

    settle(book, targets(0, 1.0, previous_close=645.57))
    assert held(book) == {(645.0, True): (100.0, 0.3, 100.0), (630.0, False): (10.0, 0.3, 100.0)}
    settle(book, targets(1, 0.0, previous_close=92.22))

    assert held(book) == {(92.14, True): (700.0, 0.3, 100.0), (90.0, False): (70.0, 0.3, 100.0)}


def test_a_level_stated_after_the_split_takes_the_place_of_that_from_before() -> None:
    book = split_book(split())
    after = Record(at(1, -1.0), 650.0, 0.25, strike=92.14)
    # It comes while the session before still runs, and waits for its own.
    apply(book, BEFORE, replace(after, event_ns=at(0, 6.0), label=DAY))
    settle(book, targets(0, 6.5, previous_close=645.57))
    assert held(book)[645.0, True] == (100.0, 0.3, 100.0)
    assert math.isnan(held(book)[92.14, True][0])

    apply(book, after)
    settle(book, targets(1, 0.0, previous_close=92.22))

    assert held(book) == {(92.14, True): (650.0, 0.25, 100.0)}


@pytest.mark.parametrize("factor", [2 / 3, 10.0])
def test_any_other_split_changes_what_is_delivered(factor: float) -> None:
    book = split_book(split(factor))
    apply(book, BEFORE)

    settle(book, targets(1, 0.0, previous_close=645.57 * factor))

    ((strike, _), figures) = next(iter(held(book).items()))
    assert (strike, figures[:2]) == (645.0, (100.0, 0.3))
    assert figures[2] == pytest.approx(100.0 / factor)


def test_what_delivers_otherwise_after_the_split_is_not_adjusted_again() -> None:
    book = split_book(split(2 / 3))
    apply(
        book, BEFORE, replace(BEFORE, event_ns=at(1, -1.0), open_interest=90.0, deliverable=150.0)
    )

    settle(book, targets(1, 0.0, previous_close=430.0))

    assert held(book) == {(645.0, True): (90.0, 0.3, 150.0)}


def test_a_late_level_of_before_is_read_in_the_terms_of_now() -> None:
    book = split_book(split())
    settle(book, targets(1, 0.0, previous_close=92.22))

    apply(book, BEFORE)
    settle(book)

    assert held(book) == {(92.14, True): (700.0, 0.3, 100.0)}


def test_what_settled_before_the_split_leaves_and_is_no_record_out_of_use() -> None:
    book = split_book(split())
    apply(book, BEFORE, replace(BEFORE, strike=640.0, settlement_ns=at(0, 7.0)))
    settle(book, targets(0, 6.0, previous_close=645.57))

    settle(book, targets(1, 0.0, previous_close=92.22))

    assert held(book) == {(92.14, True): (700.0, 0.3, 100.0)}
    assert book.state.unused == 0


def test_a_split_that_becomes_known_late_counts_from_then_on() -> None:
    book = split_book(split(known_ns=at(1, 2.0)))
    apply(book, BEFORE)

    settle(book, targets(1, 1.0, previous_close=92.22))
    assert held(book) == {(645.0, True): (100.0, 0.3, 100.0)}
    settle(book, targets(1, 2.0, previous_close=92.22))
    assert held(book) == {(92.14, True): (700.0, 0.3, 100.0)}


def test_two_splits_multiply() -> None:
    both = Splits(
        np.array([0, 0]),
        np.array([FIRST + 1, FIRST + 3]),
        np.zeros(2, np.int64),
        np.array([0.5, 0.25]),
    )
    book = split_book(both)
    apply(book, replace(BEFORE, strike=800.0), Record(at(2, -1.0), 40.0, 0.2, strike=200.0))

    settle(book, targets(3, 0.0, previous_close=100.0))

    assert held(book) == {(100.0, True): (800.0, 0.3, 100.0), (50.0, True): (160.0, 0.2, 100.0)}


def test_the_split_of_another_row_changes_nothing() -> None:
    book = split_book(split(row=1), rows=2)
    apply(book, BEFORE, replace(BEFORE, row=1))

    settle(book, targets(1, 0.0, rows=2))

    assert held(book, 0) == {(645.0, True): (100.0, 0.3, 100.0)}
    assert held(book, 1) == {(92.14, True): (700.0, 0.3, 100.0)}


RECORD = st.builds(
    Record,
    event_ns=st.sampled_from([at(0, -1.0), at(0, 2.0), at(0, 8.0), at(1, -1.0), at(1, 2.0)]),
    open_interest=st.sampled_from([0.0, 10.0, 2_000.0, math.nan]),
    volatility=st.sampled_from([0.1, 0.35, math.nan]),
    strike=st.sampled_from([700.0, 630.0, 100.0, 90.0]),
    is_call=st.booleans(),
    forward=st.sampled_from([math.nan, 650.0]),
    source=st.sampled_from(["a", "b"]),
)


@settings(max_examples=100)
@given(
    records=st.lists(
        RECORD,
        min_size=1,
        max_size=16,
        unique_by=lambda each: (each.identity, each.event_ns, each.source),
    ),
    factor=st.sampled_from([1 / 7, 2 / 3]),
    cuts=st.lists(st.integers(0, 16), max_size=3),
    data=st.data(),
)
def test_any_order_and_any_moment_of_the_split_end_in_the_same(
    *, records: list[Record], factor: float, cuts: list[int], data: st.DataObject
) -> None:
    straight = split_book(split(factor))
    apply(straight, *records)
    settle(straight, targets(1, 3.0, previous_close=95.0))
    other = split_book(split(factor))
    shuffled = data.draw(st.permutations(records))
    for number, (start, stop) in enumerate(pairwise([0, *sorted(cuts), len(records)])):
        if shuffled[start:stop]:
            apply(other, *shuffled[start:stop])
        # The split comes after any of the batches; curves are made in between.
        if number == data.draw(st.integers(0, 1)):
            settle(other, targets(0, 3.0, previous_close=665.0))
            settle(other, targets(1, 1.0, previous_close=95.0))

    settle(other, targets(1, 3.0, previous_close=95.0))

    expected, found = held(straight), held(other)
    assert found.keys() == expected.keys()
    for key, figures in expected.items():
        np.testing.assert_allclose(found[key], figures, rtol=1e-12)
    one, two = (
        each.figures(np.array([0]), np.array([97.0])).hedge_usd for each in (straight, other)
    )
    np.testing.assert_allclose(one, two, rtol=1e-6, atol=1.0)
    np.testing.assert_allclose(straight.priced_share(), other.priced_share())


def test_a_split_is_gone_through_once_also_by_who_takes_the_state_up() -> None:
    book = split_book(split())
    apply(book, BEFORE, Record(at(0, 2.0), 50.0, 0.3, strike=700.0))
    settle(book, targets(1, 1.0, previous_close=92.22))
    for session in (0, 1):
        other = split_book(split())
        if session:
            settle(other, targets(1, 0.5, previous_close=92.22))

        take_up(other, interest_state(book), np.array([0]))
        settle(other, targets(1, 1.0, previous_close=92.22))

        assert (
            held(other)
            == held(book)
            == {
                (92.14, True): (700.0, 0.3, 100.0),
                (100.0, True): (350.0, 0.3, 100.0),
            }
        )


def test_a_universe_that_learns_of_a_split_adjusts_what_another_held() -> None:
    unaware = split_book(NO_SPLITS)
    today = Record(at(1, -1.0), 9.0, 0.2, strike=95.0)
    apply(unaware, BEFORE, today)
    settle(unaware, targets(1, 1.0, previous_close=92.22))
    aware = split_book(split())

    take_up(aware, interest_state(unaware), np.array([0]))
    settle(aware, targets(1, 1.0, previous_close=92.22))

    # What was stated in the split's session is in its terms already.
    assert held(aware) == {(92.14, True): (700.0, 0.3, 100.0), (95.0, True): (9.0, 0.2, 100.0)}


def test_freed_numbers_leave_nothing_behind_in_other_curves() -> None:
    book = split_book(split(), rows=2)
    apply(book, replace(BEFORE, strike=645.0), replace(BEFORE, row=1, strike=100.0))
    settle(book, targets(0, 1.0, rows=2, previous_close=645.0))
    settle(book, targets(1, 1.0, rows=2))
    # The number that 645 had is given to another row's contract.
    more = replace(BEFORE, row=1, event_ns=at(1, 1.0), strike=101.0, open_interest=7.0)
    apply(book, more)
    settle(book)
    fresh = split_book(split(), rows=2)
    apply(fresh, replace(BEFORE, row=1, strike=100.0), more)
    settle(fresh, targets(1, 1.0, rows=2))

    for name, figure in vars(book.figures(np.array([1]), np.array([102.0]))).items():
        expected = getattr(fresh.figures(np.array([1]), np.array([102.0])), name)
        np.testing.assert_allclose(figure, expected, rtol=1e-9, err_msg=name)


def test_splits_are_those_of_the_references_at_hand() -> None:
    factors = PriceFactors(
        reference=np.array([4, 2, 4], np.int32),
        effective_label=np.array([9, 5, 3]),
        known_ns=np.array([1, 2, 3]),
        factor=np.array([0.5, 0.1, 2.0]),
    )

    found = Splits.of(factors, np.array([1, 4], np.int32))

    assert (found.row.tolist(), found.label.tolist()) == ([1, 1], [3, 9])
    assert (found.known_ns.tolist(), found.factor.tolist()) == ([3, 1], [2.0, 0.5])


def test_the_history_of_open_interest_is_counted_in_the_contracts_of_now() -> None:
    universe = core_universe([Ref("AAA")], factors=[("AAA", FIRST + 2, 0.5)])
    results: list[bytes] = []
    for session in range(2):
        book = positioned_book(universe)
        take(book, smile(session, days=90 - session))
        trade(book, session, 7.0, AAA=100.0)
        make_due(book)
        stand(book, session, 7.5)
        results += results_of(book, market_ns=at(session, 7.5))
    book = positioned_book(universe)
    take_results(book, results)
    take(book, smile(1, days=89))
    trade(book, 2, 1.0, AAA=50.0)
    make_due(book)

    found = positioning_rows(book)

    calls = found.history[0, -2:, FIGURES.index("call_open_interest")]
    assert calls.tolist() == [42_000.0, 42_000.0]
    # Yesterday's levels, each contract two by now: nothing has changed.
    assert found.figures[0, FIGURES.index("call_open_interest")] == 42_000.0
    before = book.days[FIRST].recorded.positioning_of(np.array([0]))
    assert before[0, 0] == 21_000.0


def test_a_stream_ends_as_what_is_computed_offline() -> None:
    universe = core_universe([Ref("AAA"), Ref("BBB")], factors=[("AAA", FIRST + 1, 0.5)])
    live, offline = positioned_book(universe), positioned_book(universe)
    before = [*smile(0, days=50), *smile(0, row=1, days=50)]
    late = replace(before[3], event_ns=at(0, 3.0), open_interest=4_321.0)
    after = Record(at(1, 1.0), 70.0, 0.4, strike=50.0, settlement_ns=at(50, 7.0))
    take(live, before)
    trade(live, 0, 1.0, AAA=100.0, BBB=100.0)
    settle(live.options)
    trade(live, 0, 7.0, AAA=102.0, BBB=99.0)
    trade(live, 1, 0.5, AAA=51.0, BBB=99.0)
    settle(live.options)
    take(live, [after, late])
    trade(live, 1, 7.0, AAA=52.0, BBB=98.0)
    settle(live.options)

    take(offline, [after, late, *before])
    trade(offline, 0, 7.0, AAA=102.0, BBB=99.0)
    trade(offline, 1, 7.0, AAA=52.0, BBB=98.0)
    one, other = live.partial(), offline.partial(market_ns=at(1, 7.0))

    for name in ("dealer_hedge_usd", "dealer_hedge_low_usd", "dealer_decay_usd"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-9)
        assert not np.isnan(getattr(one, name)).any()
    # What trades at half the price moves the hedge of twice the contracts: no jump.
    assert abs(one.dealer_hedge_usd[0]) < 1e7


def test_records_say_in_whose_terms_they_are() -> None:
    book = split_book(split())
    settle(book, targets(1, 0.0, previous_close=92.22))
    adjusted = replace(
        columns(book, [replace(BEFORE, strike=92.14, open_interest=700.0)]),
        terms_label=np.array([DAY]),
    )

    book.apply(adjusted)
    settle(book)

    assert held(book) == {(92.14, True): (700.0, 0.3, 100.0)}
