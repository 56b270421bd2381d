"""The only place that reads the machine's clocks; everything else is given a `Clock`."""

import os
import time
from pathlib import Path
from typing import Protocol

_START_FIELD = 19
"""Of /proc/self/stat, behind the name: when the process began, in ticks since the machine did."""


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


def process_age_seconds() -> float:
    """Return how long ago this process began; 0 where the system does not tell."""
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        began = int(fields[_START_FIELD]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return 0.0
    return max(time.clock_gettime(time.CLOCK_BOOTTIME) - began, 0.0)
