"""Where a curve turns near zero between the nodes of its grid: a dip that no node may show."""

import numpy as np

from core.columns import Floats, Int64s
from core.log_grid import Ends, LogGrid, hermite


def turns_near_zero(grid: LogGrid, value: Floats, slope: Floats, *, near: float) -> Floats:
    """Return where the cubics of a grid turn and may cross zero and come back between two nodes.

    Parameters
    ----------
    grid : LogGrid
    value, slope : float64[2 half + 1]      of one curve at the nodes
    near : float                            by so much the cubics may be off, >= 0

    Returns
    -------
    float64[t]    log prices, ascending: where a node beside the turn is above zero those that are
                  no higher than `near`, and the same upside down

    Notes
    -----
    Cost: a few passes over the grid, and some more for the intervals that come near zero.
    """
    node = _intervals_near_zero(grid, value, slope, near)
    ends, steepness = (value[node], value[node + 1]), (slope[node], slope[node + 1])
    share = _shares_of_turns(grid.step, ends, steepness)
    found = hermite(share, grid.step, value=ends, slope=steepness)[0]
    is_dip = (np.maximum(*ends) > 0.0) & (found <= near)
    is_hump = (np.minimum(*ends) < 0.0) & (found >= -near)
    place = (node - grid.half + share) * grid.step
    return np.sort(place[is_dip | is_hump])


def _intervals_near_zero(grid: LogGrid, value: Floats, slope: Floats, near: float) -> Int64s:
    """Return the intervals whose cubics may come near zero.

    A cubic lies between the least and the greatest of its four Bezier points.
    """
    start, stop = value[:-1], value[1:]
    early, late = start + grid.step / 3.0 * slope[:-1], stop - grid.step / 3.0 * slope[1:]
    least = np.minimum(np.minimum(start, stop), np.minimum(early, late))
    most = np.maximum(np.maximum(start, stop), np.maximum(early, late))
    return np.flatnonzero((least <= near) & (most >= -near))


def _shares_of_turns(step: float, value: Ends, slope: Ends) -> Floats:
    """Return how much of each interval lies before its turns, float64[2, n], NaN = no turn."""
    rise = value[1] - value[0]
    left, right = step * slope[0] - rise, rise - step * slope[1]
    # The steepness of a cubic is, with s the share: flat + 2 half_bend s + bend s^2.
    flat, half_bend, bend = step * slope[0], right - 2.0 * left, 3.0 * (left - right)
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.sqrt(half_bend**2 - flat * bend)
        # The one solution that does not cancel gives the other.
        sure = -(half_bend + np.copysign(root, half_bend))
        share = np.array([sure / bend, flat / sure])
        return np.where((share > 0.0) & (share < 1.0), share, np.nan)
