"""Event times as they travel: integer nanoseconds, or RFC 3339 text with an offset."""

import re
from datetime import UTC, datetime

from core.errors import BadInputError
from core.sessions import NANOS_PER_SECOND

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)?",
    re.ASCII,
)


def _ns(year: int) -> int:
    return int((datetime(year, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds()) * NANOS_PER_SECOND


EARLIEST_NS = _ns(1990)
"""Before any session we know; seconds, milliseconds or microseconds sent as ns fall below it."""
LATEST_NS = _ns(2116)
"""Times from here on would not be told from `core.sessions.NO_TIME` negated."""


def checked_ns(time_ns: int) -> int:
    """Return a time in ns unchanged.

    Raises
    ------
    BadInputError
        ``bad_event_time`` if it does not lie from 1990 to 2115.
    """
    if not EARLIEST_NS <= time_ns < LATEST_NS:
        raise BadInputError(
            "bad_event_time",
            f"expected nanoseconds since 1970 of a time from 1990 to 2115, it was {time_ns}",
        )
    return time_ns


def parse_time(text: str) -> int:
    """Return the ns UTC of an RFC 3339 text; up to nine digits of fraction are kept.

    Raises
    ------
    BadInputError
        ``naive_time`` without an offset, ``bad_event_time`` for everything else that is no time.
    """
    match = _TIME.fullmatch(text)
    if match is None:
        raise _not_a_time(text)
    day, time, fraction, offset = match.groups()
    if offset is None:
        raise BadInputError("naive_time", f"expected a time with its offset, it was {text!r}")
    zone = "+00:00" if offset in "Zz" else offset
    try:
        since = datetime.fromisoformat(f"{day}T{time}{zone}") - _EPOCH
    except ValueError as error:
        raise _not_a_time(text) from error
    seconds = since.days * 86_400 + since.seconds
    return checked_ns(seconds * NANOS_PER_SECOND + int((fraction or "").ljust(9, "0")))


def _not_a_time(text: str) -> BadInputError:
    return BadInputError(
        "bad_event_time",
        "expected integer nanoseconds or a time like 2026-06-23T15:10:00.25-04:00, "
        f"it was {text[:64]!r}",
    )
