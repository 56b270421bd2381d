"""How far the price may still move until the close: the variance to come, and what follows.

The plain form: the prior volatility, less its overnight share, spread over the session by a
U-shaped profile. No drift: a price's expected close is where it stands.
"""

import numpy as np
from scipy.special import ndtr

from core.columns import Bools, Curves, Floats, Int64s
from core.leveraged import curve_demand

OVERNIGHT_VARIANCE_SHARE = 0.35
"""Share of the close-to-close variance that falls between close and open; 0.30 to 0.43 measured
on US funds and shares. Too high a share makes the band too narrow."""

PROFILE_ELAPSED = np.array([0, 30, 150, 270, 330, 360, 375, 390]) / 390.0
PROFILE_TO_COME = np.array([1.0, 0.859, 0.543, 0.303, 0.177, 0.114, 0.056, 0.0])
"""Share of the open-to-close variance still to come, by share of the session gone: QQQ one-minute
bars, 44 sessions. Half days and other venues are scaled to their own length."""

ALL_DAY_SECONDS = 23 * 3600.0
"""Sessions at least this long have no night: all their variance falls inside, evenly."""

QUANTILE_Z = 1.6448536269514722
"""Standard normal deviate of 95 %."""


def variance_to_come(
    daily_volatility: Floats, session_seconds: Floats, seconds_to_close: Floats
) -> Floats:
    """Return the variance of the log price from now to the close, float64[n], NaN = unknown.

    ``daily_volatility`` is close-to-close, 0.01 = 1 %; the other two are the session's length and
    what is left of it, at least 0. At the close nothing is to come, whatever the history.
    """
    elapsed = 1.0 - seconds_to_close / session_seconds
    is_all_day = session_seconds >= ALL_DAY_SECONDS
    share = np.where(
        is_all_day, 1.0 - elapsed, np.interp(elapsed, PROFILE_ELAPSED, PROFILE_TO_COME)
    )
    inside = np.where(is_all_day, 1.0, 1.0 - OVERNIGHT_VARIANCE_SHARE)
    return np.where(seconds_to_close <= 0.0, 0.0, daily_volatility**2 * inside * share)


def closing_returns(underlying_return: Floats, variance: Floats, z: float) -> Floats:
    """Return the quantile of the return at the close whose standard normal deviate is `z`.

    ``ln(C / S) ~ Normal(-v / 2, v)``, so that the expected close is the price S itself.
    """
    return (1.0 + underlying_return) * np.exp(z * np.sqrt(variance) - 0.5 * variance) - 1.0


def breach_probability(
    curves: Curves,
    *,
    underlying_return: Floats,
    variance: Floats,
    known_usd: Floats,
    threshold_usd: Floats,
) -> Floats:
    """Return P(|leveraged demand + what is known| >= threshold) at the close, float64[n].

    Parameters
    ----------
    curves : Curves                   leveraged demand by return, one row an entry below
    underlying_return : float64[n]    now; ``variance`` of the log price until the close
    known_usd : float64[n]            creations and other parts taken as they stand, signed
    threshold_usd : float64[n]        > 0; NaN where none is set

    Returns
    -------
    float64[n]    0 or 1 where nothing is to come; NaN where an input is NaN

    Notes
    -----
    The demand is piecewise linear in the close, so the returns that keep it inside the threshold
    are an interval on each segment, whose lognormal probability is exact.
    """
    row = np.repeat(np.arange(len(curves.centre)), np.diff(curves.first))
    start, stop = _segment_ends(curves, row)
    flat = curves.slope == 0.0
    level = curves.intercept + known_usd[row]
    theta = threshold_usd[row]
    with np.errstate(divide="ignore", invalid="ignore"):
        one, other = (-theta - level) / curves.slope, (theta - level) / curves.slope
    inside_low = np.where(flat, _everywhere(np.abs(level) < theta, -1), np.minimum(one, other))
    inside_high = np.where(flat, _everywhere(np.abs(level) < theta, 1), np.maximum(one, other))
    low, high = np.maximum(inside_low, start), np.minimum(inside_high, stop)
    mass = _probability_between(low, high, underlying_return[row], variance[row])
    quiet = np.bincount(row, mass, len(curves.centre))
    demand = curve_demand(curves, np.arange(len(curves.centre)), underlying_return) + known_usd
    settled = (np.abs(demand) >= threshold_usd).astype(np.float64)
    probability = np.where(variance > 0.0, np.clip(1.0 - quiet, 0.0, 1.0), settled)
    return np.where(np.isnan(demand + threshold_usd + variance), np.nan, probability)


def _everywhere(is_inside: Bools, sign: int) -> Floats:
    return np.where(is_inside, sign * np.inf, -sign * np.inf)


def _segment_ends(curves: Curves, row: Int64s) -> tuple[Floats, Floats]:
    start = np.full(len(row), -np.inf)
    stop = np.full(len(row), np.inf)
    is_first = np.zeros(len(row), np.bool_)
    is_first[curves.first[:-1]] = True
    is_last = np.zeros(len(row), np.bool_)
    is_last[curves.first[1:] - 1] = True
    start[~is_first] = curves.knot
    stop[~is_last] = curves.knot
    return start, stop


def _probability_between(
    low: Floats, high: Floats, underlying_return: Floats, variance: Floats
) -> Floats:
    """P(low < closing return < high), side by side, for variances above 0."""
    deviation = np.sqrt(variance)
    with np.errstate(divide="ignore", invalid="ignore"):
        floor, ceiling = np.maximum(1.0 + low, 0.0), np.maximum(1.0 + high, 0.0)
        base = np.log1p(underlying_return) - 0.5 * variance
        mass = ndtr((np.log(ceiling) - base) / deviation) - ndtr((np.log(floor) - base) / deviation)
    return np.where(high > low, mass, 0.0)
