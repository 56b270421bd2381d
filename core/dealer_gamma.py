"""How much delta dealers gain or lose when the price moves by 1 %, by contract, strike and expiry.

The gamma exposure of a contract is ``gamma open_interest units S^2 0.01``: USD of delta per 1 %
move of the price, whatever its level. Long gamma (> 0) sells rallies and buys dips, short gamma
(< 0) does the opposite. Who is long is a guess (`core.dealer_signs`).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.columns import Bools, Floats
from core.contracts import OptionChain
from core.dealer_signs import CALLS, CHANNELS, PUTS, SignModel
from core.open_positions import Positions

Keys = npt.NDArray[np.number[Any]]
"""What exposures are grouped by: strikes, or dates of expiry as days since 1970."""


@dataclass(frozen=True, eq=False)
class ExposureTable:
    """Gamma exposure grouped by a key, one entry a key, ascending.

    Attributes
    ----------
    key : float64[k] or int64[k]        strikes a unit, or days since 1970
    exposure : float64[CHANNELS, k]     USD per 1 %, all contracts held long
    call_open_interest, put_open_interest : float64[k]     contracts
    """

    key: Keys
    exposure: Floats
    call_open_interest: Floats
    put_open_interest: Floats

    def signed(self, model: SignModel) -> Floats:
        """Return float64[k], USD per 1 % under a sign model."""
        return np.asarray(model.weights @ self.exposure)


@dataclass(frozen=True)
class Walls:
    """Strikes that stand out, NaN where nothing is open; of several the lowest."""

    call: float
    """Most gamma exposure of calls."""
    put: float
    """Most gamma exposure of puts."""
    largest: float
    """Most gamma exposure of both together."""


def exposure_table(
    key: Keys, chain: OptionChain, positions: Positions, exposures: Floats
) -> ExposureTable:
    """Group the gamma exposures of a chain's positions.

    Parameters
    ----------
    key : [n]                   of each contract of the chain
    chain : OptionChain
    positions : Positions       priced from that chain
    exposures : float64[m]      of the positions, as `Positions.gamma_exposures` gives them
    """
    keys, group = np.unique(key, return_inverse=True)
    size = len(keys)
    mine = group[positions.contract]
    exposure = np.array(
        [np.bincount(mine, channel * exposures, size) for channel in positions.channels]
    )
    known = np.nan_to_num(chain.open_interest, nan=0.0)
    return ExposureTable(
        key=keys,
        exposure=exposure.reshape(CHANNELS, size),
        call_open_interest=np.bincount(group, known * chain.is_call, size).astype(np.float64),
        put_open_interest=np.bincount(group, known * ~chain.is_call, size).astype(np.float64),
    )


def walls(by_strike: ExposureTable) -> Walls:
    """Return the strikes with the most gamma of calls, of puts and of both."""

    def top(exposure: Floats) -> float:
        return float(by_strike.key[np.argmax(exposure)]) if exposure.any() else np.nan

    calls, puts = by_strike.exposure[CALLS], by_strike.exposure[PUTS]
    return Walls(top(calls), top(puts), top(calls + puts))


def share_of(exposures: Floats, chosen: Bools) -> float:
    """Return the share of some contracts in the gross gamma exposure, NaN where there is none."""
    total = float(exposures.sum())
    return float(exposures[chosen].sum()) / total if total > 0.0 else np.nan


def vendor_gamma_exposure(chain: OptionChain, model: SignModel) -> float:
    """Return the gamma exposure by the gamma that came with the chain, USD per 1 %.

    NaN where no contract with open interest has one.
    """
    side = np.where(chain.is_call, model.calls, model.puts)
    units = chain.open_interest * chain.deliverable
    term = side * chain.vendor_gamma * units * (0.01 * chain.spot**2)
    known = ~np.isnan(term)
    return float(term[known].sum()) if known.any() else np.nan
