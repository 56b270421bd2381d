"""Delta, gamma, charm and vanna of European options, by Black and Scholes [1]_ or Black-76 [2]_.

An American option is taken for a European one on the same forward: its right to early exercise
adds delta deep in the money, where little gamma is.

References
----------
.. [1] Black & Scholes (1973), The Pricing of Options and Corporate Liabilities, Journal of
       Political Economy 81(3), 637-654; with a dividend yield as in Merton (1973).
.. [2] Black (1976), The Pricing of Commodity Contracts, Journal of Financial Economics 3, 167-179.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from core.columns import Bools, Floats

ROOT_TWO_PI = 2.5066282746310002


@dataclass(frozen=True, eq=False)
class Greeks:
    """Sensitivities of one unit of option, float64 of the inputs' common shape.

    Attributes
    ----------
    delta     value per 1.00 of the underlying
    gamma     delta per 1.00 of the underlying
    charm     delta per year that passes, at an unchanged price
    vanna     delta per 1.00 of volatility
    """

    delta: Floats
    gamma: Floats
    charm: Floats
    vanna: Floats


def black_scholes(
    spot: float | Floats,
    strike: Floats,
    *,
    years: Floats,
    volatility: Floats,
    is_call: Bools,
    rate: float | Floats = 0.0,
    dividend_yield: float | Floats = 0.0,
) -> Greeks:
    """Return the Greeks of options on a spot price.

    Parameters
    ----------
    spot, strike : float64         > 0; all arguments broadcast
    years : float64                to settlement, >= 0
    volatility : float64           per year, >= 0
    is_call : bool
    rate, dividend_yield : float64     per year, compounded continuously; the forward is
                                       ``spot exp((rate - dividend_yield) years)``

    Returns
    -------
    Greeks    NaN where an input is NaN. Without time or volatility the limits: a step of the
              delta at the forward; exactly there half of it, an infinite gamma, and charm and
              vanna NaN
    """
    carry = rate - dividend_yield
    deviation = volatility * np.sqrt(years)
    z, z_less = _standardised(np.log(spot / strike) + carry * years, deviation)
    growth = np.exp(-np.multiply(dividend_yield, years))
    side = np.where(is_call, 1.0, -1.0)
    delta = side * growth * ndtr(side * z)
    # What multiplies the density may be infinite where the density is 0: then 0 wins.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        density = growth * np.exp(-0.5 * z * z) / ROOT_TWO_PI
        gamma = _where_dense(density, density / (spot * deviation))
        decay = density * (carry / deviation - z_less / (2.0 * years))
        charm = dividend_yield * delta - _where_dense(density, decay)
        vanna = _where_dense(density, -density * z_less / volatility)
    return Greeks(delta, gamma, charm, vanna)


def black_76(
    forward: float | Floats,
    strike: Floats,
    *,
    years: Floats,
    volatility: Floats,
    is_call: Bools,
    rate: float | Floats = 0.0,
) -> Greeks:
    """Return the Greeks of options on a forward or future, by the price of that.

    The arguments are those of `black_scholes`; a future costs nothing to hold, so its carry is 0
    and its Greeks are discounted at the rate.
    """
    return black_scholes(
        forward,
        strike,
        years=years,
        volatility=volatility,
        is_call=is_call,
        rate=rate,
        dividend_yield=rate,
    )


def black_76_value(
    forward: float | Floats,
    strike: Floats,
    *,
    years: Floats,
    volatility: Floats,
    is_call: Bools,
    rate: float | Floats = 0.0,
) -> Floats:
    """Return the value of options on a forward or future; arguments as in `black_76`."""
    z, z_less = _standardised(np.log(forward / strike), volatility * np.sqrt(years))
    side = np.where(is_call, 1.0, -1.0)
    payoff = side * (forward * ndtr(side * z) - strike * ndtr(side * z_less))
    value: Floats = np.exp(-np.multiply(rate, years)) * payoff
    return value


def _standardised(log_moneyness: Floats, deviation: Floats) -> tuple[Floats, Floats]:
    """Return d1 and d2 for the log of forward over strike; infinite without a deviation."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        middle = np.where(log_moneyness == 0.0, 0.0, log_moneyness / deviation)
    return middle + 0.5 * deviation, middle - 0.5 * deviation


def _where_dense(density: Floats, figure: Floats) -> Floats:
    return np.where(density == 0.0, 0.0, figure)
