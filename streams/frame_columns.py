"""Columns of Arrow frames as numpy arrays; how is decided by their type, once a schema."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from core.columns import Bools, Floats, Int64s
from core.errors import BadInputError
from core.sessions import NO_TIME

Integers = Callable[[pa.Array], Int64s]
Numbers = Callable[[pa.Array], Floats]
Reader = Callable[[pa.Array], npt.NDArray[Any]]
"""Reads the columns of one type."""

_CACHED_DICTIONARIES = 64
_NS_PER_UNIT = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}


class TextCodes:
    """Translates columns of texts into integers, each distinct text once.

    Dictionaries repeat from frame to frame, so their translations are kept.

    Parameters
    ----------
    code : callable    text -> integer
    absent : str       what null stands for
    """

    def __init__(self, code: Callable[[str], int], *, absent: str = "") -> None:
        self._code = code
        self._absent = absent
        self._kept: dict[bytes, Int64s] = {}

    def reader(self, name: str, kind: pa.DataType) -> Integers:
        """Return what reads columns of a type, as int64[n].

        Raises
        ------
        BadInputError
            ``bad_`` and `name`, if it is not a type of texts.
        """
        is_encoded = pa.types.is_dictionary(kind)
        text = kind.value_type if is_encoded else kind
        if not (pa.types.is_string(text) or pa.types.is_large_string(text)):
            raise wrong_type(name, "text", kind)
        if is_encoded:
            return self._encoded
        return lambda column: self._encoded(column.dictionary_encode())

    def _encoded(self, column: pa.DictionaryArray) -> Int64s:
        codes = self._codes(column.dictionary)
        places = column.indices
        if places.null_count:
            places = places.cast(pa.int64()).fill_null(len(codes))
            codes = np.append(codes, self.absent)
        found: Int64s = codes[places.to_numpy()]
        return found

    @property
    def absent(self) -> int:
        """The integer of null."""
        return self._code(self._absent)

    def _codes(self, dictionary: pa.Array) -> Int64s:
        key = b"|".join(buffer or b"" for buffer in dictionary.buffers())
        codes = self._kept.get(key)
        if codes is None:
            texts = dictionary.to_pylist()
            known = [self._code(self._absent if text is None else text) for text in texts]
            codes = np.array(known, np.int64)
            if len(self._kept) >= _CACHED_DICTIONARIES:
                self._kept.clear()
            self._kept[key] = codes
        return codes


def number_reader(name: str, kind: pa.DataType) -> Numbers:
    """Return what reads columns of a numeric type as float64[n], NaN for null.

    Raises
    ------
    BadInputError
        ``bad_`` and `name`, if it is not numeric.
    """
    if pa.types.is_float64(kind):
        return lambda column: _array(column.fill_null(np.nan) if column.null_count else column)
    if pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        return lambda column: _array(column.cast(pa.float64(), safe=False).fill_null(np.nan))
    raise wrong_type(name, "numbers", kind)


def integer_reader(name: str, kind: pa.DataType, *, absent: int) -> Integers:
    """Return what reads columns of integers as int64[n], `absent` for null.

    Raises
    ------
    BadInputError
        ``bad_`` and `name`, if it is not a type of integers.
    """
    if pa.types.is_int64(kind):
        return lambda column: _filled(column, absent)
    if pa.types.is_uint64(kind):
        largest = pa.scalar(2**62, pa.uint64())
        # As out of range as what it stands for, where int64 would wrap around.
        return lambda column: _filled(
            pc.min_element_wise(column, largest, skip_nulls=False).cast(pa.int64()), absent
        )
    if pa.types.is_integer(kind):
        return lambda column: _filled(column.cast(pa.int64()), absent)
    raise wrong_type(name, "integers", kind)


def time_reader(kind: pa.DataType, texts: TextCodes) -> Integers:
    """Return what reads columns of event times as int64[n] ns, ``NO_TIME`` where there is none.

    Raises
    ------
    BadInputError
        ``naive_time`` for times without a zone, ``bad_event_time`` for any other type.
    """
    if pa.types.is_timestamp(kind):
        if kind.tz is None:
            raise BadInputError(
                "naive_time", f"expected event_time with a time zone, the column was {kind}"
            )
        factor = _NS_PER_UNIT[kind.unit]
        return lambda column: _nanoseconds(column, factor)
    if pa.types.is_integer(kind):
        return integer_reader("event_time", kind, absent=NO_TIME)
    return texts.reader("event_time", kind)


def session_reader(name: str, kind: pa.DataType, texts: TextCodes) -> Integers:
    """Return what reads columns of session dates or of price kinds as int64[n].

    Raises
    ------
    BadInputError
        ``bad_`` and `name`, if it is neither a type of dates nor of texts.
    """
    if pa.types.is_date32(kind):
        return lambda column: _filled(
            column.cast(pa.int32()).cast(pa.int64()), texts.absent if column.null_count else 0
        )
    return texts.reader(name, kind)


def good_volumes(volume: Floats) -> Bools:
    """Say which volumes can be one; NaN is none, which is good."""
    good: Bools = ~(volume < 0) & ~np.isinf(volume)
    return good


def wrong_type(name: str, wanted: str, kind: pa.DataType) -> BadInputError:
    """Return the error of a column whose type none of its values could have."""
    return BadInputError(f"bad_{name}", f"expected {name} as {wanted}, the column was {kind}")


def _nanoseconds(column: pa.Array, factor: int) -> Int64s:
    count = _filled(column.view(pa.int64()), NO_TIME)
    fits = np.abs(count) < -NO_TIME // factor
    return np.where(fits, count, 0) * factor + np.where(fits, 0, NO_TIME)


def _filled(column: pa.Array, absent: int) -> Int64s:
    return _array(column.fill_null(absent) if column.null_count else column)


def _array(column: pa.Array) -> npt.NDArray[Any]:
    found: npt.NDArray[Any] = column.to_numpy()
    return found
