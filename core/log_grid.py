"""Sums of many bumps and steps on an even grid of the log of the price, cubics between its nodes.

What a contract adds has a width (volatility times the root of the time), and needs some nodes a
width. A wide one is put on every second, fourth, ... node only, so that all need about as many,
and the cubics of the coarse nodes are then halved, exactly, down to the finest.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.columns import Floats, Int64s


@dataclass(frozen=True)
class LogGrid:
    """``half`` intervals of ``step`` on both sides of log price 0; ``half`` is a power of two."""

    step: float
    half: int

    @property
    def reach(self) -> float:
        """How far the grid reaches from 0."""
        return self.half * self.step

    @property
    def nodes(self) -> Floats:
        """float64[2 half + 1], ascending log prices."""
        return np.asarray(np.arange(-self.half, self.half + 1) * self.step)

    def coarser(self, level: int) -> "LogGrid":
        """Return the grid with only every ``2**level``-th interval."""
        return LogGrid(self.step * 2**level, self.half >> level)

    def read(self, value: Floats, slope: Floats, log_price: Floats) -> tuple[Floats, Floats]:
        """Return value and slope of cubics, float64[channels, n], at log prices within the grid.

        ``value``, ``slope`` float64[channels, 2 half + 1] are theirs at the nodes.
        """
        place = (log_price + self.reach) / self.step
        node = np.clip(place.astype(np.int64), 0, 2 * self.half - 1)
        ends = (value[:, node], value[:, node + 1]), (slope[:, node], slope[:, node + 1])
        return hermite(place - node, self.step, value=ends[0], slope=ends[1])


def grid_for(step: float, *, reach: float, most_half: int) -> LogGrid:
    """Return the coarsest grid over ``-reach .. reach`` whose step is at most `step`.

    It has no more than `most_half` (a power of two) intervals on each side, whatever the step.
    """
    half = 1
    while half < most_half and reach / half > step:
        half *= 2
    return LogGrid(reach / half, half)


Ends = tuple[Floats, Floats]
"""A figure at the start and at the end of intervals."""


def hermite(
    share: Floats, step: float | Floats, *, value: Ends, slope: Ends
) -> tuple[Floats, Floats]:
    """Return value and slope of the cubics with given values and slopes at both ends.

    ``share`` is how much of an interval of length ``step`` lies behind, from 0 to 1.
    """
    rise = value[1] - value[0]
    left, right = step * slope[0] - rise, rise - step * slope[1]
    bend = (1.0 - share) * left + share * right
    found = value[0] + share * (rise + (1.0 - share) * bend)
    steepness = rise + (1.0 - 2.0 * share) * bend + share * (1.0 - share) * (right - left)
    return found, steepness / step


Put = Callable[[Int64s, LogGrid, Floats, Floats], None]
"""Adds the terms at some positions to values and slopes on a grid, float64[channels, nodes]."""


def sum_by_level(
    width: Floats, grid: LogGrid, *, nodes_per_width: int, channels: int, put: Put
) -> tuple[Floats, Floats]:
    """Return values and slopes on a grid, float64[channels, 2 half + 1], of terms of some widths.

    Each term is put on the coarsest level of the grid that has `nodes_per_width` nodes in one
    width; where not even the finest has, on that.
    """
    top = grid.half.bit_length() - 1
    # The small shift keeps a width that is exactly enough on its level.
    level = np.floor(np.log2(width / (nodes_per_width * grid.step)) + 1e-9)
    level = np.clip(level, 0, top).astype(np.int64)
    order = np.argsort(level, kind="stable")
    bound = np.searchsorted(level[order], np.arange(top + 2))
    value, slope = np.zeros((2, channels, 3))
    for each in range(top, -1, -1):
        mine = order[bound[each] : bound[each + 1]]
        if len(mine):
            put(mine, grid.coarser(each), value, slope)
        if each:
            value, slope = _halved(value, slope, grid.step * 2**each)
    return value, slope


def _halved(value: Floats, slope: Floats, step: float) -> tuple[Floats, Floats]:
    """Return the same cubics on a grid of half the step."""
    channels, nodes = value.shape
    finer = np.empty((2, channels, 2 * nodes - 1))
    finer[0, :, ::2], finer[1, :, ::2] = value, slope
    rise = value[:, 1:] - value[:, :-1]
    finer[0, :, 1::2] = value[:, :-1] + 0.5 * rise + step / 8.0 * (slope[:, :-1] - slope[:, 1:])
    finer[1, :, 1::2] = 1.5 * rise / step - 0.25 * (slope[:, 1:] + slope[:, :-1])
    return finer[0], finer[1]
