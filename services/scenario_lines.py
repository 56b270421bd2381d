"""The simulated market as JSON lines: times with their offset, prices with their decimals."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from core.sessions import NANOS_PER_SECOND
from core.universe import Int64s
from services.scenario_sessions import decimals, price_scale
from services.scenario_trades import Trades

DISORDER_SHARE = 0.001
"""Share of the rows that arrive late, and share of the rows that arrive twice."""
LATE_ROWS = 200
"""A late or repeated row stands at most this many rows after its place."""


def price_lines(everyone: Sequence[Trades], random: np.random.Generator) -> list[str]:
    """Return one line a price, by event time but for the deliberate disorder."""
    event_ns = np.concatenate([trades.event_ns for trades in everyone])
    lines = [line for trades in everyone for line in _lines(trades)]
    in_time = np.argsort(event_ns, kind="stable")
    return [lines[at] for at in in_time[disorder(len(in_time), random)]]


def disorder(rows: int, random: np.random.Generator) -> Int64s:
    """Return the places of the rows as they arrive: some late, some a second time."""
    count = round(rows * DISORDER_SHARE)
    chosen = random.choice(rows, 2 * count, replace=False)
    moved_by = random.integers(1, LATE_ROWS + 1, 2 * count) + 0.5
    key = np.arange(rows, dtype=np.float64)
    key[chosen[:count]] += moved_by[:count]
    repeated = chosen[count:]
    place = np.concatenate([np.arange(rows), repeated])
    return place[np.argsort(np.concatenate([key, repeated + moved_by[count:]]), kind="stable")]


def event_times(event_ns: Int64s, zone: str) -> list[str]:
    """Return RFC 3339 times with the zone's offset, to the millisecond."""
    hour_ns = 3600 * NANOS_PER_SECOND
    hours, inverse = np.unique(event_ns // hour_ns, return_inverse=True)
    offsets = np.array([_offset_seconds(int(hour) * 3600, zone) for hour in hours], np.int64)
    local_ns = event_ns + offsets[inverse] * NANOS_PER_SECOND
    suffixes = np.array([_offset_text(int(seconds)) for seconds in offsets])[inverse]
    stamps: npt.NDArray[np.str_] = np.datetime_as_string(local_ns.astype("datetime64[ns]"), "ms")
    return [stamp + suffix for stamp, suffix in zip(stamps, suffixes, strict=True)]


def json_line(row: dict[str, Any]) -> str:
    """Return one row as a line, without its end."""
    return json.dumps(row, ensure_ascii=False)


def _lines(trades: Trades) -> list[str]:
    instrument = trades.session.instrument
    numerator, denominator = price_scale(instrument.price_step)
    shown = f".{decimals(instrument.price_step)}f"
    head = f'{{"symbol": {json.dumps(instrument.feed_symbol)}, "event_time": "'
    times = event_times(trades.event_ns, trades.session.zone)
    prices = (trades.steps * numerator / denominator).tolist()
    lines = []
    sequence = 0
    for time, price, is_official in zip(times, prices, trades.is_official.tolist(), strict=True):
        if is_official:
            tail = '"kind": "official_close"'
        else:
            sequence += 1
            tail = f'"sequence": {sequence}'
        lines.append(f'{head}{time}", "price": {price:{shown}}, {tail}}}')
    return lines


def _offset_seconds(utc_seconds: int, zone: str) -> int:
    offset = datetime.fromtimestamp(utc_seconds, UTC).astimezone(ZoneInfo(zone)).utcoffset()
    return round(offset.total_seconds()) if offset is not None else 0


def _offset_text(seconds: int) -> str:
    sign = "-" if seconds < 0 else "+"
    hours, rest = divmod(abs(seconds), 3600)
    return f"{sign}{hours:02d}:{rest // 60:02d}"
