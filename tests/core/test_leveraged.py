"""Rebalance of leveraged funds: worked examples, properties, a slow oracle."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.leveraged import (
    curve_demand,
    demand_curves,
    join_curves,
    leveraged_rebalance,
    next_assets,
    split_curves,
)

Fund = tuple[float, float]
LEVERAGE = st.sampled_from([-3.0, -2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.25, 2.0, 3.0, 5.0])
RETURN = st.one_of(
    st.floats(-0.99, 2.0), st.sampled_from([-0.5, -1 / 3, 1 / 3, 0.5, 1.0, 0.0, -0.2])
)
ASSETS = st.one_of(st.floats(0.0, 5e10), st.just(float("nan")))
FUNDS = st.lists(st.tuples(ASSETS, LEVERAGE), max_size=30)


def one(assets_usd: float, leverage_factor: float, underlying_return: float) -> float:
    column = (np.array([float(x)]) for x in (assets_usd, leverage_factor, underlying_return))
    return float(leveraged_rebalance(*column)[0])


@pytest.mark.parametrize(
    ("leverage_factor", "coefficient"),
    [(3, 6), (2, 2), (1.5, 0.75), (1.2, 0.24), (1, 0), (-0.5, 0.75), (-1, 2), (-2, 6), (-3, 12)],
)
def test_one_percent_moves_the_published_coefficient(
    leverage_factor: float, coefficient: float
) -> None:
    assert one(1e9, leverage_factor, 0.01) == pytest.approx(coefficient * 1e7, rel=1e-12)


def test_a_worked_day_holds_the_identity_of_exposure() -> None:
    # 800 m in a 2x fund, the share falls from 200 to 182.5: exposure 1 460 m, target 1 320 m.
    assert one(800e6, 2, -0.0875) == pytest.approx(1_320e6 - 1_460e6, rel=1e-12)


def test_a_wiped_out_fund_unwinds_its_whole_exposure() -> None:
    # A 3x short note on a share that rises 38 %: assets gone, 3 x 1.38 of exposure to buy back.
    assert one(10e6, -3, 0.38) == pytest.approx(3 * 10e6 * 1.38, rel=1e-12)


@given(assets_usd=st.floats(0, 1e11), leverage_factor=LEVERAGE, underlying_return=RETURN)
def test_demand_goes_with_the_move_outside_zero_to_one(
    assets_usd: float, leverage_factor: float, underlying_return: float
) -> None:
    demand = one(assets_usd, leverage_factor, underlying_return)

    if 0.0 <= leverage_factor <= 1.0:
        assert demand * underlying_return <= 0.0
    else:
        assert demand * underlying_return >= 0.0


@given(leverage_factor=LEVERAGE, underlying_return=st.floats(-0.15, 0.15))
def test_a_fund_and_its_mirror_trade_alike(
    leverage_factor: float, underlying_return: float
) -> None:
    mirrored = one(1e9, 1.0 - leverage_factor, underlying_return)

    assert one(1e9, leverage_factor, underlying_return) == pytest.approx(mirrored, rel=1e-9)


@given(
    assets_usd=st.floats(0, 1e11),
    scale=st.floats(0, 100),
    leverage_factor=LEVERAGE,
    underlying_return=RETURN,
)
def test_demand_scales_with_assets(
    assets_usd: float, scale: float, leverage_factor: float, underlying_return: float
) -> None:
    scaled = one(assets_usd * scale, leverage_factor, underlying_return)

    expected = scale * one(assets_usd, leverage_factor, underlying_return)
    assert scaled == pytest.approx(expected, rel=1e-9, abs=1e-3)


@given(rows=st.lists(FUNDS, min_size=1, max_size=5), data=st.data())
def test_curves_sum_funds_as_the_slow_sum_does(rows: list[list[Fund]], data: st.DataObject) -> None:
    returns = np.array([data.draw(RETURN) for _ in rows])
    row = np.repeat(np.arange(len(rows)), [len(funds) for funds in rows]).astype(np.int32)
    assets = np.array([fund[0] for funds in rows for fund in funds])
    leverage = np.array([fund[1] for funds in rows for fund in funds])

    curves = demand_curves(len(rows), row, assets, leverage)
    demand = curve_demand(curves, np.arange(len(rows)), returns)

    for i, funds in enumerate(rows):
        terms = [one(a, factor, returns[i]) for a, factor in funds if not np.isnan(a)]
        if funds and not terms:
            assert np.isnan(demand[i])
        else:
            unwound = sum(abs(factor) * a for a, factor in funds if not np.isnan(a))
            scale = sum(map(abs, terms)) + unwound
            assert abs(demand[i] - sum(terms)) <= 1e-9 * scale


@given(rows=st.lists(FUNDS, max_size=5))
def test_split_curves_join_again_as_they_were(rows: list[list[Fund]]) -> None:
    row = np.repeat(np.arange(len(rows)), [len(funds) for funds in rows]).astype(np.int32)
    assets = np.array([fund[0] for funds in rows for fund in funds])
    leverage = np.array([fund[1] for funds in rows for fund in funds])
    curves = demand_curves(len(rows), row, assets, leverage)

    joined = join_curves(split_curves(curves, np.arange(len(rows))))

    for name, column in vars(curves).items():
        np.testing.assert_array_equal(getattr(joined, name), column)


def test_assets_follow_return_and_creation_and_stay_at_zero() -> None:
    assets = np.array([100.0, 100.0, 0.0, 50.0])
    leverage = np.array([2.0, 3.0, 2.0, -1.0])
    change = np.array([0.1, -0.4, 0.1, 0.02])
    creation = np.array([5.0, 7.0, 9.0, -60.0])

    rolled = next_assets(assets, leverage, change, creation)

    np.testing.assert_allclose(rolled, [125.0, 0.0, 0.0, 0.0])
