"""The recorded five-minute bars as sessions of New York."""

import csv
from collections.abc import Sequence
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import numpy as np

from core.columns import Floats
from core.sessions import NANOS_PER_SECOND, SessionTable
from tests.evidence.session_paths import Sessions
from tests.support.real_data import FOLDER

NEW_YORK = ZoneInfo("America/New_York")
HALF_DAYS = {date(2025, 7, 3), date(2025, 11, 28), date(2025, 12, 24)}
OPEN_MINUTE, BUCKET_MINUTES = 570, 5
REFERENCES = ("QQQ", "SPY", "SMH", "NVDA", "TSLA", "MSTR", "COIN")
FUNDS = ("TQQQ", "SQQQ", "SPXL", "SPXS", "SOXL", "SOXS", "TSLL", "NVDL")
CHECKPOINTS = {
    78: {"11:00": 18, "13:00": 42, "14:30": 60, "15:30": 72, "15:45": 75},
    42: {"11:00": 18, "12:30": 36},
}
"""Buckets closed at each checkpoint, by the number of the session's buckets."""
WARM_UP_SESSIONS = 40


def recorded_sessions(symbols: Sequence[str]) -> Sessions:
    """Read the sessions that all symbols have; bars are stamped at their start."""
    bars = [_closes_by_day(symbol) for symbol in symbols]
    days = sorted(set.intersection(*(set(each) for each in bars)))
    return Sessions(
        symbol=symbols,
        table=_table(days),
        closes=[np.stack([each[day] for each in bars]) for day in days],
        before=np.array([each[days[0]][0] for each in bars]),
    )


def _closes_by_day(symbol: str) -> dict[date, Floats]:
    days: dict[date, Floats] = {}
    with (FOLDER / "intraday" / "5min" / f"{symbol}.csv").open() as file:
        for bar in csv.DictReader(file):
            stamp = datetime.fromisoformat(bar["datetime"])
            buckets = 42 if stamp.date() in HALF_DAYS else 78
            bucket = (stamp.hour * 60 + stamp.minute - OPEN_MINUTE) // BUCKET_MINUTES
            if 0 <= bucket < buckets:
                closes = days.setdefault(stamp.date(), np.full(buckets, np.nan))
                closes[bucket] = float(bar["close"])
    return days


def _table(days: Sequence[date]) -> SessionTable:
    opens = [_at(day, time(9, 30)) for day in days]
    closes = [_at(day, time(13) if day in HALF_DAYS else time(16)) for day in days]
    return SessionTable(
        name="XNYS",
        zone="America/New_York",
        label=np.array([(day - date(1970, 1, 1)).days for day in days], np.int64),
        open_ns=np.array(opens, np.int64),
        close_ns=np.array(closes, np.int64),
        cutoff_ns=np.array(closes, np.int64) - 600 * NANOS_PER_SECOND,
    )


def _at(day: date, clock: time) -> int:
    return int(datetime.combine(day, clock, NEW_YORK).timestamp()) * NANOS_PER_SECOND
