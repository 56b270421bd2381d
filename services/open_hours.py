"""Hours in which some venue is open, and time as it passes in them alone."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np

from core.columns import Int64s
from core.sessions import SessionTable

_NEVER = 2**62


@dataclass(frozen=True, eq=False)
class OpenHours:
    """Open intervals, ascending and apart: ``start_ns``, ``end_ns`` int64[n], both inclusive.

    ``before_ns`` int64[n + 1] is the open time before each interval, and at the end all of it.
    """

    start_ns: Int64s
    end_ns: Int64s
    before_ns: Int64s

    @classmethod
    def of(cls, schedules: Iterable[SessionTable], *, grace_ns: int = 0) -> Self:
        """Join the sessions of all schedules, each lasting `grace_ns` beyond its close."""
        tables = list(schedules)
        nothing = np.empty(0, np.int64)
        start = np.concatenate([nothing, *(table.open_ns for table in tables)])
        end = np.concatenate([nothing, *(table.close_ns + grace_ns for table in tables)])
        order = np.argsort(start, kind="stable")
        start, end = start[order], np.maximum.accumulate(end[order])
        apart = start[1:] > end[:-1]
        start = start[np.concatenate(([True], apart))] if len(start) else start
        end = end[np.concatenate((apart, [True]))] if len(end) else end
        before = np.concatenate(([0], np.cumsum(end - start)))
        return cls(start, end, before.astype(np.int64))

    def is_open(self, time_ns: int) -> bool:
        """Say whether `time_ns` lies in an interval."""
        place = int(np.searchsorted(self.start_ns, time_ns, side="right")) - 1
        return place >= 0 and time_ns <= int(self.end_ns[place])

    def elapsed_ns(self, time_ns: int) -> int:
        """Return the open time before `time_ns`."""
        place = int(np.searchsorted(self.start_ns, time_ns, side="right")) - 1
        if place < 0:
            return 0
        inside = min(time_ns, int(self.end_ns[place])) - int(self.start_ns[place])
        return int(self.before_ns[place]) + inside

    def time_at(self, elapsed_ns: int) -> int:
        """Return the last time before which no more than `elapsed_ns` of open time has passed.

        At the end of an interval that is the start of the next: closed hours take no time. After
        the last interval it is later than every event.
        """
        place = int(np.searchsorted(self.before_ns, elapsed_ns, side="right")) - 1
        if place >= len(self.start_ns):
            return _NEVER
        return int(self.start_ns[place]) + elapsed_ns - int(self.before_ns[place])
