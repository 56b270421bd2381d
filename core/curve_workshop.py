"""Keeps the curves of many rows up to date, a slice of contracts at a time.

A row's curves are made anew when its session, its previous close or the terms of a contract
change, and when enough time has passed; in between, contracts whose figures changed are taken
out as they were counted and added as they are.
"""

from dataclasses import dataclass

import numpy as np

from core.columns import Bools, Floats, Int64s
from core.contract_days import InForce
from core.contracts import LEAST_TIME_NS
from core.curve_reader import Readings, exact_readings
from core.holdings import Holdings, RowTimes, holdings_of
from core.open_interest import OpenInterest
from core.row_curves import RowCurves, empty_curves, positions_of_kind
from core.sessions import NANOS_PER_SECOND, NO_SESSION, NO_TIME

LEAST_STEP_NS = 60 * NANOS_PER_SECOND
STEP_SHARE = 0.0025
"""Time goes on in steps of a minute, or longer, of a power of two minutes, where that is no more
than this share of the least time that any contract has left at the close. Curves stand at the
start of a minute and in the middle of a longer step."""
DELTA_ERROR = 2e-4
"""A delta is then off by at most so much of its units, or by a minute in its last 13 hours: by half
of ``STEP_SHARE`` times the most that it moves with the log of the time, 0.121 where volatility
times the root of the time is small, 0.155 where it is 0.4."""

_ROW_COST = 250
"""What a row costs beside its contracts, in contracts."""
_FIGURES = 4


@dataclass(frozen=True, eq=False)
class RowTargets:
    """What the rows of a book stand for, one entry a row.

    ``label`` int64, the session, ``NO_SESSION`` before the first; ``open_ns``, ``close_ns`` of
    it, ``since_ns`` the close before it, ``market_ns``, all int64; ``previous_close`` float64,
    NaN = unknown.
    """

    label: Int64s
    open_ns: Int64s
    close_ns: Int64s
    since_ns: Int64s
    market_ns: Int64s
    previous_close: Floats


@dataclass(eq=False)
class _Job:
    """Curves of a row in the making; the contracts up to ``done`` are in them."""

    row: int
    curves: RowCurves
    contracts: Int64s
    done: int = 0


class CurveWorkshop:
    """Curves of the rows of a book.

    Parameters
    ----------
    state : OpenInterest
    rate, dividend_yield : float64[rows]    a year, where no forward was given

    Attributes
    ----------
    curves : dict[int, RowCurves]       by row, from when they were first made
    targets : RowTargets                what the rows stand for
    has_contracts : bool[rows]
    open_interest, priced : float64[rows]      contracts, and those of them in the curves
    """

    def __init__(self, state: OpenInterest, *, rate: Floats, dividend_yield: Floats) -> None:
        size = len(rate)
        self._state = state
        self._rate, self._yield = rate, dividend_yield
        self.curves: dict[int, RowCurves] = {}
        self.open_interest = np.zeros(size)
        self.priced = np.zeros(size)
        self._counted = np.full((_FIGURES, state.table.capacity), np.nan)
        self._step_ns = np.full(size, LEAST_STEP_NS, np.int64)
        self.has_contracts = np.zeros(size, np.bool_)
        self._altered = np.zeros(size, np.bool_)
        self._pending: dict[int, list[Int64s]] = {}
        self._job: _Job | None = None
        never = np.full(size, NO_TIME, np.int64)
        nothing = np.full(size, np.nan)
        self.targets = RowTargets(
            np.full(size, NO_SESSION, np.int64), never, never, never, never, nothing
        )
        # Label, close, close before, and time that the curves of each row were made for.
        self._made = np.full((4, size), NO_TIME, np.int64)
        self._made_close = np.full(size, np.nan)

    def follow(self, targets: RowTargets) -> Int64s:
        """Take over what the rows stand for now; return those whose contracts were split."""
        self.targets = targets
        split = self._state.splits_due(targets.label, targets.market_ns)
        rows = np.flatnonzero(split != NO_SESSION)
        for row in rows.tolist():
            # The contracts get other numbers; what they were counted as goes with the old ones.
            self._counted[:, self._state.table.members(row)] = np.nan
            self._pending.pop(row, None)
            self._state.go_through(row, int(split[row]), targets.open_ns)
            self._altered[row] = True
        self._make_room()
        return rows

    def note(self, changed: Int64s, altered: Int64s) -> Int64s:
        """Note contracts whose figures, or whose terms, changed; return their rows, ascending."""
        table = self._state.table
        self._make_room()
        in_curves = altered[self._counted[0, altered] > 0.0]
        self._altered[table.row[in_curves]] = True
        for row in np.unique(table.row[changed]).tolist():
            self._pending.setdefault(row, []).append(changed[table.row[changed] == row])
            self.has_contracts[row] = True
        return np.unique(table.row[np.append(changed, in_curves)])

    def is_current(self, rows: Int64s) -> Bools:
        """Say of some rows whether their curves are of the session they stand in."""
        made, targets = self._made[:3, rows], self.targets
        is_known = made[0] != NO_TIME
        is_known &= made[0] == targets.label[rows]
        is_known &= made[1] == targets.close_ns[rows]
        is_known &= made[2] == targets.since_ns[rows]
        return np.asarray(is_known & (self._made_close[rows] == targets.previous_close[rows]))

    def work(self, contracts: int) -> list[int]:
        """Do so much work, in contracts; return the rows whose curves changed, none: all done."""
        touched: list[int] = []
        left = contracts
        due = self._due()
        while left > 0:
            row = self._next_update(due)
            if row is not None:
                left -= self._update(row, left)
                if row in self.curves:
                    touched.append(row)
                continue
            if self._job is not None and not self._is_wanted(self._job):
                self._job = None
            if self._job is None:
                if not len(due):
                    break
                self._job = self._start(int(due[0]))
                left -= _ROW_COST
            left -= self._continue(self._job, max(left, 1))
            if self._job.done == len(self._job.contracts):
                self._finish(self._job)
                touched.append(self._job.row)
                self._job = None
                due = self._due()
        return touched

    @property
    def is_busy(self) -> bool:
        """Whether some row has work to do."""
        due = self._due()
        return bool(len(due)) or self._next_update(due) is not None

    def deltas(self, row: int, kind: int, price: Floats) -> Floats:
        """Return float64[CHANNELS, p], what a row's curve of one kind says at some prices.

        Prices that are not on its grid are summed from the contracts.
        """
        curves = self.curves[row]
        log_distance = np.log(price / curves.times.previous_close)
        deltas = curves.surfaces[kind].deltas(log_distance)
        beyond = np.flatnonzero(np.abs(log_distance) > curves.grid.reach)
        if len(beyond):
            holdings = self._all_holdings(row, curves.times)
            positions = positions_of_kind(kind, holdings, curves.times)
            deltas[:, beyond] = positions.deltas(price[beyond])
        return deltas

    def readings(self, row: int, price: float, weights: Floats) -> Readings:
        """Return the readings of a row at a price that is not on its grid."""
        curves = self.curves[row]
        return exact_readings(self._all_holdings(row, curves.times), curves, price, weights)

    def _make_room(self) -> None:
        more = self._state.table.capacity - self._counted.shape[1]
        if more > 0:
            self._counted = np.pad(self._counted, ((0, 0), (0, more)), constant_values=np.nan)

    def _all_holdings(self, row: int, times: RowTimes) -> Holdings:
        mine = self._state.table.members(row)
        return self._holdings(row, mine, self._state.in_force(mine, times.label), times)

    def _due(self) -> Int64s:
        """Return the rows whose curves are to be made anew, those without any first."""
        targets = self.targets
        known = self.has_contracts & (targets.label != NO_SESSION)
        candidates = np.flatnonzero(known & ~np.isnan(targets.previous_close))
        is_current = self.is_current(candidates)
        is_late = self._made[3, candidates] != self._time_ns(candidates)
        due = ~is_current | is_late | self._altered[candidates]
        order = np.lexsort((self._made[3, candidates], is_current))
        return np.asarray(candidates[order[due[order]]])

    def _time_ns(self, rows: Int64s) -> Int64s:
        targets, step_ns = self.targets, self._step_ns[rows]
        open_ns, close_ns = targets.open_ns[rows], targets.close_ns[rows]
        gone = np.maximum(targets.market_ns[rows] - open_ns, 0)
        start_ns = open_ns + gone // step_ns * step_ns
        half_ns = (np.minimum(start_ns + step_ns, close_ns) - start_ns) // 2
        time_ns = start_ns + np.where(step_ns > LEAST_STEP_NS, half_ns, 0)
        return np.where(targets.market_ns[rows] >= close_ns, close_ns, time_ns)

    def _start(self, row: int) -> _Job:
        targets, table = self.targets, self._state.table
        self._counted[:, table.members(row)] = np.nan
        self._state.remove_settled(row, int(targets.open_ns[row]))
        self._pending.pop(row, None)
        self._altered[row] = False
        self.open_interest[row] = self.priced[row] = 0.0
        times = self._times(row)
        holdings = self._all_holdings(row, times)
        self._step_ns[row] = _step_ns(holdings, times)
        times = self._times(row)
        return _Job(row, empty_curves(holdings, times), table.members(row))

    def _times(self, row: int) -> RowTimes:
        targets = self.targets
        return RowTimes(
            label=int(targets.label[row]),
            previous_close=float(targets.previous_close[row]),
            since_ns=int(targets.since_ns[row]),
            time_ns=int(self._time_ns(np.array([row]))[0]),
            close_ns=int(targets.close_ns[row]),
        )

    def _is_wanted(self, job: _Job) -> bool:
        targets, times = self.targets, job.curves.times
        return bool(
            times.label == targets.label[job.row]
            and times.previous_close == targets.previous_close[job.row]
            and times.since_ns == targets.since_ns[job.row]
            and times.close_ns == targets.close_ns[job.row]
            and not self._altered[job.row]
        )

    def _continue(self, job: _Job, most: int) -> int:
        some = job.contracts[job.done : job.done + most]
        figures = self._state.in_force(some, job.curves.times.label)
        job.curves.add(self._count(job.row, some, figures, job.curves.times))
        job.done += len(some)
        return len(some)

    def _finish(self, job: _Job) -> None:
        times = job.curves.times
        self.curves[job.row] = job.curves
        made = (times.label, times.close_ns, times.since_ns, times.time_ns)
        self._made[:, job.row] = made
        self._made_close[job.row] = times.previous_close

    def _next_update(self, due: Int64s) -> int | None:
        if not self._pending:
            return None
        waiting = set(due.tolist())
        return next((row for row in self._pending if row not in waiting), None)

    def _update(self, row: int, most: int) -> int:
        """Bring contracts of a row up to date in its curves, as many as may be; return the cost."""
        table, curves = self._state.table, self.curves.get(row)
        changed = np.unique(np.concatenate(self._pending.pop(row)))
        changed = changed[table.row[changed] == row]
        if curves is None or not self.is_current(np.array([row]))[0]:
            # Without a session or a previous close there is nothing to keep up to date: the
            # curves are made from the slots once there is.
            return 1
        share = max(most // 2, 1)
        some, rest = changed[:share], changed[share:]
        if len(rest):
            self._pending[row] = [rest]
        figures = self._state.in_force(some, curves.times.label)
        counted = InForce(*self._counted[:, some])
        before = self._holdings(row, some, counted, curves.times)
        self._uncount(row, some)
        after = self._count(row, some, figures, curves.times)
        self._step_ns[row] = min(self._step_ns[row], _step_ns(after, curves.times))
        if curves.fits(after):
            curves.add(before.taken_out().joined(after))
        else:
            self._altered[row] = True
        return 2 * len(some) + _ROW_COST

    def _uncount(self, row: int, contracts: Int64s) -> None:
        counted = InForce(*self._counted[:, contracts])
        self.open_interest[row] -= np.nansum(counted.open_interest)
        self.priced[row] -= counted.open_interest[counted.is_open].sum()

    def _count(self, row: int, contracts: Int64s, figures: InForce, times: RowTimes) -> Holdings:
        """Note figures as those that the curves have, and return what goes into these."""
        self._counted[:, contracts] = (
            figures.open_interest,
            figures.start_volatility,
            figures.volatility,
            figures.forward,
        )
        self.open_interest[row] += np.nansum(figures.open_interest)
        self.priced[row] += figures.open_interest[figures.is_open].sum()
        return self._holdings(row, contracts, figures, times)

    def _holdings(self, row: int, contracts: Int64s, figures: InForce, times: RowTimes) -> Holdings:
        return holdings_of(
            self._state.table,
            contracts,
            figures,
            times,
            rate=float(self._rate[row]),
            dividend_yield=float(self._yield[row]),
        )


def _step_ns(holdings: Holdings, times: RowTimes) -> int:
    """Return the step in which time goes on for curves of these contracts.

    One that settles during the session, whether it has or not, makes it the shortest.
    """
    left_ns = int((holdings.settlement_ns - times.close_ns).min(initial=2**62))
    shortest_ns = max(left_ns, LEAST_TIME_NS)
    minutes = int(STEP_SHARE * shortest_ns / LEAST_STEP_NS)
    return LEAST_STEP_NS << max(min(minutes, 2**10).bit_length() - 1, 0)
