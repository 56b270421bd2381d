from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInputError
from streams.event_times import EARLIEST_NS, LATEST_NS, checked_ns, parse_time

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected_ns"),
    [
        ("2026-06-23T14:00:00Z", 1_782_223_200_000_000_000),
        ("2026-06-23T10:00:00-04:00", 1_782_223_200_000_000_000),
        ("2026-06-23t14:00:00z", 1_782_223_200_000_000_000),
        ("2026-06-23 14:00:00+00:00", 1_782_223_200_000_000_000),
        ("2026-06-23T14:00:00.5Z", 1_782_223_200_500_000_000),
        ("2026-06-23T14:00:00.123456789Z", 1_782_223_200_123_456_789),
        ("2026-06-23T14:00+00:00", 1_782_223_200_000_000_000),
        ("2026-06-23T23:00:00+09:00", 1_782_223_200_000_000_000),
    ],
)
def test_a_time_with_its_offset_keeps_every_nanosecond(text: str, expected_ns: int) -> None:
    assert parse_time(text) == expected_ns


@pytest.mark.parametrize("text", ["2026-06-23T14:00:00", "2026-06-23 14:00:00.5"])
def test_a_time_without_offset_is_naive(text: str) -> None:
    with pytest.raises(BadInputError, match="with its offset") as caught:
        parse_time(text)

    assert caught.value.reason == "naive_time"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-06-23",
        "2026-06-31T10:00:00Z",
        "2026-06-23T24:00:00Z",
        "2026-06-23T10:00:60Z",
        "2026-06-23T10:00:00.1234567891Z",
        "2026-06-23T10:00:00+0400",
        "2026-06-23T10:00:00+99:00",
        " 2026-06-23T10:00:00Z",
        "1782223200000000000",
        "٢٠٢٦-06-23T10:00:00Z",
        "1969-12-31T23:59:59Z",
        "2200-01-01T00:00:00Z",
    ],
)
def test_anything_else_is_no_time(text: str) -> None:
    with pytest.raises(BadInputError) as caught:
        parse_time(text)

    assert caught.value.reason == "bad_event_time"


@pytest.mark.parametrize("per_second", [1, 10**3, 10**6])
def test_seconds_milliseconds_and_microseconds_are_not_taken_for_nanoseconds(
    per_second: int,
) -> None:
    with pytest.raises(BadInputError):
        checked_ns(1_782_223_200 * per_second)


@given(
    st.datetimes(datetime(1990, 1, 2), datetime(2115, 12, 30)),  # noqa: DTZ001 (hypothesis' way)
    st.integers(-23 * 60 - 59, 23 * 60 + 59),
)
def test_any_time_comes_back(naive: datetime, offset_minutes: int) -> None:
    zone = timezone(timedelta(minutes=offset_minutes))
    time = naive.replace(tzinfo=zone)
    exact = (time - EPOCH) // timedelta(microseconds=1) * 1000

    assert EARLIEST_NS <= parse_time(time.isoformat()) == exact < LATEST_NS
