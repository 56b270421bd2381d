"""What past sessions leave behind for the forecast: their variance and its spread over the day."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.columns import Floats, Int64s
from core.day import BUCKET_NS, Day
from core.sessions import NANOS_PER_SECOND
from core.volatility import ALL_DAY_SECONDS, default_gone, squared_returns

KEPT_SESSIONS = 60
"""How many past sessions a reference learns from."""

LEAST_COVERED = 0.75
"""A session teaches something if its prices span this share of its expected variance."""


@dataclass(frozen=True, eq=False)
class SessionPaths:
    """The paths of those rows whose sessions of one label have the same number of buckets.

    ``row`` int64[k], ascending; ``seconds`` float64[k], lengths; ``variance`` float64[k], of the
    log price from open to close; ``roots`` float32[k, buckets], square root of each bucket's
    share of the variance seen, float32 because it is kept for 60 sessions.
    """

    row: Int64s
    seconds: Floats
    variance: Floats
    roots: npt.NDArray[np.float32]

    def of(self, rows: Int64s) -> tuple[Int64s, Int64s]:
        """Return where some ascending rows that are here stand in ``rows`` and where here."""
        _, there, here = np.intersect1d(rows, self.row, assume_unique=True, return_indices=True)
        return there, here


def session_paths(day: Day) -> list[SessionPaths]:
    """Measure a session from its buckets; rows with too few prices are left out."""
    if day.buckets is None:
        return []
    # Rows without a session of this label close before they open.
    length_ns = np.maximum(day.close_ns, day.first_ns) - day.first_ns
    count = -(-length_ns // BUCKET_NS)
    closes = day.buckets.value.reshape(len(count), -1)
    is_used = (length_ns > 0) & ~np.isnan(closes).all(axis=1)
    groups = []
    for buckets in np.unique(count[is_used]).tolist():
        row = np.flatnonzero(is_used & (count == buckets))
        seconds = length_ns[row] / NANOS_PER_SECOND
        groups.append(_paths(row, seconds, closes[row, :buckets]))
    return groups


def _paths(row: Int64s, seconds: Floats, closes: Floats) -> SessionPaths:
    buckets = closes.shape[1]
    filled = ~np.isnan(closes)
    first = np.argmax(filled, axis=1)
    last = buckets - 1 - np.argmax(filled[:, ::-1], axis=1)
    squares = squared_returns(closes)
    seen = squares.sum(axis=1)
    is_all_day = seconds >= ALL_DAY_SECONDS
    begin, end = (default_gone((at + 1) / buckets, is_all_day=is_all_day) for at in (first, last))
    covered = end - begin
    first_share = default_gone(np.full(len(row), 1.0 / buckets), is_all_day=is_all_day)
    taught = (seen > 0.0) & (covered >= LEAST_COVERED * (1.0 - first_share))
    share = squares[taught] / seen[taught, np.newaxis]
    return SessionPaths(
        row=row[taught],
        seconds=seconds[taught],
        variance=seen[taught] / covered[taught],
        roots=np.sqrt(share).astype(np.float32),
    )


class History:
    """Paths of past sessions, by label; the oldest give way."""

    def __init__(self) -> None:
        self._paths: dict[int, list[SessionPaths]] = {}

    def keep(self, label: int, paths: list[SessionPaths]) -> None:
        """Keep what a session left behind."""
        self._paths[label] = paths
        if len(self._paths) > 2 * KEPT_SESSIONS:
            del self._paths[min(self._paths)]

    def before(
        self, label: int, recent: dict[int, list[SessionPaths]]
    ) -> Iterator[list[SessionPaths]]:
        """Yield the paths of the sessions before one label, the newest first."""
        known = {**self._paths, **recent}
        for earlier in sorted((each for each in known if each < label), reverse=True):
            yield known[earlier]


@dataclass(frozen=True, eq=False)
class Lesson:
    """What the past sessions of some rows add up to.

    ``sessions`` int64[k]; ``weighted``, ``weight`` float64[k] as `prior_variance` takes them;
    ``shaped`` int64[k], the sessions of the usual number of buckets among them, and ``roots``
    float64[k, m], the mean of their roots.
    """

    sessions: Int64s
    weighted: Floats
    weight: Floats
    shaped: Int64s
    roots: Floats


def learn(
    rows: Int64s,
    *,
    usual_seconds: Floats,
    usual_buckets: Int64s,
    past: Iterable[list[SessionPaths]],
    decay: float,
) -> Lesson:
    """Add up at most ``KEPT_SESSIONS`` past sessions of some rows.

    Parameters
    ----------
    rows : int64[k], ascending
    usual_seconds, usual_buckets : float64[k], int64[k]     of their usual sessions
    past : each session's paths, the newest first
    decay : float                       weight of a session against that of the one after it

    Returns
    -------
    Lesson    variances are scaled to the usual length; half days do not shape the profile
    """
    size, width = len(rows), int(usual_buckets.max(initial=1))
    sessions, shaped = np.zeros(size, np.int64), np.zeros(size, np.int64)
    weighted, weight = np.zeros(size), np.zeros(size)
    roots = np.zeros((size, width))
    for groups in past:
        for paths in groups:
            there, here = paths.of(rows)
            is_due = sessions[there] < KEPT_SESSIONS
            there, here = there[is_due], here[is_due]
            of_session = decay ** sessions[there]
            scale = usual_seconds[there] / paths.seconds[here]
            weighted[there] += of_session * paths.variance[here] * scale
            weight[there] += of_session
            sessions[there] += 1
            buckets = paths.roots.shape[1]
            is_usual = usual_buckets[there] == buckets
            if is_usual.any():
                roots[there[is_usual], :buckets] += paths.roots[here[is_usual]]
                shaped[there[is_usual]] += 1
        if sessions.min(initial=KEPT_SESSIONS) >= KEPT_SESSIONS:
            break
    mean = roots / np.maximum(shaped, 1)[:, np.newaxis]
    return Lesson(sessions=sessions, weighted=weighted, weight=weight, shaped=shaped, roots=mean)
