"""Session tables: what a venue's calendar, or a strike of its own, makes of the days.

A schedule is a venue with, optionally, another calendar and a strike: the time of day at which a
product is valued. Lunch breaks are ignored. Sessions without a strike end at the calendar's
close, half days included.
"""

import re
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

import numpy as np

from core.errors import ConfigError
from core.sessions import Int64s, SessionTable
from services.session_cache import CalendarSessions, cache_directory, calendar_sessions
from services.venues import Venue, VenueTable, local_ns, shipped_venues

ROUND_THE_CLOCK = "24/7"
"""The calendar whose sessions run from strike to strike, every day of the year."""
UNKNOWN_VENUE = "a MIC that services/venues.toml lists (others can be added there)"
"""What is expected of a cell that should name a venue."""


class ScheduleError(ConfigError):
    """No session table can be made; ``column`` of references.csv is the one to blame."""

    def __init__(self, column: str, expected: str, was: str) -> None:
        super().__init__(f"{column}: expected {expected}, was {was!r}")
        self.column = column
        self.expected = expected
        self.was = was


class Sessions(Protocol):
    """Anything that makes session tables as `session_table` does."""

    def __call__(
        self, venue: str, calendar: str = "", *, strike_time: str = "", strike_zone: str = ""
    ) -> SessionTable:
        """Return the table of one schedule."""
        ...


@dataclass(frozen=True)
class Strike:
    """A time of day at which sessions end."""

    clock: time
    zone: str

    def at(self, labels: Int64s) -> Int64s:
        """Return the instant of the strike on each date, int64[n] ns UTC."""
        zone = ZoneInfo(self.zone)
        return np.array([local_ns(int(label), self.clock, zone) for label in labels], np.int64)


def session_table(
    venue: str,
    calendar: str = "",
    *,
    strike_time: str = "",
    strike_zone: str = "",
    venues: VenueTable | None = None,
    cache: Path | None = None,
) -> SessionTable:
    """Return the sessions of one schedule, as the cells of references.csv name it.

    Parameters
    ----------
    venue : str           MIC; its zone is the one in which rows are shown
    calendar : str        another calendar than the venue's: a MIC or a library's name, e.g. "24/7"
    strike_time : str     "16:00": sessions end at this time of day instead of the calendar's close
    strike_zone : str     IANA zone of the strike; empty, the venue's
    venues : VenueTable   None, the project's own
    cache : Path          where computed calendars are kept; None, `cache_directory`

    Notes
    -----
    With a strike, a ``24/7`` session of date D runs from the strike on D-1 to the strike on D;
    its opening instant is the strike that ended the session before and belongs to that one. Any
    other calendar keeps its opens, and where it closes earlier or later than usual the strike
    moves by as much. Cut-offs are the venue's own where it keeps its own calendar's closes,
    else the close.

    Raises
    ------
    ScheduleError    a cell is not what was expected; only the first such cell is named
    """
    table = venues or shipped_venues()
    home = _venue(venue, table)
    name = _calendar_name(calendar or home.calendar, table)
    strike = _strike(strike_time, strike_zone, home.zone)
    known = calendar_sessions(name, cache or cache_directory())
    sessions = _corrected(known, table.venues.get(name))
    open_ns, close_ns = _struck(sessions, strike, name)
    cutoff_ns = close_ns
    if strike is None and name == home.calendar:
        cutoff_ns = close_ns - _before_close_ns(sessions.label, home)
    columns = (sessions.label, open_ns, close_ns, cutoff_ns)
    for column in columns:
        column.flags.writeable = False
    shown = venue if name == home.calendar else name
    suffix = f"@{strike.clock:%H:%M} {strike.zone}" if strike else ""
    return SessionTable(shown + suffix, home.zone, *columns)


def _venue(mic: str, table: VenueTable) -> Venue:
    if mic not in table.venues:
        raise ScheduleError("venue", UNKNOWN_VENUE, mic)
    return table.venues[mic]


def _calendar_name(name: str, table: VenueTable) -> str:
    if name not in table.calendars:
        expected = "24/7, or a MIC or calendar that services/venues.toml lists"
        raise ScheduleError("calendar", expected, name)
    return table.calendar_of(name)


def _strike(clock: str, zone: str, home_zone: str) -> Strike | None:
    if not clock:
        if zone:
            raise ScheduleError("strike_zone", "no zone where there is no strike_time", zone)
        return None
    if re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", clock, re.ASCII) is None:
        raise ScheduleError("strike_time", "a time of day like 16:00", clock)
    try:
        ZoneInfo(zone or home_zone)
    except (KeyError, ValueError, OSError) as e:
        raise ScheduleError("strike_zone", "an IANA time zone like America/New_York", zone) from e
    return Strike(time.fromisoformat(clock), zone or home_zone)


def _corrected(known: CalendarSessions, home: Venue | None) -> CalendarSessions:
    """Return the sessions with the corrections of the calendar's home venue put in."""
    if home is None or not home.corrections:
        return known
    zone = ZoneInfo(home.zone)
    times = np.stack([known.open_ns, known.close_ns, known.usual_close_ns], axis=1).tolist()
    sessions = dict(zip(known.label.tolist(), times, strict=True))
    for correction in home.corrections:
        label = correction.label
        if correction.hours is None:
            sessions.pop(label, None)
            continue
        open_ns, close_ns = (local_ns(label, clock, zone) for clock in correction.hours)
        usual_ns = sessions[label][2] if label in sessions else close_ns
        sessions[label] = [open_ns, close_ns, usual_ns]
    rows = [(label, *sessions[label]) for label in sorted(sessions)]
    return CalendarSessions(*np.ascontiguousarray(np.array(rows, np.int64).T))


def _struck(
    sessions: CalendarSessions, strike: Strike | None, calendar: str
) -> tuple[Int64s, Int64s]:
    """Return the opens and closes that a strike leaves, int64[n] each."""
    if strike is None:
        return sessions.open_ns, sessions.close_ns
    close_ns = strike.at(sessions.label)
    if calendar == ROUND_THE_CLOCK:
        return strike.at(sessions.label - 1), close_ns
    close_ns += sessions.close_ns - sessions.usual_close_ns
    early = close_ns <= sessions.open_ns
    late = close_ns[:-1] > sessions.open_ns[1:]
    for wrong, place in ((early, "after the open"), (late, "before the next open")):
        if wrong.any():
            day = np.datetime64(int(sessions.label[wrong.argmax()]), "D")
            expected = f"a time {place} on every day of {calendar}, {day} included"
            raise ScheduleError("strike_time", expected, f"{strike.clock:%H:%M} {strike.zone}")
    return sessions.open_ns, close_ns


def _before_close_ns(label: Int64s, venue: Venue) -> Int64s:
    """Return how long before each session's close the venue stops taking orders for it."""
    since = np.array([first for first, _ in venue.cutoffs], np.int64)
    before_ns = np.array([0, *(before for _, before in venue.cutoffs)], np.int64)
    return before_ns[np.searchsorted(since, label, side="right")]
