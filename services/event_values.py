"""Columns of a vendor's file judged value by value: numpy arrays out, and which rows are bad."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from core.columns import Bools, Floats, Int32s, Int64s
from core.sessions import NO_SESSION
from services.event_times import OK, parse_times

_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?$"
_INTEGER = r"^[+-]?[0-9]{1,18}$"
_LARGEST = 2.0**62
_DAY_NS = 86_400_000_000_000


class Verdicts:
    """The first thing that is wrong with each of n rows."""

    def __init__(self, size: int) -> None:
        self.reasons: list[str] = [""]
        self._reason = np.zeros(size, np.int16)

    def mark(self, bad: Bools, reason: str) -> None:
        """Reject the rows of `bad` that nothing was wrong with so far."""
        if bad.any():
            self._reason[bad & (self._reason == 0)] = len(self.reasons)
            self.reasons.append(reason)

    @property
    def good(self) -> Bools:
        """Rows that nothing is wrong with, bool[n]."""
        good: Bools = self._reason == 0
        return good

    def bad(self) -> list[tuple[int, str]]:
        """Return (row, reason) of the others, ascending."""
        return [
            (row, self.reasons[self._reason[row]]) for row in np.flatnonzero(self._reason).tolist()
        ]


@dataclass(frozen=True, eq=False)
class Numbers:
    """``value`` float64[n], NaN = none; ``bad`` bool[n]: there is something, and no number."""

    value: Floats
    bad: Bools


@dataclass(frozen=True, eq=False)
class Codes:
    """``code`` int32[n] into ``names``; rows of no name have -1; ``bad`` bool[n]: no text."""

    code: Int32s
    names: tuple[str, ...]
    bad: Bools

    @property
    def nameless(self) -> Bools:
        """Rows without a name, or with an empty one, bool[n]."""
        empty = self.names.index("") if "" in self.names else -1
        nameless: Bools = (self.code < 0) | (self.code == empty)
        return nameless


def numbers(column: pa.Array) -> Numbers:
    """Read numbers: typed ones as they are, texts as decimal numbers, finite ones only."""
    there = _valid(column)
    if _is_text(column.type):
        fits = pc.fill_null(pc.match_substring_regex(column, _NUMBER), fill_value=False)
        value = pc.if_else(fits, column, "nan").cast(pa.float64())
        found = _numpy(value)
        return Numbers(found, there & ~np.isfinite(found))
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        found = _numpy(pc.fill_null(column.cast(pa.float64(), safe=False), np.nan))
    elif pa.types.is_decimal(column.type):
        found = _numpy(pc.fill_null(column.cast(pa.float64()), np.nan))
    else:
        return Numbers(np.full(len(column), np.nan), there)
    return Numbers(found, np.isinf(found))


def integers(column: pa.Array) -> tuple[Int64s, Bools]:
    """Read integers, 0 where there is none; a whole float is one (a column with gaps)."""
    there = _valid(column)
    if _is_text(column.type):
        fits = pc.fill_null(pc.match_substring_regex(column, _INTEGER), fill_value=False)
        value = pc.if_else(fits, pc.replace_substring(column, "+", ""), "0").cast(pa.int64())
        return _numpy(value), there & ~_numpy(fits)
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        approximate = _numpy(pc.fill_null(column.cast(pa.float64(), safe=False), np.nan))
        present = ~np.isnan(approximate)
        fits = present & (np.abs(approximate) < _LARGEST) & (np.rint(approximate) == approximate)
        found = np.zeros(len(column), np.int64)
        found[fits] = _numpy(column.filter(pa.array(fits)).cast(pa.int64()))
        return found, present & ~fits
    return np.zeros(len(column), np.int64), there


def session_labels(column: pa.Array) -> tuple[Int64s, Bools]:
    """Read session dates as days since 1970, ``NO_SESSION`` where there is none."""
    there = _valid(column)
    if pa.types.is_date(column.type):
        days = pc.fill_null(column.cast(pa.date32()).cast(pa.int32()), 0)
        return np.where(there, _numpy(days).astype(np.int64), NO_SESSION), ~there & there
    if not _is_text(column.type):
        return np.full(len(column), NO_SESSION), there
    suffix, nothing = (pa.scalar(text, pa.large_string()) for text in ("T00:00Z", ""))
    dates = column.cast(pa.large_string())
    midnights = pc.binary_join_element_wise(dates, suffix, nothing)
    times = parse_times(midnights, zone=None)
    dated = there & (times.problem == OK) & (times.ns % _DAY_NS == 0)
    return np.where(dated, times.ns // _DAY_NS, NO_SESSION), there & ~dated


def codes(column: pa.Array) -> Codes:
    """Read names as codes into the list of those that occur."""
    there = _valid(column)
    if not _is_text(column.type):
        return Codes(np.full(len(column), -1, np.int32), (), there)
    encoded = column.dictionary_encode()
    names = tuple(encoded.dictionary.to_pylist())
    code = _numpy(pc.fill_null(encoded.indices, -1)).astype(np.int32)
    return Codes(code, names, np.zeros(len(column), np.bool_))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _valid(column: pa.Array) -> Bools:
    return _numpy(pc.is_valid(column))


def _numpy(column: pa.Array) -> npt.NDArray[Any]:
    values: npt.NDArray[Any] = column.to_numpy(zero_copy_only=False)
    return values
