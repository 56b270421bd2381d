"""The deltas of many contracts summed into one curve of the price, cheap to make and to read.

By the log of the price, a contract's delta is a smooth step ``weight N((x - centre) / width)``.

The error of a step is at most ``VALUE_ERROR`` of its weight: 1/384 of the fourth derivative of N
(at most 0.551) times the fourth power of a node's share of a width, and what lies beyond
``REACH`` widths.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from core.black_scholes import ROOT_TWO_PI
from core.columns import Floats, Int64s
from core.log_grid import LogGrid, sum_by_level

NODES_PER_WIDTH = 4
REACH = 5.0
VALUE_ERROR = 6e-6
SLOPE_ERROR = 1e-4
"""Of a step's slope, as a share of weight / width; its largest slope is 0.4 of that."""

_FEW_NODES = 129
_BLOCK_NODES = 65_536
"""On a grid of few nodes every step is put on all of them; and so many figures at a time, which
stay in the processor's cache."""


@dataclass(frozen=True, eq=False)
class Steps:
    """Contracts as steps: parallel arrays.

    ``channel`` int64[n], the curve that takes the step; ``weight`` float64[n], units of the
    underlying; ``centre`` float64[n], log price at which half of it is reached; ``width``
    float64[n] > 0, no less than `narrowest` of the grid.
    """

    channel: Int64s
    weight: Floats
    centre: Floats
    width: Floats

    def at(self, positions: Int64s) -> "Steps":
        """Return the steps at some positions."""
        return Steps(
            self.channel[positions],
            self.weight[positions],
            self.centre[positions],
            self.width[positions],
        )


@dataclass(frozen=True, eq=False)
class DeltaCurve:
    """Sums of steps, one row a channel: ``value``, ``slope`` float64[channels, 2 half + 1]."""

    grid: LogGrid
    value: Floats
    slope: Floats

    def __add__(self, other: "DeltaCurve") -> "DeltaCurve":
        """Return the sum of two curves on the same grid."""
        return DeltaCurve(self.grid, self.value + other.value, self.slope + other.slope)

    def at(self, log_price: Floats) -> tuple[Floats, Floats]:
        """Return values and slopes, float64[channels, n], at log prices within the grid."""
        return self.grid.read(self.value, self.slope, log_price)


def narrowest(grid: LogGrid) -> float:
    """Return the least width that keeps the stated error on a grid."""
    return NODES_PER_WIDTH * grid.step


def delta_curve(steps: Steps, grid: LogGrid, channels: int) -> DeltaCurve:
    """Sum steps into curves on a grid.

    Cost: some 40 to 130 nodes a step, and a few times the grid. Steps that lie wholly beyond an
    end of the grid count as 0 or as their weight.
    """

    def put(mine: Int64s, level: LogGrid, value: Floats, slope: Floats) -> None:
        is_small = value.shape[1] <= _FEW_NODES
        block = max(_BLOCK_NODES // min(value.shape[1], _FEW_NODES), 1)
        for start in range(0, len(mine), block):
            some = steps.at(mine[start : start + block])
            (_put_everywhere if is_small else _put_nearby)(some, level, value, slope)

    value, slope = sum_by_level(
        steps.width, grid, nodes_per_width=NODES_PER_WIDTH, channels=channels, put=put
    )
    return DeltaCurve(grid, value, slope)


def _put_everywhere(steps: Steps, grid: LogGrid, value: Floats, slope: Floats) -> None:
    z = (grid.nodes - steps.centre[:, None]) / steps.width[:, None]
    weight = np.zeros((len(value), len(z)))
    weight[steps.channel, np.arange(len(z))] = steps.weight
    value += weight @ ndtr(z)
    slope += (weight / steps.width) @ _density(z)


def _put_nearby(steps: Steps, grid: LogGrid, value: Floats, slope: Floats) -> None:
    channels, nodes = value.shape
    first = np.ceil((steps.centre - REACH * steps.width) / grid.step).astype(np.int64) + grid.half
    count = int(2.0 * REACH * steps.width.max() / grid.step) + 1
    node = np.maximum(first, 0)[:, None] + np.arange(min(count, nodes))
    z = ((node - grid.half) * grid.step - steps.centre[:, None]) / steps.width[:, None]
    # One column more takes what lies beyond the end of the grid.
    size = channels * (nodes + 1)
    row = steps.channel * (nodes + 1)
    flat = (row[:, None] + np.minimum(node, nodes)).ravel()

    def summed(place: Int64s, figure: Floats) -> Floats:
        total = np.bincount(place, figure.ravel(), size)
        return np.asarray(total.reshape(channels, nodes + 1)[:, :-1])

    # Beyond its own reach a step is whole: with whatever others it came, it is taken out as it was.
    is_whole = z > REACH
    value += summed(flat, steps.weight[:, None] * np.where(is_whole, 1.0, ndtr(z)))
    density = np.where(is_whole, 0.0, _density(z))
    slope += summed(flat, (steps.weight / steps.width)[:, None] * density)
    done = row + np.minimum(node[:, -1] + 1, nodes)
    value += np.cumsum(summed(done, steps.weight), axis=1)


def _density(z: Floats) -> Floats:
    return np.asarray(np.exp(-0.5 * z * z) / ROOT_TWO_PI)
