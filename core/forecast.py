"""The law of the close given what is known now, and the probability that the demand breaches.

``core.volatility`` says how much variance is to come; this is how it is distributed. There is no
view on direction: the expected close is the price, and known creations stand as they are.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from core.columns import Curves, Floats, Int64s
from core.leveraged import curve_demand

NEWS_WEIGHT = 0.02
NEWS_DEVIATION = 3.0
USUAL_DEVIATION = 0.98
"""The law of a standardised return, (ln C/S - drift) / sqrt(variance to come): with weight
``NEWS_WEIGHT`` a normal of ``NEWS_DEVIATION``, else one of ``USUAL_DEVIATION``.

Fitted to 9060 returns to the close of 15 US funds and shares (five-minute bars, July to December
2025) the weight is 0.020 and the deviations are 0.91 and 2.98; the likelihood prefers this law to
Student's t (best at 6.7 degrees of freedom). The usual deviation is taken wider than fitted:
half a year is one season, and at 0.98 simulated sessions of a known law are covered as stated.
docs/model.md has the figures."""

QUANTILE_Z = 1.6604291108075597
"""The standardised return that is exceeded with a probability of 5 % under that law."""


FARTHEST_Z = 20.0
"""Beyond this standardised return lies a probability of 5e-13: no wipe-out there is looked at."""

BRACKET_Z = 2.0052682611971018
"""The standardised return that is exceeded, either way, with a probability of 5 %."""

LEAST_MASS = 1e-6
"""A turn of the demand that is less probable than this is not solved for."""

HALVINGS = 40
"""Enough to find a quantile to 1e-12 of the interval that holds it."""
_SAFE = 1e-9
"""Of the demands: by more than that a segment lies beyond an interval, whatever the rounding."""


def drift(variance: Floats) -> Floats:
    """Return the drift of the log price that makes the expected close the price, float64[n]."""
    usual, news = (0.5 * s**2 * variance for s in (USUAL_DEVIATION, NEWS_DEVIATION))
    return np.asarray(-usual - np.log1p(NEWS_WEIGHT * np.expm1(news - usual)))


def probability_below(z: Floats) -> Floats:
    """Return the probability of a standardised return below z, of any shape."""
    usual, news = ndtr(z / USUAL_DEVIATION), ndtr(z / NEWS_DEVIATION)
    below: Floats = (1.0 - NEWS_WEIGHT) * usual + NEWS_WEIGHT * news
    return below


def closing_returns(underlying_return: Floats, variance: Floats, z: float | Floats) -> Floats:
    """Return the return at the close that belongs to a standardised return of z, float64[n].

    ``underlying_return`` float64[n] now, ``variance`` of the log price until the close.
    """
    log_move = drift(variance) + z * np.sqrt(variance)
    return (1.0 + underlying_return) * np.exp(log_move) - 1.0


def demand_band(
    curves: Curves, *, underlying_return: Floats, variance: Floats, known_usd: Floats
) -> tuple[Floats, Floats]:
    """Return the 5 % and 95 % quantiles of the demand at the close, float64[n] each.

    Parameters
    ----------
    curves : Curves                   demand by return, one row an entry below
    underlying_return : float64[n]    now; ``variance`` of the log price until the close
    known_usd : float64[n]            creations and other parts taken as they stand, signed

    Returns
    -------
    (float64[n], float64[n])    USD; NaN where an input is NaN

    Notes
    -----
    Where the demand only rises with the close, or only falls, its quantiles are the demands at
    those of the close. Past a wipe-out, and with dealers in it, it may turn: there the two are
    solved for.
    """
    rows = np.arange(len(underlying_return))
    low, high = _demand_at(curves, rows, underlying_return, variance, QUANTILE_Z)
    lowest, highest = (
        closing_returns(underlying_return, variance, z) for z in (-FARTHEST_Z, FARTHEST_Z)
    )
    near = np.flatnonzero((variance > 0.0) & ((lowest < curves.low) | (highest > curves.high)))
    if len(near):
        pieces = _segments(curves, near)
        law = underlying_return[near], variance[near]
        turned = _turned_mass(pieces, curves.slope[curves.centre[near]], *law) > LEAST_MASS
        near, pieces = near[turned], _segments(curves, near[turned])
        law = underlying_return[near], variance[near]
        bracket = _bracket(pieces, *law, ends=_demand_at(curves, near, *law, BRACKET_Z))
        masses = _Masses(pieces, *law)
        low[near] = _quantile(masses, 0.05, *bracket)
        high[near] = _quantile(masses, 0.95, *bracket)
    return low + known_usd, high + known_usd


def breach_probability(
    curves: Curves,
    *,
    underlying_return: Floats,
    variance: Floats,
    known_usd: Floats,
    threshold_usd: Floats,
) -> Floats:
    """Return P(|demand + what is known| >= threshold) at the close, float64[n].

    Parameters
    ----------
    curves, underlying_return, variance, known_usd     as in `demand_band`
    threshold_usd : float64[n]                         > 0; NaN where none is set

    Returns
    -------
    float64[n]    0 or 1 where nothing is to come; NaN where an input is NaN

    Notes
    -----
    The demand is piecewise linear in the close, so the returns that keep it inside the threshold
    are an interval on each segment, whose probability is exact.
    """
    rows = np.arange(len(underlying_return))
    quiet = _mass_between(
        _segments(curves, rows),
        underlying_return,
        variance,
        least=-threshold_usd - known_usd,
        most=threshold_usd - known_usd,
    )
    demand = curve_demand(curves, rows, underlying_return) + known_usd
    settled = (np.abs(demand) >= threshold_usd).astype(np.float64)
    probability = np.where(variance > 0.0, np.clip(1.0 - quiet, 0.0, 1.0), settled)
    return np.where(np.isnan(demand + threshold_usd + variance), np.nan, probability)


@dataclass(frozen=True, eq=False)
class _Segments:
    """The segments of n chosen rows side by side; ``row`` int64[m] counts these rows from 0."""

    row: Int64s
    start: Floats
    stop: Floats
    slope: Floats
    intercept: Floats


def _segments(curves: Curves, rows: Int64s) -> _Segments:
    count = np.diff(curves.first)
    start, stop = np.full(len(curves.slope), -np.inf), np.full(len(curves.slope), np.inf)
    is_first, is_last = np.zeros((2, len(curves.slope)), np.bool_)
    is_first[curves.first[:-1]] = True
    is_last[curves.first[1:] - 1] = True
    start[~is_first] = curves.knot
    stop[~is_last] = curves.knot
    place = np.full(len(count), -1, np.int64)
    place[rows] = np.arange(len(rows))
    row = np.repeat(place, count)
    here = row >= 0
    return _Segments(row[here], start[here], stop[here], curves.slope[here], curves.intercept[here])


def _mass_between(
    segments: _Segments, underlying_return: Floats, variance: Floats, *, least: Floats, most: Floats
) -> Floats:
    """P(least < leveraged demand < most) of each chosen row; variances above 0."""
    row, slope, level = segments.row, segments.slope, segments.intercept
    with np.errstate(divide="ignore", invalid="ignore"):
        one, other = (least[row] - level) / slope, (most[row] - level) / slope
    is_flat = slope == 0.0
    everywhere = np.where((least[row] < level) & (level < most[row]), np.inf, -np.inf)
    low = np.where(is_flat, -everywhere, np.minimum(one, other))
    high = np.where(is_flat, everywhere, np.maximum(one, other))
    low, high = np.maximum(low, segments.start), np.minimum(high, segments.stop)
    mass = _probability_between(low, high, underlying_return[row], variance[row])
    return np.bincount(row, mass, len(variance)).astype(np.float64)


def _turned_mass(
    segments: _Segments, slope_now: Floats, underlying_return: Floats, variance: Floats
) -> Floats:
    """P(the close lies where the demand runs the other way than it does now)."""
    row = segments.row
    mass = _probability_between(
        segments.start, segments.stop, underlying_return[row], variance[row]
    )
    turned = np.sign(segments.slope) != np.sign(slope_now[row])
    return np.bincount(row, np.where(turned, mass, 0.0), len(variance)).astype(np.float64)


def _demand_at(
    curves: Curves, rows: Int64s, underlying_return: Floats, variance: Floats, z: float
) -> tuple[Floats, Floats]:
    """Return the demands at two opposite standardised returns, the smaller first."""
    ends = [
        curve_demand(curves, rows, closing_returns(underlying_return, variance, end))
        for end in (-z, z)
    ]
    return np.minimum(*ends), np.maximum(*ends)


def _bracket(
    segments: _Segments,
    underlying_return: Floats,
    variance: Floats,
    *,
    ends: tuple[Floats, Floats],
) -> tuple[Floats, Floats]:
    """Return two demands of each chosen row between which its 5 % and 95 % quantiles lie.

    Between the closes of ``BRACKET_Z``, which 95 % of them are, the demand lies between its
    values at these, which are ``ends``, and at the knots between them, and so do the quantiles.
    """
    row = segments.row
    inner, outer = (
        closing_returns(underlying_return, variance, z)[row] for z in (-BRACKET_Z, BRACKET_Z)
    )
    at = np.flatnonzero((segments.start > inner) & (segments.start < outer))
    turn = segments.slope[at] * segments.start[at] + segments.intercept[at]
    low, high = ends[0].copy(), ends[1].copy()
    np.minimum.at(low, row[at], turn)
    np.maximum.at(high, row[at], turn)
    return low, high


class _Masses:
    """P(demand < so much) on each segment; variances above 0.

    A segment that a demand does not cross counts whole or not at all, which costs nothing: of the
    many segments of a row few are crossed.
    """

    def __init__(self, segments: _Segments, underlying_return: Floats, variance: Floats) -> None:
        self.segments = segments
        self.rows = len(variance)
        row = segments.row
        self._deviation = np.sqrt(variance)[row]
        with np.errstate(divide="ignore", invalid="ignore"):
            self._base = np.log1p(underlying_return[row]) + drift(variance[row])
            ends = [segments.slope * end + segments.intercept for end in self._ends()]
        every = np.arange(len(row))
        self._before = self._below(segments.start, every)
        self._after = self._below(segments.stop, every)
        self.least, self.most = np.minimum(*ends), np.maximum(*ends)

    def at(self, chosen: Int64s, demand: Floats) -> Floats:
        """Return the masses of some segments, float64[c]; ``demand`` float64[c] beside them."""
        slope, level = self.segments.slope[chosen], self.segments.intercept[chosen]
        start, stop = (end[chosen] for end in self._ends())
        with np.errstate(divide="ignore", invalid="ignore"):
            cut = (demand - level) / slope
        before, after = self._before[chosen], self._after[chosen]
        is_whole = np.where(slope > 0.0, cut >= stop, cut <= start)
        is_whole = np.where(slope == 0.0, level < demand, is_whole)
        mass = np.where(is_whole, after - before, 0.0)
        crossed = np.flatnonzero((cut > start) & (cut < stop) & (slope != 0.0))
        below = self._below(cut[crossed], chosen[crossed])
        rises = slope[crossed] > 0.0
        mass[crossed] = np.where(rises, below - before[crossed], after[crossed] - below)
        return mass

    def _ends(self) -> tuple[Floats, Floats]:
        return self.segments.start, self.segments.stop

    def _below(self, closing_return: Floats, chosen: Int64s) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            log_price = np.log(np.maximum(1.0 + closing_return, 0.0))
            return probability_below((log_price - self._base[chosen]) / self._deviation[chosen])


def _quantile(masses: _Masses, probability: float, least: Floats, most: Floats) -> Floats:
    """Return the demand not reached with a probability, by halving an interval that holds it.

    Segments that lie wholly beyond what is left of the interval keep the mass they have.
    """
    row = masses.segments.row
    low, high = least, most
    mass = np.zeros(len(row))
    chosen = np.arange(len(row))
    margin = _SAFE * (np.abs(masses.segments.intercept) + (np.abs(least) + np.abs(most))[row])
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        mass[chosen] = masses.at(chosen, middle[row[chosen]])
        below = np.bincount(row, mass, masses.rows)
        low = np.where(below < probability, middle, low)
        high = np.where(below < probability, high, middle)
        here, near = row[chosen], margin[chosen]
        is_below = masses.most[chosen] < low[here] - near
        is_above = masses.least[chosen] > high[here] + near
        chosen = chosen[~(is_below | is_above)]
    return 0.5 * (low + high)


def _probability_between(
    low: Floats, high: Floats, underlying_return: Floats, variance: Floats
) -> Floats:
    """P(low < closing return < high), side by side, for variances above 0."""
    deviation = np.sqrt(variance)
    with np.errstate(divide="ignore", invalid="ignore"):
        base = np.log1p(underlying_return) + drift(variance)
        below, above = (
            probability_below((np.log(np.maximum(1.0 + end, 0.0)) - base) / deviation)
            for end in (low, high)
        )
    return np.where(high > low, above - below, 0.0)
