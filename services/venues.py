"""The venue table: zone, calendar, dated cut-offs and corrections of each market, from TOML."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from core.errors import ConfigError
from core.sessions import NANOS_PER_SECOND
from services.durations import parse_duration_ns

VENUES_FILE = Path(__file__).with_name("venues.toml")
"""The table the project ships."""

EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
"""Python's day number of label 0."""

_VENUE_KEYS = frozenset({"zone", "calendar", "cutoffs", "corrections"})


@dataclass(frozen=True)
class Correction:
    """What replaces a session of the library: local (open, close), or None for no session."""

    label: int
    hours: tuple[time, time] | None


@dataclass(frozen=True)
class Venue:
    """One market.

    ``calendar`` is a name of exchange-calendars; ``cutoffs`` holds (first session label, ns
    before the close), ascending by label; ``corrections`` hold for the calendar of this name.
    """

    mic: str
    zone: str
    calendar: str
    cutoffs: tuple[tuple[int, int], ...] = ()
    corrections: tuple[Correction, ...] = ()


@dataclass(frozen=True, eq=False)
class VenueTable:
    """All venues by MIC, and ``calendars``: every name a reference's calendar may have."""

    venues: Mapping[str, Venue]
    calendars: frozenset[str]

    def calendar_of(self, name: str) -> str:
        """Return the library's calendar for a venue's MIC or for a calendar's own name."""
        return self.venues[name].calendar if name in self.venues else name


@cache
def shipped_venues() -> VenueTable:
    """Return the project's own table."""
    return load_venues(VENUES_FILE)


def load_venues(path: Path) -> VenueTable:
    """Return the venue table of a TOML file.

    Raises
    ------
    ConfigError    the file is not TOML, or an entry is not of the shape described at its head
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        venues = {mic: _venue(mic, entry) for mic, entry in content["venues"].items()}
        extra = frozenset(str(name) for name in content.get("calendars", ()))
    except (KeyError, TypeError, ValueError, AttributeError, OSError, ConfigError) as e:
        raise ConfigError(f"{path}: expected a table of venues as its head says, was {e!r}") from e
    names = {name for venue in venues.values() for name in (venue.mic, venue.calendar)}
    return VenueTable(venues, extra | names)


def local_ns(label: int, clock: time, zone: ZoneInfo) -> int:
    """Return the instant, ns UTC, at which local clocks in `zone` show `clock` on a date."""
    day = date.fromordinal(label + EPOCH_ORDINAL)
    return round(datetime.combine(day, clock, zone).timestamp()) * NANOS_PER_SECOND


def _venue(mic: str, entry: Mapping[str, Any]) -> Venue:
    unknown = set(entry) - _VENUE_KEYS
    if unknown:
        raise ValueError(f"{mic}: expected the keys {sorted(_VENUE_KEYS)}, was {sorted(unknown)}")
    zone = str(ZoneInfo(entry["zone"]))
    cutoffs = sorted(_cutoff(cutoff) for cutoff in entry.get("cutoffs", ()))
    corrections = tuple(_correction(item) for item in entry.get("corrections", ()))
    return Venue(mic, zone, str(entry.get("calendar", mic)), tuple(cutoffs), corrections)


def _cutoff(entry: Mapping[str, Any]) -> tuple[int, int]:
    return _label(entry["effective_at"]), parse_duration_ns(entry["before_close"])


def _correction(entry: Mapping[str, Any]) -> Correction:
    label = _label(entry["session"])
    if entry.get("closed"):
        return Correction(label, None)
    hours = time.fromisoformat(entry["open"]), time.fromisoformat(entry["close"])
    return Correction(label, hours)


def _label(day: date) -> int:
    return day.toordinal() - EPOCH_ORDINAL
