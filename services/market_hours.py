"""Which sessions are open, and how complete the view is of what they trade.

Market time says it while it moves, so that a replayed day is judged as the day itself. A feed that
died before the open moves it no more: then the host's clock opens sessions too, or nobody would
miss it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from core.columns import Bools, Int64s, View
from core.sessions import NO_SESSION, NO_TIME
from core.universe import Universe
from services.clock import Clock

MOVING_SECONDS = 10.0
"""Market time that has not moved for so long stands still; heartbeats move it each second."""


@dataclass(frozen=True)
class CalendarHours:
    """One calendar: is a session open, how many of its references, how well they are known.

    ``coverage`` is the share of their exposure, by the sum of |L (L - 1)| A, that is known and
    fresh, NaN where they have none (one without market time has none: ``unknown`` counts it). All
    figures are 0 or NaN while no session is open.
    """

    calendar: str
    is_open: bool
    references: int
    unknown: int
    coverage: float


class MarketHours:
    """Follows the views of one term and says what is open, also when no view comes any more."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: tuple[Universe, View] | None = None
        self._newest: Int64s = np.empty(0, np.int64)
        self._moved_at = np.empty(0)

    def see(self, view: View, universe: Universe) -> None:
        """Take the newest view, whose rows are the references of `universe`."""
        newest = np.full(len(universe.schedules), NO_TIME, np.int64)
        np.maximum.at(newest, universe.schedule, view.market_ns)
        now = self._clock.monotonic()
        if self._seen is None or self._seen[0] is not universe:
            self._moved_at = np.full(len(newest), now)
        else:
            self._moved_at[newest != self._newest] = now
        self._newest = newest
        self._seen = (universe, view)

    def calendars(self) -> Iterator[CalendarHours]:
        """Yield every calendar that has references; none before the first view."""
        if self._seen is None:
            return
        universe, view = self._seen
        in_session = _in_session(view)
        for number, schedule in enumerate(universe.schedules):
            rows = universe.schedule == number
            if not rows.any():
                continue
            is_open = bool((in_session & rows).any()) or self._opens_by_clock(universe, number)
            judged = rows & is_open
            known = judged & in_session & ~view.is_unknown
            yield CalendarHours(
                schedule.name,
                is_open=is_open,
                references=int(judged.sum()),
                unknown=int((judged & ~known).sum()),
                coverage=_coverage(view, judged, known),
            )

    def _opens_by_clock(self, universe: Universe, number: int) -> bool:
        if self._clock.monotonic() - self._moved_at[number] <= MOVING_SECONDS:
            return False
        now_ns = np.array([self._clock.now_ns()], np.int64)
        return bool(universe.schedules[number].positions_within(now_ns, 0)[0] >= 0)


def _in_session(view: View) -> Bools:
    is_in: Bools = (view.open_ns <= view.market_ns) & (view.market_ns <= view.close_ns)
    is_in &= view.label != NO_SESSION
    return is_in


def _coverage(view: View, judged: Bools, known: Bools) -> float:
    """Return the share of the exposure that is covered; what was never stated counts nowhere."""
    weight = np.nan_to_num(view.weight_usd)
    whole = float(weight[judged].sum())
    covered = np.nan_to_num(view.numeric["coverage"][known]) * weight[known]
    return float(covered.sum()) / whole if whole else float("nan")
