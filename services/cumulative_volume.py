"""Volumes of bars and trades as the wire wants them: cumulative over a session."""

import math


class CumulativeVolume:
    """Adds volumes up for each symbol and session; rows have to come in event order."""

    def __init__(self) -> None:
        self._total: dict[str, tuple[int, float]] = {}

    def add(self, symbol: str, *, session: int, volume: float) -> float:
        """Return the session's volume so far, NaN from the first unknown one on.

        Parameters
        ----------
        session : int     any number that is the row's session's own
        volume : float    of this row alone, NaN = unknown
        """
        known, total = self._total.get(symbol, (session, 0.0))
        if known != session:
            total = 0.0
        total += volume
        self._total[symbol] = (session, total)
        return total if math.isfinite(total) else math.nan
