"""What a split does to option contracts: strikes, numbers of contracts, what they deliver."""

from dataclasses import replace

import numpy as np

from core.contracts import OptionChain

CENTS = 2
"""The clearing house rounds adjusted strikes to the cent: 645 becomes 92.14 in a split of 7:1."""
_WHOLE = 1e-9


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
    many = round(1.0 / price_factor)
    scaled = replace(
        chain,
        spot=chain.spot * price_factor,
        forward=chain.forward * price_factor,
        vendor_gamma=chain.vendor_gamma / price_factor,
    )
    if abs(many * price_factor - 1.0) > _WHOLE:
        return replace(scaled, deliverable=chain.deliverable / price_factor)
    return replace(
        scaled,
        strike=np.round(chain.strike * price_factor, CENTS),
        open_interest=chain.open_interest * many,
        mid=chain.mid * price_factor,
    )
