"""The book: hand-worked sessions, and the same state in any order, duplication or batching."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.book import Book
from core.sessions import NO_SESSION, NO_TIME
from tests.support.book_events import (
    FlowEvent,
    PriceEvent,
    assert_same,
    book_of,
    flows,
    prices,
    tick,
)
from tests.support.core_universe import FIRST, Fund, Ref, at, core_universe

NAN = float("nan")
LONG_AND_SHORT = (
    Fund("UP2", "AAA", [(FIRST, 800e6, 2.0)]),
    Fund("DOWN1", "AAA", [(FIRST, 150e6, -1.0)]),
)


def test_a_tick_moves_the_demand_by_the_sum_of_coefficients() -> None:
    book = book_of(core_universe([Ref("AAA"), Ref("BBB")], LONG_AND_SHORT))
    book.partial(market_ns=at(0, 0))

    touched = book.apply_prices(prices(book, [tick(0, at(0, 1), 98.0)]))

    assert touched.tolist() == [0]
    assert book.leveraged_usd[0] == pytest.approx((1600e6 + 300e6) * -0.02)
    partial = book.partial(market_ns=at(0, 1))
    assert partial.leveraged_usd[0] == book.leveraged_usd[0]
    assert np.isnan(partial.leveraged_usd[1])
    assert partial.as_of_ns.tolist() == [at(0, 1), NO_TIME]


def test_a_reference_without_funds_owes_nothing_once_it_has_a_price() -> None:
    book = book_of(core_universe([Ref("AAA")]))
    book.apply_prices(prices(book, [tick(0, at(0, 1), 90.0)]))

    partial = book.partial(market_ns=at(0, 1))

    assert partial.leveraged_usd[0] == 0.0
    assert partial.creation_usd[0] == 0.0
    assert partial.coverage[0] == 1.0


def test_assets_and_closes_are_carried_into_the_next_session() -> None:
    universe = core_universe([Ref("AAA")], LONG_AND_SHORT)
    book = book_of(universe)
    book.apply_prices(
        prices(book, [tick(0, at(0, 6), 90.0), tick(0, at(0, 7.1), 91.0, official=True)])
    )
    book.apply_flows(flows(book, [(0, at(0, 7.2), FIRST, 10e6, 0, "a")]))
    book.apply_prices(prices(book, [tick(0, at(1, 1), 91.91)]))

    partial = book.partial(market_ns=at(1, 1))

    up = 800e6 * (1 - 2 * 0.09) + 10e6
    down = 150e6 * (1 + 0.09)
    assert partial.previous_close[0] == 91.0
    assert partial.leveraged_usd[0] == pytest.approx((2 * up + 2 * down) * 0.01)
    assert partial.coverage[0] == 0.0
    assert not partial.is_stale[0]


def test_a_session_without_a_close_moves_nothing() -> None:
    book = book_of(core_universe([Ref("AAA")], LONG_AND_SHORT))
    book.apply_prices(prices(book, [tick(0, at(0, 1), 90.0)]))
    book.apply_prices(prices(book, [tick(0, at(2, 1), 99.0)]))

    partial = book.partial(market_ns=at(2, 1))

    assert partial.previous_close[0] == 90.0
    assert partial.is_stale[0]


def test_a_close_that_arrives_late_corrects_the_next_session() -> None:
    book = book_of(core_universe([Ref("AAA")], LONG_AND_SHORT))
    events = [tick(0, at(0, 1), 90.0), tick(0, at(1, 1), 99.0)]
    book.apply_prices(prices(book, events))
    book.partial(market_ns=at(1, 1))

    book.apply_prices(prices(book, [tick(0, at(0, 6), 95.0)]))

    late = book.partial(market_ns=at(1, 1))
    fresh = book_of(core_universe([Ref("AAA")], LONG_AND_SHORT))
    fresh.apply_prices(prices(fresh, [*events, tick(0, at(0, 6), 95.0)]))
    assert late.previous_close[0] == 95.0
    assert_same(late, fresh.partial(market_ns=at(1, 1)))


def test_a_stated_figure_wins_over_carried_ones_from_its_session_on() -> None:
    funds = [Fund("UP2", "AAA", [(FIRST, 100e6, 1.5), (FIRST + 2, 300e6, 2.0)])]
    reference = Ref("AAA", stated=[(FIRST, 100.0), (FIRST + 2, 50.0)])
    book = book_of(core_universe([reference], funds))
    book.apply_prices(
        prices(book, [tick(0, at(d, 1), 100.0 + d) for d in range(2)] + [tick(0, at(2, 1), 51.0)])
    )

    partial = book.partial(market_ns=at(2, 1))

    assert partial.previous_close[0] == 50.0
    assert partial.leveraged_usd[0] == pytest.approx(300e6 * 2 * 0.02)
    assert partial.coverage[0] == 1.0


def test_a_correction_counts_only_from_when_it_was_known() -> None:
    funds = [Fund("UP2", "AAA", [(FIRST, 100e6, 2.0), (FIRST, 120e6, 2.0, at(0, 3))])]
    book = book_of(core_universe([Ref("AAA")], funds))
    book.apply_prices(prices(book, [tick(0, at(0, 1), 101.0)]))

    before = book.partial(market_ns=at(0, 2))
    after = book.partial(market_ns=at(0, 3))

    assert before.leveraged_usd[0] == pytest.approx(100e6 * 2 * 0.01)
    assert after.leveraged_usd[0] == pytest.approx(120e6 * 2 * 0.01)


def test_a_split_scales_the_closes_before_it() -> None:
    universe = core_universe([Ref("AAA")], LONG_AND_SHORT, factors=[("AAA", FIRST + 1, 0.5)])
    book = book_of(universe)
    book.apply_prices(prices(book, [tick(0, at(0, 1), 100.0), tick(0, at(1, 1), 50.5)]))

    partial = book.partial(market_ns=at(1, 1))

    assert partial.previous_close[0] == 50.0
    assert partial.price[0] / partial.previous_close[0] == pytest.approx(1.01)


def test_funds_of_unknown_size_are_left_out_and_lower_the_coverage() -> None:
    funds = [
        Fund("UP2", "AAA", [(FIRST, 100e6, 2.0)]),
        Fund("UP3", "AAA", [(FIRST, NAN, 3.0)]),
        Fund("ONLY", "BBB", [(FIRST, NAN, 3.0)]),
    ]
    book = book_of(core_universe([Ref("AAA"), Ref("BBB")], funds))
    book.apply_prices(prices(book, [tick(0, at(0, 1), 101.0), tick(1, at(0, 1), 101.0)]))

    partial = book.partial(market_ns=at(0, 1))

    assert partial.leveraged_usd[0] == pytest.approx(2e6)
    assert partial.coverage.tolist() == [0.5, 0.0]
    assert np.isnan(partial.leveraged_usd[1])


def test_a_fund_that_resets_weekly_is_uncovered_and_one_that_never_does_owes_nothing() -> None:
    funds = [
        Fund("DAILY", "AAA", [(FIRST, 100e6, 2.0)]),
        Fund("WEEKLY", "AAA", [(FIRST, 300e6, 2.0)], reset="weekly"),
        Fund("NEVER", "AAA", [(FIRST, 900e6, 2.0)], reset="none"),
    ]
    book = book_of(core_universe([Ref("AAA")], funds))
    book.apply_prices(prices(book, [tick(0, at(0, 1), 101.0)]))

    partial = book.partial(market_ns=at(0, 1))

    assert partial.leveraged_usd[0] == pytest.approx(2e6)
    assert partial.coverage[0] == pytest.approx(0.25)


def test_creations_count_up_to_the_close_and_not_before_they_are_known() -> None:
    funds = [*LONG_AND_SHORT, Fund("HELD", "AAA", [(FIRST, 1e9, 1.0)], is_physical=True)]
    book = book_of(core_universe([Ref("AAA")], funds))
    book.apply_prices(prices(book, [tick(0, at(0, 1), 101.0)]))
    unknown = book.partial(market_ns=at(0, 1))

    book.apply_flows(
        flows(
            book,
            [
                (0, at(0, 2), NO_SESSION, 10e6, 0, "a"),
                (1, at(0, 2), NO_SESSION, 4e6, 0, "a"),
                (2, at(0, 2), NO_SESSION, 999e6, 0, "a"),
                (0, at(0, 7.01), FIRST, 77e6, 0, "a"),
            ],
        )
    )

    known = book.partial(market_ns=at(0, 7))
    assert np.isnan(unknown.creation_usd[0])
    assert known.creation_usd[0] == pytest.approx(2 * 10e6 - 4e6)


def test_trades_outside_the_session_are_counted_and_unused() -> None:
    book = book_of(core_universe([Ref("AAA")]))
    outside = [at(0, -0.01), at(0, 7.01), at(0, 8)]

    touched = book.apply_prices(prices(book, [tick(0, when, 90.0) for when in outside]))

    assert touched.tolist() == []
    assert book.unused_prices == 3
    assert np.isnan(book.partial(market_ns=at(0, 8)).price[0])


def test_a_strike_that_is_also_an_open_belongs_to_the_session_it_closes() -> None:
    book = book_of(core_universe([Ref("COIN", schedule="ROUND")]))
    strike = at(1, 0, "ROUND")
    book.apply_prices(prices(book, [tick(0, at(0, 1, "ROUND"), 99.0), tick(0, strike, 97.0)]))

    closing = book.partial(market_ns=strike)
    following = book.partial(market_ns=strike + 1)

    assert (closing.label[0], closing.price[0]) == (FIRST, 97.0)
    assert (following.label[0], following.previous_close[0]) == (FIRST + 1, 97.0)


def test_market_time_is_the_latest_heartbeat_of_a_source_that_prices_the_row() -> None:
    book = book_of(core_universe([Ref("AAA"), Ref("BBB")]))
    mine, other = book.source_index("a"), book.source_index("b")
    book.apply_prices(prices(book, [tick(0, at(0, 1), 99.0)]))
    book.market.beat(mine, at(0, 2), 5)
    book.market.beat(other, at(0, 3), 6)

    partial = book.partial()

    assert partial.market_ns.tolist() == [at(0, 2), NO_TIME]
    assert partial.beat_ns.tolist() == [5, NO_TIME]
    assert partial.label.tolist() == [FIRST, NO_SESSION]


UNIVERSE = core_universe(
    [Ref("AAA"), Ref("BBB", schedule="NIGHT"), Ref("CCC", schedule="ROUND")],
    [
        *LONG_AND_SHORT,
        Fund("UP3", "BBB", [(FIRST, 5e6, 3.0), (FIRST + 1, 9e6, 3.0)]),
        Fund("DOWN3", "BBB", [(FIRST, 5e6, -3.0)]),
        Fund("COIN2", "CCC", [(FIRST, 5e7, 2.0)]),
    ],
)
TIMES = st.integers(at(0, -14), at(3, 14)) | st.sampled_from(
    [at(d, h, s) for d in range(3) for s, h in (("DAY", 0), ("DAY", 7), ("ROUND", 0), ("NIGHT", 6))]
)
PRICE_EVENTS = st.lists(
    st.tuples(
        st.integers(0, 2),
        TIMES,
        st.sampled_from([40.0, 90.0, 99.5, 100.0, 101.0, 140.0, 250.0]),
        st.integers(0, 2),
        st.sampled_from(["a", "b", "feed"]),
        st.sampled_from([False, False, False, True]),
    ),
    min_size=1,
    max_size=40,
)
FLOW_EVENTS = st.lists(
    st.tuples(
        st.integers(0, 4),
        TIMES,
        st.sampled_from([NO_SESSION, FIRST, FIRST + 1]),
        st.sampled_from([0.0, 1e6, -5e6]),
        st.integers(0, 2),
        st.sampled_from(["a", "b"]),
    ),
    max_size=10,
)


def are_whole(*books: Book) -> bool:
    """Say whether all sessions of some books are still whole.

    What a session teaches the forecast stands once it is not, so that prices later than two
    sessions leave the variance to come where it is.
    """
    return all(day.buckets is not None for book in books for day in book.days.values())


@given(data=st.data(), price_events=PRICE_EVENTS, flow_events=FLOW_EVENTS)
def test_any_order_duplication_and_batching_ends_in_the_same_state(
    data: st.DataObject, price_events: list[PriceEvent], flow_events: list[FlowEvent]
) -> None:
    whole = book_of(UNIVERSE)
    whole.apply_prices(prices(whole, price_events))
    if flow_events:
        whole.apply_flows(flows(whole, flow_events))

    other = book_of(UNIVERSE)
    doubled = price_events + data.draw(st.lists(st.sampled_from(price_events), max_size=10))
    shuffled = data.draw(st.permutations(doubled))
    looks = data.draw(st.lists(TIMES, max_size=4))
    for event in data.draw(st.permutations(flow_events)):
        other.apply_flows(flows(other, [event]))
    size = data.draw(st.integers(1, len(shuffled)))
    for start in range(0, len(shuffled), size):
        other.apply_prices(prices(other, shuffled[start : start + size]))
        if looks:
            other.partial(market_ns=looks.pop())

    for time_ns in (at(0, 3), at(1, 0, "ROUND"), at(2, 6.5), at(4, 1)):
        but = () if are_whole(whole, other) else ("variance",)
        assert_same(whole.partial(market_ns=time_ns), other.partial(market_ns=time_ns), but=but)
    for label, day in whole.days.items():
        if day.buckets is not None and not np.isnan(day.trades.value).all():
            kept = other.days[label].buckets
            assert kept is not None
            np.testing.assert_array_equal(day.buckets.value, kept.value)


@given(price_events=PRICE_EVENTS, flow_events=FLOW_EVENTS, time_ns=TIMES)
def test_incremental_figures_equal_a_full_recompute(
    price_events: list[PriceEvent], flow_events: list[FlowEvent], time_ns: int
) -> None:
    book = book_of(UNIVERSE)
    book.partial(market_ns=time_ns)
    for event in price_events:
        book.apply_prices(prices(book, [event]))
    for flow in flow_events:
        book.apply_flows(flows(book, [flow]))
    fresh = book_of(UNIVERSE)
    fresh.apply_prices(prices(fresh, price_events))
    if flow_events:
        fresh.apply_flows(flows(fresh, flow_events))

    but = () if are_whole(book, fresh) else ("variance",)
    assert_same(book.partial(market_ns=time_ns), fresh.partial(market_ns=time_ns), but=but)


def test_a_creation_for_a_session_that_does_not_exist_or_lies_far_ahead_moves_nothing_else() -> (
    None
):
    book = book_of(core_universe([Ref("AAA")], LONG_AND_SHORT))
    book.apply_prices(prices(book, [tick(0, at(0, 1), 101.0)]))
    before = book.partial(market_ns=at(0, 2))

    book.apply_flows(
        flows(
            book,
            [(0, at(0, 1.5), FIRST + 9_999, 1e6, 0, "a"), (0, at(0, 1.5), FIRST + 9, 1e6, 0, "a")],
        )
    )

    assert book.unused_flows == 1
    assert book.days[FIRST].buckets is not None
    assert FIRST + 9_999 not in book.days
    assert_same(before, book.partial(market_ns=at(0, 2)))


def test_creations_of_sessions_long_over_take_no_room_for_prices() -> None:
    book = book_of(core_universe([Ref("AAA")], LONG_AND_SHORT))
    book.apply_prices(prices(book, [tick(0, at(9, 1), 101.0)]))

    book.apply_flows(
        flows(book, [(0, at(9, 1), FIRST + label, 1e6, 0, "a") for label in range(10)])
    )

    whole = [label for label, day in book.days.items() if day.buckets is not None]
    assert sorted(whole) == sorted(book.calendar.keeps_whole(FIRST + 9))
    assert len(book.days) > len(whole)
