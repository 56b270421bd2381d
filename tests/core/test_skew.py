"""Risk reversal: hand-made smiles, interpolation in delta and in time, a real chain."""

import math

import numpy as np
import pytest

from core.contracts import OptionChain
from core.forwards import expiry_forwards
from core.skew import risk_reversal
from tests.support.core_universe import at
from tests.support.option_chains import DAY_NS, chain
from tests.support.real_data import needs_real_data
from tests.support.recorded_chains import spx_2024_01_07

NOW = at(0, 0.0)
STRIKES = np.arange(60.0, 161.0, 1.0)


def smile(days: float, upside: float, downside: float) -> OptionChain:
    """Return a chain with one volatility above the spot and another below it."""
    strike = np.repeat(STRIKES, 2)
    is_call = np.tile([True, False], len(STRIKES))
    return chain(
        strike,
        is_call=is_call,
        implied_volatility=np.where(strike >= 100.0, upside, downside),
        settlement_ns=NOW + int(days * DAY_NS),
        as_of_ns=NOW,
    )


def joined(*chains: OptionChain) -> OptionChain:
    def column(name: str) -> np.ndarray[tuple[int], np.dtype[np.generic]]:
        return np.concatenate([getattr(each, name) for each in chains])

    names = ("is_call", "implied_volatility", "settlement_ns")
    return chain(column("strike"), as_of_ns=NOW, **{name: column(name) for name in names})


def reversal(some: OptionChain) -> float:
    return risk_reversal(some, expiry_forwards(some, rate=0.0, dividend_yield=0.0))


def test_call_less_put_so_a_dear_downside_is_negative() -> None:
    assert reversal(smile(30, 0.18, 0.24)) == pytest.approx(-0.06, abs=1e-12)


def test_a_flat_smile_has_none() -> None:
    assert reversal(smile(30, 0.2, 0.2)) == pytest.approx(0.0, abs=1e-12)


def test_variance_is_interpolated_in_time() -> None:
    found = reversal(joined(smile(20, 0.20, 0.30), smile(50, 0.26, 0.28)))

    def at_30(near: float, far: float) -> float:
        return math.sqrt((near**2 * 20.0 * 2 / 3 + far**2 * 50.0 / 3) / 30.0)

    assert found == pytest.approx(at_30(0.20, 0.26) - at_30(0.30, 0.28), abs=1e-12)


def test_volatility_is_interpolated_in_delta() -> None:
    # Two calls on either side of a delta of 0.25, at 0.2 and 0.4 of volatility.
    strike = [104.0, 112.0, 96.0, 90.0]
    some = chain(
        strike,
        is_call=[True, True, False, False],
        implied_volatility=[0.2, 0.4, 0.3, 0.3],
        as_of_ns=NOW,
        settlement_ns=NOW + 30 * DAY_NS,
    )
    root = math.sqrt(30.0 / 365.0)

    def delta(at_strike: float, volatility: float) -> float:
        width = volatility * root
        return 0.5 * math.erfc(-(math.log(100.0 / at_strike) / width + width / 2) / math.sqrt(2))

    near, far = delta(104.0, 0.2), delta(112.0, 0.4)
    call = 0.4 + (0.25 - far) / (near - far) * (0.2 - 0.4)
    assert reversal(some) == pytest.approx(call - 0.3, abs=1e-12)


@pytest.mark.parametrize(("days", "is_known"), [(16, True), (14, False), (59, True), (61, False)])
def test_a_single_expiry_stands_in_where_it_is_near_enough(days: float, *, is_known: bool) -> None:
    found = reversal(smile(days, 0.2, 0.3))

    expected = -0.1 if is_known else math.nan
    assert found == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_without_both_wings_it_is_unknown() -> None:
    some = smile(30, 0.2, 0.3)

    assert math.isnan(reversal(some.at(some.is_call)))
    assert math.isnan(reversal(some.at(np.abs(some.strike - 100.0) < 2.5)))


@needs_real_data
def test_the_index_pays_two_and_a_half_points_for_its_downside() -> None:
    some = spx_2024_01_07().unexpired()

    found = risk_reversal(some, expiry_forwards(some, rate=0.05, dividend_yield=0.015))

    # Our own figure without carry was -2.47 points; there is no independent one.
    assert found == pytest.approx(-0.0255, abs=0.001)
