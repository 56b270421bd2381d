"""Variance to come, closing quantiles and breach probability."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from core.forecast import breach_probability, closing_returns, variance_to_come
from core.leveraged import curve_demand, demand_curves

HOUR = 3600.0


def probability(
    funds: Sequence[tuple[float, float]],
    *,
    change: float,
    variance: float,
    known: float = 0.0,
    threshold: float,
) -> float:
    assets, leverage = (np.array(column, float) for column in zip(*funds, strict=True))
    curves = demand_curves(1, np.zeros(len(funds), np.int32), assets, leverage)
    return float(
        breach_probability(
            curves,
            underlying_return=np.array([change]),
            variance=np.array([variance]),
            known_usd=np.array([known]),
            threshold_usd=np.array([threshold]),
        )[0]
    )


@pytest.mark.parametrize(
    ("hours_left", "share"), [(6.5, 1.0), (6.0, 0.859), (2.0, 0.303), (0.5, 0.114), (0.0, 0.0)]
)
def test_the_session_spends_its_variance_in_a_u_shape(hours_left: float, share: float) -> None:
    variance = variance_to_come(
        np.array([0.02]), np.array([6.5 * HOUR]), np.array([hours_left * HOUR])
    )

    assert variance[0] == pytest.approx(0.02**2 * 0.65 * share)


def test_a_half_day_is_scaled_to_its_own_length() -> None:
    full = variance_to_come(np.array([0.02]), np.array([6.5 * HOUR]), np.array([HOUR * 6.5 / 2]))
    half = variance_to_come(np.array([0.02]), np.array([3.5 * HOUR]), np.array([HOUR * 3.5 / 2]))

    assert half[0] == pytest.approx(full[0])


def test_a_market_that_never_closes_has_no_night() -> None:
    variance = variance_to_come(np.array([0.03]), np.array([24 * HOUR]), np.array([6 * HOUR]))

    assert variance[0] == pytest.approx(0.03**2 / 4)


def test_unknown_volatility_is_unknown_until_the_close() -> None:
    variance = variance_to_come(np.full(2, np.nan), np.full(2, 6.5 * HOUR), np.array([HOUR, 0.0]))

    assert np.isnan(variance[0])
    assert variance[1] == 0.0


def test_the_expected_close_is_the_price() -> None:
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    returns = [closing_returns(np.array([-0.04]), np.array([0.0009]), z)[0] for z in nodes]

    assert np.dot(weights, returns) / weights.sum() == pytest.approx(-0.04, abs=1e-12)


def test_a_hand_worked_breach_probability() -> None:
    # One 2x fund of 1 bn: 20 m per 1 %. At -5 % it owes -100 m; 120 m needs a return of -6 % or
    # +6 %. With 1 % of deviation to come: P(ln(C/S) <= ln(94/95)) + P(ln(C/S) >= ln(106/95)).
    v = 0.01**2
    down = norm.cdf((np.log(94 / 95) + v / 2) / 0.01)
    up = norm.sf((np.log(106 / 95) + v / 2) / 0.01)

    stated = probability([(1e9, 2.0)], change=-0.05, variance=v, threshold=120e6)

    assert stated == pytest.approx(down + up, rel=1e-12)
    assert stated == pytest.approx(0.147, abs=0.001)


def test_known_creations_shift_the_cut_offs() -> None:
    # 30 m of creations bought: -6 % no longer breaches 120 m, -7.5 % does; +4.5 % does above.
    v = 0.01**2
    down = norm.cdf((np.log(92.5 / 95) + v / 2) / 0.01)
    up = norm.sf((np.log(104.5 / 95) + v / 2) / 0.01)

    stated = probability([(1e9, 2.0)], change=-0.05, variance=v, known=30e6, threshold=120e6)

    assert stated == pytest.approx(down + up, rel=1e-12)


@pytest.mark.parametrize(("change", "known", "stated"), [(-0.05, 0.0, 0.0), (-0.05, -20e6, 1.0)])
def test_at_the_close_it_is_settled(change: float, known: float, stated: float) -> None:
    settled = probability([(1e9, 2.0)], change=change, variance=0.0, known=known, threshold=120e6)

    assert settled == stated


@pytest.mark.parametrize(("known", "stated"), [(0.0, 0.0), (-130e6, 1.0)])
def test_without_convexity_only_what_is_known_counts(known: float, stated: float) -> None:
    found = probability([(1e9, 1.0)], change=-0.05, variance=1e-4, known=known, threshold=120e6)

    assert found == pytest.approx(stated)


def test_an_unknown_input_leaves_the_probability_unknown() -> None:
    assert np.isnan(probability([(1e9, 2.0)], change=np.nan, variance=1e-4, threshold=1e8))
    assert np.isnan(probability([(1e9, 2.0)], change=-0.05, variance=1e-4, threshold=np.nan))
    assert np.isnan(probability([(np.nan, 2.0)], change=-0.05, variance=1e-4, threshold=1e8))


@given(
    funds=st.lists(
        st.tuples(st.floats(1e6, 1e10), st.sampled_from([-3.0, -2.0, -0.5, 0.5, 2.0, 3.0])),
        min_size=1,
        max_size=6,
    ),
    change=st.floats(-0.4, 0.6),
    deviation=st.floats(0.001, 0.3),
    known=st.floats(-1e9, 1e9),
    threshold=st.floats(1e6, 5e9),
)
def test_probability_equals_a_fine_sum_over_closes(
    funds: list[tuple[float, float]],
    change: float,
    deviation: float,
    known: float,
    threshold: float,
) -> None:
    z = (np.arange(200_000) + 0.5) / 200_000
    closes = closing_returns(np.array([change]), np.array([deviation**2]), norm.ppf(z))
    assets, leverage = (np.array(column, float) for column in zip(*funds, strict=True))
    curves = demand_curves(1, np.zeros(len(funds), np.int32), assets, leverage)
    demand = curve_demand(curves, np.zeros(len(z), np.int64), closes) + known
    counted = np.mean(np.abs(demand) >= threshold)

    stated = probability(
        funds, change=change, variance=deviation**2, known=known, threshold=threshold
    )

    assert stated == pytest.approx(counted, abs=2e-4)
