"""Rows of open interest in the project's own layout: a test names what it is about."""

import json
from collections.abc import Iterable
from pathlib import Path

from services.event_files import ReadOptions
from services.option_events import OpenInterestEvents, read_open_interest
from tests.support.chain_texts import write


def level(**fields: object) -> dict[str, object]:
    """Return one row: a call of ACME at 100, 10 contracts at 20 %; None leaves a key out."""
    plain: dict[str, object] = {
        "underlying": "ACME",
        "expiry": "2026-07-17",
        "strike": 100.0,
        "right": "call",
        "open_interest": 10,
        "implied_volatility": 0.2,
        "event_time": "2026-06-22T06:31:00-04:00",
    }
    return {name: value for name, value in (plain | fields).items() if value is not None}


def no_levels() -> OpenInterestEvents:
    """Return the open interest of no file."""
    return read_open_interest((), ReadOptions())


def json_file(path: Path, rows: Iterable[object]) -> Path:
    """Write rows as JSON lines; a text is written as it is."""
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    return write(path, "\n".join([*lines, ""]))
