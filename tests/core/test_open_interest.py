"""State of the option book: sessions, contracts that come and leave, ages."""

import math
from dataclasses import replace

import numpy as np

from core.sessions import NO_TIME
from tests.support.core_universe import FIRST, HOUR_NS, at
from tests.support.option_records import (
    Record,
    apply,
    assert_recomputed,
    columns,
    option_book,
    settle,
    targets,
)


def test_settled_contracts_leave_and_their_records_are_of_no_use_any_more() -> None:
    book = option_book()
    gone = [Record(at(0, -1.0), strike=90.0 + i, settlement_ns=at(0, 7.0)) for i in range(20)]
    apply(book, *gone, Record(at(0, -1.0)))
    settle(book, targets(0, 7.0))
    assert len(book.state.table.members(0)) == 21

    settle(book, targets(1, 0.0, previous_close=101.0))

    np.testing.assert_array_equal(book.state.table.members(0), [20])
    apply(book, *gone)
    assert book.state.unused == 20
    assert len(book.state.table.members(0)) == 1
    size = book.state.table.size
    apply(book, *(Record(at(1, 1.0), strike=190.0 + i) for i in range(20)))
    assert book.state.table.size == size
    settle(book)
    wanted = targets(1, 0.0, previous_close=101.0)
    records = [Record(at(0, -1.0)), *(Record(at(1, 1.0), strike=190.0 + i) for i in range(20))]
    assert_recomputed(book, records, np.array([103.0]), wanted)


def test_a_change_of_deliverable_or_settlement_counts_at_once() -> None:
    book = option_book()
    plain = Record(at(0, -1.0))
    apply(book, plain, Record(at(0, -1.0), strike=105.0))
    settle(book, targets(0, 1.0))
    adjusted = replace(plain, event_ns=at(0, 0.5), deliverable=150.0)

    apply(book, adjusted)
    settle(book)

    records = [plain, adjusted, Record(at(0, -1.0), strike=105.0)]
    assert_recomputed(book, records, np.array([102.0]), targets(0, 1.0))


def test_rounding_does_not_pile_up() -> None:
    book = option_book()
    rest = [Record(at(0, -1.0), strike=95.0 + i, open_interest=10.0) for i in range(5)]
    huge = Record(at(0, -1.0), open_interest=1e9)
    apply(book, huge, *rest)
    settle(book, targets(0, 0.0))
    for i in range(50):
        apply(book, replace(huge, event_ns=at(0, 0.001 * i), volatility=0.2 + 0.001 * i))
        settle(book)
    last = replace(huge, event_ns=at(0, 0.2), open_interest=0.0)
    apply(book, last)
    settle(book)
    price = np.array([101.0])
    drifted = book.figures(np.array([0]), price).hedge_usd

    settle(book, targets(0, 3.0))

    fresh = option_book()
    apply(fresh, *rest)
    settle(fresh, targets(0, 3.0))
    assert drifted != fresh.figures(np.array([0]), price).hedge_usd
    for name, figure in vars(fresh.figures(np.array([0]), price)).items():
        np.testing.assert_allclose(getattr(book.figures(np.array([0]), price), name), figure)


def test_figures_of_a_later_session_wait_for_it() -> None:
    book = option_book()
    today = Record(at(0, -1.0))
    tonight = replace(today, event_ns=at(0, 9.0), open_interest=5_000.0)
    stated = replace(today, event_ns=at(0, 1.0), open_interest=7_000.0, label=FIRST + 1)
    apply(book, today, tonight, stated)

    settle(book, targets(0, 7.0))
    assert_recomputed(book, [today], np.array([101.0]), targets(0, 7.0))
    settle(book, targets(1, 1.0))
    assert_recomputed(book, [tonight], np.array([101.0]), targets(1, 1.0))


def test_a_session_out_of_reach_is_of_no_use() -> None:
    book = option_book()

    apply(book, Record(at(0, -1.0), label=FIRST + 2), Record(at(0, -1.0), label=FIRST + 999))

    assert book.state.unused == 2
    assert book.state.table.size == 0


def test_age_counts_sessions_and_as_of_the_newest_record_that_counts() -> None:
    book = option_book(2)
    apply(book, Record(at(0, -1.0)), Record(at(1, -1.0), open_interest=math.nan))
    settle(book, targets(0, 1.0, rows=2))
    np.testing.assert_array_equal(book.is_stale(), [False, False])
    np.testing.assert_array_equal(book.as_of_ns(), [at(0, -1.0), NO_TIME])

    settle(book, targets(1, 1.0, rows=2))

    np.testing.assert_array_equal(book.is_stale(), [True, False])
    np.testing.assert_array_equal(book.as_of_ns(), [at(1, -1.0), NO_TIME])


def test_older_sessions_become_one_and_still_count() -> None:
    book = option_book()
    old = Record(at(0, -1.0), settlement_ns=at(100, 7.0))
    apply(book, old)
    for session in range(1, 6):
        apply(book, Record(at(session, -1.0), strike=110.0, settlement_ns=at(100, 7.0)))

    wanted = targets(5, 1.0)
    settle(book, wanted)

    assert len(book.state.days.ordered()) == 3
    last = Record(at(5, -1.0), strike=110.0, settlement_ns=at(100, 7.0))
    assert_recomputed(book, [old, last], np.array([101.0]), wanted)
    # What comes late for one of them is no newer than what stands.
    apply(book, Record(at(0, -2.0), open_interest=5.0, settlement_ns=at(100, 7.0)))
    settle(book)
    assert_recomputed(book, [old, last], np.array([101.0]), wanted)


def test_a_row_as_a_chain_has_what_is_in_force() -> None:
    book = option_book()
    apply(
        book,
        Record(at(0, -1.0), root="B"),
        Record(at(0, 1.0), root="B", volatility=0.25, open_interest=math.nan),
        Record(at(0, -1.0), strike=90.0, is_call=False, forward=100.5, is_cash_settled=True),
    )
    settle(book, targets(0, 3.0))

    chain = book.chain(0, underlying="R0", spot=101.0)

    assert (chain.underlying, chain.spot, chain.as_of_ns) == ("R0", 101.0, at(0, 3.0))
    np.testing.assert_array_equal(chain.strike, [100.0, 90.0])
    assert [chain.roots[root] for root in chain.root] == ["B", "XYZ"]
    np.testing.assert_array_equal(chain.open_interest, [1_000.0, 1_000.0])
    np.testing.assert_array_equal(chain.implied_volatility, [0.25, 0.2])
    np.testing.assert_array_equal(chain.forward, [np.nan, 100.5])
    np.testing.assert_array_equal(chain.is_cash_settled, [False, True])
    np.testing.assert_array_equal(chain.expiry, at(30, 7.0) // (24 * HOUR_NS))


def test_applying_says_which_rows_changed() -> None:
    book = option_book(3)
    record = Record(at(0, -1.0), row=2)

    np.testing.assert_array_equal(apply(book, record, replace(record, row=0)), [0, 2])
    np.testing.assert_array_equal(apply(book, record), [])
    np.testing.assert_array_equal(
        apply(book, replace(record, event_ns=at(0, -0.5), volatility=0.3)), [2]
    )
    assert len(book.apply(columns(book, [record]).at(np.empty(0, np.int64)))) == 0


def test_the_priced_share_follows_what_becomes_known_and_what_is_closed() -> None:
    book = option_book()
    apply(
        book,
        Record(at(0, -1.0), 3_000.0),
        Record(at(0, -1.0), 1_000.0, strike=90.0, volatility=math.nan),
    )
    settle(book, targets(0, 1.0))
    assert book.priced_share()[0] == 0.75

    apply(book, Record(at(0, 1.0), math.nan, strike=90.0, volatility=0.3))
    settle(book)
    assert book.priced_share()[0] == 1.0

    apply(book, Record(at(0, 2.0), 0.0), Record(at(0, 2.0), 0.0, strike=90.0))
    settle(book)
    assert np.isnan(book.priced_share()[0])
    assert np.isnan(book.figures(np.array([0]), np.array([101.0])).hedge_usd[0])
