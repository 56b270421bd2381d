"""How much of a reference is usually traded: in the last half hour, and in an hour of trading."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from core.columns import Floats, Int64s
from core.sessions import NANOS_PER_SECOND
from core.slots import Candidates, Slots
from core.volatility import ALL_DAY_SECONDS

LAST_HALF_HOUR_NS = 1800 * NANOS_PER_SECOND

LAST_HALF_HOUR_SHARE = 0.14
"""Share of a session's volume in the half hour before its close: 14.1 % in recorded bars of QQQ,
13 to 20 % in samples of US funds. Taken for every venue where the feed has no volumes."""

PARTICIPATION = 0.10
"""Share of the volume that an order can be without being what moves the price: the upper end of
what desks allow a large order, so that `hours_to_trade` does not flatter."""

LEAST_SESSIONS = 5
"""Sessions with volumes from which on they say more than the universe does."""

MOST_SESSIONS = 20
"""Sessions averaged over, about a month: the window of a usual average daily volume."""


class SessionLiquidity(NamedTuple):
    """What was traded in one session: ``usd``, ``last_half_hour_usd``, ``hours``, float64[n].

    NaN in all where the volumes do not say it.
    """

    usd: Floats
    last_half_hour_usd: Floats
    hours: Floats


class SessionVolumes:
    """Volumes so far of one session, in slots: the last before its last half hour, and of it.

    Parameters
    ----------
    size : int    rows of the book

    Attributes
    ----------
    before, within : Slots    the last volume before the last half hour, and of it
    """

    def __init__(self, size: int) -> None:
        self.before = Slots(size)
        self.within = Slots(size)

    def offer(self, volumes: Candidates, close_ns: Int64s) -> Int64s:
        """Take volumes so far (``slot``: row); return the rows that changed, once or twice.

        A bar known when the last half hour begins belongs to the time before it.
        """
        is_within = volumes.event_ns > close_ns[volumes.slot] - LAST_HALF_HOUR_NS
        changed = []
        for slots, chosen in ((self.before, ~is_within), (self.within, is_within)):
            best = slots.latest(volumes.at(chosen))
            changed.append(best.slot[slots.offer(best)])
        return np.concatenate(changed)

    def liquidity(self, close: Floats, length_ns: Int64s) -> SessionLiquidity:
        """Return what the session traded, at its closing price.

        A session counts that has volumes on both sides of the mark, and traded between them.
        """
        before, whole = self.before.value, self.within.value
        counts = whole > before
        hours = length_ns / (3600.0 * NANOS_PER_SECOND)
        columns = (whole * close, (whole - before) * close, hours)
        return SessionLiquidity(*(np.where(counts, column, np.nan) for column in columns))


def learnt_volume(
    sessions: Iterable[SessionLiquidity], last_half_hour_usd: Floats, hourly_usd: Floats
) -> tuple[Floats, Floats]:
    """Return USD traded in the last half hour and in an hour, from past sessions where known.

    Parameters
    ----------
    sessions : Iterable[SessionLiquidity]       the newest first
    last_half_hour_usd, hourly_usd : float64[n]     of rows with fewer than ``LEAST_SESSIONS``

    Returns
    -------
    tuple[float64[n], float64[n]]    means over the ``MOST_SESSIONS`` newest that are known
    """
    size = len(hourly_usd)
    count = np.zeros(size, np.int64)
    usd, last, hours = np.zeros(size), np.zeros(size), np.zeros(size)
    for session in sessions:
        is_due = ~np.isnan(session.usd) & (count < MOST_SESSIONS)
        count += is_due
        usd[is_due] += session.usd[is_due]
        last[is_due] += session.last_half_hour_usd[is_due]
        hours[is_due] += session.hours[is_due]
        if count.min(initial=MOST_SESSIONS) >= MOST_SESSIONS:
            break
    is_learnt = count >= LEAST_SESSIONS
    last_half_hour_usd, hourly_usd = last_half_hour_usd.copy(), hourly_usd.copy()
    last_half_hour_usd[is_learnt] = last[is_learnt] / count[is_learnt]
    hourly_usd[is_learnt] = usd[is_learnt] / hours[is_learnt]
    return last_half_hour_usd, hourly_usd


def usual_volume(adv_usd: Floats, usual_seconds: Floats) -> tuple[Floats, Floats]:
    """Return USD traded in the last half hour, and in an hour, where only the day's sum is known.

    Parameters
    ----------
    adv_usd : float64[n]           traded in a usual session
    usual_seconds : float64[n]     length of one

    Returns
    -------
    tuple[float64[n], float64[n]]    a session around the clock trades evenly
    """
    evenly = LAST_HALF_HOUR_NS / NANOS_PER_SECOND / usual_seconds
    share = np.where(usual_seconds >= ALL_DAY_SECONDS, evenly, LAST_HALF_HOUR_SHARE)
    return adv_usd * share, adv_usd * 3600.0 / usual_seconds


def hours_to_trade(forced_flow_usd: Floats, hourly_usd: Floats) -> Floats:
    """Return the trading hours, float64[n] >= 0, that a flow takes at ``PARTICIPATION``."""
    return np.abs(forced_flow_usd) / (PARTICIPATION * hourly_usd)
