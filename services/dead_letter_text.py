"""What a dead letter is about, as text that is safe on a terminal."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import pyarrow as pa

from core.errors import BadInputError
from services.dead_letter_records import Letter
from streams.frames import is_frame, read_frame

_HEX_BYTES = 16
"""A line of a hex dump."""
_MAX_ROWS = 20
"""Rows of a frame that are shown in words."""
_NO_EVENTS = (
    BadInputError,
    pa.ArrowException,
    msgspec.DecodeError,
    ValueError,
    OverflowError,
    RecursionError,
    NotImplementedError,
)
"""What the bytes of a bad record may raise when they are taken for events."""


def printable(text: str) -> str:
    """Return text with everything escaped that a terminal would act on instead of showing it."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else _escaped(each) for each in text)


def time_text(time_ms: int) -> str:
    """Return a time in ms since 1970 as RFC 3339 in UTC; "" for 0, which is none."""
    if time_ms <= 0:
        return ""
    whole, rest = divmod(time_ms, 1000)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03}Z"


def events_of(raw: bytes) -> list[Mapping[str, Any]]:
    """Return the events that a record holds, as they stand; none where it cannot be understood."""
    try:
        if is_frame(raw):
            found: list[Mapping[str, Any]] = read_frame(raw).to_pylist()
            return found
        value = msgspec.json.decode(raw)
    except _NO_EVENTS:
        return []
    return [value] if isinstance(value, dict) else []


def gist(letter: Letter) -> str:
    """Return a letter in one line: what was wrong, or the row itself where nothing was told."""
    told = letter.message or letter.raw[:400].decode(errors="backslashreplace")
    return printable(told)


def raw_text(raw: bytes) -> str:
    """Return bytes as text, as `services.rejects` does; what is not UTF-8 is escaped."""
    return raw.decode(errors="backslashreplace")


def content_lines(raw: bytes) -> list[str]:
    """Return lines to read: the rows of a frame, the text if it is text, else a hex dump."""
    rows = events_of(raw) if is_frame(raw) else []
    if not rows:
        return _text_lines(raw) or _hex_dump(raw)
    shown = [
        "  ".join(f"{printable(str(name))}={printable(str(value))}" for name, value in row.items())
        for row in rows[:_MAX_ROWS]
    ]
    more = [f"… and {len(rows) - _MAX_ROWS:,} rows more"] if len(rows) > _MAX_ROWS else []
    count = f"{len(rows):,} row{'' if len(rows) == 1 else 's'}"
    return [f"an Arrow frame of {count}:", *shown, *more]


def _text_lines(raw: bytes) -> list[str]:
    """Return the lines of a text; none where it is no text, or more than a tenth of it is odd."""
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        # The last character of what was cut may lack its end.
        if error.end < len(raw) or error.start < len(raw) - 3:
            return []
        text = raw[: error.start].decode()
    lines = [line.expandtabs() for line in text.splitlines()]
    odd = sum(not each.isprintable() for line in lines for each in line)
    return [] if odd > len(text) // 10 else [printable(line) for line in lines]


def _hex_dump(raw: bytes) -> list[str]:
    return [
        f"{start:06x}  {part.hex(' '):<{3 * _HEX_BYTES}} {_letters(part)}"
        for start in range(0, len(raw), _HEX_BYTES)
        for part in [raw[start : start + _HEX_BYTES]]
    ]


def _letters(part: bytes) -> str:
    return "".join(chr(each) if 0x20 <= each < 0x7F else "." for each in part)  # noqa: PLR2004 (ASCII)


def _escaped(each: str) -> str:
    return each.encode("unicode_escape").decode()
