"""What is wrong with rows of a chain that can be read: expired, twice there, out of proportion."""

import numpy as np
import numpy.typing as npt

from core.columns import Bools, Floats
from core.contracts import OptionChain
from services.chain_rows import ChainFile

LARGEST_STRIKE = 100.0
SMALLEST_STRIKE = 0.001
"""Strikes beyond these multiples of the spot are misread: real ones went from 1/300 to 50."""
LARGEST_GAP = 1.5
"""The spot lies within this factor of the price at which the options are quoted, or the two are
not of the same day, or not of the same side of a split."""
LARGEST_MIDDLE = 3.0
"""Without quotes: the spot lies within this factor of the middle strike of the open interest."""
PARITY_PAIRS = 9
"""Pairs of a call and a put, nearest the money first, that tell the price they are quoted at."""
CONTRACT_KEY = np.dtype([("root", "i8"), ("expiry", "i8"), ("strike", "f8"), ("is_call", "?")])
"""What tells the contracts of an underlying apart, under the names of their columns."""


def without_expired(file: ChainFile, as_of_ns: int) -> ChainFile:
    """Return a file without the contracts that have settled by a time."""
    return file.refused(file.chain.settlement_ns < as_of_ns, "expired")


def without_repeated(file: ChainFile) -> ChainFile:
    """Return a file with each contract once.

    Of equal rows the first stays; where rows of one contract differ, all are refused.
    """
    chain = file.chain
    if not len(chain):
        return file
    contract = contract_keys(chain)
    figures = np.stack([chain.open_interest, chain.implied_volatility, chain.vendor_gamma])
    _, first, group = np.unique(contract, return_index=True, return_inverse=True)
    is_first = np.zeros(len(chain), np.bool_)
    is_first[first] = True
    same = _equal(figures, figures[:, first[group]]).all(axis=0)
    in_doubt = np.zeros(len(first), np.bool_)
    np.logical_or.at(in_doubt, group, ~same)
    contradicting = in_doubt[group]
    clean = file.refused(contradicting, "contradictory")
    return clean.refused(~is_first[~contradicting], "duplicate")


def without_disproportion(file: ChainFile, spot: float) -> ChainFile:
    """Return a file without strikes, or spots, that cannot be right; NaN = the spot is unknown."""
    chain = file.chain
    if not (len(chain) and spot > 0.0):
        return file
    quoted, factor = _quoted_price(chain), LARGEST_GAP
    if np.isnan(quoted):
        quoted, factor = _middle_strike(chain), LARGEST_MIDDLE
    if not 1.0 / factor <= quoted / spot <= factor:
        return file.refused(np.ones(len(chain), np.bool_), "spot_out_of_proportion")
    ratio = chain.strike / spot
    wrong = (ratio > LARGEST_STRIKE) | (ratio < SMALLEST_STRIKE)
    return file.refused(wrong, "strike_out_of_proportion")


def with_unpriced_noted(file: ChainFile) -> ChainFile:
    """Return a file whose rejects also name the contracts that cannot be priced.

    They stay: their open interest counts where no price is needed.
    """
    chain = file.chain
    unknown = np.isnan(chain.open_interest)
    unpriced = np.isnan(chain.implied_volatility) & (chain.open_interest > 0.0)
    return file.noted(unknown, "no_open_interest").noted(unpriced, "no_implied_volatility")


def contract_keys(chain: OptionChain) -> npt.NDArray[np.void]:
    """Return one comparable value a contract of a chain, equal for equal contracts."""
    keys = np.empty(len(chain), CONTRACT_KEY)
    for name in CONTRACT_KEY.names or ():
        keys[name] = getattr(chain, name)
    return keys


def _quoted_price(chain: OptionChain) -> float:
    """Return the price of the underlying that the quotes imply, NaN without enough of them.

    It is the median of strike + call - put where the two cost nearly the same, whatever the
    expiry: carry does not matter here.
    """
    quoted = chain.at(~np.isnan(chain.mid) & (chain.multiplier == chain.deliverable))
    keys = contract_keys(quoted)
    puts = keys[~quoted.is_call].copy()
    puts["is_call"] = True
    _, call, put = np.intersect1d(keys[quoted.is_call], puts, return_indices=True)
    premium = quoted.mid[quoted.is_call][call] - quoted.mid[~quoted.is_call][put]
    nearest = np.argsort(np.abs(premium))[:PARITY_PAIRS]
    if len(nearest) < PARITY_PAIRS // 2:
        return float("nan")
    return float(np.median(quoted.strike[quoted.is_call][call[nearest]] + premium[nearest]))


def _middle_strike(chain: OptionChain) -> float:
    """Return the median strike, each counted by its open interest where there is any."""
    weight = np.nan_to_num(chain.open_interest)
    if not weight.any():
        return float(np.median(chain.strike))
    order = np.argsort(chain.strike)
    held = np.cumsum(weight[order])
    return float(chain.strike[order][np.searchsorted(held, held[-1] / 2.0)])


def _equal(some: Floats, others: Floats) -> Bools:
    """Compare, an unknown being equal to an unknown."""
    equal: Bools = (some == others) | (np.isnan(some) & np.isnan(others))
    return equal
