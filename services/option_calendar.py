"""When option contracts settle, and of which session an open interest is.

Listed options in the United States settle by the sessions of the New York Stock Exchange, half
days and holidays included, index options and options on index futures too.
"""

from dataclasses import dataclass
from datetime import datetime, time
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np

from core.columns import Bools, Int64s
from core.sessions import NANOS_PER_SECOND, NO_SESSION, NO_TIME, SessionTable
from services.calendars import session_table
from services.option_roots import Settles
from services.venues import EPOCH_ORDINAL, local_ns

VENUE = "XNYS"
PUBLICATION = time(6, 0)
"""New York; the clearing house's levels of the evening before are out by 06:30."""
_FRIDAY = 4
_EPOCH_WEEKDAY = 3
_WEEK = 7


@dataclass(frozen=True, eq=False)
class OptionCalendar:
    """The sessions that options keep."""

    table: SessionTable

    @property
    def zone(self) -> str:
        """IANA zone in which times of options are shown."""
        return self.table.zone

    def settlement_ns(self, expiry: Int64s, *, settles: Settles) -> Int64s:
        """Return the instant at which contracts of a root settle.

        Parameters
        ----------
        expiry : int64[n]    dates of expiry, days since 1970; a date without a session (the
            Saturdays of old) stands for the session before

        Returns
        -------
        int64[n] ns UTC, ``NO_TIME`` where no session is known for the date
        """
        position = self._session_by(expiry)
        at_open = np.full(len(expiry), settles == "open")
        if settles == "monthly-open":
            at_open = self._is_monthly(expiry)
        chosen = np.maximum(position, 0)
        instant = np.where(at_open, self.table.open_ns[chosen], self.table.close_ns[chosen])
        return np.where(position >= 0, instant, NO_TIME)

    def open_interest_label(self, time_ns: int) -> int:
        """Return the session whose open interest is the newest at a time, ``NO_SESSION`` if none.

        Levels are published before the session they are of; on a day without a session the
        newest are still the last session's.
        """
        zone = ZoneInfo(self.zone)
        today = datetime.fromtimestamp(time_ns // NANOS_PER_SECOND, zone)
        label = today.toordinal() - EPOCH_ORDINAL
        if time_ns < local_ns(label, PUBLICATION, zone):
            label -= 1
        position = int(np.searchsorted(self.table.label, label, side="right")) - 1
        return int(self.table.label[position]) if position >= 0 else NO_SESSION

    def next_label(self, time_ns: int) -> int:
        """Return the session that closes next, ``NO_SESSION`` past the last one."""
        position = int(np.searchsorted(self.table.close_ns, time_ns))
        return int(self.table.label[position]) if position < len(self.table.label) else NO_SESSION

    def closed_after(self, expiry: int, time_ns: int) -> int:
        """Return how many sessions after that of an expiry have closed by a time."""
        closed = int(np.searchsorted(self.table.close_ns, time_ns, side="right"))
        own = int(np.searchsorted(self.table.label, expiry, side="right"))
        return max(closed - own, 0)

    def close_of(self, label: int) -> int | None:
        """Return the close of the session of a date, ns UTC, None where it has none."""
        position = int(np.searchsorted(self.table.label, label))
        is_there = position < len(self.table.label) and self.table.label[position] == label
        return int(self.table.close_ns[position]) if is_there else None

    def _session_by(self, day: Int64s) -> Int64s:
        """Return the position of the last session up to each date, -1 outside the table."""
        label = self.table.label
        position = np.searchsorted(label, day, side="right") - 1
        # Past the last session nothing is known of holidays.
        return np.where(day <= label[-1], position, -1)

    def _is_monthly(self, expiry: Int64s) -> Bools:
        """Mark standard monthly expiries: third Fridays, or the session before a closed one."""
        third = _third_fridays(expiry)
        same: Bools = (expiry <= third + 1) & (self._session_by(expiry) == self._session_by(third))
        return same


@cache
def option_calendar() -> OptionCalendar:
    """Return the calendar of listed options, made once."""
    return OptionCalendar(session_table(VENUE))


def _third_fridays(day: Int64s) -> Int64s:
    """Return the third Friday of each date's month, days since 1970."""
    first = day.astype("datetime64[D]").astype("datetime64[M]").astype("datetime64[D]")
    first_day = first.astype(np.int64)
    weekday = (first_day + _EPOCH_WEEKDAY) % _WEEK
    third: Int64s = first_day + (_FRIDAY - weekday) % _WEEK + 2 * _WEEK
    return third
