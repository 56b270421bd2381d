"""What past sessions leave behind for the forecast: their variance and its spread over the day."""

from collections.abc import Iterable, Iterator, Sequence
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


@dataclass(frozen=True, eq=False)
class SessionCloses:
    """Five-minute closes of rows whose sessions of one label have the same number of buckets.

    ``row`` int64[k], ascending; ``seconds`` float64[k], lengths; ``closes`` float64[k, buckets],
    NaN where a bucket has no price.
    """

    row: Int64s
    seconds: Floats
    closes: Floats


def session_closes(day: Day) -> list[SessionCloses]:
    """Return the five-minute closes of a whole session; rows without a price are left out."""
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
        groups.append(SessionCloses(row, seconds, closes[row, :buckets]))
    return groups


def session_paths(groups: Iterable[SessionCloses]) -> list[SessionPaths]:
    """Measure a session from its five-minute closes; rows with too few prices are left out."""
    return [_paths(group.row, group.seconds, group.closes) for group in groups]


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
    """Five-minute closes of past sessions, and the paths they make; the oldest give way."""

    def __init__(self) -> None:
        self._closes: dict[int, list[SessionCloses]] = {}
        self._paths: dict[int, list[SessionPaths]] = {}

    def closes(self, label: int) -> list[SessionCloses]:
        """Return what is kept of a session, nothing where it is not known."""
        return self._closes.get(label, [])

    def labels(self) -> list[int]:
        """Return the sessions of which something is kept, ascending."""
        return sorted(self._closes)

    def keep(self, label: int, groups: Sequence[SessionCloses]) -> None:
        """Add what a session left behind; where two closes of a bucket differ the new one counts.

        A session's length is a fact of its schedule: a row is of the same group each time.
        """
        kept = {group.closes.shape[1]: group for group in self._closes.get(label, [])}
        for group in groups:
            buckets = group.closes.shape[1]
            kept[buckets] = _joined(kept[buckets], group) if buckets in kept else group
        self._closes[label] = list(kept.values())
        self._paths.pop(label, None)
        if len(self._closes) > 2 * KEPT_SESSIONS:
            oldest = min(self._closes)
            del self._closes[oldest]
            self._paths.pop(oldest, None)

    def before(
        self, label: int, recent: dict[int, list[SessionPaths]]
    ) -> Iterator[list[SessionPaths]]:
        """Yield the paths of the sessions before one label, the newest first."""
        known = self._closes.keys() | recent.keys()
        for earlier in sorted((each for each in known if each < label), reverse=True):
            yield recent[earlier] if earlier in recent else self._measured(earlier)

    def _measured(self, label: int) -> list[SessionPaths]:
        paths = self._paths.get(label)
        if paths is None:
            paths = self._paths[label] = session_paths(self._closes[label])
        return paths


def _joined(kept: SessionCloses, new: SessionCloses) -> SessionCloses:
    row = np.union1d(kept.row, new.row)
    seconds = np.empty(len(row))
    closes = np.full((len(row), kept.closes.shape[1]), np.nan)
    for group in (kept, new):
        at = np.searchsorted(row, group.row)
        seconds[at] = group.seconds
        closes[at] = np.where(np.isnan(group.closes), closes[at], group.closes)
    return SessionCloses(row, seconds, closes)


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
