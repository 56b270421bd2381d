"""The only place that reads the machine's clocks; everything else is given a `Clock`."""

import time
from typing import Protocol


class Clock(Protocol):
    """Host time: leases, retries, resends, `startsAt`. Market time comes from the data alone."""

    def now_ns(self) -> int:
        """Return host time, ns UTC since 1970; it may jump when the host is set."""
        ...

    def monotonic(self) -> float:
        """Return seconds since an arbitrary start, never going back; for durations only."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now_ns(self) -> int:
        """Return host time, ns UTC since 1970."""
        return time.time_ns()

    def monotonic(self) -> float:
        """Return seconds of the monotonic clock."""
        return time.monotonic()
