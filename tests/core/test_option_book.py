"""The live option book: equal to a full recompute in any order, and what its figures mean."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.curve_workshop import DELTA_ERROR
from core.delta_curve import VALUE_ERROR
from core.option_book import DealerFigures
from core.sessions import NO_SESSION
from tests.support.core_universe import at
from tests.support.option_chains import DAY_NS
from tests.support.option_records import (
    FIGURES,
    Record,
    apply,
    assert_recomputed,
    option_book,
    recomputed,
    settle,
    targets,
)

ROWS = 2

RECORD = st.builds(
    Record,
    # Before, at and after the open of the second session, and before that of the third.
    event_ns=st.sampled_from([at(0, 3.0), at(1, -1.0), at(1, 0.0), at(1, 2.0), at(1, 8.0)]),
    open_interest=st.sampled_from([0.0, 10.0, 2_000.0, 70_000.0, math.nan]),
    volatility=st.sampled_from([0.1, 0.35, 1.2, math.nan]),
    row=st.integers(0, ROWS - 1),
    strike=st.sampled_from([80.0, 99.5, 104.0]),
    is_call=st.booleans(),
    root=st.sampled_from(["XYZ", "XYZW"]),
    settlement_ns=st.sampled_from([at(1, 0.0), at(1, 7.0), at(2, 7.0), at(40, 7.0)]),
    is_cash_settled=st.booleans(),
    source=st.sampled_from(["a", "b"]),
)
RECORDS = st.lists(
    RECORD,
    min_size=1,
    max_size=25,
    unique_by=lambda each: (each.identity, each.event_ns, each.source),
)
PRICE = st.sampled_from([100.0, 99.0, 101.7, 85.0, 118.0, 70.0, 140.0])


def test_nothing_to_trade_is_never_minus_nothing() -> None:
    book = option_book()
    apply(book, Record(at(0, -1.0)), Record(at(0, -1.0), strike=97.0, is_call=False))
    settle(book, targets(0, 7.0))

    for price in (100.0, 96.0, 103.0, 150.0):
        figures = book.figures(np.array([0]), np.array([price]))
        for name in FIGURES:
            figure = getattr(figures, name)[0]
            assert figure != 0.0 or not np.signbit(figure), (name, price)
    assert book.figures(np.array([0]), np.array([100.0])).to_come_usd[0] == 0.0


@settings(max_examples=150)
@given(
    records=RECORDS,
    prices=st.tuples(PRICE, PRICE),
    hour=st.sampled_from([0.0, 0.5, 3.31, 6.99, 7.0, 7.5]),
    cuts=st.lists(st.integers(0, 25), max_size=3),
    data=st.data(),
)
def test_any_order_and_batching_ends_as_the_full_recompute(
    *,
    records: list[Record],
    prices: tuple[float, float],
    hour: float,
    cuts: list[int],
    data: st.DataObject,
) -> None:
    shuffled = data.draw(st.permutations(records))
    again = data.draw(st.lists(st.sampled_from(records), max_size=5))
    book = option_book(ROWS)
    wanted = targets(1, hour, rows=ROWS)
    early = targets(1, 0.1, rows=ROWS)
    bounds = [0, *sorted(cuts), len(records)]
    for start, stop in pairwise(bounds):
        # Followed from early on, so that later batches change curves that are there already.
        settle(book, early)
        if shuffled[start:stop]:
            apply(book, *shuffled[start:stop])
    if again:
        apply(book, *again)

    settle(book, wanted)

    assert_recomputed(book, records, np.array(prices), wanted)


@settings(max_examples=30)
@given(records=RECORDS, prices=st.tuples(PRICE, PRICE))
def test_sessions_follow_each_other(records: list[Record], prices: tuple[float, float]) -> None:
    book = option_book(ROWS)
    apply(book, *records)
    for session, hour in ((0, 5.0), (1, 5.0), (1, 7.0), (2, 1.0)):
        wanted = targets(session, hour, rows=ROWS, previous_close=100.0 + session)

        settle(book, wanted)

        alive = [each for each in records if each.settlement_ns >= at(session, 0.0)]
        assert_recomputed(book, alive, np.array(prices), wanted)


def test_a_worked_hedge_of_dealers_who_are_long_calls() -> None:
    # 1000 calls on 100 shares at the money with an hour left at 20 %: one width is 0.2137 %. A
    # rise by one width takes the delta from 0.50043 to 0.84144: 34 101 shares to sell.
    book = option_book()
    apply(book, Record(at(0, -1.0), settlement_ns=at(0, 7.0)))
    settle(book, targets(0, 7.0))
    width = 0.2 / math.sqrt(8_760.0)
    price = 100.0 * math.exp(width)

    figures = book.figures(np.array([0]), np.array([price]))

    normal = 0.5 * math.erfc(-(1.0 + 0.5 * width) / math.sqrt(2.0))
    start = 0.5 * math.erfc(-0.5 * width / math.sqrt(2.0))
    assert figures.hedge_usd[0] == pytest.approx(-price * 1e5 * (normal - start), abs=100.0)
    assert figures.hedge_low_usd[0] == figures.hedge_usd[0]
    assert figures.hedge_high_usd[0] == -figures.hedge_usd[0]


def test_nothing_is_known_before_the_curves_are_made_and_where_nothing_is_open() -> None:
    book = option_book(3)
    apply(book, Record(at(0, -1.0)), Record(at(0, -1.0), row=1, volatility=math.nan))
    everyone, price = np.arange(3), np.full(3, 101.0)

    book.follow(targets(0, 1.0, rows=3))
    early = book.figures(everyone, price)
    settle(book)
    late = book.figures(everyone, price)

    for name, figure in vars(early).items():
        assert np.isnan(figure).all(), name
        np.testing.assert_array_equal(np.isnan(getattr(late, name)), [False, True, True])
    np.testing.assert_array_equal(book.priced_share(), [1.0, 0.0, np.nan])


@pytest.mark.parametrize("price", [np.nan, 0.0])
def test_without_a_price_or_previous_close_nothing_is_known(price: float) -> None:
    book = option_book()
    apply(book, Record(at(0, -1.0)))
    settle(book, targets(0, 1.0))

    assert np.isnan(book.figures(np.array([0]), np.array([price])).hedge_usd).all()
    settle(book, targets(0, 1.0, previous_close=np.nan))
    assert np.isnan(book.figures(np.array([0]), np.array([101.0])).hedge_usd).all()


def test_a_session_that_has_begun_knows_nothing_until_its_own_curves_are_made() -> None:
    book = option_book()
    apply(book, Record(at(0, -1.0)))
    settle(book, targets(0, 7.0))

    book.follow(targets(1, 0.0, previous_close=100.5))

    assert np.isnan(book.figures(np.array([0]), np.array([101.0])).hedge_usd).all()


def test_the_users_signs_count_where_they_are_stated() -> None:
    signed, unsigned = option_book(), option_book()
    record = Record(at(0, -1.0))
    apply(signed, replace(record, sign=3.0 / 4.0))
    apply(unsigned, record)
    for book in (signed, unsigned):
        settle(book, targets(0, 1.0))
        book._model[:] = 3

    rows, price = np.array([0]), np.array([101.0])

    by_sign = signed.figures(rows, price)
    signed._model[:] = 0
    assert by_sign.hedge_usd == pytest.approx(0.75 * signed.figures(rows, price).hedge_usd)
    assert np.isnan(unsigned.figures(rows, price).hedge_usd).all()
    assert not np.isnan(unsigned.figures(rows, price).hedge_low_usd).any()


def test_a_forward_given_by_the_open_is_priced_on_and_one_given_later_is_not() -> None:
    books = [option_book() for _ in range(3)]
    record = Record(at(0, -1.0), settlement_ns=at(365, 7.0))
    apply(books[0], record)
    apply(books[1], replace(record, forward=104.0))
    apply(books[2], record, replace(record, event_ns=at(0, 2.0), forward=104.0))
    for book in books:
        settle(book, targets(0, 3.0))

    hedges = [book.figures(np.array([0]), np.array([101.0])).hedge_usd[0].item() for book in books]

    assert hedges[2] == hedges[0]
    # Four per cent more forward are 0.2 of a width of 20 %: the density falls by d1 x 0.2.
    assert hedges[1] == pytest.approx(
        hedges[0] * 1.04 * math.exp(-0.5 * (0.3**2 - 0.1**2)), rel=0.02
    )


def test_a_forward_that_cannot_be_is_not_priced_on() -> None:
    books = [option_book() for _ in range(2)]
    apply(books[0], Record(at(0, -1.0)))
    apply(books[1], Record(at(0, -1.0), forward=400.0))
    for book in books:
        settle(book, targets(0, 3.0))

    one, other = (book.figures(np.array([0]), np.array([101.0])) for book in books)

    assert one.hedge_usd == other.hedge_usd


def test_a_finer_contract_than_the_grid_holds_makes_a_finer_grid() -> None:
    book = option_book()
    slow = Record(at(0, -1.0), settlement_ns=at(400, 7.0))
    apply(book, slow)
    settle(book, targets(0, 1.0))
    coarse = book._workshop.curves[0].grid

    last = Record(at(0, 0.5), settlement_ns=at(0, 7.0), volatility=0.1, strike=101.0)
    apply(book, last)
    settle(book)

    assert book._workshop.curves[0].grid.half > coarse.half
    assert_recomputed(book, [slow, last], np.array([101.2]), targets(0, 1.0))


def test_time_goes_on_in_steps_that_the_shortest_contract_allows() -> None:
    month, hours = option_book(), option_book()
    apply(month, Record(at(0, -1.0)))
    apply(hours, Record(at(0, -1.0)), Record(at(0, -1.0), settlement_ns=at(0, 7.0)))
    wanted = targets(0, 3.51)

    for book in (month, hours):
        settle(book, targets(0, 0.0))
        settle(book, wanted)

    # 30 days are 43 200 minutes, of which 0.25 % are 108: 64 minutes at a time, from the middle.
    assert month._workshop.curves[0].times.time_ns == at(0, (3 * 64 + 32) / 60)
    assert hours._workshop.curves[0].times.time_ns == at(0, 3.5)
    settle(month, targets(0, 6.6))
    # The last step is as long as the session has left.
    assert month._workshop.curves[0].times.time_ns == at(0, (6 * 64 + 18) / 60)
    settle(month, targets(0, 7.2))
    assert month._workshop.curves[0].times.time_ns == at(0, 7.0)


@settings(max_examples=60)
@given(
    days=st.floats(1.0, 60.0),
    volatility=st.floats(0.05, 1.0),
    strike=st.floats(95.0, 105.0),
    price=st.floats(96.0, 104.0),
    hour=st.floats(0.0, 6.99),
)
def test_a_hedge_between_two_steps_is_off_by_what_is_stated(
    *, days: float, volatility: float, strike: float, price: float, hour: float
) -> None:
    record = Record(
        at(0, -1.0),
        strike=strike,
        volatility=volatility,
        settlement_ns=at(0, 7.0) + int(days * DAY_NS),
    )
    book, wanted = option_book(), targets(0, hour)
    apply(book, record)
    settle(book, wanted)

    found = book.figures(np.array([0]), np.array([price])).hedge_usd[0]

    now_ns = int(wanted.market_ns[0])
    slow = recomputed([record], row=0, price=price, wanted=wanted, time_ns=now_ns)
    # Both deltas of the difference may be off, each by its time and by its reading.
    share = 2.0 * DELTA_ERROR + 3.0 * VALUE_ERROR
    assert found == pytest.approx(slow.figures.hedge_usd[0], rel=0, abs=share * price * slow.units)


def test_demand_by_close_is_what_the_figures_become_at_the_close() -> None:
    book = option_book()
    apply(
        book,
        Record(at(0, -1.0), settlement_ns=at(0, 7.0), is_cash_settled=True),
        Record(at(0, -1.0), strike=104.0, is_call=False),
        Record(at(0, 0.5), strike=104.0, is_call=False, volatility=0.3),
    )
    settle(book, targets(0, 3.0))
    closes = np.array([70.0, 96.0, 100.0, 103.0, 140.0])
    foreseen = book.hedge_at_close(0, closes)
    to_come = book.demand_to_come(0, 101.0, np.array([101.0]))
    now = book.figures(np.array([0]), np.array([101.0]))

    settle(book, targets(0, 7.0))

    rows = np.array([0])
    seen = [book.figures(rows, closes[[i]]).hedge_usd[0] for i in range(len(closes))]
    np.testing.assert_allclose(foreseen, seen, rtol=0, atol=3.0 * VALUE_ERROR * 2e5 * 140.0)
    assert to_come[0] == pytest.approx(now.to_come_usd[0], rel=1e-9)
    assert np.isnan(option_book().hedge_at_close(0, closes)).all()


@pytest.mark.parametrize("previous_close", [math.nan, 100.0])
def test_what_comes_before_the_first_session_waits_for_it(previous_close: float) -> None:
    book = option_book()
    record = Record(at(0, -1.0))
    apply(book, record)
    unknown = targets(0, 0.0, previous_close=previous_close)
    if not math.isnan(previous_close):
        unknown = replace(unknown, label=np.array([NO_SESSION]))

    settle(book, unknown)

    assert not book.is_busy
    assert math.isnan(book.figures(np.array([0]), np.array([97.0])).hedge_usd[0])
    wanted = targets(0, 1.0)
    settle(book, wanted)
    assert_recomputed(book, [record], np.array([97.0]), wanted)


def test_work_comes_in_slices_and_what_arrives_meanwhile_is_not_lost() -> None:
    generator = np.random.default_rng(3)
    book = option_book()
    records = [
        Record(at(0, -1.0), float(generator.integers(1, 99)), strike=60.0 + 0.01 * i)
        for i in range(9_000)
    ]
    wanted = targets(0, 1.0)
    apply(book, *records)
    book.follow(wanted)

    assert book.refresh()
    later = [replace(each, event_ns=at(0, 0.5), open_interest=500.0) for each in records[::3]]
    later.append(Record(at(0, 0.5), strike=44.0))
    apply(book, *later)
    slices = settle(book)

    assert slices >= 3
    assert_recomputed(book, [*records, *later], np.array([103.0]), wanted)


def test_figures_name_their_columns() -> None:
    assert list(DealerFigures.__dataclass_fields__)[:5] == list(FIGURES)
