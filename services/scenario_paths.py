"""Price paths of a simulated session: a way to a known close, and noise that is pinned to it.

On the day of the rout the way is a shape; along its knots the path is exactly where the shape
says. On other days only the close is given: the open is drawn as a random walk that ends there
would have it, a part of the return and of the variance falling into the night. Between knots a
path moves with the volatility of the reference, partly with the common factor of its market, more
at the open and the close than at noon. Only additions, multiplications, divisions and square
roots of doubles are used, so a seed gives the same path on every machine.
"""

import zlib
from dataclasses import dataclass

import numpy as np

from core.universe import Floats, Int64s
from services.scenario_sessions import Session
from services.scenario_tables import Shape, shapes

OVERNIGHT_VARIANCE_SHARE = 0.35
"""Share of the close-to-close variance that falls between close and open."""

VARIANCE_SHARE = (
    (0.0, 30 / 390, 150 / 390, 270 / 390, 330 / 390, 360 / 390, 375 / 390, 1.0),
    (0.0, 0.141, 0.457, 0.697, 0.823, 0.886, 0.944, 1.0),
)
"""Share of the session gone and of its variance spent: measured on one-minute bars of QQQ."""

_NIGHT_DRAWS = 12
"""Uniform draws whose sum stands for a night: near enough to a normal one."""


@dataclass(frozen=True, eq=False)
class Draws:
    """Independent draws of mean 0 and variance 1: ``night``, and ``steps`` float64[seconds]."""

    night: float
    steps: Floats


def generator(seed: int, name: str) -> np.random.Generator:
    """Return the random stream of one name; adding a name leaves the others' streams alone."""
    key = (zlib.crc32(name.encode()),)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))


def unit_steps(random: np.random.Generator, count: int) -> Floats:
    """Return independent steps of mean 0 and variance 1, float64[count]."""
    return np.asarray((random.random(count) - 0.5) * np.sqrt(12.0))


def unit_draws(random: np.random.Generator, seconds: int) -> Draws:
    """Return what one session needs."""
    night = float(unit_steps(random, _NIGHT_DRAWS).sum() / np.sqrt(_NIGHT_DRAWS))
    return Draws(night, unit_steps(random, seconds))


def returns_by_second(session: Session, *, market: Draws, own: Draws) -> Floats:
    """Return the return since the previous close at each second of the session.

    Parameters
    ----------
    session : Session
    market, own : Draws    of the market's common factor and of the instrument itself

    Returns
    -------
    float64[n + 1]    from the open to the close, where it is ``close_return``
    """
    seconds, volatility = session.seconds, session.instrument.daily_volatility
    drawn = _mixed(session.instrument.factor_share, market, own)
    share = np.arange(seconds + 1) / seconds
    spent = share if session.is_continuous else variance_spent(share)
    overnight = 0.0 if session.is_continuous else OVERNIGHT_VARIANCE_SHARE
    way = shapes()[session.shape] if session.shape else None
    at, reached = _knots(way, session, overnight=overnight, night=drawn.night)
    knots = np.rint(at * seconds).astype(np.int64)
    noise = pinned(drawn.steps * np.sqrt(np.diff(spent)), spent, knots)
    # A shape is drawn by the clock; what is free moves with its variance.
    drift = np.interp(share, at, reached) if way else np.interp(spent, at, reached)
    return np.asarray(drift + volatility * np.sqrt(1.0 - overnight) * noise)


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


def _mixed(factor_share: float, market: Draws, own: Draws) -> Draws:
    rest = np.sqrt(1.0 - factor_share**2)
    night = factor_share * market.night + rest * own.night
    return Draws(float(night), factor_share * market.steps + rest * own.steps)


def _knots(
    way: Shape | None, session: Session, *, overnight: float, night: float
) -> tuple[Floats, Floats]:
    """Return where a path is pinned: shares of the session and returns there."""
    if way is not None:
        return way.session_share, session.close_return * way.return_share
    spread = session.instrument.daily_volatility * np.sqrt(overnight * (1.0 - overnight))
    gap = overnight * session.close_return + spread * night
    return np.array([0.0, 1.0]), np.array([gap, session.close_return])
