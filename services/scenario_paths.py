"""Price paths of the simulated day: a shape to a known close, and noise that is pinned to it.

Along the shape's knots the path is exactly where the shape says; between them it moves with the
volatility of the reference, partly with the common factor of its market, more at the open and the
close than at noon. Only additions, multiplications, divisions and square roots of doubles are
used, so a seed gives the same path on every machine.
"""

import zlib

import numpy as np

from core.universe import Floats, Int64s
from services.scenario_tables import Instrument, Shape

OVERNIGHT_VARIANCE_SHARE = 0.35
"""Share of the close-to-close variance that falls between close and open."""

VARIANCE_SHARE = (
    (0.0, 30 / 390, 150 / 390, 270 / 390, 330 / 390, 360 / 390, 375 / 390, 1.0),
    (0.0, 0.141, 0.457, 0.697, 0.823, 0.886, 0.944, 1.0),
)
"""Share of the session gone and of its variance spent: measured on one-minute bars of QQQ."""


def generator(seed: int, name: str) -> np.random.Generator:
    """Return the random stream of one name; adding a name leaves the others' streams alone."""
    key = (zlib.crc32(name.encode()),)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))


def unit_steps(random: np.random.Generator, seconds: int) -> Floats:
    """Return independent steps of mean 0 and variance 1, float64[seconds]."""
    return np.asarray((random.random(seconds) - 0.5) * np.sqrt(12.0))


def returns_by_second(
    instrument: Instrument, shape: Shape, *, factor: Floats, own: Floats, is_continuous: bool
) -> Floats:
    """Return the return since the previous close at each second of the session.

    Parameters
    ----------
    instrument : Instrument
    shape : Shape
    factor, own : float64[n]     unit steps of the market's factor and of the instrument itself
    is_continuous : bool         the market never closes: no overnight, even variance

    Returns
    -------
    float64[n + 1]    from the open to the close, where it is ``close_return``
    """
    seconds = len(own)
    share = np.arange(seconds + 1) / seconds
    spent = share if is_continuous else variance_spent(share)
    overnight = 0.0 if is_continuous else OVERNIGHT_VARIANCE_SHARE
    volatility = instrument.daily_volatility * np.sqrt(1.0 - overnight)
    mixed = instrument.factor_share * factor + np.sqrt(1.0 - instrument.factor_share**2) * own
    knots = np.rint(shape.session_share * seconds).astype(np.int64)
    noise = pinned(mixed * np.sqrt(np.diff(spent)), spent, knots)
    drift = instrument.close_return * np.interp(share, shape.session_share, shape.return_share)
    return np.asarray(drift + volatility * noise)


def variance_spent(session_share: Floats) -> Floats:
    """Return the share of a session's variance that is behind, for shares of its time."""
    return np.interp(session_share, *VARIANCE_SHARE)


def activity(session_share: Floats, *, is_continuous: bool) -> Floats:
    """Return how often it trades, relative to the session's mean: most at open and close."""
    if is_continuous:
        return np.ones(len(session_share))
    time, spent = (np.array(column) for column in VARIANCE_SHARE)
    pace = np.diff(spent) / np.diff(time)
    at = np.searchsorted(time[1:-1], session_share, side="right")
    return 0.5 + 0.5 * pace[at]


def pinned(steps: Floats, spent: Floats, knots: Int64s) -> Floats:
    """Return the walk of `steps`, float64[n] → float64[n + 1], tied to 0 at every knot.

    Between two knots it is a bridge in the time of `spent`, float64[n + 1].
    """
    walk = np.concatenate([[0.0], np.cumsum(steps)])
    return np.asarray(walk - np.interp(spent, spent[knots], walk[knots]))
