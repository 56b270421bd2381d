"""Event times of vendor files as nanoseconds UTC, whole columns at a time.

A time is an RFC 3339 text with offset, an integer of nanoseconds since 1970, or a naive local
text (``2025-05-12 09:30:00.250``), which needs a time zone. At a clock change a naive time may
not exist or exist twice: it is then in doubt, and no guess is made.
"""

# ruff: noqa: PLR2004 - the figures are those of calendars and of RFC 3339

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from core.columns import Bools, Int64s
from core.sessions import NANOS_PER_SECOND
from streams.event_times import EARLIEST_NS, LATEST_NS

OK = 0
BAD = 1
NAIVE = 2
IN_DOUBT = 3

_WIDTH = 36
"""Bytes of the longest time: 19 to the second, 10 of fraction, 6 of offset, and one to tell."""
_SECONDS_A_DAY = 86_400
_FAR_NS = 2**62
"""Beyond every event time, and far enough below the end of int64 to add an offset."""
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - naive on purpose: local times are laid on it

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Times:
    """``ns`` int64[n], 0 where unusable; ``problem`` int8[n]: OK, BAD, NAIVE or IN_DOUBT."""

    ns: Int64s
    problem: npt.NDArray[np.int8]


def parse_times(column: pa.Array, *, zone: ZoneInfo | None) -> Times:
    """Return the event times of an Arrow column of texts, integers or timestamps.

    Parameters
    ----------
    column : pa.Array[n]    string, integer (ns UTC) or timestamp; any other type is BAD
    zone : ZoneInfo | None  of naive times; an offset in the value wins

    Notes
    -----
    As on the wire, times before 1990 or after 2115 are BAD.
    """
    times = _parse(column, zone)
    late_or_early = (times.ns < EARLIEST_NS) | (times.ns >= LATEST_NS)
    times.problem[late_or_early & (times.problem == OK)] = BAD
    times.ns[late_or_early] = 0
    return times


def _parse(column: pa.Array, zone: ZoneInfo | None) -> Times:
    kind = column.type
    if pa.types.is_timestamp(kind):
        return _timestamps(column, zone)
    if pa.types.is_integer(kind):
        known = pc.is_valid(column).to_numpy(zero_copy_only=False)
        return _bounded(pc.fill_null(column, 0).cast(pa.float64(), safe=False), column, known)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _texts(pc.fill_null(column.cast(pa.large_string()), ""), zone)
    size = len(column)
    return Times(np.zeros(size, np.int64), np.full(size, BAD, np.int8))


def _bounded(approximate: pa.Array, exact: pa.Array, known: Bools) -> Times:
    """Take the integers of `exact` that lie in the range of event times."""
    fits = known & (np.abs(approximate.to_numpy(zero_copy_only=False)) < _FAR_NS)
    ns = np.zeros(len(exact), np.int64)
    chosen = exact.filter(pa.array(fits)).cast(pa.int64())
    ns[fits] = chosen.to_numpy(zero_copy_only=False)
    return Times(ns, np.where(fits, OK, BAD).astype(np.int8))


def _timestamps(column: pa.Array, zone: ZoneInfo | None) -> Times:
    per_unit = {"s": NANOS_PER_SECOND, "ms": 1_000_000, "us": 1_000, "ns": 1}[column.type.unit]
    known = pc.is_valid(column).to_numpy(zero_copy_only=False)
    count = pc.fill_null(column.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
    fits = known & (np.abs(count.astype(np.float64)) * per_unit < _FAR_NS)
    ns = np.where(fits, count, 0) * per_unit
    problem = np.where(fits, OK, BAD).astype(np.int8)
    if column.type.tz is None:
        _localize(ns, problem, zone=zone, rows=np.flatnonzero(fits))
    return Times(ns, problem)


def _texts(texts: pa.LargeStringArray, zone: ZoneInfo | None) -> Times:
    matrix, length = _byte_matrix(texts)
    ns, end, civil = _civil(matrix, length)
    rows = np.arange(len(matrix))
    rest = length - end
    offset_ns, has_offset = _offsets(matrix, end, rest)
    zulu = (rest == 1) & np.isin(matrix[rows, end], (ord("Z"), ord("z")))
    naive = civil & (rest == 0)
    ns = ns - offset_ns
    usable = civil & (zulu | has_offset | naive) & (np.abs(ns) < _FAR_NS)
    problem = np.where(usable, OK, BAD).astype(np.int8)
    ns = np.where(usable, ns, 0)
    _localize(ns, problem, zone=zone, rows=np.flatnonzero(usable & naive))
    others = np.flatnonzero(~civil)
    if len(others):
        integers = _integer_texts(texts.take(pa.array(others)))
        ns[others], problem[others] = integers.ns, integers.problem
    return Times(ns, problem)


def _integer_texts(texts: pa.LargeStringArray) -> Times:
    digits = pc.match_substring_regex(texts, "^[0-9]{1,19}$")
    approximate = pc.if_else(digits, texts, "0").cast(pa.float64())
    fits = pc.and_(digits, pc.less(approximate, float(_FAR_NS)))
    exact = pc.if_else(fits, texts, "0")
    return _bounded(approximate, exact, fits.to_numpy(zero_copy_only=False))


def _byte_matrix(texts: pa.LargeStringArray) -> tuple[Bytes, Int64s]:
    """Lay texts out as uint8[n, width], zero-padded and cut, and their lengths int64[n]."""
    size = len(texts)
    _, offset_buffer, data_buffer = texts.buffers()
    offsets = np.frombuffer(offset_buffer, np.int64)[texts.offset : texts.offset + size + 1]
    raw = np.frombuffer(data_buffer or b"", np.uint8)
    length = np.diff(offsets)
    # Padding bytes past the end of the data are masked below; index 0 stands in for them.
    place = np.arange(_WIDTH)
    inside = place < length[:, None]
    index = np.where(inside, offsets[:-1, None] + place, 0)
    matrix = raw[index] * inside if len(raw) else np.zeros((size, _WIDTH), np.uint8)
    return matrix.astype(np.uint8), np.minimum(length, _WIDTH)


def _civil(matrix: Bytes, length: Int64s) -> tuple[Int64s, Int64s, Bools]:
    """Read date, time and fraction: ns as if they were UTC, where they end, whether they are."""
    digit = (matrix - ord("0")).astype(np.int64) & 0xFF
    is_digit = digit <= 9
    has_seconds = matrix[:, 16] == ord(":")
    good = (
        is_digit[:, (0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15)].all(axis=1)
        & (matrix[:, (4, 7)] == ord("-")).all(axis=1)
        & np.isin(matrix[:, 10], (ord("T"), ord("t"), ord(" ")))
        & (matrix[:, 13] == ord(":"))
        & (~has_seconds | is_digit[:, (17, 18)].all(axis=1))
    )
    tens = digit[:, :-1] * 10 + digit[:, 1:]
    year = tens[:, 0] * 100 + tens[:, 2]
    month, day, hour, minute = (tens[:, place] for place in (5, 8, 11, 14))
    second = np.where(has_seconds, tens[:, 17], 0)
    good &= (month >= 1) & (month <= 12) & (hour < 24) & (minute < 60) & (second < 60)
    months = np.where(good, (year - 1970) * 12 + month - 1, 0)
    first, after = (_first_day(months + step) for step in (0, 1))
    good &= (day >= 1) & (day <= after - first)
    fraction_ns, width = _fractions(matrix, digit, has_seconds)
    seconds = (first + day - 1) * _SECONDS_A_DAY + hour * 3600 + minute * 60 + second
    # Years that int64 nanoseconds cannot hold would wrap around into a valid time.
    good &= np.abs(seconds) < _FAR_NS // NANOS_PER_SECOND
    ns = np.where(good, seconds, 0) * NANOS_PER_SECOND + fraction_ns
    end = np.where(has_seconds, 19, 16) + width
    return ns, np.minimum(end, _WIDTH - 1), good & (end <= length)


def _first_day(months: Int64s) -> Int64s:
    """Return the first day, since 1970, of months counted since January 1970."""
    days: Int64s = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    return days


def _fractions(matrix: Bytes, digit: Int64s, has_seconds: Bools) -> tuple[Int64s, Int64s]:
    """Read up to nine digits after a point: ns, and the bytes they take, the point included."""
    size = len(matrix)
    value = np.zeros(size, np.int64)
    count = np.zeros(size, np.int64)
    reading = has_seconds & (matrix[:, 19] == ord("."))
    for place in range(20, 29):
        reading &= digit[:, place] <= 9
        value = np.where(reading, value * 10 + digit[:, place], value)
        count += reading
    width = np.where(count > 0, count + 1, 0)
    return value * 10 ** (9 - count), width


def _offsets(matrix: Bytes, end: Int64s, rest: Int64s) -> tuple[Int64s, Bools]:
    """Read ``+hh:mm`` that begins at `end`: ns east of UTC, and whether there is one."""
    rows = np.arange(len(matrix))[:, None]
    begin = np.minimum(end, _WIDTH - 6)[:, None]
    cells = matrix[rows, begin + np.arange(6)].astype(np.int64)
    digit = cells[:, (1, 2, 4, 5)] - ord("0")
    hours = digit[:, 0] * 10 + digit[:, 1]
    minutes = digit[:, 2] * 10 + digit[:, 3]
    there = (
        (rest == 6)
        & np.isin(cells[:, 0], (ord("+"), ord("-")))
        & (cells[:, 3] == ord(":"))
        & ((digit >= 0) & (digit <= 9)).all(axis=1)
        & (hours < 24)
        & (minutes < 60)
    )
    sign = np.where(cells[:, 0] == ord("-"), -1, 1)
    offset_ns = sign * (hours * 3600 + minutes * 60) * NANOS_PER_SECOND
    return np.where(there, offset_ns, 0), there


def _localize(
    ns: Int64s, problem: npt.NDArray[np.int8], *, zone: ZoneInfo | None, rows: Int64s
) -> None:
    """Turn naive local times at `rows` into UTC in place, or mark what is wrong with them."""
    if not len(rows):
        return
    if zone is None:
        ns[rows], problem[rows] = 0, NAIVE
        return
    local = ns[rows] // NANOS_PER_SECOND
    days, day_of_row = np.unique(local // _SECONDS_A_DAY, return_inverse=True)
    around = np.array([_steady_offset(int(day), zone) for day in days], np.float64)
    offset = around[day_of_row]
    for place in np.flatnonzero(np.isnan(offset)).tolist():
        offset[place] = _exact_offset(int(local[place]), zone)
    doubtful = np.isnan(offset)
    ns[rows] -= np.where(doubtful, 0, offset).astype(np.int64) * NANOS_PER_SECOND
    ns[rows[doubtful]], problem[rows[doubtful]] = 0, IN_DOUBT


def _steady_offset(day: int, zone: ZoneInfo) -> float:
    """Return the offset in seconds that holds all around a local day, NaN if it changes."""
    first = datetime.fromtimestamp((day - 1) * _SECONDS_A_DAY, UTC)
    offsets = {_seconds((first + timedelta(days=step)).astimezone(zone)) for step in range(4)}
    return offsets.pop() if len(offsets) == 1 else float("nan")


def _exact_offset(local_seconds: int, zone: ZoneInfo) -> float:
    """Return the offset of one local time, NaN where it does not exist or exists twice."""
    local = (_EPOCH + timedelta(seconds=local_seconds)).replace(tzinfo=zone)
    offset = _seconds(local)
    return offset if offset == _seconds(local.replace(fold=1)) else float("nan")


def _seconds(moment: datetime) -> float:
    offset = moment.utcoffset()
    return offset.total_seconds() if offset is not None else float("nan")
