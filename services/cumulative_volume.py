"""Volumes of bars and trades as the wire wants them: cumulative over a session."""

import math
from collections.abc import Iterable

import numpy as np

from core.columns import Int32s
from core.universe import Universe
from services.event_files import PriceEvents


class CumulativeVolume:
    """Adds volumes up for each symbol and session; rows have to come in event order."""

    def __init__(self) -> None:
        self._total: dict[str, tuple[int, float]] = {}
        self._late: set[str] = set()

    def begin_late(self, symbols: Iterable[str]) -> None:
        """Take note that rows of symbols were left out until now: their session is not known."""
        self._late.update(symbols)

    def add(self, symbol: str, *, session: int, volume: float) -> float:
        """Return the session's volume so far, NaN from the first unknown one on.

        Parameters
        ----------
        session : int     any number that is the row's session's own
        volume : float    of this row alone, NaN = unknown
        """
        if symbol in self._late:
            self._late.remove(symbol)
            self._total[symbol] = session, math.nan
        known, total = self._total.get(symbol, (session, 0.0))
        if known != session:
            total = 0.0
        total += volume
        self._total[symbol] = (session, total)
        return total if math.isfinite(total) else math.nan


def volumes_so_far(
    universe: Universe, events: PriceEvents, reference: Int32s, *, totals: CumulativeVolume
) -> list[float]:
    """Return each row's volume of its session so far, NaN = unknown.

    Parameters
    ----------
    events : PriceEvents         in event order, with volumes of their own
    reference : int32[n]         of each row
    totals : CumulativeVolume    of the rows before
    """
    session = np.zeros(len(events), np.int64)
    schedule_of = universe.schedule[reference]
    for number, schedule in enumerate(universe.schedules):
        rows = schedule_of == number
        session[rows] = schedule.positions_within(events.event_ns[rows], 0)
    return [
        totals.add(events.symbols[symbol], session=which, volume=volume)
        for symbol, which, volume in zip(
            events.symbol.tolist(), session.tolist(), events.volume.tolist(), strict=True
        )
    ]
