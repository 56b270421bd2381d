"""Positioning live: what it is, when it is made anew, and what sessions leave behind."""

import math
from dataclasses import replace

import numpy as np
import pytest

from core.book_state import Restorer, names_of, recorded_state
from core.chain_profile import profile_chain
from core.live_positioning import PositioningRows, positioning_rows
from core.positioning import FIGURES, HISTORY_SESSIONS
from core.sessions import NO_SESSION
from tests.support.book_events import prices, tick
from tests.support.core_universe import FIRST, at
from tests.support.option_records import Record
from tests.support.positioned_book import (
    make_due,
    positioned_book,
    smile,
    stand,
    take,
    trade,
)
from tests.support.results import results_of, take_results


def figure(rows: PositioningRows, name: str, row: int = 0) -> float:
    return float(rows.figures[row, FIGURES.index(name)])


def test_worked_figures_of_one_underlying() -> None:
    book = positioned_book()
    # Calls: 300 at 95 and 100 at 105. Puts: 600 at 95. By strike 900 and 100 of 1000.
    take(
        book,
        [
            Record(at(0, -1.0), 300.0, strike=95.0),
            Record(at(0, -1.0), 100.0, strike=105.0),
            Record(at(0, -1.0), 600.0, strike=95.0, is_call=False),
            Record(at(0, -1.0), math.nan, strike=99.0),
            # Settled before now.
            Record(at(0, -1.0), 5_000.0, strike=99.0, settlement_ns=at(0, 1.0), root="AM"),
        ],
    )
    trade(book, 0, 2.0, AAA=100.0)
    make_due(book)

    found = positioning_rows(book)

    assert found.symbol == ("AAA",)
    assert figure(found, "call_open_interest") == 400.0
    assert figure(found, "put_open_interest") == 600.0
    assert figure(found, "open_interest_concentration") == pytest.approx(0.9**2 + 0.1**2)
    # A single volatility at all strikes, but none far enough out for 25 deltas.
    assert math.isnan(figure(found, "risk_reversal_25d_30d"))


def test_the_risk_reversal_is_that_of_calls_less_that_of_puts() -> None:
    book = positioned_book()
    take(book, smile(0))
    trade(book, 0, 2.0, AAA=100.0)
    make_due(book)

    assert figure(positioning_rows(book), "risk_reversal_25d_30d") == pytest.approx(-0.08)


def test_figures_are_those_of_the_profile_of_the_same_chain() -> None:
    book = positioned_book()
    take(book, [*smile(0), *smile(0, days=60, put_volatility=0.3)])
    trade(book, 0, 2.0, AAA=103.0)
    make_due(book)

    chain = book.options.chain(0, underlying="AAA", spot=103.0)
    profile = profile_chain(chain, session_label=FIRST, rate=0.0, dividend_yield=0.0)

    found = positioning_rows(book).figures[0]
    assert found.tolist() == list(vars(profile.positioning).values())
    assert found[FIGURES.index("gross_gamma_usd_per_1pct")] > 0.0


def test_a_row_is_made_when_it_is_new_when_contracts_change_and_when_a_minute_is_over() -> None:
    book = positioned_book()
    take(book, [*smile(0), *smile(0, row=1)])
    trade(book, 0, 1.0, AAA=100.0, BBB=100.0)
    assert make_due(book) == [0, 1]
    assert make_due(book) == []

    trade(book, 0, 1.0 + 59 / 3600, AAA=90.0)
    assert make_due(book) == []
    take(book, [Record(at(0, 1.0), 5.0, row=1, settlement_ns=at(30, 7.0))])
    assert make_due(book) == [1]
    trade(book, 0, 1.0 + 60 / 3600, AAA=90.0)
    assert make_due(book) == [0]


def test_of_a_row_without_contracts_or_a_session_nothing_is_made() -> None:
    book = positioned_book()
    take(book, smile(0, row=1))
    trade(book, 0, 1.0, AAA=100.0)

    assert make_due(book) == []
    assert positioning_rows(book).symbol == ()


def test_after_the_close_time_stands_still() -> None:
    book = positioned_book()
    take(book, [*smile(0), *smile(0, days=0)])
    trade(book, 0, 6.99, AAA=100.0)
    make_due(book)
    stand(book, 0, 7.0)
    make_due(book)
    closing = positioning_rows(book).figures.copy()

    stand(book, 0, 9.0)

    # What expires at the close is of that session's inventory.
    assert closing[0, 0] == 2 * 21 * 1_000.0
    assert make_due(book) == []
    np.testing.assert_array_equal(positioning_rows(book).figures, closing)


def test_what_is_made_last_is_of_the_close_and_its_price() -> None:
    book = positioned_book()
    take(book, smile(0))
    trade(book, 0, 7.0 - 30 / 3600, AAA=100.0)
    assert make_due(book) == [0]

    trade(book, 0, 7.0 - 1 / 3600, AAA=90.0)
    stand(book, 0, 7.2)
    assert make_due(book) == [0]
    closing = figure(positioning_rows(book), "gross_gamma_usd_per_1pct")
    official = prices(book, [tick(0, at(0, 7.25), 104.0, official=True)])
    book.apply_prices(official)
    stand(book, 0, 7.3)
    assert make_due(book) == [0]
    stand(book, 0, 7.5)
    assert make_due(book) == []

    def gross(spot: float) -> float:
        chain = replace(book.options.chain(0, underlying="AAA", spot=spot), as_of_ns=at(0, 7.0))
        profile = profile_chain(chain, session_label=FIRST, rate=0.0, dividend_yield=0.0)
        return profile.positioning.gross_gamma_usd_per_1pct

    assert closing == gross(90.0)
    left = book.days[FIRST].recorded.positioning_of(np.array([0]))[0]
    assert left[FIGURES.index("gross_gamma_usd_per_1pct")] == gross(104.0)


def test_where_all_has_settled_nothing_is_open() -> None:
    book = positioned_book()
    take(book, smile(0, days=0))
    trade(book, 0, 1.0, AAA=100.0)
    make_due(book)

    trade(book, 1, 1.0, AAA=100.0)
    make_due(book)

    found = positioning_rows(book)
    assert (figure(found, "call_open_interest"), figure(found, "put_open_interest")) == (0.0, 0.0)
    assert math.isnan(figure(found, "open_interest_concentration"))
    assert math.isnan(figure(found, "risk_reversal_25d_30d"))


def test_figures_of_the_session_before_are_not_shown_as_those_of_this_one() -> None:
    book = positioned_book()
    take(book, smile(0))
    trade(book, 0, 2.0, AAA=100.0)
    make_due(book)

    trade(book, 1, 0.0, AAA=100.0)

    found = positioning_rows(book)
    assert np.isnan(found.figures).all()
    assert (found.label[0], found.interest_label[0]) == (FIRST + 1, FIRST)
    assert found.interest_age.tolist() == [1.0]


def test_the_age_counts_sessions_also_when_many_have_become_one() -> None:
    book = positioned_book()
    take(book, [*smile(0, days=90), *smile(0, row=1, days=90)])
    for session in range(1, 7):
        take(book, smile(session, row=1, days=90 - session))
        trade(book, session, 1.0, AAA=100.0, BBB=100.0)

    found = positioning_rows(book)

    assert found.interest_age.tolist() == [6.0, 0.0]


def sessions_of(count: int) -> list[str]:
    """Return the results of some sessions, in which there are ever more puts."""
    book = positioned_book()
    for session in range(count):
        take(book, smile(session, puts=1_000.0 + 10.0 * session, days=90 - session))
        trade(book, session, 7.0, AAA=100.0)
        make_due(book)
        stand(book, session, 7.5)
    return [value.decode() for value in results_of(book, market_ns=at(count - 1, 7.5))]


def test_the_results_of_sessions_are_the_history_of_the_next() -> None:
    results = sessions_of(5)
    book = positioned_book()
    take_results(book, [each.encode() for each in results])
    take(book, smile(5))
    trade(book, 5, 1.0, AAA=100.0)

    found = positioning_rows(book)

    assert len(results) == 5
    puts = found.history[0, :, FIGURES.index("put_open_interest")]
    known = [21 * (1_000.0 + 10.0 * session) for session in range(5)]
    np.testing.assert_array_equal(puts[-5:], known)
    assert np.isnan(puts[:-5]).all()
    assert found.history_label[0, -5:].tolist() == [FIRST + session for session in range(5)]
    assert (found.history_label[0, :-5] == NO_SESSION).all()
    assert found.history.shape == (1, HISTORY_SESSIONS, len(FIGURES))


def test_a_session_that_left_no_result_is_unknown_in_the_history() -> None:
    results = sessions_of(4)
    book = positioned_book()
    take_results(book, [each.encode() for each in results if '"2024-10-06"' not in each])
    take(book, smile(4))
    trade(book, 4, 1.0, AAA=100.0)

    calls = positioning_rows(book).history[0, :, FIGURES.index("call_open_interest")]

    np.testing.assert_array_equal(calls[-4:], [21_000.0, 21_000.0, np.nan, 21_000.0])


def test_what_was_read_of_results_is_in_the_state_that_is_saved() -> None:
    book = positioned_book()
    take_results(book, [each.encode() for each in sessions_of(2)])
    other = positioned_book()
    for day in book.days.values():
        Restorer(other, names_of(book)).recorded(recorded_state(book, day))

    for each in (book, other):
        take(each, smile(2))
        trade(each, 2, 1.0, AAA=100.0)

    np.testing.assert_array_equal(positioning_rows(other).history, positioning_rows(book).history)
    assert not np.isnan(positioning_rows(other).history[0, -2:, 0]).any()


def test_a_result_without_positioning_takes_nothing_away() -> None:
    book = positioned_book()
    take_results(book, [each.encode() for each in sessions_of(1)])
    before = book.days[FIRST].recorded.positioning_of(np.array([0])).copy()
    state = recorded_state(book, book.days[FIRST])
    unknown = replace(state, positioning=np.full((1, len(FIGURES)), np.nan))

    Restorer(book, names_of(book)).recorded(unknown)

    np.testing.assert_array_equal(book.days[FIRST].recorded.positioning_of(np.array([0])), before)
