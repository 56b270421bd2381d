"""What was said of contracts, by session: open interest, volatilities and forwards in force.

A figure belongs to one session, the one it was stated for or the one that closes next after its
event. In a session that figure counts, or else the newest of the sessions before.
"""

from dataclasses import dataclass

import numpy as np

from core.columns import Bools, Floats, Int64s
from core.sessions import NO_SESSION, NO_TIME
from core.slots import Candidates, Slots

FIGURES = ("open_interest", "opening_volatility", "volatility", "opening_forward")
"""Slots of a session: volatility and forward by the open, and volatility after it."""


class ContractDay:
    """The slots of one session label; those of a figure exist from its first one on.

    Attributes
    ----------
    label : int
    newest_ns : int64[rows]     newest event of each underlying, ``NO_TIME`` without one
    interest_label : int64[rows]        newest session that open interest in it was stated for,
                                        ``NO_SESSION`` without any
    slots : dict[str, Slots]    by figure, one a contract; ``sequence`` is the session of the record
                                that filled it: the oldest day stands for many
    """

    def __init__(self, label: int, *, capacity: int, rows: int) -> None:
        self.label = label
        self.newest_ns = np.full(rows, NO_TIME, np.int64)
        self.interest_label = np.full(rows, NO_SESSION, np.int64)
        self.slots: dict[str, Slots] = {}
        self._capacity = capacity

    def slots_of(self, figure: str) -> Slots:
        """Return the slots of one of ``FIGURES``, to be filled."""
        if figure not in self.slots:
            self.slots[figure] = Slots(self._capacity)
        return self.slots[figure]

    def known(self, figure: str, contracts: Int64s) -> Floats:
        """Return float64[n], the figure of some contracts, NaN where it was not stated."""
        slots = self.slots.get(figure)
        return np.full(len(contracts), np.nan) if slots is None else slots.value[contracts]

    def grow(self, capacity: int) -> None:
        """Make room for more contracts."""
        self._capacity = capacity
        for slots in self.slots.values():
            slots.grow(capacity)

    def empty(self, contracts: Int64s) -> None:
        """Forget some contracts."""
        for slots in self.slots.values():
            slots.empty(contracts)


@dataclass(frozen=True, eq=False)
class InForce:
    """Figures of some contracts in one session, float64[n] each, NaN = unknown.

    ``start_volatility`` is that of the session's start (the newest by the open, and where there
    is none the newest at all), ``forward`` what was given by the open.
    """

    open_interest: Floats
    start_volatility: Floats
    volatility: Floats
    forward: Floats

    @property
    def is_open(self) -> Bools:
        """bool[n], with open interest and a known volatility."""
        known: Bools = (self.open_interest > 0.0) & (self.volatility > 0.0)
        return known


def in_force(days: list[ContractDay], label: int, contracts: Int64s) -> InForce:
    """Return what holds in a session; ``days`` ascend by label."""
    unknown = np.full(len(contracts), np.nan)
    open_interest, start, now, forward = unknown, unknown, unknown, unknown
    for day in days:
        if day.label > label:
            break
        open_interest = _over(open_interest, day.known("open_interest", contracts))
        start = _over(now, day.known("opening_volatility", contracts))
        now = _over(start, day.known("volatility", contracts))
        forward = unknown
        if day.label == label:
            forward = day.known("opening_forward", contracts)
        else:
            start = now
    return InForce(open_interest, _over(now, start), now, forward)


def _over(earlier: Floats, later: Floats) -> Floats:
    return np.where(np.isnan(later), earlier, later)


class ContractDays:
    """All sessions that something was said of: the recent ones, and one that stands for the rest.

    ``capacity`` contracts and ``rows`` underlyings.
    """

    def __init__(self, *, capacity: int, rows: int) -> None:
        self._capacity, self._rows = capacity, rows
        self._rest = self._new(NO_SESSION)
        self._days: dict[int, ContractDay] = {}
        self._first = NO_SESSION

    def day(self, label: int) -> ContractDay:
        """Return the slots that take a session's figures."""
        if label < self._first or label <= self._rest.label:
            self._rest.label = max(self._rest.label, label)
            return self._rest
        if label not in self._days:
            self._days[label] = self._new(label)
        return self._days[label]

    def ordered(self) -> list[ContractDay]:
        """Return all of them, ascending by label."""
        return [self._rest, *(self._days[label] for label in sorted(self._days))]

    def retire(self, keep: set[int]) -> None:
        """Let the sessions before those that are kept become one; what was newest in them stays.

        That one also takes what comes later for any of them.
        """
        first = min(keep, default=NO_SESSION)
        for label in sorted(self._days):
            if label < first:
                _merge(self._rest, self._days.pop(label))
        self._first = max(self._first, first)

    def newest_ns(self, label: int) -> Int64s:
        """Return int64[rows], the newest event of each underlying up to a session."""
        newest = np.full(self._rows, NO_TIME, np.int64)
        for day in self.ordered():
            if day.label <= label:
                np.maximum(newest, day.newest_ns, out=newest)
        return newest

    def has_open_interest(self, label: int) -> Bools:
        """Return bool[rows], whether some open interest was stated for just this session."""
        day = self._days.get(label)
        return np.zeros(self._rows, np.bool_) if day is None else day.interest_label == label

    def interest_labels(self, label: int) -> Int64s:
        """Return int64[rows], the newest session up to one that open interest was stated for."""
        newest = np.full(self._rows, NO_SESSION, np.int64)
        for day in self.ordered():
            if day.label <= label:
                np.maximum(newest, day.interest_label, out=newest)
        return newest

    def grow(self, capacity: int) -> None:
        """Make room for as many contracts."""
        if capacity > self._capacity:
            self._capacity = capacity
            for day in self.ordered():
                day.grow(capacity)

    def empty(self, contracts: Int64s) -> None:
        """Forget some contracts."""
        for day in self.ordered():
            day.empty(contracts)

    def _new(self, label: int) -> ContractDay:
        return ContractDay(label, capacity=self._capacity, rows=self._rows)


def _merge(rest: ContractDay, day: ContractDay) -> None:
    """Let a session's figures stand over those of all sessions before it."""
    rest.label = day.label
    np.maximum(rest.newest_ns, day.newest_ns, out=rest.newest_ns)
    np.maximum(rest.interest_label, day.interest_label, out=rest.interest_label)
    for figure, slots in day.slots.items():
        filled = np.flatnonzero(slots.event_ns != NO_TIME)
        if figure == "opening_volatility" and "volatility" in rest.slots:
            rest.slots["volatility"].empty(filled)
        rest.slots_of(figure).put(
            Candidates(
                filled,
                slots.event_ns[filled],
                slots.sequence[filled],
                slots.rank[filled],
                slots.value[filled],
            )
        )
