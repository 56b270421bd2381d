"""The deltas of one underlying's contracts as curves of its price, for one session and time.

Four curves answer all questions of dealers' hedging (`core.dealer_hedge`) without a look at the
contracts. A contract is added to them, and taken out by adding it with negative units.
"""

from dataclasses import dataclass, field

import numpy as np

from core.columns import Floats
from core.contracts import years_to
from core.dealer_signs import CALLS, CHANNELS, PUTS, SIGNED
from core.delta_curve import NODES_PER_WIDTH, DeltaCurve, Steps, delta_curve, narrowest
from core.holdings import Holdings, RowTimes
from core.log_grid import LogGrid, grid_for
from core.open_positions import Positions

REACH = 0.25
"""Log prices this far from the previous close are on the curves: -22 % to +28 %."""
MOST_HALF = 4096
"""Narrower steps than this many nodes allow (0.024 % of the price) are taken for that wide."""

KINDS = 4
START, NOW, HELD, START_AT_CLOSE = range(KINDS)
"""Volatilities of the session's start or of now, time of now or of the close; ``HELD`` is at the
volatilities of now what is still held right after the close (`core.dealer_hedge.held_after`)."""


def positions_of_kind(kind: int, holdings: Holdings, times: RowTimes) -> Positions:
    """Return the positions that the curve of one kind sums."""
    is_open = holdings.settlement_ns >= times.time_ns
    if kind == HELD:
        is_open &= (holdings.settlement_ns > times.close_ns) | ~holdings.is_cash_settled
    now_ns = times.time_ns if kind in {START, NOW} else times.close_ns
    return holdings.at(is_open).positions(now_ns=now_ns, start=kind in {START, START_AT_CLOSE})


@dataclass(frozen=True, eq=False)
class Surface:
    """A curve of deltas: ``curve`` less ``base`` float64[CHANNELS], what puts lack to calls."""

    curve: DeltaCurve
    base: Floats

    def __add__(self, other: "Surface") -> "Surface":
        """Return the sum of two surfaces on the same grid."""
        return Surface(self.curve + other.curve, self.base + other.base)

    def deltas(self, log_distance: Floats) -> Floats:
        """Return float64[CHANNELS, n], units of the underlying, at log prices on the grid."""
        return self.curve.at(log_distance)[0] - self.base[:, None]


@dataclass(eq=False)
class RowCurves:
    """The curves of one underlying.

    Attributes
    ----------
    times : RowTimes
    grid : LogGrid              of the log of price over previous close
    surfaces : list[Surface]    by kind; kinds that do not differ share one
    start_delta : float64[CHANNELS]     at the previous close, its time and its volatilities
    contracts : int             with open interest and a volatility, not settled
    """

    times: RowTimes
    grid: LogGrid
    surfaces: list[Surface] = field(default_factory=list)
    start_delta: Floats = field(default_factory=lambda: np.zeros(CHANNELS))
    contracts: int = 0

    def __post_init__(self) -> None:
        nothing = np.zeros((CHANNELS, 2 * self.grid.half + 1))
        self.surfaces = [
            Surface(DeltaCurve(self.grid, nothing, nothing), np.zeros(CHANNELS))
        ] * KINDS

    def fits(self, holdings: Holdings) -> bool:
        """Say whether the grid is fine enough for some contracts."""
        return _least_width(holdings, self.times) >= narrowest(self.grid) or (
            self.grid.half >= MOST_HALF
        )

    def add(self, holdings: Holdings) -> None:
        """Add contracts to the curves; those that have settled count for nothing."""
        times = self.times
        holdings = holdings.at(holdings.settlement_ns >= times.time_ns)
        if not len(holdings):
            return
        sums = [self._surface(START, holdings)]
        is_same = bool((holdings.start_volatility == holdings.volatility).all())
        sums.append(sums[START] if is_same else self._surface(NOW, holdings))
        is_close = times.time_ns == times.close_ns
        at_close = sums[START] if is_close else self._surface(START_AT_CLOSE, holdings)
        is_gone = holdings.is_cash_settled & (holdings.settlement_ns <= times.close_ns)
        all_held = is_same and not is_gone.any()
        sums += [at_close if all_held else self._surface(HELD, holdings), at_close]
        # Kinds that shared a surface and gain the same go on sharing it.
        made: dict[tuple[int, int], Surface] = {}
        for kind, (old, more) in enumerate(zip(list(self.surfaces), sums, strict=True)):
            key = id(old), id(more)
            made[key] = made.get(key) or old + more
            self.surfaces[kind] = made[key]
        start = holdings.positions(now_ns=times.since_ns, start=True)
        self.start_delta = self.start_delta + start.deltas(np.array([times.previous_close]))[:, 0]
        self.contracts += int(np.sign(holdings.units).sum())

    def _surface(self, kind: int, holdings: Holdings) -> Surface:
        positions = positions_of_kind(kind, holdings, self.times)
        signed = np.flatnonzero(positions.channels[SIGNED])
        sign = positions.channels[SIGNED, signed]
        centre = positions.centre - np.log(self.times.previous_close)
        width = np.maximum(positions.width, narrowest(self.grid))
        rights = np.where(positions.is_call, CALLS, PUTS)
        steps = Steps(
            channel=np.append(rights, np.full(len(signed), SIGNED)),
            weight=np.append(positions.weight, sign * positions.weight[signed]),
            centre=np.append(centre, centre[signed]),
            width=np.append(width, width[signed]),
        )
        is_put = ~positions.is_call
        base = positions.channels[:, is_put] @ positions.weight[is_put]
        return Surface(delta_curve(steps, self.grid, CHANNELS), base)


def empty_curves(holdings: Holdings, times: RowTimes) -> RowCurves:
    """Return curves without contracts, on a grid that fits those that are going to be added."""
    width = _least_width(holdings, times)
    grid = grid_for(width / NODES_PER_WIDTH, reach=REACH, most_half=MOST_HALF)
    return RowCurves(times, grid)


def _least_width(holdings: Holdings, times: RowTimes) -> float:
    """Return the least width among contracts that are not settled: that at the close."""
    volatility = np.minimum(holdings.start_volatility, holdings.volatility)
    width = volatility * np.sqrt(years_to(holdings.settlement_ns, times.close_ns))
    return float(width[holdings.settlement_ns >= times.time_ns].min(initial=1.0))
