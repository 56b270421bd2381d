"""Reads the curves of many rows at their prices in one go."""

from dataclasses import dataclass

import numpy as np

from core.columns import Floats, Int64s
from core.dealer_signs import CHANNELS, SIGNED
from core.holdings import Holdings
from core.row_curves import HELD, NOW, START, RowCurves, positions_of_kind

_CURVES = CHANNELS + 2
_WHOLE, _TO_COME = CHANNELS, CHANNELS + 1
"""What is read at every price: the columns of `Readings`, channels first."""

_USUAL_NODES = 1025
"""Room a row at first: what is never used of it costs no memory."""


@dataclass(frozen=True, eq=False)
class Readings:
    """Changes of the dealers' delta at the prices of n rows, units of the underlying.

    Attributes
    ----------
    by_price : float64[n, CHANNELS]     since the previous close, at the time the curves stand at,
                                        all contracts held long
    whole : float64[n]      since then for whatever cause, under the row's sign model
    to_come : float64[n]    until the close at an unchanged price, under that
    slope : float64[n]      of the delta by the log of the price, under that
    """

    by_price: Floats
    whole: Floats
    to_come: Floats
    slope: Floats


class CurveReader:
    """The curves of ``size`` rows as they are read, their nodes one after the other.

    Attributes
    ----------
    is_open : bool[size]        some contract is in the row's curves
    is_signed : bool[size]      some of them have a sign stated by the user
    """

    def __init__(self, size: int) -> None:
        self.is_open = np.zeros(size, np.bool_)
        self.is_signed = np.zeros(size, np.bool_)
        # Node by node the values and the slopes of all curves, slopes a step; of each row where
        # its middle node is, and how many there are on each side.
        self._nodes = np.empty((_USUAL_NODES * size, 2, _CURVES))
        self._used = 0
        self._middle = np.zeros(size, np.int64)
        self._half = np.zeros(size, np.int64)
        self._step = np.ones(size)
        self._free: dict[int, list[int]] = {}

    def renew(self, row: int, curves: RowCurves, weights: Floats) -> None:
        """Take over a row's curves; ``weights`` float64[CHANNELS] are of its sign model."""
        self._place(row, curves.grid.half)
        half, middle = curves.grid.half, int(self._middle[row])
        nodes = self._nodes[middle - half : middle + half + 1]
        start, now, held = (curves.surfaces[kind] for kind in (START, NOW, HELD))
        nodes[:, 0, :CHANNELS] = (start.curve.value - start.curve.value[:, [half]]).T
        nodes[:, 1, :CHANNELS] = start.curve.slope.T
        whole = weights @ now.curve.value
        nodes[:, 0, _WHOLE] = whole - weights @ (now.base + curves.start_delta)
        nodes[:, 1, _WHOLE] = weights @ now.curve.slope
        nodes[:, 0, _TO_COME] = (
            weights @ held.curve.value - whole - weights @ (held.base - now.base)
        )
        nodes[:, 1, _TO_COME] = weights @ (held.curve.slope - now.curve.slope)
        nodes[:, 1] *= curves.grid.step
        self._step[row] = curves.grid.step
        self.is_open[row] = curves.contracts > 0
        self.is_signed[row] = bool(start.curve.slope[SIGNED].any())

    def read(self, rows: Int64s, log_distance: Floats) -> Readings:
        """Return the readings of some rows that have curves, at log prices on their grids."""
        step, half = self._step.take(rows), self._half.take(rows)
        place = log_distance / step
        node = np.minimum(np.floor(place), half - 1).astype(np.int64)
        share = (place - node)[:, None]
        node += self._middle.take(rows)
        here, there = self._nodes.take(node, axis=0), self._nodes.take(node + 1, axis=0)
        rise = there[:, 0] - here[:, 0]
        left, right = here[:, 1] - rise, rise - there[:, 1]
        bend = left + share * (right - left)
        value = here[:, 0] + share * (rise + (1.0 - share) * bend)
        at, last = share[:, 0], _WHOLE
        steepness = rise[:, last] + (1.0 - 2.0 * at) * bend[:, last]
        steepness += at * (1.0 - at) * (right[:, last] - left[:, last])
        return Readings(value[:, :CHANNELS], value[:, _WHOLE], value[:, _TO_COME], steepness / step)

    def _place(self, row: int, half: int) -> None:
        """Give a row the room for so many nodes on each side."""
        if self._half[row] == half:
            return
        if self._half[row]:
            self._free.setdefault(int(self._half[row]), []).append(int(self._middle[row]))
        if self._free.get(half):
            self._middle[row] = self._free[half].pop()
        else:
            self._middle[row] = self._used + half
            self._used += 2 * half + 1
        self._half[row] = half
        if self._used > len(self._nodes):
            longer = np.empty((2 * self._used, 2, _CURVES))
            longer[: len(self._nodes)] = self._nodes
            self._nodes = longer


def exact_readings(
    holdings: Holdings, curves: RowCurves, price: float, weights: Floats
) -> Readings:
    """Return the readings of one row from its contracts: for prices that are not on its grid."""
    times, spot = curves.times, np.array([price])
    start, now, held = (positions_of_kind(kind, holdings, times) for kind in (START, NOW, HELD))
    here = now.deltas(spot)
    by_price = start.deltas(spot) - start.deltas(np.array([times.previous_close]))
    return Readings(
        by_price=by_price.T,
        whole=weights @ (here - curves.start_delta[:, None]),
        to_come=weights @ (held.deltas(spot) - here),
        slope=weights @ (100.0 * now.gamma_profile(spot) / price),
    )
