"""Gamma exposure by contract, strike and expiry: worked examples, a slow oracle, a real chain."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.contracts import OptionChain
from core.dealer_gamma import exposure_table, share_of, vendor_gamma_exposure, walls
from core.dealer_signs import (
    CUSTOMERS_LONG,
    INDEX_CONVENTION,
    INVERTED,
    SIGN_MODELS,
    USER_SIGNED,
    model_weights,
)
from core.forwards import expiry_forwards
from core.open_positions import Positions, open_positions, priced
from tests.support import naive_options
from tests.support.core_universe import at
from tests.support.option_chains import DAY_NS, chain
from tests.support.real_data import needs_real_data
from tests.support.recorded_chains import spx_2024_01_07

NOW = at(0, 0.0)
CONTRACT = st.tuples(
    st.floats(50.0, 200.0),
    st.booleans(),
    st.sampled_from([0.0, 1.0, 700.0, 12_345.0, math.nan]),
    st.one_of(st.floats(0.05, 2.0), st.just(math.nan)),
    st.floats(0.0, 800.0),
    st.sampled_from([100.0, 150.0]),
)
CONTRACTS = st.lists(CONTRACT, min_size=1, max_size=12)


def chain_of(rows: list[tuple[float, ...]]) -> OptionChain:
    strike, is_call, open_interest, volatility, days, deliverable = zip(*rows, strict=True)
    return chain(
        strike,
        is_call=is_call,
        open_interest=open_interest,
        implied_volatility=volatility,
        settlement_ns=NOW + (np.array(days) * DAY_NS).astype(np.int64),
        deliverable=deliverable,
        as_of_ns=NOW,
    )


def positions_of(some: OptionChain, *, rate: float = 0.0, dividend_yield: float = 0.0) -> Positions:
    return open_positions(some, expiry_forwards(some, rate=rate, dividend_yield=dividend_yield))


def test_one_contract_by_hand() -> None:
    # At the money, 20 %, a quarter of a year: d1 = 0.05, density 0.39844, gamma 0.039844. A
    # thousand contracts of 100 shares at 100 USD gain 0.039844 x 100 000 x 100^2 x 0.01 USD.
    some = chain([100.0], settlement_ns=NOW + 365 * DAY_NS // 4, as_of_ns=NOW)

    exposure = positions_of(some).gamma_exposures(100.0)

    np.testing.assert_allclose(exposure, [398_443.9], rtol=1e-6)


def test_models_differ_in_who_is_long_and_in_nothing_else() -> None:
    some = chain([100.0] * 3, is_call=[True, False, False], open_interest=[3e3, 1e3, 1e3])
    positions = open_positions(
        some,
        expiry_forwards(some, rate=0.0, dividend_yield=0.0),
        user_sign=np.array([0.5, -1.0, np.nan]),
    )
    one = positions.gamma_exposures(100.0)[1]

    models = (*SIGN_MODELS, USER_SIGNED)
    signed = model_weights(models) @ positions.channels @ positions.gamma_exposures(100.0)

    np.testing.assert_allclose(signed / one, [3.0 - 2.0, -5.0, -1.0, 1.5 - 1.0], rtol=1e-12)


@given(rows=CONTRACTS, spot=st.floats(60.0, 180.0), rate=st.floats(0, 0.1), other=st.floats(0, 0.1))
def test_the_slow_sum_agrees(
    rows: list[tuple[float, ...]], spot: float, rate: float, other: float
) -> None:
    some = chain_of(rows)
    positions = positions_of(some, rate=rate, dividend_yield=other)
    # Carry runs with the time there is, which the floor of an hour does not lengthen.
    early = chain_of([(*row[:4], max(row[4], 0.1), row[5]) for row in rows])
    positions = positions_of(early, rate=rate, dividend_yield=other)

    exposure, delta = np.zeros((2, 2))
    for _, contract, volatility in naive_options.contracts(
        early, log_carry=rate - other, rate=rate
    ):
        channel = 0 if contract.is_call else 1
        exposure[channel] += naive_options.gamma_exposure(contract, spot, NOW, volatility)
        delta[channel] += contract.units * naive_options.delta(contract, spot, NOW, volatility)

    here = np.array([spot])
    profile = positions.gamma_profile(here)[:2, 0]
    np.testing.assert_allclose(profile, exposure, rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose(positions.deltas(here)[:2, 0], delta, rtol=1e-9, atol=1e-6)
    by_contract = positions.channels[:2] @ positions.gamma_exposures(spot)
    np.testing.assert_allclose(by_contract, profile, rtol=1e-12, atol=1e-9)


@given(rows=CONTRACTS)
def test_gamma_is_the_slope_of_delta(rows: list[tuple[float, ...]]) -> None:
    positions = positions_of(chain_of([(*row[:4], row[4] + 5.0, row[5]) for row in rows]))
    step = 1e-5

    below, above = positions.deltas(np.array([100.0 * (1 - step), 100.0 * (1 + step)])).T

    slope = (above - below) / (2.0 * step)
    exposure = positions.gamma_profile(np.array([100.0]))[:, 0]
    np.testing.assert_allclose(slope, exposure, rtol=1e-4, atol=1e-3)


def test_only_what_is_open_priced_and_not_settled_counts() -> None:
    some = chain(
        [100.0] * 5,
        open_interest=[1.0, 0.0, np.nan, 1.0, 1.0],
        implied_volatility=[0.2, 0.2, 0.2, np.nan, 0.2],
        settlement_ns=NOW + np.array([1, 1, 1, 1, -1]) * DAY_NS,
        as_of_ns=NOW,
    )

    np.testing.assert_array_equal(positions_of(some).contract, [0])


def test_an_adjusted_contract_counts_with_the_shares_it_delivers() -> None:
    # Strike 90 for 150 shares is 1.5 contracts with a strike of 60.
    adjusted = chain([90.0], spot=60.0, multiplier=100.0, deliverable=150.0)
    plain = chain([60.0], spot=60.0, open_interest=1_500.0)

    spots = np.array([50.0, 60.0, 70.0])
    np.testing.assert_allclose(
        positions_of(adjusted).gamma_profile(spots),
        positions_of(plain).gamma_profile(spots),
        rtol=1e-12,
    )


def test_a_split_changes_no_exposure() -> None:
    # AAPL seven for one: strike 645 becomes 92.142857, one contract becomes seven.
    before = chain([645.0], spot=640.0)
    after = chain([645.0 / 7], spot=640.0 / 7, open_interest=7_000.0)

    np.testing.assert_allclose(
        positions_of(before).gamma_exposures(640.0),
        positions_of(after).gamma_exposures(640.0 / 7),
        rtol=1e-12,
    )


def test_exposures_are_grouped_by_strike_and_walls_are_found() -> None:
    some = chain(
        [95.0, 100.0, 100.0, 105.0, 105.0, 90.0],
        is_call=[False, True, False, True, True, False],
        open_interest=[9e3, 1e3, 1e3, 2e3, 3e3, np.nan],
    )
    positions = positions_of(some)
    exposures = positions.gamma_exposures(100.0)

    table = exposure_table(some.strike, some, positions, exposures)

    np.testing.assert_array_equal(table.key, [90.0, 95.0, 100.0, 105.0])
    np.testing.assert_array_equal(table.call_open_interest, [0.0, 0.0, 1e3, 5e3])
    np.testing.assert_array_equal(table.put_open_interest, [0.0, 9e3, 1e3, 0.0])
    signed = table.signed(INDEX_CONVENTION)
    np.testing.assert_allclose(signed[:2], [0.0, -exposures[0]])
    assert signed[2] == pytest.approx(0.0, abs=1e-9 * exposures[1])
    assert signed.sum() == pytest.approx(-table.signed(INVERTED).sum(), rel=1e-12)
    assert table.signed(CUSTOMERS_LONG).sum() == pytest.approx(-exposures.sum(), rel=1e-12)
    found = walls(table)
    assert (found.call, found.put, found.largest) == (105.0, 95.0, 95.0)
    assert share_of(exposures, positions.is_call) == pytest.approx(
        exposures[positions.is_call].sum() / exposures.sum()
    )


def test_without_anything_open_there_is_no_wall_and_no_share() -> None:
    some = chain([95.0, 100.0], open_interest=0.0)
    positions = positions_of(some)
    table = exposure_table(some.strike, some, positions, positions.gamma_exposures(100.0))

    found = walls(table)

    assert math.isnan(found.call)
    assert math.isnan(found.put)
    assert math.isnan(found.largest)
    assert math.isnan(share_of(np.empty(0), np.empty(0, np.bool_)))
    assert math.isnan(vendor_gamma_exposure(some, INDEX_CONVENTION))


@needs_real_data
def test_the_published_exposure_of_the_index_by_the_vendors_gamma() -> None:
    total = vendor_gamma_exposure(spx_2024_01_07(), INDEX_CONVENTION)

    # Published as -11.0 bn USD per 1 %.
    assert total == pytest.approx(-10.9987e9, abs=5e4)


@needs_real_data
def test_the_published_zero_gamma_of_the_index_by_its_own_method() -> None:
    # 60 spots, no carry, business days over 262 with at least one, the first crossing on a line
    # between two spots: 4734. The same method has -20.85 bn at the spot.
    some = spx_2024_01_07()
    today = np.datetime64("2024-01-07")
    days = np.maximum(np.busday_count(today, some.expiry.astype("datetime64[D]")), 1)
    known = np.flatnonzero((some.open_interest > 0.0) & (some.implied_volatility > 0.0))
    positions = priced(
        some.strike[known],
        years=days[known] / 262.0,
        volatility=some.implied_volatility[known],
        is_call=some.is_call[known],
        units=some.open_interest[known] * 100.0,
        rate=0.0,
        dividend_yield=0.0,
    )
    spots = some.spot * np.linspace(0.8, 1.2, 60)

    exposure = INDEX_CONVENTION.weights @ positions.gamma_profile(spots)
    first = np.flatnonzero(np.diff(np.sign(exposure)))[0]
    share = exposure[first] / (exposure[first] - exposure[first + 1])

    assert spots[first] + share * (spots[1] - spots[0]) == pytest.approx(4734.478, abs=1e-3)
    at_spot = INDEX_CONVENTION.weights @ positions.gamma_profile(np.array([some.spot]))
    assert at_spot[0] == pytest.approx(-20.85e9, abs=5e6)
