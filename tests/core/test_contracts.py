"""Chains of contracts: parts of them, and the time that is left."""

import numpy as np

from core.contracts import COLUMNS, years_to
from core.open_positions import unit_strikes
from tests.support.core_universe import at
from tests.support.option_chains import DAY_NS, chain


def test_a_part_of_a_chain_keeps_all_columns_in_step() -> None:
    whole = chain([90.0, 100.0, 110.0], open_interest=[1.0, 2.0, 3.0], is_call=[True, False, True])

    part = whole.at(np.array([2, 0]))

    assert (len(whole), len(part)) == (3, 2)
    assert (part.underlying, part.spot, part.roots) == (whole.underlying, whole.spot, whole.roots)
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[[2, 0]])


def test_a_contract_counts_up_to_the_instant_it_settles() -> None:
    now = at(0, 6.0)
    whole = chain([90.0, 100.0, 110.0], as_of_ns=now, settlement_ns=[now - 1, now, now + 1])

    np.testing.assert_array_equal(whole.unexpired().strike, [100.0, 110.0])


def test_time_is_calendar_time_and_at_least_an_hour() -> None:
    now = at(0, 0.0)

    left = years_to(np.array([now - DAY_NS, now, now + DAY_NS // 24, now + 365 * DAY_NS]), now)

    np.testing.assert_allclose(left, [1 / 8760, 1 / 8760, 1 / 8760, 1.0], rtol=1e-15)


def test_an_adjusted_contract_pays_its_strike_for_the_units_it_delivers() -> None:
    # Three for two: 150 shares for 90 x 100 USD. The second is as usual, to the last bit.
    strike = unit_strikes(np.array([90.0, 92.14]), np.full(2, 100.0), np.array([150.0, 100.0]))

    np.testing.assert_array_equal(strike, [60.0, 92.14])
