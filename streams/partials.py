"""Partials as bytes: a header and the raw columns of `core.columns.Partial`, little-endian."""

from dataclasses import fields
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from core.columns import Bools, Curves, Floats, FundAssets, Int32s, Int64s, Partial
from core.errors import FlowError

FORMAT = 5
"""Of the columns; readers and writers of another format do not understand each other."""

_DTYPES: dict[Any, str] = {Int32s: "<i4", Int64s: "<i8", Floats: "<f8", Bools: "|b1"}
_CURVES = {f"curves.{field.name}": _DTYPES[field.type] for field in fields(Curves)}
_FUNDS = {f"funds.{field.name}": _DTYPES[field.type] for field in fields(FundAssets)}
_ROWS = {field.name: _DTYPES[field.type] for field in fields(Partial) if field.type in _DTYPES}


class PartialError(FlowError):
    """A stored partial cannot be understood."""


class _Message(msgspec.Struct, array_like=True):
    """``format`` comes first in every format, so that each can tell the others."""

    format: int
    universe: str
    partition: int
    columns: dict[str, bytes]


_decoder = msgspec.msgpack.Decoder(_Message)


def encode_partial(partial: Partial, *, universe: str, partition: int) -> bytes:
    """Return a partial as bytes; ``universe`` is the version its row numbers belong to."""
    columns = {name: _raw(getattr(partial, name), dtype) for name, dtype in _ROWS.items()}
    for name, dtype in _CURVES.items():
        columns[name] = _raw(getattr(partial.curves, name.removeprefix("curves.")), dtype)
    for name, dtype in _FUNDS.items():
        columns[name] = _raw(getattr(partial.funds, name.removeprefix("funds.")), dtype)
    return msgspec.msgpack.encode(_Message(FORMAT, universe, partition, columns))


def decode_partial(content: bytes, *, universe: str, partition: int) -> Partial:
    """Return the partial of a partition, whose rows are those of a version of the universe.

    Raises
    ------
    PartialError
        If it is of another format, partition or universe, or its columns do not fit together.
    """
    message = _message(content)
    if message.partition != partition:
        raise PartialError(f"expected partition {partition}, it was {message.partition}")
    if message.universe != universe:
        raise PartialError(f"expected universe {universe}, it was {message.universe}")
    try:
        rows = {name: _column(message, name, dtype) for name, dtype in _ROWS.items()}
        curves = Curves(*(_column(message, name, dtype) for name, dtype in _CURVES.items()))
        funds = FundAssets(*(_column(message, name, dtype) for name, dtype in _FUNDS.items()))
    except (KeyError, ValueError) as error:
        raise PartialError(f"expected the columns of format {FORMAT}: {error!r}") from error
    _check_lengths(rows, curves, funds)
    return Partial(**rows, curves=curves, funds=funds)


def market_times(content: bytes) -> Int64s:
    """Return int64[n], ns UTC: the market time of each row of a partial, whatever its universe.

    Raises
    ------
    PartialError
        If it is of another format.
    """
    message = _message(content)
    try:
        return _column(message, "market_ns", _ROWS["market_ns"])
    except (KeyError, ValueError) as error:
        raise PartialError(f"expected market times of format {FORMAT}: {error!r}") from error


def _message(content: bytes) -> _Message:
    found = "something else"
    try:
        match msgspec.msgpack.decode(content):
            case [int(number), *_]:
                found = f"format {number}"
                if number == FORMAT:
                    return _decoder.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    raise PartialError(f"expected a partial of format {FORMAT}, it was {found}")


def _raw(column: npt.NDArray[Any], dtype: str) -> bytes:
    return column.astype(dtype, copy=False).tobytes()


def _column(message: _Message, name: str, dtype: str) -> npt.NDArray[Any]:
    # As in core, numbers are of the machine's own byte order.
    return np.frombuffer(message.columns[name], dtype).astype(np.dtype(dtype).newbyteorder("="))


def _check_lengths(rows: dict[str, npt.NDArray[Any]], curves: Curves, funds: FundAssets) -> None:
    size = len(rows["reference"])
    lengths = {name: (len(column), size) for name, column in rows.items()}
    segments = int(curves.first[-1]) if len(curves.first) else 0
    lengths |= {
        "curves.first": (len(curves.first), size + 1),
        "curves.slope": (len(curves.slope), segments),
        "curves.intercept": (len(curves.intercept), segments),
        "curves.knot": (len(curves.knot), segments - size),
    }
    for name in ("centre", "low", "high"):
        lengths[f"curves.{name}"] = (len(getattr(curves, name)), size)
    for name, column in vars(funds).items():
        lengths[f"funds.{name}"] = (len(column), len(funds))
    for name, (found, wanted) in lengths.items():
        if found != wanted:
            raise PartialError(f"expected {wanted} entries in {name}, there were {found}")
