"""Bars that begin in one session and end in the next, or before it: they belong to none."""

import numpy as np

from core.columns import Bools, Int32s, Int64s
from core.universe import Universe


def bars_straddling_open(
    universe: Universe, reference: Int32s, *, start_ns: Int64s, event_ns: Int64s
) -> Bools:
    """Mark bars that end in a session of their reference but began before its open.

    Parameters
    ----------
    reference : int32[n]             index in the universe; -1 = of none, never marked
    start_ns, event_ns : int64[n]    start and end of each bar; equal where it is no bar

    Returns
    -------
    bool[n]
    """
    straddling = np.zeros(len(reference), np.bool_)
    known = np.flatnonzero(reference >= 0)
    schedule_of = universe.schedule[reference[known]]
    for number, schedule in enumerate(universe.schedules):
        rows = known[schedule_of == number]
        session = schedule.positions_within(event_ns[rows], 0)
        inside = session >= 0
        opens = schedule.open_ns[session[inside]]
        straddling[rows[inside]] = start_ns[rows[inside]] < opens
    return straddling
