"""How much of a reference is usually traded: in the last half hour, and in an hour of trading."""

import numpy as np

from core.columns import Floats
from core.sessions import NANOS_PER_SECOND
from core.volatility import ALL_DAY_SECONDS

LAST_HALF_HOUR_NS = 1800 * NANOS_PER_SECOND

LAST_HALF_HOUR_SHARE = 0.14
"""Share of a session's volume in the half hour before its close: 14.1 % in recorded bars of QQQ,
13 to 20 % in samples of US funds. Taken for every venue where the feed has no volumes."""

PARTICIPATION = 0.10
"""Share of the volume that an order can be without being what moves the price: the upper end of
what desks allow a large order, so that `hours_to_trade` does not flatter."""


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
