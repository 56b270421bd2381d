"""One event judged value by value: exact about what is wrong, and slower than whole columns."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from core.errors import BadInputError
from streams.event_kinds import BAD_NUMBER, KINDS, EventKind, Row, shown
from streams.event_times import checked_ns, parse_time

HEARTBEAT = "heartbeat"
"""Key of the name of a source that says: all up to ``event_time`` has been sent."""


@dataclass(frozen=True)
class Heartbeat:
    """All that `source` has up to `event_ns` was sent before this."""

    source: str
    event_ns: int


def read_fields(kind: EventKind, found: object, known: Mapping[str, int]) -> Row | Heartbeat:
    """Return the event or heartbeat that decoded fields are.

    Parameters
    ----------
    found : object                 what was decoded; only a mapping of names can be an event
    known : mapping str -> int     names of the universe; nothing else of other events is judged

    Raises
    ------
    BadInputError
        For the first thing that is wrong.
    """
    if not isinstance(found, Mapping):
        raise BadInputError("malformed", f"expected a JSON object, it was {shown(found)}")
    # As in the columns of a frame, null means that there is none.
    fields = {name: value for name, value in found.items() if value is not None}
    if kind.key not in fields:
        return _keyless(kind, fields)
    key = _text(fields, kind.key, "")
    if key and key not in known:
        return kind.row(event_time=0, key=key)
    if not key:
        raise BadInputError(f"bad_{kind.key}", f"expected a {kind.key}, it was empty")
    _require(fields, "event_time", kind.figure)
    extra = _text(fields, kind.extra, kind.no_extra)
    kind.extra_code(extra)
    return kind.row(
        event_time=_time(fields["event_time"]),
        key=key,
        figure=_figure(kind, fields[kind.figure]),
        sequence=_sequence(fields.get("sequence", 0)),
        source=_text(fields, "source", ""),
        extra=extra,
        volume=_volume(fields.get("volume", 0.0)) if kind.positive else 0.0,
    )


def _keyless(kind: EventKind, fields: Mapping[str, Any]) -> Heartbeat:
    if HEARTBEAT in fields:
        _require(fields, "event_time")
        return Heartbeat(_text(fields, HEARTBEAT, ""), _time(fields["event_time"]))
    raise keyless_error(kind, fields)


def keyless_error(kind: EventKind, names: Collection[str]) -> BadInputError:
    """Return the error of an event of these names, which has no key and is no heartbeat."""
    for other in KINDS:
        if other.key in names and other is not kind:
            return BadInputError(
                "wrong_topic",
                f"expected events with {kind.key} and {kind.figure} on the topic {kind.topic}, "
                f"this one has {other.key} as those of {other.topic}",
            )
    return missing_error(kind.key, names)


def missing_error(name: str, names: Collection[str]) -> BadInputError:
    """Return the error of an event of these names, which lacks one of them."""
    keys = ", ".join(sorted(map(str, names))) or "none"
    return BadInputError("missing_key", f"expected the key {name}, the keys were {keys[:200]}")


def _require(fields: Mapping[str, Any], *names: str) -> None:
    for name in names:
        if name not in fields:
            raise missing_error(name, fields)


def _text(fields: Mapping[str, Any], name: str, absent: str) -> str:
    value = fields.get(name, absent)
    if not isinstance(value, str):
        raise BadInputError(f"bad_{name}", f"expected {name} as text, it was {shown(value)}")
    return value


def _time(value: object) -> int:
    if isinstance(value, str):
        return parse_time(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return checked_ns(value)
    raise BadInputError(
        "bad_event_time",
        f"expected event_time as integer nanoseconds or text, it was {shown(value)}",
    )


def _figure(kind: EventKind, value: object) -> float:
    number = _number(value)
    if not math.isfinite(number) or (kind.positive and number <= 0):
        raise kind.figure_error(value)
    return number


def _volume(value: object) -> float:
    number = _number(value)
    if not math.isfinite(number) or number < 0:
        raise BadInputError(
            "bad_volume", f"expected a finite volume of 0 or more, it was {shown(value)}"
        )
    return number


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _sequence(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= -BAD_NUMBER:
        raise BadInputError(
            "bad_sequence", f"expected sequence as an integer below 2^62, it was {shown(value)}"
        )
    return value
