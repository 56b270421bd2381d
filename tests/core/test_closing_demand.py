"""Demand at the close with options in it: sums of curves, knots, and the band that follows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.closing_demand import (
    ERROR,
    KNOTS,
    USUAL_KNOTS,
    bend_knots,
    closing_curve,
    with_dealers,
)
from core.columns import Floats
from core.forecast import (
    breach_probability,
    closing_returns,
    demand_band,
    probability_below,
)
from core.leveraged import Piece, curve_demand, demand_curves, join_curves, split_curves
from tests.support.core_universe import at
from tests.support.option_records import Record, apply, option_book, settle, targets

FUNDS = st.lists(
    st.tuples(st.floats(0.0, 1e9), st.sampled_from([-3.0, -1.0, 2.0, 3.0])), max_size=4
)
TABLE = st.lists(
    st.tuples(st.floats(-0.4, 0.6), st.floats(-1e9, 1e9)),
    min_size=2,
    max_size=8,
    unique_by=lambda each: round(each[0], 3),
)


def piece_of(funds: list[tuple[float, float]]) -> Piece:
    assets, leverage = (np.array([fund[i] for fund in funds]) for i in (0, 1))
    curves = demand_curves(1, np.zeros(len(funds), np.int32), assets, leverage)
    return split_curves(curves, np.array([0]))[0]


def demand_of(piece: Piece, returns: Floats) -> Floats:
    return curve_demand(join_curves([piece] * len(returns)), np.arange(len(returns)), returns)


@given(funds=FUNDS, table=TABLE, returns=st.lists(st.floats(-0.9, 1.5), min_size=1))
def test_the_sum_of_two_curves_is_the_sum_at_every_return(
    funds: list[tuple[float, float]], table: list[tuple[float, float]], returns: list[float]
) -> None:
    knots, dealers = (np.array(column) for column in zip(*sorted(table), strict=True))
    # Exactly at a wipe-out the curve jumps: either side of it is right.
    where = np.array(
        [each for each in returns if min(abs(each - k) for k in (-0.5, -1 / 3, 1 / 3, 1.0)) > 1e-9]
    )
    piece = piece_of(funds)

    found = demand_of(with_dealers(piece, knots, dealers), where)

    ends = np.diff(dealers) / np.diff(knots)
    inside = np.interp(where, knots, dealers)
    beyond = np.where(where < knots[0], (where - knots[0]) * ends[0], 0.0)
    beyond += np.where(where > knots[-1], (where - knots[-1]) * ends[-1], 0.0)
    expected = demand_of(piece, where) + inside + beyond
    scale = np.abs(dealers).max() * (1.0 + np.abs(np.diff(knots)).min() ** -1) + 3e10
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9 * scale)


def test_what_is_unknown_of_the_funds_stays_unknown() -> None:
    unknown = piece_of([(np.nan, 2.0)])

    found = with_dealers(unknown, np.array([-0.1, 0.0, 0.1]), np.array([1.0, 0.0, 2.0]))

    assert np.isnan(demand_of(found, np.array([-0.05, 0.2]))).all()


def test_knots_lie_where_the_curve_bends() -> None:
    place = np.linspace(-0.25, 0.25, 2_001)
    demand = np.tanh((place - 0.1) / 0.004) + 0.5 * np.tanh((place + 0.08) / 0.05)

    knots = bend_knots(place, demand)

    assert len(knots) <= USUAL_KNOTS
    assert (knots[0], knots[-1]) == (0, 2_000)
    straight = np.interp(place, place[knots], demand[knots])
    even = np.linspace(0, 2_000, USUAL_KNOTS).astype(np.int64)
    error = np.abs(straight - demand).max()
    assert error < ERROR * np.ptp(demand)
    assert error < 0.1 * np.abs(np.interp(place, place[even], demand[even]) - demand).max()


@settings(max_examples=40)
@given(
    strikes=st.lists(
        st.tuples(st.integers(170, 230), st.booleans(), st.integers(1, 20_000)),
        min_size=1,
        max_size=16,
        unique_by=lambda each: each[:2],
    ),
    volatility=st.floats(0.1, 0.6),
    days=st.sampled_from([0, 2, 20]),
)
def test_straight_pieces_are_as_near_to_the_hedge_as_is_stated(
    strikes: list[tuple[int, bool, int]], volatility: float, days: int
) -> None:
    book = option_book()
    apply(
        book,
        *(
            Record(
                at(0, -1.0),
                float(held),
                volatility=volatility,
                strike=strike / 2.0,
                is_call=is_call,
                # Every third in its last hours.
                settlement_ns=at(days if i % 3 else 0, 7.0),
            )
            for i, (strike, is_call, held) in enumerate(strikes)
        ),
    )
    settle(book, targets(0, 5.0))

    returns, hedge = closing_curve(book, 0, 100.0)

    between = np.expm1(np.linspace(-0.2499, 0.2499, 20_001))
    exact = book.hedge_at_close(0, 100.0 * (1.0 + between))
    error = np.abs(np.interp(between, returns, hedge) - exact).max() / np.ptp(exact)
    assert len(returns) <= KNOTS
    # Where the most are taken they are as near as they can be; ten are left for equal ones.
    assert error <= (ERROR if len(returns) < KNOTS - 10 else 3.0 * ERROR)


def test_a_straight_line_needs_its_ends_and_gets_them() -> None:
    place = np.linspace(0.0, 1.0, 11)

    knots = bend_knots(place, np.zeros(11), 3)

    assert knots[0] == 0
    assert knots[-1] == 10


@pytest.mark.parametrize("price", [97.0, 100.5, 104.0])
def test_the_band_follows_a_demand_that_turns(price: float) -> None:
    # Puts below and calls above in their last hours, against a 2x fund: the demand has humps.
    book = option_book()
    apply(
        book,
        Record(at(0, -1.0), 60_000.0, strike=102.0, settlement_ns=at(0, 7.0)),
        Record(at(0, -1.0), 90_000.0, strike=98.0, is_call=False, settlement_ns=at(0, 7.0)),
    )
    settle(book, targets(0, 5.0))
    returns, hedge = closing_curve(book, 0, 100.0)
    curves = join_curves([with_dealers(piece_of([(2e9, 2.0)]), returns, hedge)])
    law = {"underlying_return": np.array([price / 100.0 - 1.0]), "variance": np.array([1e-4])}

    low, high = demand_band(curves, known_usd=np.zeros(1), **law)
    reached = breach_probability(
        curves, known_usd=np.zeros(1), threshold_usd=np.array([2e8]), **law
    )

    # The same from the exact curve, at 20 001 closes of known probability.
    z = np.linspace(-9.0, 9.0, 20_001)
    closes = closing_returns(law["underlying_return"], law["variance"], z)
    demand = 4e9 * closes + book.hedge_at_close(0, 100.0 * (1.0 + closes))
    weight = np.diff(probability_below(np.append(z - 0.5 * (z[1] - z[0]), np.inf)))
    order = np.argsort(demand)
    cumulated = np.cumsum(weight[order])
    spread = demand.max() - demand.min()
    for found, probability in ((low, 0.05), (high, 0.95)):
        expected = demand[order][np.searchsorted(cumulated, probability)]
        assert found[0] == pytest.approx(expected, abs=0.01 * spread)
    expected = weight[np.abs(demand) >= 2e8].sum()
    assert reached[0] == pytest.approx(expected, abs=0.01)


def test_the_closing_curve_does_not_depend_on_the_price_and_is_empty_without_curves() -> None:
    book = option_book()
    assert [len(column) for column in closing_curve(book, 0, 100.0)] == [0, 0]
    apply(book, Record(at(0, -1.0)))
    settle(book, targets(0, 1.0))

    returns, hedge = closing_curve(book, 0, 100.0)

    assert 2 <= len(returns) <= KNOTS
    assert returns[0] == pytest.approx(np.expm1(-0.25))
    straight = np.interp(0.013, returns, hedge)
    exact = book.hedge_at_close(0, np.array([101.3]))[0]
    assert straight == pytest.approx(exact, abs=0.01 * np.abs(hedge).max())
