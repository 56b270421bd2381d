"""The variance to come as a book learns it: history, halts, half days, late prices."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.book import Book
from core.day import BUCKET_NS
from core.history import KEPT_SESSIONS, History, SessionCloses
from core.sessions import SessionTable
from tests.support.book_events import PriceEvent, assert_same, book_of, prices, tick
from tests.support.core_universe import DAY_NS, FIRST, HOUR_NS, Fund, Ref, at, core_universe
from tests.support.naive_variance import naive_variance

NAN = float("nan")
USUAL, HALF = 20, 10
LENGTHS = (USUAL, USUAL, HALF, USUAL, USUAL)
"""Buckets of the sessions of a made-up venue: 100 minutes, and a half day of 50."""


def venue(lengths: Sequence[int] = LENGTHS) -> SessionTable:
    label = FIRST + np.arange(len(lengths))
    open_ns = label * DAY_NS + 10 * HOUR_NS
    close_ns = open_ns + np.array(lengths) * BUCKET_NS
    return SessionTable("DAY", "UTC", label, open_ns, close_ns, close_ns)


def book_at_venue(volatility: float = 0.02, lengths: Sequence[int] = LENGTHS) -> Book:
    universe = core_universe(
        [Ref("AAA", daily_volatility=volatility)], [Fund("UP2", "AAA", [(FIRST, 1e9, 2.0)])]
    )
    return book_of(dataclasses.replace(universe, schedules=(venue(lengths),)))


def play(book: Book, session: int, closes: Sequence[float], *, begin: int = 0) -> None:
    """Price the ends of a session's buckets; NaN: nothing is traded."""
    open_ns = (FIRST + session) * DAY_NS + 10 * HOUR_NS
    events = [
        tick(0, open_ns + (begin + i + 1) * BUCKET_NS, close)
        for i, close in enumerate(closes)
        if close == close  # noqa: PLR0124 - not NaN
    ]
    if events:
        book.apply_prices(prices(book, events))


def variance(book: Book, session: int, bucket: float) -> float:
    open_ns = (FIRST + session) * DAY_NS + 10 * HOUR_NS
    return float(book.partial(market_ns=int(open_ns + bucket * BUCKET_NS)).variance[0])


def paths(buckets: int) -> st.SearchStrategy[list[float]]:
    return st.lists(st.floats(90.0, 110.0) | st.just(NAN), min_size=buckets, max_size=buckets)


@given(
    data=st.data(),
    volatility=st.sampled_from([NAN, 0.02]),
    now=st.integers(1, USUAL - 1),
    today=st.sampled_from([2, 4]),
)
def test_the_variance_equals_one_worked_out_bucket_by_bucket(
    data: st.DataObject, volatility: float, now: int, today: int
) -> None:
    past = [data.draw(paths(buckets)) for buckets in LENGTHS[:today]]
    buckets = LENGTHS[today]
    now = min(now, buckets - 1)
    seen = [100.0, *data.draw(paths(buckets))[1:now]]
    book = book_at_venue(volatility)
    for session, closes in enumerate(past):
        play(book, session, closes)
    play(book, today, seen)

    found = variance(book, today, now)

    padded = seen + [NAN] * (buckets - len(seen))
    expected = naive_variance(past, padded, usual_buckets=USUAL, daily_volatility=volatility)
    assert found == pytest.approx(expected, rel=1e-6, nan_ok=True)


CALM = [100.0 + 0.1 * (i % 2) for i in range(USUAL)]


def test_without_history_and_volatility_it_is_unknown_until_the_close() -> None:
    book = book_at_venue(NAN)
    play(book, 0, CALM)

    assert np.isnan(variance(book, 0, 10))
    assert variance(book, 0, USUAL) == 0.0


def test_a_session_of_history_makes_it_known() -> None:
    book = book_at_venue(NAN)
    play(book, 0, CALM)
    play(book, 1, CALM[:5])

    assert variance(book, 1, 5) > 0.0


def test_through_a_halt_nothing_has_come_yet() -> None:
    # Six buckets of five minutes without a price: what was to come at its start still is.
    halted, trading = book_at_venue(), book_at_venue()
    for book in (halted, trading):
        play(book, 0, CALM)
        play(book, 1, CALM[:8])
    play(trading, 1, CALM[8:14], begin=8)

    at_start, at_end = variance(halted, 1, 8), variance(halted, 1, 14)

    assert at_end == at_start
    assert at_end > 1.4 * variance(trading, 1, 14)


def test_the_jump_after_a_halt_counts_for_the_time_it_took() -> None:
    jumped, calm = book_at_venue(), book_at_venue()
    for book, price in ((jumped, 94.0), (calm, 100.0)):
        play(book, 0, CALM)
        play(book, 1, [*CALM[:8], *[NAN] * 6, price])

    assert variance(jumped, 1, 15) > 4 * variance(calm, 1, 15)


def test_a_half_day_has_half_a_days_variance_spread_over_its_own_length() -> None:
    book = book_at_venue()
    play(book, 2, CALM[:1])

    # A tenth of it is gone, as 39 of 390 minutes: 0.859 - 0.316 * 9 / 120 is still to come.
    assert variance(book, 2, 1) == pytest.approx(0.02**2 * 0.65 * 0.5 * 0.8353)


def test_a_late_price_of_yesterday_changes_what_is_expected_today() -> None:
    late, timely = book_at_venue(), book_at_venue()
    play(late, 0, [*CALM[:9], NAN, *CALM[10:]])
    play(late, 1, CALM[:3])
    before = variance(late, 1, 3)

    play(late, 0, [103.0], begin=9)

    play(timely, 0, [*CALM[:9], 103.0, *CALM[10:]])
    play(timely, 1, CALM[:3])
    assert variance(late, 1, 3) == variance(timely, 1, 3)
    assert variance(late, 1, 3) > before


def test_only_the_latest_sessions_are_kept() -> None:
    history = History()
    nothing: list[SessionCloses] = []
    for label in range(3 * KEPT_SESSIONS):
        history.keep(label, nothing)

    assert len(list(history.before(3 * KEPT_SESSIONS, {}))) == 2 * KEPT_SESSIONS
    assert len(list(history.before(3 * KEPT_SESSIONS - 10, {}))) == 2 * KEPT_SESSIONS - 10


LONG = (Fund("UP2", "AAA", [(FIRST, 800e6, 2.0)]),)
TWO_ROWS = core_universe([Ref("AAA"), Ref("BBB")], LONG)
TWO_SESSIONS = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.sampled_from([at(d, h) for d in (0, 1) for h in (0, 0.02, 0.1, 0.5, 3, 5, 6.9, 7)]),
        st.sampled_from([99.0, 99.5, 100.0, 101.0]),
        st.integers(0, 2),
        st.just("a"),
        st.just(value=False),
    ),
    min_size=1,
    max_size=30,
)


@given(data=st.data(), price_events=TWO_SESSIONS)
def test_any_order_of_two_sessions_leaves_the_same_variance_to_come(
    data: st.DataObject, price_events: list[PriceEvent]
) -> None:
    whole = book_of(TWO_ROWS)
    whole.apply_prices(prices(whole, price_events))
    other = book_of(TWO_ROWS)
    look = data.draw(st.sampled_from([at(0, 3), at(1, 1), at(1, 7)]))
    for event in data.draw(st.permutations(price_events + price_events[:3])):
        other.apply_prices(prices(other, [event]))
        other.partial(market_ns=look)

    for time_ns in (at(0, 3), at(1, 1), at(1, 6.9)):
        assert_same(whole.partial(market_ns=time_ns), other.partial(market_ns=time_ns))
