"""Trades of a simulated session: a path seen at irregular times, rounded to the price step."""

from dataclasses import dataclass

import numpy as np

from core.sessions import NANOS_PER_SECOND
from core.universe import Bools, Floats, Int64s
from services.scenario_paths import activity
from services.scenario_sessions import Session, in_steps
from services.scenario_tables import halts, paces

NANOS_PER_MILLISECOND = 1_000_000
OFFICIAL_CLOSE_SECONDS = (30, 600)
"""How long after its close a reference's official close arrives, from and to."""
LATE_TRADES = 12
"""Trades after the close of each of the busiest references: no session counts them."""
LATE_SECONDS = 900
"""How long after the close they go on."""
BUSY_SECONDS_PER_TRADE = 3
"""References that trade at least this often are the busiest."""


@dataclass(frozen=True, eq=False)
class Trades:
    """Prices of one session by time.

    ``event_ns`` int64[n], ascending; ``steps`` int64[n], the price in price steps;
    ``is_official`` bool[n].
    """

    session: Session
    event_ns: Int64s
    steps: Int64s
    is_official: Bools


def trades(session: Session, *, returns: Floats, random: np.random.Generator) -> Trades:
    """Sample a path, float64[seconds + 1], at the session's times of trade.

    At most one trade a second; the first second and the last have one.
    """
    at = _seconds_with_trade(session, random)
    milliseconds = random.integers(0, 1000, len(at))
    event_ns = session.open_ns + at * NANOS_PER_SECOND + milliseconds * NANOS_PER_MILLISECOND
    step = session.instrument.price_step
    steps = in_steps(session.previous_close * (1.0 + returns[at]), step)
    steps += random.integers(-1, 2, len(at))
    close = in_steps(np.array([session.close]), step)
    after_ns, after_steps, is_official = _after_close(session, random, close=close)
    return Trades(
        session,
        np.concatenate([event_ns, after_ns]),
        np.concatenate([steps, after_steps]),
        np.concatenate([np.zeros(len(at), np.bool_), is_official]),
    )


def _seconds_with_trade(session: Session, random: np.random.Generator) -> Int64s:
    second = np.arange(session.seconds)
    pace = activity(second / session.seconds, is_continuous=session.is_continuous)
    pace *= paces()[session.weekday] / session.instrument.seconds_per_trade
    is_trade = random.random(session.seconds) < pace
    for halt in halts():
        is_today = halt.weekday is None or halt.weekday == session.weekday
        if is_today and halt.venue == session.instrument.venue:
            is_trade[halt.start_seconds : halt.end_seconds] = False
    is_trade[[0, -1]] = True
    return np.flatnonzero(is_trade)


def _after_close(
    session: Session, random: np.random.Generator, *, close: Int64s
) -> tuple[Int64s, Int64s, Bools]:
    is_busy = session.instrument.seconds_per_trade <= BUSY_SECONDS_PER_TRADE
    late = LATE_TRADES if is_busy else 0
    seconds = random.integers(1, LATE_SECONDS, late)
    steps = close + random.integers(-20, 21, late)
    is_official = np.zeros(late, np.bool_)
    if session.instrument.has_official_close:
        official = random.integers(OFFICIAL_CLOSE_SECONDS[0], OFFICIAL_CLOSE_SECONDS[1] + 1)
        seconds = np.append(seconds, official)
        steps = np.append(steps, close)
        is_official = np.append(is_official, np.True_)
    order = np.argsort(seconds, kind="stable")
    event_ns = session.close_ns + seconds[order] * NANOS_PER_SECOND
    return event_ns, steps[order], is_official[order]
