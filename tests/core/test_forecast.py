"""Variance to come, closing quantiles and breach probability."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from core.columns import Curves, Floats
from core.forecast import (
    BRACKET_Z,
    QUANTILE_Z,
    breach_probability,
    closing_returns,
    demand_band,
    probability_below,
)
from core.leveraged import curve_demand, demand_curves


def curves_of(funds: Sequence[tuple[float, float]]) -> Curves:
    assets, leverage = (np.array(column, float) for column in zip(*funds, strict=True))
    return demand_curves(1, np.zeros(len(funds), np.int32), assets, leverage)


def probability(
    funds: Sequence[tuple[float, float]],
    *,
    change: float,
    variance: float,
    known: float = 0.0,
    threshold: float,
) -> float:
    return float(
        breach_probability(
            curves_of(funds),
            underlying_return=np.array([change]),
            variance=np.array([variance]),
            known_usd=np.array([known]),
            threshold_usd=np.array([threshold]),
        )[0]
    )


def band(
    funds: Sequence[tuple[float, float]], *, change: float, variance: float, known: float = 0.0
) -> tuple[float, float]:
    low, high = demand_band(
        curves_of(funds),
        underlying_return=np.array([change]),
        variance=np.array([variance]),
        known_usd=np.array([known]),
    )
    return float(low[0]), float(high[0])


LAW_CLOSES = np.linspace(-14.0, 14.0, 400_001)
"""Standardised returns fine enough to add the law up by."""


def law_density(z: Floats) -> Floats:
    """Write the law down a second time: 2 % of deviation 3, the rest of deviation 0.98."""
    density: Floats = 0.98 * norm.pdf(z, scale=0.98) + 0.02 * norm.pdf(z, scale=3.0)
    return density


def log_move_below(log_move: float, deviation: float) -> float:
    """P(ln(C/S) < log_move), by hand: shift by the drift, scale, and mix two normals."""
    v = deviation**2
    shift = math.log(0.98 * math.exp(0.98**2 * v / 2) + 0.02 * math.exp(9 * v / 2))
    z = (log_move + shift) / deviation
    return float(0.98 * norm.cdf(z / 0.98) + 0.02 * norm.cdf(z / 3.0))


@pytest.mark.parametrize("deviation", [0.002, 0.02, 0.15])
def test_the_expected_close_is_the_price(deviation: float) -> None:
    closes = closing_returns(np.full(len(LAW_CLOSES), -0.04), np.array([deviation**2]), LAW_CLOSES)

    expected = np.trapezoid(closes * law_density(LAW_CLOSES), LAW_CLOSES)

    assert expected == pytest.approx(-0.04, abs=1e-4 * deviation)


def test_the_quantile_is_the_one_of_the_law() -> None:
    assert probability_below(np.array([-QUANTILE_Z]))[0] == pytest.approx(0.05, abs=1e-15)
    assert probability_below(np.array([BRACKET_Z]))[0] == pytest.approx(0.975, abs=1e-15)
    total = np.trapezoid(law_density(LAW_CLOSES), LAW_CLOSES)
    assert total == pytest.approx(1.0, abs=1e-5)


def test_the_tails_are_heavier_than_normal() -> None:
    # What a normal calls 0.2 % (3.09 deviations) is five times as likely.
    assert 2 * probability_below(np.array([-3.09]))[0] == pytest.approx(0.0077, abs=1e-4)


def test_a_hand_worked_breach_probability() -> None:
    # One 2x fund of 1 bn: 20 m per 1 %. At -5 % it owes -100 m; 120 m needs a return of -6 % or
    # +6 %. With 1 % of deviation to come: P(ln(C/S) <= ln(94/95)) + P(ln(C/S) >= ln(106/95)).
    down = log_move_below(math.log(94 / 95), 0.01)
    up = 1.0 - log_move_below(math.log(106 / 95), 0.01)

    stated = probability([(1e9, 2.0)], change=-0.05, variance=0.01**2, threshold=120e6)

    assert stated == pytest.approx(down + up, rel=1e-12)
    assert stated == pytest.approx(0.1458, abs=0.0001)


def test_known_creations_shift_the_cut_offs() -> None:
    # 30 m of creations bought: -6 % no longer breaches 120 m, -7.5 % does; +4.5 % does above.
    down = log_move_below(math.log(92.5 / 95), 0.01)
    up = 1.0 - log_move_below(math.log(104.5 / 95), 0.01)

    stated = probability([(1e9, 2.0)], change=-0.05, variance=0.01**2, known=30e6, threshold=120e6)

    assert stated == pytest.approx(down + up, rel=1e-12)


def test_a_hand_worked_band() -> None:
    # The same fund: the closes 1.66 deviations away are returns of -6.57 % and -3.41 %.
    low, high = band([(1e9, 2.0)], change=-0.05, variance=0.01**2, known=30e6)

    shift = math.log(0.98 * math.exp(0.98**2 * 0.5e-4) + 0.02 * math.exp(9 * 0.5e-4))
    returns = [0.95 * math.exp(z * 0.01 - shift) - 1 for z in (-QUANTILE_Z, QUANTILE_Z)]
    assert low == pytest.approx(2e9 * returns[0] + 30e6, rel=1e-12)
    assert high == pytest.approx(2e9 * returns[1] + 30e6, rel=1e-12)
    assert low == pytest.approx(-101.4e6, abs=0.1e6)
    assert high == pytest.approx(-38.3e6, abs=0.1e6)


def test_a_wipe_out_inside_the_band_turns_the_demand() -> None:
    # A 3x fund of 1 bn is gone at -33.3 %, where it owes -2 bn; below it owes less. At -30 %
    # with 8 % to come the most it can owe is that: 5 % of the closes owe more than ...
    low, high = band([(1e9, 3.0)], change=-0.30, variance=0.08**2)

    worst = -2e9
    below = [
        close_probability_of_demand_below(d, change=-0.30, deviation=0.08) for d in (low, high)
    ]
    assert below == pytest.approx([0.05, 0.95], abs=1e-9)
    assert worst < low < high < 0.0


def close_probability_of_demand_below(demand: float, *, change: float, deviation: float) -> float:
    """For a 3x fund of 1 bn: 6 bn r above -1/3, -3 bn (1 + r) below, so two returns a demand."""
    upper, lower = demand / 6e9, -1.0 - demand / 3e9
    ends = [math.log((1.0 + r) / (1.0 + change)) for r in (lower, upper)]
    return log_move_below(ends[1], deviation) - log_move_below(ends[0], deviation)


def test_a_wipe_out_out_of_reach_leaves_the_band_to_the_closes_quantiles() -> None:
    low, high = band([(1e9, 3.0)], change=-0.05, variance=0.01**2)

    returns = [
        closing_returns(np.array([-0.05]), np.array([1e-4]), z)[0]
        for z in (-QUANTILE_Z, QUANTILE_Z)
    ]
    assert [low, high] == pytest.approx([6e9 * r for r in returns], rel=1e-12)


def test_without_convexity_the_band_is_what_is_known() -> None:
    assert band([(1e9, 1.0)], change=-0.05, variance=1e-4, known=7e6) == (7e6, 7e6)


def test_an_unknown_input_leaves_the_band_unknown() -> None:
    assert np.isnan(band([(1e9, 2.0)], change=np.nan, variance=1e-4)).all()
    assert np.isnan(band([(1e9, 2.0)], change=0.01, variance=np.nan)).all()
    assert np.isnan(band([(np.nan, 2.0)], change=0.01, variance=1e-4)).all()


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


FUNDS = st.lists(
    st.tuples(st.floats(1e6, 1e10), st.sampled_from([-3.0, -2.0, -0.5, 0.5, 2.0, 3.0])),
    min_size=1,
    max_size=6,
)
CHANCES = (np.arange(50_000) + 0.5) / 50_000
LAW_Z = np.interp(CHANCES, probability_below(LAW_CLOSES), LAW_CLOSES)
"""Standardised returns of equal probability."""


def demands_at_the_close(
    funds: Sequence[tuple[float, float]], change: float, deviation: float
) -> Floats:
    closes = closing_returns(np.array([change]), np.array([deviation**2]), LAW_Z)
    return curve_demand(curves_of(funds), np.zeros(len(closes), np.int64), closes)


@given(
    funds=FUNDS,
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
    demand = demands_at_the_close(funds, change, deviation) + known
    counted = np.mean(np.abs(demand) >= threshold)

    stated = probability(
        funds, change=change, variance=deviation**2, known=known, threshold=threshold
    )

    assert stated == pytest.approx(counted, abs=2e-4)


@given(
    funds=FUNDS,
    change=st.floats(-0.4, 0.6),
    deviation=st.floats(0.001, 0.3),
    known=st.floats(-1e9, 1e9),
)
def test_the_band_equals_the_quantiles_of_many_closes(
    funds: list[tuple[float, float]], change: float, deviation: float, known: float
) -> None:
    demand = np.sort(demands_at_the_close(funds, change, deviation)) + known

    low, high = band(funds, change=change, variance=deviation**2, known=known)

    # A kth smallest has a neighbour on either side, which bounds what the quantile may be.
    scale = 1e-9 * (abs(known) + sum(assets * 12 for assets, _ in funds))
    for quantile, stated in ((0.05, low), (0.95, high)):
        at = round(quantile * len(demand))
        assert demand[at - 10] - scale <= stated <= demand[at + 10] + scale
