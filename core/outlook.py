"""What each row expects of its session, learnt from earlier ones, and what is still to come."""

import numpy as np

from core.columns import Floats, Int64s
from core.day import BUCKET_NS, Day
from core.history import (
    History,
    SessionPaths,
    learn,
    session_closes,
    session_paths,
)
from core.row_calendar import RowCalendar
from core.sessions import NANOS_PER_SECOND, NO_SESSION
from core.volatility import (
    ALL_DAY_SECONDS,
    SESSION_DECAY,
    default_gone,
    gone_at,
    learnt_profile,
    prior_variance,
    squared_returns,
    stated_variance,
    variance_to_come,
)

BLOCK_ROWS = 256
"""Rows measured at a time: their buckets stay in the processor's cache, which is 4 times faster."""


class Path:
    """The squared returns of one session so far, kept up to date row by row.

    ``seen`` float64[n], their sum; ``returns`` int64[n], their number; ``begin_ns`` int64[n], from
    when on they are seen: the end of the first bucket that has a price, the close while there is
    none.
    """

    def __init__(self, day: Day) -> None:
        size = len(day.first_ns)
        self.seen = np.zeros(size)
        self.returns = np.zeros(size, np.int64)
        self.begin_ns = day.close_ns.copy()
        self.version = 0
        self._taken = np.full(size * day.buckets_per_row, np.nan).view(np.int64)

    def update(self, day: Day) -> Int64s:
        """Take over the buckets that changed since the last time; return their rows."""
        if day.buckets is None:
            return np.empty(0, np.int64)
        # Compared as bits, so that an empty bucket (NaN) equals itself.
        bits = day.buckets.value.view(np.int64)
        changed = np.flatnonzero(bits != self._taken)
        rows = np.unique(changed // day.buckets_per_row)
        if len(rows):
            self.version += 1
            self._taken[changed] = bits[changed]
            for start in range(0, len(rows), BLOCK_ROWS):
                self._measure(day, day.buckets.value, rows[start : start + BLOCK_ROWS])
        return rows

    def _measure(self, day: Day, buckets: Floats, rows: Int64s) -> None:
        closes = buckets.reshape(-1, day.buckets_per_row)[rows]
        self.seen[rows] = squared_returns(closes).sum(axis=1)
        filled = ~np.isnan(closes)
        self.returns[rows] = filled.sum(axis=1) - 1
        first = np.argmax(filled, axis=1)
        self.begin_ns[rows] = day.first_ns[rows] + (first + 1) * BUCKET_NS


class Outlook:
    """The variance to come of a book's rows.

    Parameters
    ----------
    calendar : RowCalendar
    size : int              rows of the book

    Attributes
    ----------
    history : History       what sessions that are no longer whole have left behind

    Notes
    -----
    Everything is computed from bucket slots: of the row's session when it is asked for, of the
    sessions before it when the row is set up. A session that is no longer whole has left its
    path behind as it was; prices that come for it later than that teach nothing.
    """

    def __init__(self, calendar: RowCalendar, size: int) -> None:
        self.history = History()
        self._paths: dict[int, Path] = {}
        self._measured: dict[int, tuple[int, list[SessionPaths]]] = {}
        self._usual_seconds = calendar.usual_seconds()
        usual_ns = self._usual_seconds * NANOS_PER_SECOND
        self._usual_buckets = np.maximum(np.ceil(usual_ns / BUCKET_NS), 1).astype(np.int64)
        self._prior = np.full(size, np.nan)
        self._profile = np.ones((size, int(self._usual_buckets.max(initial=1)) + 1))

    def follow(self, days: dict[int, Day], label: Int64s) -> Int64s:
        """Take over what changed in the whole sessions of a book.

        ``label`` int64[n], the session each row stands in. Returns the rows whose earlier
        sessions changed: they are due to be set up again.
        """
        late = [np.empty(0, np.int64)]
        for day in days.values():
            if day.buckets is not None:
                rows = self._path(day).update(day)
                late.append(rows[label[rows] > day.label])
        return np.concatenate(late)

    def retire(self, day: Day) -> None:
        """Keep what a session that is about to lose its buckets leaves behind."""
        self.history.keep(day.label, session_closes(day))
        self._paths.pop(day.label, None)
        self._measured.pop(day.label, None)

    def set_up(
        self, rows: Int64s, *, day: Day, days: dict[int, Day], daily_volatility: Floats
    ) -> None:
        """Compute anew what some rows (ascending) expect of one session.

        ``day`` is the session, ``daily_volatility`` float64[n] is stated for it, NaN = unknown.
        """
        seconds, buckets = self._usual_seconds[rows], self._usual_buckets[rows]
        recent = {
            earlier.label: self._measure(earlier)
            for earlier in days.values()
            if earlier.label < day.label and earlier.buckets is not None
        }
        lesson = learn(
            rows,
            usual_seconds=seconds,
            usual_buckets=buckets,
            past=self.history.before(day.label, recent),
            decay=SESSION_DECAY,
        )
        prior = prior_variance(
            stated_variance(daily_volatility[rows], seconds),
            weighted=lesson.weighted,
            weight=lesson.weight,
            sessions=lesson.sessions,
        )
        length = (day.close_ns - day.first_ns)[rows] / NANOS_PER_SECOND
        self._prior[rows] = prior * length / seconds
        for count in np.unique(buckets).tolist():
            here = np.flatnonzero(buckets == count)
            is_all_day = bool(seconds[here[0]] >= ALL_DAY_SECONDS)
            default = default_gone(np.arange(count + 1) / count, is_all_day=is_all_day)
            profile = learnt_profile(lesson.roots[here, :count], lesson.shaped[here], default)
            self._profile[rows[here], : count + 1] = profile

    def variance(
        self, days: dict[int, Day], *, label: Int64s, market_ns: Int64s, close_ns: Int64s
    ) -> Floats:
        """Return the variance of each row's log price until its close, float64[n].

        0 from the close on, whatever is known; NaN where nothing is known to expect, and where
        a row has no session.
        """
        to_come = np.full(len(label), np.nan)
        for each in np.unique(label[label != NO_SESSION]).tolist():
            rows = np.flatnonzero(label == each)
            to_come[rows] = self._of_session(rows, days[each])
        is_over = (label != NO_SESSION) & (market_ns >= close_ns)
        return np.where(is_over, 0.0, to_come)

    def _of_session(self, rows: Int64s, day: Day) -> Floats:
        path = self._path(day)
        buckets = self._usual_buckets[rows]
        first_ns = day.first_ns[rows]
        length_ns = day.close_ns[rows] - first_ns
        last_ns = np.clip(day.trades.event_ns[rows] - first_ns, 0, length_ns)
        begin_ns = np.minimum(path.begin_ns[rows] - first_ns, last_ns)
        return variance_to_come(
            self._prior[rows],
            seen=path.seen[rows],
            returns=path.returns[rows],
            gone_from=gone_at(self._profile, rows, buckets=buckets, elapsed=begin_ns / length_ns),
            gone=gone_at(self._profile, rows, buckets=buckets, elapsed=last_ns / length_ns),
        )

    def _path(self, day: Day) -> Path:
        path = self._paths.get(day.label)
        if path is None:
            path = self._paths[day.label] = Path(day)
        return path

    def _measure(self, day: Day) -> list[SessionPaths]:
        version = self._path(day).version
        measured = self._measured.get(day.label)
        if measured is None or measured[0] != version:
            measured = self._measured[day.label] = (
                version,
                session_paths(session_closes(day)),
            )
        return measured[1]
