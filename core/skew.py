"""Risk reversal: how much dearer upside volatility is than downside volatility."""

import numpy as np

from core.columns import Bools, Floats
from core.contracts import OptionChain, years_to
from core.forwards import Forwards
from core.open_positions import deltas_per_unit

DELTA = 0.25
YEARS = 30.0 / 365.0
SHORTEST_YEARS, LONGEST_YEARS = 5.0 / 365.0, 120.0 / 365.0
"""Expiries that are looked at."""
NEAREST_YEARS, FARTHEST_YEARS = 15.0 / 365.0, 60.0 / 365.0
"""Without an expiry on either side of 30 days, the nearest one within these stands in."""


def risk_reversal(chain: OptionChain, forwards: Forwards) -> float:
    """Return the volatility of the 25-delta call less that of the 25-delta put, at 30 days.

    Desks that publish put less call have the other sign. As a fraction, -0.02 being two points
    that the put is dearer; NaN where no expiry has both wings.

    Notes
    -----
    Of each expiry the contracts out of the money count; each wing's volatility is interpolated
    linearly in delta, then its total variance (volatility squared times years) linearly in time.
    """
    years = years_to(chain.settlement_ns, chain.as_of_ns)
    chain = chain.at((years >= SHORTEST_YEARS) & (years <= LONGEST_YEARS))
    absolute = np.abs(deltas_per_unit(chain, forwards))
    forward = forwards.forward[np.searchsorted(forwards.settlement_ns, chain.settlement_ns)]
    upside = chain.is_call & (chain.strike >= forward)
    downside = ~chain.is_call & (chain.strike <= forward)
    call, put = (_wing(chain, forwards, absolute, side) for side in (upside, downside))
    known = ~np.isnan(call + put)
    return _at_30_days(call, forwards.years, known) - _at_30_days(put, forwards.years, known)


def _wing(chain: OptionChain, forwards: Forwards, absolute: Floats, side: Bools) -> Floats:
    """Return float64[e], the volatility at the delta of 0.25 of each settlement."""
    wing = np.full(len(forwards.settlement_ns), np.nan)
    known = np.flatnonzero(side & ~np.isnan(absolute))
    known = known[np.lexsort((absolute[known], chain.settlement_ns[known]))]
    bound = np.searchsorted(chain.settlement_ns[known], forwards.settlement_ns)
    for each, mine in enumerate(np.split(known, bound[1:])):
        delta = absolute[mine]
        if len(mine) and delta[0] <= DELTA <= delta[-1]:
            wing[each] = np.interp(DELTA, delta, chain.implied_volatility[mine])
    return wing


def _at_30_days(wing: Floats, years: Floats, known: Bools) -> float:
    at, volatility = years[known], wing[known]
    before, after = np.flatnonzero(at <= YEARS), np.flatnonzero(at >= YEARS)
    if len(before) and len(after):
        variance = np.interp(YEARS, at, volatility**2 * at)
        return float(np.sqrt(variance / YEARS))
    if len(before) and at[before[-1]] >= NEAREST_YEARS:
        return float(volatility[before[-1]])
    if len(after) and at[after[0]] <= FARTHEST_YEARS:
        return float(volatility[after[0]])
    return np.nan
