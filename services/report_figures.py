"""The figures of a report: coverage, losses, reliability, and what the alerts were worth."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.columns import Bools, Floats
from core.thresholds import Rule
from core.universe import Universe
from services.offline_alerts import Episode
from services.report_alerts import AlertOutcome, AlertQuality, outcomes, qualities
from services.report_samples import LastRows, Samples

LOW, HIGH = 0.05, 0.95
"""The quantiles that the band states."""

MINUTES_LEFT = (30, 60, 120, 180, 240, 300, 390)
"""Upper ends of the classes of time to the close, in minutes; longer sessions have more."""

STATED = (0.0, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 1.0)
"""Bounds of the classes of stated breach probability."""


@dataclass(frozen=True)
class TimeClass:
    """How the band did at one class of time to the close; shares are fractions of ``rows``.

    ``pinball`` and ``clock_pinball`` are the mean losses of both quantiles over the scale of the
    reference; ``error`` is the median of |now - close| over the same scale, in return units.
    """

    minutes_from: float
    minutes_to: float
    rows: int
    inside: float
    below: float
    above: float
    clock_inside: float
    pinball: float
    clock_pinball: float
    error: float


@dataclass(frozen=True)
class StatedClass:
    """How often the close breached where a probability in a class was stated."""

    stated_from: float
    stated_to: float
    rows: int
    stated: float
    seen: float


@dataclass(frozen=True)
class Figures:
    """Everything a report says in numbers."""

    sessions: int
    references: int
    rows: int
    inside: float
    below: float
    above: float
    clock_inside: float
    pinball_ratio: float
    by_time: tuple[TimeClass, ...]
    reliability: tuple[StatedClass, ...]
    alerts: tuple[AlertOutcome, ...]
    quality: tuple[AlertQuality, ...]


def figures(
    samples: Samples,
    last_rows: LastRows,
    *,
    universe: Universe,
    rules: Sequence[Rule],
    episodes: Sequence[Episode],
) -> Figures:
    """Return the figures of a replay; ``episodes`` are those of its ``rules``."""
    alerts = outcomes(episodes, rules, universe=universe, last_rows=last_rows)
    sessions = len(np.unique(samples.label))
    total = _time_class(samples, 0.0, np.inf)
    longest = float(np.max(samples.column["seconds_to_close"], initial=0.0)) / 60.0
    bounds = [0.0, *(end for end in MINUTES_LEFT if end < longest), longest]
    classes = [_time_class(samples, low, high) for low, high in itertools.pairwise(bounds)]
    return Figures(
        sessions=sessions,
        references=len(np.unique(samples.reference)),
        rows=len(samples),
        inside=total.inside,
        below=total.below,
        above=total.above,
        clock_inside=total.clock_inside,
        pinball_ratio=total.pinball / total.clock_pinball if total.clock_pinball else np.nan,
        by_time=tuple(each for each in classes if each.rows),
        reliability=_reliability(samples),
        alerts=alerts,
        quality=qualities(alerts, rules, sessions=sessions),
    )


def pinball_loss(outcome: Floats, quantile: Floats, level: float) -> Floats:
    """Return the loss of a stated quantile, >= 0, in the units of the outcome; float64[n]."""
    return np.maximum(level * (outcome - quantile), (level - 1.0) * (outcome - quantile))


def _time_class(samples: Samples, minutes_from: float, minutes_to: float) -> TimeClass:
    minutes = samples.column["seconds_to_close"] / 60.0
    lower = samples.column["forced_flow_lower_usd"]
    # A reference without convexity owes the same at any close: nothing is forecast there.
    counts = (samples.scale_usd > 0.0) & ~np.isnan(lower)
    chosen = samples.where(counts & (minutes > minutes_from) & (minutes <= minutes_to))
    final, scale = chosen.final_usd, chosen.scale_usd
    band = chosen.column["forced_flow_lower_usd"], chosen.column["forced_flow_upper_usd"]
    clock = chosen.column["clock_lower_usd"], chosen.column["clock_upper_usd"]
    return TimeClass(
        minutes_from=minutes_from,
        minutes_to=minutes_to,
        rows=len(chosen),
        inside=_share((final >= band[0]) & (final <= band[1])),
        below=_share(final < band[0]),
        above=_share(final > band[1]),
        clock_inside=_share((final >= clock[0]) & (final <= clock[1])),
        pinball=_mean(_both_losses(final, band) / scale),
        clock_pinball=_mean(_both_losses(final, clock) / scale),
        error=_median(np.abs(final - chosen.column["forced_flow_usd"]) / scale),
    )


def _both_losses(final: Floats, band: tuple[Floats, Floats]) -> Floats:
    return pinball_loss(final, band[0], LOW) + pinball_loss(final, band[1], HIGH)


def _reliability(samples: Samples) -> tuple[StatedClass, ...]:
    stated = samples.column["breach_probability"]
    breached = np.abs(samples.final_usd) >= samples.column["breach_threshold_usd"]
    classes = []
    for low, high in itertools.pairwise(STATED):
        chosen = (stated >= low) & ((stated < high) | ((high == 1.0) & (stated <= 1.0)))
        if chosen.any():
            seen, said = _share(breached[chosen]), _mean(stated[chosen])
            classes.append(StatedClass(low, high, int(chosen.sum()), said, seen))
    return tuple(classes)


def _share(mask: Bools) -> float:
    return float(np.mean(mask)) if len(mask) else np.nan


def _mean(values: Floats) -> float:
    return float(np.mean(values)) if len(values) else np.nan


def _median(values: Floats) -> float:
    return float(np.median(values)) if len(values) else np.nan
