"""What a split does to option contracts: strikes, numbers of contracts, what they deliver."""

from dataclasses import replace

import numpy as np

from core.columns import Floats
from core.contracts import OptionChain

CENTS = 2
"""The clearing house rounds adjusted strikes to the cent: 645 becomes 92.14 in a split of 7:1."""
_WHOLE = 1e-5
"""A factor is written with six digits or more; strikes are of cents to as much of a cent."""


def split_adjusted(chain: OptionChain, price_factor: float) -> OptionChain:
    """Return the contracts that a chain of before a split becomes at it.

    Parameters
    ----------
    chain : OptionChain      as listed before the split, spot and forwards of before it
    price_factor : float     > 0, what prices are multiplied by: 1/7 for a split of 7:1

    Notes
    -----
    In a split of a whole number to one each contract becomes as many, at the strike divided by
    it. In any other the strike stays, and what is delivered changes. The gamma exposure in USD
    per 1 % is that of before, but for the rounding of strikes.
    """
    strike, open_interest, deliverable = split_terms(
        chain.strike, chain.open_interest, chain.deliverable, price_factor=price_factor
    )
    # Where it changes what is delivered, a premium is for as many units as before.
    premium_factor = 1.0 / contracts_of_one(price_factor)
    return replace(
        chain,
        spot=chain.spot * price_factor,
        strike=strike,
        open_interest=open_interest,
        deliverable=deliverable,
        forward=chain.forward * price_factor,
        mid=chain.mid * premium_factor,
        vendor_gamma=chain.vendor_gamma / price_factor,
    )


def split_terms(
    strike: Floats, open_interest: Floats, deliverable: Floats, *, price_factor: float
) -> tuple[Floats, Floats, Floats]:
    """Return strikes, open interest and deliverables after a split, float64[n] each."""
    many = contracts_of_one(price_factor)
    if many == 1.0:
        return strike, open_interest, deliverable / price_factor
    cents = 10.0**CENTS
    is_of_cents = np.abs(strike * cents - np.round(strike * cents)) < _WHOLE
    adjusted = strike / many
    # A strike that was none of the clearing house's, on a listing say, is not rounded by it.
    rounded = np.where(is_of_cents, np.round(adjusted, CENTS), adjusted)
    return rounded, open_interest * many, deliverable


def contracts_of_one(price_factor: float) -> float:
    """Return into how many contracts each is split: 1 where what it delivers changes instead."""
    many = round(1.0 / price_factor)
    return float(many) if abs(many * price_factor - 1.0) <= _WHOLE else 1.0
