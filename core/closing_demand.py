"""The demand at the close where options count: leveraged funds and dealers in one curve.

The dealers' part is no straight line and turns, so it enters as straight pieces between knots,
and band and probability (`core.forecast`) follow it like they follow a wipe-out.
"""

import numpy as np

from core.columns import Floats, Int64s
from core.leveraged import Piece
from core.option_book import OptionBook
from core.row_curves import REACH

SAMPLES = 4_097
USUAL_KNOTS, KNOTS, MORE_KNOTS = 64, 128, 16
ERROR = 0.002
"""The first number of knots is taken, and so many more at a time, up to the second, until straight
pieces are off by no more than this share of the curve's range."""
_AT_SAMPLES = 0.75
"""So much of that at the samples; between them a step of 0.1 % is off by up to the rest."""
EVENNESS = 0.02
"""Knots are nowhere less dense than this share of where they are densest."""


def closing_curve(book: OptionBook, row: int, previous_close: float) -> tuple[Floats, Floats]:
    """Return a row's `OptionBook.hedge_at_close` between knots.

    Returns
    -------
    (float64[k], float64[k])    returns since the previous close, ascending, and USD, as
                                `with_dealers` takes them; empty where nothing is known

    Notes
    -----
    It changes when the row's curves do, never with the price. Cost: some 0.5 to 1 ms.
    """
    returns = np.expm1(np.linspace(-REACH, REACH, SAMPLES))
    hedge = book.hedge_at_close(row, previous_close * (1.0 + returns))
    if np.isnan(hedge).any():
        return np.empty(0), np.empty(0)
    knots = bend_knots(returns, hedge)
    return returns[knots], hedge[knots]


def bend_knots(place: Floats, demand: Floats, most: int = KNOTS) -> Int64s:
    """Return the positions of the knots between which straight pieces follow a curve.

    Parameters
    ----------
    place, demand : float64[n]      samples of the curve, ``place`` strictly ascending
    most : int                      knots, the two ends included; no more than `USUAL_KNOTS` where
                                    these are as good as `ERROR` says

    Returns
    -------
    int64[k]    ascending, k <= most, the two ends at least

    Notes
    -----
    The error of a straight piece is the bend times the square of its length, over 8: it is the
    same everywhere where the knots are as dense as the root of the bend.
    """
    mass = _root_of_bend(place, demand)
    limit = _AT_SAMPLES * ERROR * np.ptp(demand)
    knots = _spread(mass, min(USUAL_KNOTS, most))
    for count in range(USUAL_KNOTS + MORE_KNOTS, most + 1, MORE_KNOTS):
        if _error(place, demand, knots) <= limit:
            break
        knots = _spread(mass, count)
    return knots


def _spread(mass: Floats, count: int) -> Int64s:
    wanted = np.linspace(0.0, mass[-1], count)
    return np.unique(np.searchsorted(mass, wanted * (1.0 - 1e-12)))


def _root_of_bend(place: Floats, demand: Floats) -> Floats:
    """Return the integral of the root of the bend up to each sample."""
    slope = np.diff(demand) / np.diff(place)
    middle = 0.5 * (place[1:] + place[:-1])
    bend = np.abs(np.diff(slope)) / np.diff(middle)
    # As one root, so that rounding, where the curve hardly bends, does not move a knot.
    floor = EVENNESS**2 * bend.max(initial=0.0) + 1e-300
    density = np.sqrt(np.concatenate((bend[:1], bend, bend[-1:])) + floor)
    each = 0.5 * (density[1:] + density[:-1]) * np.diff(place)
    return np.concatenate(([0.0], np.cumsum(each)))


def _error(place: Floats, demand: Floats, knots: Int64s) -> float:
    straight = np.interp(place, place[knots], demand[knots])
    return float(np.abs(straight - demand).max())


def with_dealers(piece: Piece, underlying_return: Floats, demand_usd: Floats) -> Piece:
    """Return the sum of a row's curve and the dealers' demand between some knots.

    Parameters
    ----------
    piece : Piece                       knots, slopes and intercepts by the return at the close
    underlying_return : float64[k]      the dealers' knots, strictly ascending, k >= 2
    demand_usd : float64[k]             at these; beyond them the last pieces go on

    Returns
    -------
    Piece    NaN where the row's curve is
    """
    knot, slope, intercept = piece
    own_slope = np.diff(demand_usd) / np.diff(underlying_return)
    own_intercept = demand_usd[:-1] - own_slope * underlying_return[:-1]
    inner = underlying_return[1:-1]
    joined = np.union1d(knot, inner)
    # A segment is told by its end: that is the first knot after it, or none.
    ends = np.append(joined, np.inf)
    mine, theirs = np.searchsorted(knot, ends), np.searchsorted(inner, ends)
    return joined, slope[mine] + own_slope[theirs], intercept[mine] + own_intercept[theirs]
