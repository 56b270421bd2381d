"""Open interest priced: what every figure of dealers' gamma and hedging is summed from.

By the log of the price, a contract's delta is a smooth step: ``N((ln S - centre) / width)`` times
its weight, less that weight for a put, with ``width = volatility sqrt(years)``. Its gamma is the
slope of the step. So three numbers a contract price a whole chain at any spot.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr

from core.black_scholes import ROOT_TWO_PI, black_scholes
from core.columns import Bools, Floats, Int64s
from core.contracts import OptionChain, years_to
from core.dealer_signs import CALLS, CHANNELS, PUTS, SIGNED
from core.forwards import Forwards

_BLOCK_CONTRACTS = 2_000
"""Contracts priced at a time: what they need stays in the processor's cache."""


@dataclass(frozen=True, eq=False)
class Positions:
    """The open contracts of one underlying that can be priced, at one time.

    Attributes
    ----------
    contract : int64[n]         their positions in the chain, ascending
    weight : float64[n]         units of the underlying behind the open interest, grown at the
                                dividend yield: what the delta of the calls can reach
    centre : float64[n]         log price at which half of it is reached
    width : float64[n]          volatility times the root of the years, > 0
    is_call : bool[n]
    channels : float64[CHANNELS, n]     share of each contract in what sign models weigh
    """

    contract: Int64s
    weight: Floats
    centre: Floats
    width: Floats
    is_call: Bools
    channels: Floats

    def gamma_exposures(self, spot: float) -> Floats:
        """Return float64[n], USD of delta per 1 % move of each contract, all held long."""
        z = (np.log(spot) - self.centre) / self.width
        slope = self.weight / self.width * np.exp(-0.5 * z * z) / ROOT_TWO_PI
        return np.asarray(0.01 * spot * slope)

    def gamma_profile(self, spots: Floats) -> Floats:
        """Return float64[CHANNELS, p], the sums of the gamma exposures at some spots."""
        total = np.zeros((CHANNELS, len(spots)))
        log_spot = np.log(spots)
        for start in range(0, len(self.weight), _BLOCK_CONTRACTS):
            mine = slice(start, start + _BLOCK_CONTRACTS)
            width = self.width[mine]
            z = log_spot[:, None] - self.centre[mine]
            z /= width
            np.multiply(z, z, out=z)
            z *= -0.5
            density = np.exp(z, out=z)
            slopes = self.channels[:, mine] * (self.weight[mine] / (width * ROOT_TWO_PI))
            total += slopes @ density.T
        return 0.01 * spots * total

    def deltas(self, spots: Floats) -> Floats:
        """Return float64[CHANNELS, p], units of the underlying that equal the open interest."""
        total = np.zeros((CHANNELS, len(spots)))
        log_spot = np.log(spots)
        for start in range(0, len(self.weight), _BLOCK_CONTRACTS):
            mine = slice(start, start + _BLOCK_CONTRACTS)
            z = (log_spot[:, None] - self.centre[mine]) / self.width[mine]
            total += (self.channels[:, mine] * self.weight[mine]) @ ndtr(z).T
        # A put is a call less the underlying.
        return total - (self.channels[:, ~self.is_call] @ self.weight[~self.is_call])[:, None]

    def at(self, positions: Int64s | Bools) -> "Positions":
        """Return some of the positions."""
        return Positions(
            self.contract[positions],
            self.weight[positions],
            self.centre[positions],
            self.width[positions],
            self.is_call[positions],
            self.channels[:, positions],
        )


def open_positions(
    chain: OptionChain,
    forwards: Forwards,
    *,
    now_ns: int | None = None,
    volatility: Floats | None = None,
    user_sign: Floats | None = None,
    is_held: Bools | None = None,
) -> Positions:
    """Price the open interest of a chain on its forwards.

    Parameters
    ----------
    chain : OptionChain
    forwards : Forwards             of that chain
    now_ns : int | None             the time to price at, the chain's own by default
    volatility : float64[n] | None      the chain's own by default
    user_sign : float64[n] | None   the dealers' side of each contract, from -1 to 1, NaN = unknown
    is_held : bool[n] | None        the contracts that count, those not settled before `now_ns` by
                                    default

    Returns
    -------
    Positions    of those with open interest and a known volatility
    """
    now_ns = chain.as_of_ns if now_ns is None else now_ns
    volatility = chain.implied_volatility if volatility is None else volatility
    has_price = (chain.open_interest > 0.0) & (volatility > 0.0)
    held = chain.settlement_ns >= now_ns if is_held is None else is_held
    here = np.flatnonzero(has_price & held)
    mine = chain.at(here)
    positions = priced(
        unit_strikes(mine.strike, mine.multiplier, mine.deliverable),
        years=years_to(mine.settlement_ns, now_ns),
        volatility=volatility[here],
        is_call=mine.is_call,
        units=mine.open_interest * mine.deliverable,
        rate=forwards.rate,
        dividend_yield=forwards.dividend_yields(mine),
        user_sign=None if user_sign is None else user_sign[here],
    )
    return replace(positions, contract=here)


def deltas_per_unit(chain: OptionChain, forwards: Forwards) -> Floats:
    """Return float64[n], each contract's delta at the spot, NaN where its volatility is unknown."""
    return black_scholes(
        chain.spot,
        unit_strikes(chain.strike, chain.multiplier, chain.deliverable),
        years=years_to(chain.settlement_ns, chain.as_of_ns),
        volatility=chain.implied_volatility,
        is_call=chain.is_call,
        rate=forwards.rate,
        dividend_yield=forwards.dividend_yields(chain),
    ).delta


def unit_strikes(strike: Floats, multiplier: Floats, deliverable: Floats) -> Floats:
    """Return what is paid for one unit of the underlying: of an adjusted contract not its strike.

    Such a contract costs ``strike multiplier`` and delivers another number of units.
    """
    is_adjusted = multiplier != deliverable
    return np.where(is_adjusted, strike * (multiplier / deliverable), strike)


def priced(
    strike: Floats,
    *,
    years: Floats,
    volatility: Floats,
    is_call: Bools,
    units: Floats,
    rate: float,
    dividend_yield: float | Floats,
    user_sign: Floats | None = None,
) -> Positions:
    """Return positions made of parallel arrays; ``units`` of the underlying behind each.

    ``strike`` is for one unit, ``user_sign`` the dealers' side, NaN = unknown.
    """
    width = volatility * np.sqrt(years)
    channels = np.zeros((CHANNELS, len(strike)))
    channels[CALLS], channels[PUTS] = is_call, ~is_call
    if user_sign is not None:
        channels[SIGNED] = np.nan_to_num(user_sign, nan=0.0)
    return Positions(
        contract=np.arange(len(strike)),
        weight=units * np.exp(-dividend_yield * years),
        centre=np.log(strike) - (rate - dividend_yield) * years - 0.5 * width * width,
        width=width,
        is_call=is_call,
        channels=channels,
    )
