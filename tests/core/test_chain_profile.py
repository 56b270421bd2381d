"""The whole profile of a chain: its parts agree with each other, on made-up and real chains."""

import math

import numpy as np
import pytest

from core.chain_profile import PROFILE_SPOTS, ChainProfile, profile_chain
from core.contracts import OptionChain
from core.dealer_signs import INDEX_CONVENTION, SIGN_MODELS
from tests.support.core_universe import at
from tests.support.option_chains import DAY_NS, chain
from tests.support.real_data import needs_real_data
from tests.support.recorded_chains import nvda_2025_01_06, spx_2024_01_07, spy_2025_05_01

NOW = at(0, 0.0)


def profile_of(some: OptionChain, session_label: int = 0) -> ChainProfile:
    return profile_chain(some, session_label=session_label, rate=0.0, dividend_yield=0.0)


def test_a_small_chain() -> None:
    some = chain(
        [95.0, 105.0, 100.0, 100.0, 100.0],
        is_call=[False, True, True, True, True],
        open_interest=[1e3, 1e3, 500.0, np.nan, 9e9],
        implied_volatility=[0.2, 0.2, np.nan, 0.2, 0.2],
        expiry=[30, 30, 60, 60, 0],
        settlement_ns=NOW + np.array([30, 30, 60, 60, -1]) * DAY_NS,
        as_of_ns=NOW,
    )

    profile = profile_of(some, session_label=30)

    assert (profile.contracts, profile.priced) == (4, 2)
    assert profile.priced_share == pytest.approx(2_000.0 / 2_500.0)
    assert list(profile.gamma_exposure_usd_per_1pct) == [model.name for model in SIGN_MODELS]
    assert profile.share_0dte == 1.0
    assert (profile.walls.call, profile.walls.put) == (105.0, 95.0)
    assert len(profile.zero_gamma.levels) == 1
    assert math.isnan(profile.vendor_gamma_exposure_usd_per_1pct)
    np.testing.assert_array_equal(profile.by_expiry.key, [30, 60])
    np.testing.assert_array_equal(profile.by_strike.key, [95.0, 100.0, 105.0])
    assert profile.positioning.put_call_open_interest == pytest.approx(1_000.0 / 1_500.0)


def test_the_users_signs_are_one_more_model() -> None:
    some = chain([100.0, 100.0], settlement_ns=NOW + np.array([30, -1]) * DAY_NS, as_of_ns=NOW)

    profile = profile_chain(
        some,
        session_label=0,
        rate=0.0,
        dividend_yield=0.0,
        user_sign=np.array([-0.5, 1.0]),
    )

    exposure = profile.gamma_exposure_usd_per_1pct
    assert exposure["user_signed"] == pytest.approx(-0.5 * exposure["index_convention"])


def test_a_chain_of_which_nothing_is_left_says_so_everywhere() -> None:
    profile = profile_of(chain([100.0], settlement_ns=NOW - 1, as_of_ns=NOW))

    assert (profile.contracts, profile.priced) == (0, 0)
    assert set(profile.gamma_exposure_usd_per_1pct.values()) == {0.0}
    assert profile.zero_gamma.reason == "no open interest that can be priced"
    assert math.isnan(profile.priced_share)
    assert math.isnan(profile.share_0dte)
    assert math.isnan(profile.walls.largest)
    assert math.isnan(profile.positioning.risk_reversal_25d_30d)
    assert math.isnan(profile.positioning.open_interest_concentration)


@needs_real_data
@pytest.mark.parametrize(
    ("read", "put_call"), [(spx_2024_01_07, 1.93), (spy_2025_05_01, 2.37), (nvda_2025_01_06, 1.04)]
)
def test_the_parts_of_a_recorded_chain_add_up(read: object, put_call: float) -> None:
    assert callable(read)
    profile = profile_of(read())

    for model in SIGN_MODELS:
        total = profile.gamma_exposure_usd_per_1pct[model.name]
        gross = profile.positioning.gross_gamma_usd_per_1pct
        assert profile.by_strike.signed(model).sum() == pytest.approx(total, abs=1e-9 * gross)
        assert profile.by_expiry.signed(model).sum() == pytest.approx(total, abs=1e-9 * gross)
        at_spot = np.interp(profile.spot, profile.spots, model.weights @ profile.exposure_by_spot)
        assert at_spot == pytest.approx(total, abs=0.02 * gross)
    assert len(profile.spots) == PROFILE_SPOTS
    assert set(profile.forwards.method) <= {"parity", "configured"}
    assert profile.positioning.put_call_open_interest == pytest.approx(put_call, abs=0.005)
    signs = np.sign(INDEX_CONVENTION.weights @ profile.exposure_by_spot)
    assert len(profile.zero_gamma.levels) >= np.count_nonzero(np.diff(signs))


@needs_real_data
def test_of_one_day_the_open_interest_is_the_same_and_the_exposure_is_not() -> None:
    morning, evening = spy_2025_05_01(), spy_2025_05_01(evening=True)

    profiles = [profile_of(each) for each in (morning, evening)]

    assert morning.open_interest.sum() == evening.open_interest.sum() == 2_138_709 + 5_071_426
    exposures = [each.gamma_exposure_usd_per_1pct["index_convention"] for each in profiles]
    assert exposures[0] > 1e9
    assert exposures[1] < 0.0
    # Before the open the spot had moved by 0.7 % since the options were quoted.
    assert profiles[0].forwards.quotes_gap == pytest.approx(0.007, abs=0.001)
