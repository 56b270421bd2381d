"""Zero-gamma levels: none with the reason, one, many, near ones, and a brute-force search."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.chain_profile import profile_chain
from core.columns import Floats
from core.dealer_signs import CUSTOMERS_LONG, INDEX_CONVENTION, INVERTED
from core.forwards import expiry_forwards
from core.open_positions import Positions, open_positions
from core.zero_gamma import ZeroGamma, zero_gamma
from tests.support.core_universe import at
from tests.support.option_chains import DAY_NS, chain
from tests.support.real_data import needs_real_data
from tests.support.recorded_chains import spx_2024_01_07

NOW = at(0, 0.0)
INDEX = INDEX_CONVENTION.weights


def positions_of(
    strike: list[float], is_call: list[bool], open_interest: list[float], **columns: object
) -> Positions:
    some = chain(strike, is_call=is_call, open_interest=open_interest, **columns)
    return open_positions(some, expiry_forwards(some, rate=0.0, dividend_yield=0.0))


def levels(found: ZeroGamma) -> list[float]:
    return [each.level for each in found.levels]


def test_between_puts_below_and_calls_above_lies_one_level() -> None:
    positions = positions_of([95.0, 105.0], [False, True], [1e3, 1e3])

    found = zero_gamma(positions, spot=100.0, weights=INDEX)

    # Equal widths w: the densities meet halfway between the centres ln K - w^2 / 2.
    width_squared = 0.04 * 30.0 / 365.0
    middle = np.sqrt(95.0 * 105.0) * np.exp(-0.5 * width_squared)
    assert levels(found) == [pytest.approx(middle, rel=1e-9)]
    assert found.levels[0].distance == pytest.approx(middle / 100.0 - 1.0, rel=1e-9)
    assert found.levels[0].long_above
    assert found.reason is None
    assert found.nearest() == found.levels[0]


def test_the_inverted_guess_has_the_same_levels_with_the_other_side() -> None:
    positions = positions_of([95.0, 105.0], [False, True], [1e3, 1e3])

    found = zero_gamma(positions, spot=100.0, weights=INVERTED.weights)

    assert levels(found) == levels(zero_gamma(positions, spot=100.0, weights=INDEX))
    assert not found.levels[0].long_above


def test_puts_between_two_walls_of_calls_make_several_levels_and_all_are_given() -> None:
    positions = positions_of(
        [90.0, 97.0, 103.0, 110.0],
        [True, False, True, False],
        [1e3] * 4,
        implied_volatility=0.08,
    )

    found = zero_gamma(positions, spot=100.0, weights=INDEX)

    assert [each.long_above for each in found.levels] == [False, True, False]
    assert levels(found) == sorted(levels(found))
    assert 90.0 < levels(found)[0] < 97.0 < levels(found)[1] < 103.0 < levels(found)[2] < 110.0
    nearest = found.nearest()
    assert nearest is not None
    assert nearest.level == levels(found)[1]


def test_two_levels_close_together_are_both_found() -> None:
    # Puts of the last hours, a spike 0.3 % wide, in the broad gamma of calls of a year.
    positions = positions_of(
        [100.0, 101.3],
        [True, False],
        [1e5, 9e3],
        settlement_ns=NOW + np.array([365 * DAY_NS, DAY_NS // 8]),
        implied_volatility=[0.3, 0.15],
        as_of_ns=NOW,
    )

    found = zero_gamma(positions, spot=100.0, weights=INDEX)

    assert len(found.levels) == 2
    assert levels(found)[0] < 101.3 < levels(found)[1] < levels(found)[0] * 1.012


@given(strike=st.floats(96.0, 104.0), hours=st.floats(3.0, 60.0), broad=st.floats(20.0, 400.0))
def test_a_pair_of_levels_around_a_dip_of_a_hundred_thousandth_is_found(
    strike: float, hours: float, broad: float
) -> None:
    # Puts that take the gamma of the calls away and, at one price, that little more.
    days = np.array([broad, hours / 24.0])
    settlement_ns = NOW + (days * DAY_NS).astype(np.int64)
    terms = {"settlement_ns": settlement_ns, "implied_volatility": [0.4, 0.2], "as_of_ns": NOW}
    one_each = positions_of([100.0, strike], [True, False], [1.0, 1.0], **terms)
    spots = strike * np.exp(np.linspace(-0.01, 0.01, 20_001))
    calls, puts, _ = one_each.gamma_profile(spots)
    share = 1.00001 / (puts / calls).max()
    positions = positions_of([100.0, strike], [True, False], [1.0, share], **terms)

    found = zero_gamma(positions, spot=100.0, weights=INDEX)

    assert [each.long_above for each in found.levels] == [False, True]


@pytest.mark.parametrize(
    ("weights", "reason"),
    [
        (CUSTOMERS_LONG.weights, "dealers are short gamma from 0.8 to 1.2 of the spot"),
        (-CUSTOMERS_LONG.weights, "dealers are long gamma from 0.8 to 1.2 of the spot"),
        (0.0 * INDEX, "no open interest that can be priced"),
    ],
)
def test_without_a_level_the_reason_is_said(weights: Floats, reason: str) -> None:
    positions = positions_of([95.0, 105.0], [False, True], [1e3, 1e3])

    found = zero_gamma(positions, spot=100.0, weights=weights)

    assert found == ZeroGamma((), reason)
    assert found.nearest() is None


def test_open_interest_far_from_the_spot_has_no_gamma_to_speak_of() -> None:
    positions = positions_of([20.0, 900.0], [False, True], [1e3, 1e3])

    found = zero_gamma(positions, spot=100.0, weights=INDEX)

    assert found == ZeroGamma((), "no gamma between 0.8 and 1.2 of the spot")


def test_tails_beyond_the_last_strikes_are_no_levels() -> None:
    # Widths differ, so far out the broader side wins, at 1e-30 of the exposure.
    positions = positions_of(
        [99.0, 101.0], [False, True], [1e3, 1e3], implied_volatility=[0.05, 0.06]
    )

    found = zero_gamma(positions, spot=100.0, weights=INDEX)

    assert len(found.levels) <= 2
    assert all(95.0 < level < 105.0 for level in levels(found))


CONTRACTS = st.lists(
    st.tuples(
        st.floats(75.0, 130.0),
        st.booleans(),
        st.floats(1.0, 1e4),
        st.floats(0.1, 1.0),
        st.floats(1.0, 300.0),
    ),
    min_size=1,
    max_size=15,
)


@given(rows=CONTRACTS)
def test_a_brute_force_search_finds_the_same_levels(rows: list[tuple[float, ...]]) -> None:
    strike, is_call, open_interest, volatility, days = map(list, zip(*rows, strict=True))
    positions = positions_of(
        strike,
        [bool(each) for each in is_call],
        open_interest,
        implied_volatility=volatility,
        settlement_ns=NOW + (np.array(days) * DAY_NS).astype(np.int64),
        as_of_ns=NOW,
    )

    found = zero_gamma(positions, spot=100.0, weights=INDEX)

    spots = np.linspace(80.0, 120.0, 4_001)
    exposure = INDEX @ positions.gamma_profile(spots)
    largest = np.abs(exposure).max()
    # The search looks at what is clear of zero, as the levels do.
    clear = np.flatnonzero(np.abs(exposure) > 1e-5 * largest)
    turns = np.flatnonzero(np.diff(np.sign(exposure[clear])))
    for turn in turns:
        low, high = spots[clear[turn]], spots[clear[turn + 1]]
        inside = [each for each in found.levels if low <= each.level <= high]
        assert len(inside) % 2 == 1
        assert inside[0].long_above == (exposure[clear[turn + 1]] > 0.0)
    for level in levels(found):
        there = INDEX @ positions.gamma_profile(np.array([level]))
        assert abs(there[0]) <= 1e-8 * largest


@needs_real_data
def test_the_index_has_one_level_near_the_published_one() -> None:
    # Published 4734 without carry; priced on the forwards that parity implies the level is lower.
    profile = profile_chain(spx_2024_01_07(), session_label=19_730, rate=0.05, dividend_yield=0.015)

    (level,) = profile.zero_gamma.levels
    assert level.level == pytest.approx(4718.8, abs=0.5)
    assert level.long_above
    assert profile.gamma_exposure_usd_per_1pct["index_convention"] == pytest.approx(
        -12.1e9, abs=0.2e9
    )
