"""What is usually traded, and the two columns that are measured by it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.assembly import assemble
from core.book import Book
from core.columns import COLUMNS, NUMERIC_COLUMNS, PriceColumns
from core.liquidity import SessionLiquidity, hours_to_trade, learnt_volume
from tests.support.book_events import book_of, prices, tick
from tests.support.core_universe import FIRST, Fund, Ref, at, core_universe

VolumeEvent = tuple[int, int, float, int, str, bool, float]
"""A price event, and the units traded in its session so far."""

NO_BREACH = (np.full(2, np.nan), np.full(2, np.nan))
UNIVERSE = core_universe(
    [Ref("AAA", adv_usd=7e8), Ref("COIN", schedule="ROUND", adv_usd=4.8e9)],
    [Fund("UP", "AAA", [(FIRST, 1e8, 2.0)]), Fund("DOWN", "COIN", [(FIRST + 1, 1e8, -1.0)])],
)


def test_the_universe_alone_gives_the_last_half_hour_and_the_pace() -> None:
    book = book_of(UNIVERSE)
    book.apply_prices(prices(book, [tick(0, at(0, 1), 95.0), tick(1, at(1, 22, "ROUND"), 105.0)]))

    owed = assemble(UNIVERSE, [book.partial(market_ns=at(0, 1))], NO_BREACH).numeric

    # 1e8 x 2 x (2 - 1) x -5 % = -1e7, of 7e8 x 0.14 = 9.8e7; 7 hours of 1e8, a tenth of it 1e7.
    assert owed["forced_flow_usd"][0] == pytest.approx(-1e7)
    assert owed["last_half_hour_ratio"][0] == pytest.approx(-1e7 / 9.8e7)
    assert owed["hours_to_trade"][0] == pytest.approx(1.0)
    # Around the clock: 1e8 x -1 x -2 x 5 % = 1e7, of 4.8e9 / 48 = 1e8; 24 hours of 2e8.
    owed = assemble(UNIVERSE, [book.partial(market_ns=at(1, 22, "ROUND"))], NO_BREACH).numeric
    assert owed["last_half_hour_ratio"][1] == pytest.approx(0.1)
    assert owed["hours_to_trade"][1] == pytest.approx(0.5)


def test_hours_are_never_negative_and_unknown_stays_unknown() -> None:
    hours = hours_to_trade(np.array([-4e6, 0.0, np.nan, 1e6]), np.array([1e7, 1e7, 1e7, np.nan]))

    np.testing.assert_array_equal(hours, [4.0, 0.0, np.nan, np.nan])


def test_the_new_columns_come_last() -> None:
    assert COLUMNS[-5:] == (
        "as_of",
        "last_half_hour_ratio",
        "hours_to_trade",
        "dealer_decay_usd",
        "dealer_to_come_usd",
    )
    assert NUMERIC_COLUMNS[-4:] == COLUMNS[-4:]


def volumed(book: Book, events: Sequence[VolumeEvent]) -> PriceColumns:
    plain = prices(book, [event[:-1] for event in events])
    return replace(plain, volume=np.array([event[-1] for event in events], np.float64))


def traded(session: int, hour: float, price: float, volume: float, *, row: int = 0) -> VolumeEvent:
    return row, at(session, hour), price, 0, "a", False, volume


def a_session(session: int, *, before: float, whole: float, close: float) -> list[VolumeEvent]:
    return [
        traded(session, 1.0, close, before / 2),
        traded(session, 6.5, close, before),
        traded(session, 6.6, close, (before + whole) / 2),
        traded(session, 7.0, close, whole),
    ]


def learnt(book: Book, session: int) -> tuple[float, float]:
    partial = book.partial(market_ns=at(session, 1))
    return partial.last_half_hour_usd[0], partial.hourly_usd[0]


def test_five_sessions_with_volumes_say_more_than_the_universe() -> None:
    book = book_of(UNIVERSE)
    for session in range(5):
        assert learnt(book, session) == pytest.approx((9.8e7, 1e8))
        units = a_session(session, before=80.0, whole=100.0 + 10.0 * session, close=2.0)
        book.apply_prices(volumed(book, units))

    # 20, 30, 40, 50 and 60 of the last half hour, 100 to 140 in all, 7 hours each, at a price of 2.
    assert learnt(book, 5) == pytest.approx((2.0 * 40.0, 2.0 * 120.0 / 7.0))
    # What the session itself trades is not known in advance.
    book.apply_prices(volumed(book, [traded(5, 0.5, 2.0, 1e6), traded(5, 6.9, 2.0, 1e7)]))
    assert learnt(book, 5) == pytest.approx((2.0 * 40.0, 2.0 * 120.0 / 7.0))
    assert book.partial(market_ns=at(5, 1)).adv_usd[0] == 7e8


def test_a_volume_that_comes_late_corrects_the_later_sessions() -> None:
    book = book_of(UNIVERSE)
    for session in range(5):
        units = a_session(session, before=80.0, whole=100.0, close=2.0)
        book.apply_prices(volumed(book, units))
    assert learnt(book, 5)[0] == pytest.approx(40.0)

    # Older than the last price of its session, which it leaves alone.
    book.apply_prices(volumed(book, [traded(4, 6.5, 9.0, 70.0)]))
    assert learnt(book, 5)[0] == pytest.approx(40.0)
    row, time_ns, price, _, source, official, _ = traded(4, 6.5, 2.0, 0.0)
    book.apply_prices(volumed(book, [(row, time_ns, price, 1, source, official, 70.0)]))

    assert learnt(book, 5)[0] == pytest.approx(2.0 * (4 * 20.0 + 30.0) / 5.0)


@pytest.mark.parametrize(
    "volumes", [(80.0, np.nan), (np.nan, 100.0), (80.0, 0.0), (100.0, 80.0), (100.0, 100.0)]
)
def test_a_session_that_does_not_say_its_last_half_hour_does_not_count(
    volumes: tuple[float, float],
) -> None:
    book = book_of(UNIVERSE)
    for session in range(4):
        units = a_session(session, before=80.0, whole=100.0, close=2.0)
        book.apply_prices(volumed(book, units))
    before, whole = volumes
    odd = [traded(4, 6.5, 2.0, before), traded(4, 7.0, 2.0, whole)]
    book.apply_prices(volumed(book, odd))

    assert learnt(book, 5) == pytest.approx((9.8e7, 1e8))
    book.apply_prices(volumed(book, a_session(5, before=80.0, whole=100.0, close=2.0)))
    assert learnt(book, 6)[0] == pytest.approx(40.0)


def test_volumes_of_another_currency_and_of_official_closes_do_not_count() -> None:
    won = replace(UNIVERSE, currency=("KRW", "USD"))
    book = book_of(won)
    for session in range(6):
        units = a_session(session, before=80.0, whole=100.0, close=2.0)
        book.apply_prices(volumed(book, units))
    assert learnt(book, 6) == pytest.approx((9.8e7, 1e8))

    dollars = book_of(UNIVERSE)
    for session in range(6):
        units = a_session(session, before=80.0, whole=100.0, close=2.0)
        close = (0, at(session, 7.1), 2.0, 0, "a", True, 5.0)
        dollars.apply_prices(volumed(dollars, [*units, close]))
    assert learnt(dollars, 6)[0] == pytest.approx(40.0)


def test_the_newest_twenty_sessions_count() -> None:
    def session(usd: float) -> SessionLiquidity:
        return SessionLiquidity(np.array([usd]), np.array([usd / 10]), np.array([1.0]))

    newest_first = [session(usd) for usd in range(1, 31)]

    last, hourly = learnt_volume(newest_first, np.array([7.0]), np.array([7.0]))
    few = learnt_volume(newest_first[:4], np.array([7.0]), np.array([7.0]))

    assert (last[0], hourly[0]) == pytest.approx((1.05, 10.5))
    assert (few[0][0], few[1][0]) == (7.0, 7.0)


VOLUME_EVENTS = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.sampled_from([at(d, h) for d in range(6) for h in (1, 6.5, 6.6, 7)]),
        st.sampled_from([99.0, 101.0]),
        st.integers(0, 1),
        st.sampled_from(["a", "b"]),
        st.sampled_from([False, False, True]),
        st.sampled_from([np.nan, 0.0, 10.0, 20.0, 30.0]),
    ),
    max_size=12,
)


@given(data=st.data(), events=VOLUME_EVENTS)
def test_any_order_duplication_and_batching_teaches_the_same(
    data: st.DataObject, events: list[VolumeEvent]
) -> None:
    steady = [
        event
        for session in range(6)
        for event in a_session(session, before=15.0, whole=25.0, close=100.0)
    ]
    events = steady + events
    whole = book_of(UNIVERSE)
    for source in "ab":
        whole.source_index(source)
    whole.apply_prices(volumed(whole, events))

    other = book_of(UNIVERSE)
    doubled = events + data.draw(st.lists(st.sampled_from(events), max_size=6))
    shuffled = data.draw(st.permutations(doubled))
    size = data.draw(st.integers(1, len(shuffled)))
    looks = data.draw(st.lists(st.integers(at(3, 0), at(7, 0)), max_size=3))
    for start in range(0, len(shuffled), size):
        other.apply_prices(volumed(other, shuffled[start : start + size]))
        if looks:
            other.partial(market_ns=looks.pop())

    for time_ns in (at(5, 3), at(6, 1)):
        one, two = whole.partial(market_ns=time_ns), other.partial(market_ns=time_ns)
        np.testing.assert_array_equal(one.last_half_hour_usd, two.last_half_hour_usd)
        np.testing.assert_array_equal(one.hourly_usd, two.hourly_usd)
