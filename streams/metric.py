"""What a metric is, and the buckets that histograms share."""

from dataclasses import dataclass
from typing import Literal

FAST_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
"""Buckets of work that should take milliseconds."""
LATENCY_SECONDS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)
"""Buckets of how late something is."""


@dataclass(frozen=True)
class Metric:
    """One metric: full name without the ``_total`` of counters' samples, base units.

    ``from_start`` are values of the labels that are shown as 0 before anything happens: a rule on
    the increase of a counter does not see the one with which its series begins.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    from_start: tuple[tuple[str, ...], ...] = ()
