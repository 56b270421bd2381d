"""At which prices dealers' gamma changes sign: none, one or many, each with its side.

Above a level with ``long_above`` dealers dampen moves, below it they amplify them. A chain may
have several levels, or none, and then the reason is said.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from core.columns import Floats, Int64s
from core.log_grid import LogGrid, grid_for, sum_by_level
from core.near_turns import turns_near_zero
from core.open_positions import Positions

LOWEST, HIGHEST = 0.8, 1.2
"""Levels are looked for between these multiples of the spot (the public contract's figures)."""

NODES_PER_WIDTH = 2
MOST_HALF = 2048
NOISE = 1e-6
"""Where the exposure is less than this share of its largest, its sign means nothing."""
NEAR = 2e-2
"""Where a turn between nodes is no further from zero than this share of the largest exposure, the
exact sum decides on which side it is: the cubics are off by 5e-4 of the sizes of its terms."""
NOTHING = 1e-12
"""So much of the largest gamma that a contract can have is none at all."""

_BLOCK_FIGURES = 65_536
"""So many figures at a time stay in the processor's cache."""


@dataclass(frozen=True)
class ZeroGammaLevel:
    """A price at which dealers' gamma exposure is zero and changes sign."""

    level: float
    distance: float
    """From the spot, 0.01 = 1 % above it."""
    long_above: bool
    """Dealers are long gamma just above it, and short just below."""


@dataclass(frozen=True)
class ZeroGamma:
    """All levels, ascending; ``reason`` says why there are none, None where there are."""

    levels: tuple[ZeroGammaLevel, ...]
    reason: str | None = None

    def nearest(self) -> ZeroGammaLevel | None:
        """Return the level nearest the spot, of two the lower one."""
        return min(self.levels, key=lambda each: abs(each.distance), default=None)


def zero_gamma(positions: Positions, *, spot: float, weights: Floats) -> ZeroGamma:
    """Return where the gamma exposure is zero, at unchanged volatilities and time.

    Parameters
    ----------
    positions : Positions
    spot : float
    weights : float64[CHANNELS]     of a sign model

    Notes
    -----
    The exposure is looked at on a grid that has two nodes in a width of every contract (down to a
    width of 0.02 %), and where its cubics turn near zero between nodes, so that a pair of levels
    hides only where the gamma between them is less than 1e-5 of its largest. Each change of sign
    is then solved for with the exact sum.
    """
    side = weights @ positions.channels
    mine = positions.at(np.flatnonzero(side != 0.0))
    if not len(mine.weight):
        return ZeroGamma((), "no open interest that can be priced")
    height = side[side != 0.0] * mine.weight / mine.width
    centre = mine.centre - np.log(spot)

    def gamma(log_distance: float) -> float:
        z = (log_distance - centre) / mine.width
        return float(height @ np.exp(-0.5 * z * z))

    nodes, seen = _scan(height, centre, mine.width, exact=gamma)
    size = np.abs(seen)
    if size.max() <= NOTHING * np.abs(height).max():
        return ZeroGamma((), f"no gamma between {LOWEST:g} and {HIGHEST:g} of the spot")
    is_clear = size > NOISE * size.max()
    nodes, is_long = nodes[is_clear], seen[is_clear] > 0.0
    turns = np.flatnonzero(is_long[1:] != is_long[:-1]).tolist()
    levels = tuple(
        ZeroGammaLevel(float(spot * np.exp(at)), float(np.expm1(at)), long_above)
        for at, long_above in _solutions(gamma, nodes, turns)
    )
    side_held = "long" if is_long[0] else "short"
    reason = f"dealers are {side_held} gamma from {LOWEST:g} to {HIGHEST:g} of the spot"
    return ZeroGamma(levels, None if levels else reason)


def _scan(
    height: Floats, centre: Floats, width: Floats, *, exact: Callable[[float], float]
) -> tuple[Floats, Floats]:
    """Return log distances from the spot, ascending, and what the gamma is proportional to."""
    step = float(width.min()) / NODES_PER_WIDTH
    grid = grid_for(step, reach=-np.log(LOWEST), most_half=MOST_HALF)

    def put(mine: Int64s, level: LogGrid, value: Floats, slope: Floats) -> None:
        block = max(_BLOCK_FIGURES // value.shape[1], 1)
        for start in range(0, len(mine), block):
            some = mine[start : start + block]
            z = (level.nodes - centre[some, None]) / width[some, None]
            density = np.exp(-0.5 * z * z)
            value[0] += height[some] @ density
            slope[0] -= (height[some] / width[some]) @ (z * density)

    value, slope = sum_by_level(width, grid, nodes_per_width=NODES_PER_WIDTH, channels=1, put=put)
    end = np.log(HIGHEST)
    near = NEAR * float(np.abs(value).max())
    turns = turns_near_zero(grid, value[0], slope[0], near=near)
    turns = turns[turns < end]
    inside = grid.nodes < end
    nodes = np.concatenate((grid.nodes[inside], turns, [end]))
    at_turns = [exact(turn) for turn in turns.tolist()]
    at_end = grid.read(value, slope, nodes[-1:])[0][0]
    order = np.argsort(nodes)
    return nodes[order], np.concatenate((value[0, inside], at_turns, at_end))[order]


def _solutions(
    gamma: Callable[[float], float], nodes: Floats, turns: list[int]
) -> Iterator[tuple[float, bool]]:
    """Yield where the exact gamma is zero, and whether it is positive above, ascending.

    The sign that the grid saw changes between nodes ``turn`` and ``turn + 1``. The exact one may
    do so a hair beyond them, or not at all where it is a hair from zero.
    """
    done = -np.inf
    for turn in turns:
        for low, high in ((turn, turn + 1), (turn - 1, turn + 2)):
            start, stop = nodes[max(low, 0)], nodes[min(high, len(nodes) - 1)]
            above = gamma(stop)
            if start >= done and gamma(start) * above < 0.0:
                done = brentq(gamma, start, stop, xtol=1e-12)
                yield done, above > 0.0
                break
