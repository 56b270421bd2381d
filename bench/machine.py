"""The machine of a run, and how much of it other work took meanwhile."""

import os
import platform
import resource
from pathlib import Path
from time import monotonic

import numpy as np


def description() -> dict[str, str]:
    """Return what figures depend on."""
    return {
        "processor": _processor(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


class OtherWork:
    """Watches the machine from when it is made on."""

    def __init__(self) -> None:
        self._started = monotonic()
        self._others_before = _busy_seconds() - _own_seconds()

    def share(self) -> float:
        """Return the share of all processors that other work took; children must have ended."""
        others = _busy_seconds() - _own_seconds() - self._others_before
        available = (monotonic() - self._started) * (os.cpu_count() or 1)
        return max(others / available, 0.0)


def _busy_seconds() -> float:
    """Return the processor time of everything since the machine was started."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    user, nice, system, _idle, _wait, interrupts, soft_interrupts, _stolen = map(int, fields)
    ticks = user + nice + system + interrupts + soft_interrupts
    return ticks / os.sysconf("SC_CLK_TCK")


def _own_seconds() -> float:
    """Return the processor time of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.machine()
