# ruff: noqa: DTZ001 - naive times are what is tested

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.event_times import BAD, IN_DOUBT, NAIVE, OK, parse_times

NEW_YORK = ZoneInfo("America/New_York")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
moments = st.datetimes(datetime(1990, 1, 2), datetime(2100, 1, 1))
offsets = st.integers(-23 * 60 - 59, 23 * 60 + 59)


def nanos(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1) * 1000


def parse(*values: object, zone: ZoneInfo | None = None) -> tuple[list[int], list[int]]:
    times = parse_times(pa.array(values), zone=zone)
    return times.ns.tolist(), times.problem.tolist()


@given(st.lists(st.tuples(moments, offsets), min_size=1, max_size=20))
def test_rfc_3339_texts_mean_what_datetime_says(drawn: list[tuple[datetime, int]]) -> None:
    times = [
        moment.replace(tzinfo=timezone(timedelta(minutes=minutes))) for moment, minutes in drawn
    ]

    ns, problem = parse(*(time.isoformat() for time in times))

    assert ns == [nanos(time) for time in times]
    assert set(problem) == {OK}


@given(
    st.lists(moments, min_size=1, max_size=20),
    st.sampled_from(["America/New_York", "Asia/Seoul", "Europe/London", "Australia/Lord_Howe"]),
)
def test_naive_texts_are_local_times_of_the_zone(drawn: list[datetime], name: str) -> None:
    zone = ZoneInfo(name)

    ns, problem = parse(*(time.isoformat(sep=" ") for time in drawn), zone=zone)

    for time, found, wrong in zip(drawn, ns, problem, strict=True):
        local = time.replace(tzinfo=zone)
        if local.utcoffset() != local.replace(fold=1).utcoffset():
            assert wrong == IN_DOUBT
        else:
            assert (found, wrong) == (nanos(local), OK)


@given(st.lists(st.text(max_size=40), max_size=20))
def test_any_text_is_a_time_or_a_bad_one(drawn: list[str]) -> None:
    times = parse_times(pa.array(drawn, pa.string()), zone=NEW_YORK)

    assert len(times.ns) == len(times.problem) == len(drawn)


@pytest.mark.parametrize(
    "text",
    [
        "2025-03-09 02:30:00",  # the clock goes from 2 to 3
        "2025-11-02 01:30:00",  # the hour from 1 to 2 comes twice
    ],
)
def test_a_naive_time_at_a_clock_change_is_in_doubt(text: str) -> None:
    assert parse(text, zone=NEW_YORK) == ([0], [IN_DOUBT])
    assert parse(f"{text}-05:00", zone=NEW_YORK)[1] == [OK]


def test_naive_times_around_a_clock_change_are_sure() -> None:
    texts = ("2025-03-09 01:59:59", "2025-03-09 03:00:00", "2025-11-02 00:59:59.999999999")

    ns, problem = parse(*texts, zone=NEW_YORK)

    assert problem == [OK] * 3
    assert np.array(ns, "datetime64[ns]").astype(str).tolist() == [
        "2025-03-09T06:59:59.000000000",
        "2025-03-09T07:00:00.000000000",
        "2025-11-02T04:59:59.999999999",
    ]


def test_a_naive_time_without_zone_is_bad() -> None:
    assert parse("2025-05-12 09:30:00") == ([0], [NAIVE])


def test_an_offset_wins_over_the_zone() -> None:
    assert parse("2025-05-12T09:30:00+09:00", zone=NEW_YORK) == ([1747009800000000000], [OK])


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("2025-05-12T13:30Z", 1747056600000000000),
        ("2025-05-12t13:30:00z", 1747056600000000000),
        ("2025-05-12T13:30:00.1Z", 1747056600100000000),
        ("2025-05-12T13:30:00.123456789Z", 1747056600123456789),
        ("1747056600000000000", 1747056600000000000),
        ("2024-02-29T00:00:00Z", 1709164800000000000),
    ],
)
def test_accepted_forms(text: str, ns: int) -> None:
    assert parse(text) == ([ns], [OK])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "today",
        "2025-05-12",
        "2025-02-29T00:00:00Z",
        "2025-13-01T00:00:00Z",
        "2025-05-00T00:00:00Z",
        "2025-05-12T24:00:00Z",
        "2025-05-12T13:60:00Z",
        "2025-05-12T13:30:60Z",
        "2025-05-12T13:30:00.Z",
        "2025-05-12T13:30:00.1234567891Z",
        "2025-05-12T13:30:00+9:00",
        "2025-05-12T13:30:00+24:00",
        "2025-05-12T13:30:00+09:00 ",
        "2025-05-12T13:30:00Z trailing words that go on and on and on",
        "9999-12-31T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "99999999999999999999",
        "5000000000000000000",
        "1.5",
        "-1",
        "1747056600",
        "1989-12-31T23:59:59Z",
        "٢٠٢٥-05-12T13:30:00Z",
    ],
)
def test_refused_forms(text: str) -> None:
    assert parse(text, zone=NEW_YORK) == ([0], [BAD])


def test_typed_columns() -> None:
    ns = 1747056600123456789
    utc = pa.array([ns, None], pa.timestamp("ns", tz="Asia/Seoul"))
    local = pa.array([datetime(2025, 5, 12, 9, 30)], pa.timestamp("us"))
    far = pa.array([2**62], pa.timestamp("s", tz="UTC"))
    whole = pa.array([ns, -(2**63), None], pa.int64())

    assert parse_times(utc, zone=None).ns.tolist() == [ns, 0]
    assert parse_times(utc, zone=None).problem.tolist() == [OK, BAD]
    assert parse_times(local, zone=NEW_YORK).ns.tolist() == [1747056600000000000]
    assert parse_times(local, zone=None).problem.tolist() == [NAIVE]
    assert parse_times(far, zone=None).problem.tolist() == [BAD]
    assert parse_times(whole, zone=None).ns.tolist() == [ns, 0, 0]
    assert parse_times(whole, zone=None).problem.tolist() == [OK, BAD, BAD]
    assert parse_times(pa.array([1.5]), zone=None).problem.tolist() == [BAD]
