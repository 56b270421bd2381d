"""Rows as people read them: times with their offset, unknown as None."""

import numpy as np
import pytest

from core.sessions import NO_SESSION, NO_TIME
from services.rows import session_text, time_text

NOON_UTC = 1_782_216_000 * 10**9  # 2026-06-23T12:00:00Z


@pytest.mark.parametrize(
    ("time_ns", "zone", "text"),
    [
        (NOON_UTC, "America/New_York", "2026-06-23T08:00:00-04:00"),
        (NOON_UTC, "Asia/Seoul", "2026-06-23T21:00:00+09:00"),
        (NOON_UTC, "Asia/Kolkata", "2026-06-23T17:30:00+05:30"),
        (NOON_UTC, "UTC", "2026-06-23T12:00:00+00:00"),
        (NOON_UTC + 250_000_000, "UTC", "2026-06-23T12:00:00.25+00:00"),
        (NOON_UTC + 1, "UTC", "2026-06-23T12:00:00.000000001+00:00"),
        (1_793_512_799 * 10**9, "America/New_York", "2026-11-01T01:59:59-04:00"),
        (1_793_512_800 * 10**9, "America/New_York", "2026-11-01T01:00:00-05:00"),
        (NO_TIME, "UTC", None),
    ],
)
def test_times_carry_the_offset_of_their_zone(time_ns: int, zone: str, text: str | None) -> None:
    assert time_text(time_ns, zone) == text


def test_sessions_are_dates() -> None:
    assert session_text(int(np.datetime64("2026-06-23").astype(int))) == "2026-06-23"
    assert session_text(NO_SESSION) is None
