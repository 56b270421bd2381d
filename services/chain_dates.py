"""The date and time at a chain file's head, in the words of whoever downloaded it.

Cboe's page writes it in the language and zone of the browser: "January 7, 2024 at 10:52 AM EST",
"12 de enero de 2026, 13:36 GMT-5", "7. Januar 2024 um 16:52 MEZ".
"""

import re
import unicodedata
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from core.errors import ConfigError
from core.sessions import NANOS_PER_SECOND
from services.venues import EPOCH_ORDINAL

HOME_ZONE = ZoneInfo("America/New_York")
"""Zone of a time that names none: the exchange's."""

_MONTHS = (
    "jan ene gen",
    "feb fev",
    "mar mrt maa",
    "apr abr avr",
    "may mai mag mei",
    "jun juin giu",
    "jul juil lug",
    "aug ago aou",
    "sep set",
    "oct okt out ott",
    "nov",
    "dec dic dez",
)
"""How the names of months begin in English, German, French, Spanish, Italian, Portuguese and
Dutch, without accents; French June and July differ in the fourth letter."""
_MONTH = {word: number for number, words in enumerate(_MONTHS, 1) for word in words.split()}
_HOURS_EAST = {
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
    "GMT": 0, "UTC": 0, "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "CEST": 2, "MEZ": 1, "MESZ": 2,
    "HNE": -5, "HAE": -4,
}  # fmt: skip
"""What the abbreviations mean on a page of American options, east of UTC."""

_OFFSET = re.compile(r"\b(?:GMT|UTC)\s?([+−-]\d{1,2})(?::?(\d\d))?\b")
_YEAR_FIRST = re.compile(r"\b((?:19|20)\d\d)[-/.年]\s?(\d{1,2})[-/.月]\s?(\d{1,2})日?")
_YEAR_LAST = re.compile(r"\b(\d{1,2})([./-])(\d{1,2})[./-]((?:19|20)\d\d)\b")
_CLOCK = re.compile(r"(?<!\d)(\d{1,2})\s?[:.hH]\s?(\d\d)(?::(\d\d))?(?!\d)")
_HALF = re.compile(r"(?<![a-z])([ap])\.?\s?m(?![a-z])", re.IGNORECASE)
_ABBREVIATION = re.compile(r"\b[A-Z]{3,5}\b")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_DAY = re.compile(r"(?<!\d)\d{1,2}(?!\d)")
_WORD = re.compile(r"[a-z]{3,}")
_WEEKDAYS = frozenset({"martes", "mardi", "martedi", "maandag"})
"""Days of the week that begin as a month does."""
_NOON = 12
_MONTHS_A_YEAR = 12


def header_time_ns(text: str, *, file: str) -> int:
    """Return the instant that a head's date and time name, ns UTC.

    Raises
    ------
    ConfigError
        If there is none to be read, or more than one that it could be.
    """
    rest = _unaccented(text).strip()
    try:
        zone, rest = _zone(rest)
        day, rest = _numeric_date(rest)
        clock, rest = _clock(rest)
        local = datetime.combine(day or _worded_date(rest), clock, zone)
    except ValueError as error:
        raise ConfigError(
            f"{file}: expected a date and time at its head, such as "
            f"'January 7, 2024 at 10:52 AM EST', it was {text!r}: {error}"
        ) from error
    return round(local.timestamp()) * NANOS_PER_SECOND


def date_in(text: str) -> int | None:
    """Return the date that a text without a time names, days since 1970; None if unreadable."""
    plain = _unaccented(text).strip()
    try:
        day = _numeric_date(plain)[0] or _worded_date(plain)
    except ValueError:
        return None
    return day.toordinal() - EPOCH_ORDINAL


def is_header_time(text: str) -> bool:
    """Say whether a text may be a head's date and time: it has a year and a time of day."""
    return bool(_YEAR.search(text) and _CLOCK.search(text))


def _unaccented(text: str) -> str:
    # Narrow and unbreakable spaces become plain ones on the way.
    parts = unicodedata.normalize("NFKD", text)
    return "".join(" " if c.isspace() else c for c in parts if not unicodedata.combining(c))


def _zone(text: str) -> tuple[tzinfo, str]:
    offset = _OFFSET.search(text)
    if offset:
        hours = int(offset[1].replace("−", "-"))
        minutes = int(offset[2] or 0) * (-1 if hours < 0 else 1)
        return timezone(timedelta(hours=hours, minutes=minutes)), _without(text, offset)
    for found in _ABBREVIATION.finditer(text):
        if found[0] not in _HOURS_EAST:
            raise ValueError(f"the time zone {found[0]} is not known")
        return timezone(timedelta(hours=_HOURS_EAST[found[0]])), _without(text, found)
    return (UTC if text.endswith("Z") else HOME_ZONE), text


def _numeric_date(text: str) -> tuple[date | None, str]:
    found = _YEAR_FIRST.search(text)
    if found:
        return date(int(found[1]), int(found[2]), int(found[3])), _without(text, found)
    found = _YEAR_LAST.search(text)
    if found is None:
        return None, text
    first, second, year = int(found[1]), int(found[3]), int(found[4])
    if found[2] == "." or first > _MONTHS_A_YEAR or first == second:
        return date(year, second, first), _without(text, found)
    if second > _MONTHS_A_YEAR:
        return date(year, first, second), _without(text, found)
    raise ValueError(f"{found[0]} may be either of two days")


def _clock(text: str) -> tuple[time, str]:
    found = _CLOCK.search(text)
    if found is None:
        raise ValueError("it has no time of day")
    hour, minute, second = int(found[1]), int(found[2]), int(found[3] or 0)
    half = _HALF.search(text, found.end())
    if half:
        if not 1 <= hour <= _NOON:
            raise ValueError(f"{hour} is no hour of a half day")
        hour = hour % _NOON + (_NOON if half[1].lower() == "p" else 0)
    return time(hour, minute, second), _without(text, found)


def _worded_date(text: str) -> date:
    year, day = _YEAR.search(text), _DAY.search(text)
    months = {
        month
        for word in _WORD.findall(text.lower())
        if word not in _WEEKDAYS and (month := _MONTH.get(word[:4]) or _MONTH.get(word[:3]))
    }
    if year is None or day is None or len(months) != 1:
        raise ValueError("it has no day, month and year")
    return date(int(year[0]), months.pop(), int(day[0]))


def _without(text: str, found: re.Match[str]) -> str:
    return f"{text[: found.start()]} {text[found.end() :]}"


def compact_date(text: str) -> int | None:
    """Return the date that eight digits name, days since 1970; None if they name none."""
    if re.fullmatch(r"\d{8}", text, re.ASCII) is None:
        return None
    try:
        return date.fromisoformat(text).toordinal() - EPOCH_ORDINAL
    except ValueError:
        return None
