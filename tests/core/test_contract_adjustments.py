"""What a split does to option contracts."""

import numpy as np
import pytest

from core.contract_adjustments import split_adjusted
from core.dealer_gamma import vendor_gamma_exposure
from core.dealer_signs import INDEX_CONVENTION
from core.open_positions import unit_strikes
from tests.support.option_chains import chain

BEFORE = chain(
    [630.0, 645.0], spot=645.57, open_interest=np.array([3.0, np.nan]), forward=646.0, mid=14.0,
    vendor_gamma=0.01,
)  # fmt: skip


def test_seven_for_one_makes_seven_contracts_of_each_at_a_seventh_of_the_strike() -> None:
    after = split_adjusted(BEFORE, 1 / 7)

    # The strikes that Apple's options had from 2014-06-09 on.
    assert after.strike.tolist() == [90.0, 92.14]
    np.testing.assert_equal(after.open_interest, [21.0, np.nan])
    assert after.deliverable.tolist() == after.multiplier.tolist() == [100.0, 100.0]
    assert after.spot == pytest.approx(92.224, abs=1e-3)
    assert after.mid.tolist() == pytest.approx([2.0, 2.0])
    assert after.forward.tolist() == pytest.approx([646 / 7] * 2)


@pytest.mark.parametrize("price_factor", [2 / 3, 10.0])
def test_any_other_split_changes_what_a_contract_delivers(price_factor: float) -> None:
    after = split_adjusted(BEFORE, price_factor)

    assert after.strike.tolist() == BEFORE.strike.tolist()
    np.testing.assert_equal(after.open_interest, BEFORE.open_interest)
    assert after.deliverable.tolist() == pytest.approx([100 / price_factor] * 2)
    assert after.mid.tolist() == BEFORE.mid.tolist()
    paid = unit_strikes(after.strike, after.multiplier, after.deliverable)
    assert paid.tolist() == pytest.approx((BEFORE.strike * price_factor).tolist())


@pytest.mark.parametrize("price_factor", [1.0, 1 / 7, 2 / 3, 10.0])
def test_no_split_changes_the_exposure_in_money(price_factor: float) -> None:
    before, after = (
        vendor_gamma_exposure(each, INDEX_CONVENTION)
        for each in (BEFORE, split_adjusted(BEFORE, price_factor))
    )

    assert after == pytest.approx(before)
