"""States of a book as bytes: their columns raw, compressed, with a checksum.

Nothing is pickled: a state is read back into the typed columns it was written from.
"""

import zlib
from dataclasses import fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from core.errors import FlowError

FORMAT = 3
"""Of snapshots; another one counts as no snapshot."""

_MAGIC = b"FFS"
_HEADER_BYTES = 12
_CODEC = "lz4"

State = TypeVar("State")


class StateError(FlowError):
    """Stored bytes are not a state that can be used."""


class OtherFormatError(StateError):
    """They are a state of another version of this program."""


def encode_state(state: object) -> bytes:
    """Return a dataclass of columns, numbers, texts and further such dataclasses as bytes."""
    content = msgspec.msgpack.encode(_plain(state))
    body: bytes = pa.compress(content, codec=_CODEC, asbytes=True)
    sizes = len(content).to_bytes(4, "little") + zlib.crc32(body).to_bytes(4, "little")
    return _MAGIC + bytes([FORMAT]) + sizes + body


def decode_state(kind: type[State], content: bytes) -> State:
    """Return the state of a dataclass that bytes hold.

    Raises
    ------
    OtherFormatError
        If they were written by another version of this program.
    StateError
        If they are damaged, or something else.
    """
    if content[:3] != _MAGIC or len(content) < _HEADER_BYTES:
        raise StateError(f"expected a state, it begins with {content[:8]!r}")
    if content[3] != FORMAT:
        raise OtherFormatError(f"expected a state of format {FORMAT}, it was {content[3]}")
    size, checksum = (int.from_bytes(content[at : at + 4], "little") for at in (4, 8))
    body = content[_HEADER_BYTES:]
    if zlib.crc32(body) != checksum:
        raise StateError(f"expected a state with the checksum {checksum:#x}, it was damaged")
    try:
        plain = msgspec.msgpack.decode(
            pa.decompress(body, decompressed_size=size, codec=_CODEC, asbytes=True)
        )
        state: State = _typed(kind, plain)
    except (
        msgspec.DecodeError,
        pa.ArrowException,
        OSError,
        ValueError,
        TypeError,
        KeyError,
    ) as error:
        raise StateError(f"expected a {kind.__name__}: {error!r}") from error
    return state


def _plain(value: Any) -> Any:  # noqa: ANN401 (whatever a field holds)
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, np.ndarray):
        column = value.astype(value.dtype.newbyteorder("<"), copy=False)
        return [column.dtype.str, list(column.shape), column.tobytes()]
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


@cache
def _hints(kind: Any) -> dict[str, Any]:  # noqa: ANN401 (as above)
    return get_type_hints(kind)


def _column(wanted: np.dtype[Any], value: Any) -> npt.NDArray[Any]:  # noqa: ANN401 (as above)
    name, shape, content = value
    if name != wanted.newbyteorder("<").str:
        raise TypeError(f"expected a column of {wanted}, it was of {name}")
    return np.frombuffer(content, name).reshape(shape).astype(wanted)


def _typed(kind: Any, value: Any) -> Any:  # noqa: ANN401 (as above)
    if isinstance(kind, type) and is_dataclass(kind):
        return kind(**{name: _typed(hint, value[name]) for name, hint in _hints(kind).items()})
    origin = get_origin(kind)
    if origin is np.ndarray:
        return _column(np.dtype(get_args(get_args(kind)[1])[0]), value)
    if origin is UnionType:
        # Of columns that may be missing.
        return None if value is None else _typed(get_args(kind)[0], value)
    if origin in {list, tuple}:
        return origin(_typed(get_args(kind)[0], each) for each in value)
    if not isinstance(value, kind):
        raise TypeError(f"expected {kind.__name__}, it was {value!r}")
    return value
