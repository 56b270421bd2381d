"""JSON lines: one object a line, decoded straight into the fields that are wanted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from services.event_fields import ColumnPairs, Field, Kind, headers_of
from services.raw_table import RawTable
from services.rejects import Reject
from services.text_lines import LONGEST_LINE, Lines, split_lines

HEADER_ROWS = 1000
"""Objects whose keys together are a file's header. A required key may be missing in a later row,
which is then a bad row; in all of these it is a missing column."""

_TYPES: dict[Kind, Any] = {
    "text": str,
    "time": str | int,
    "number": float,
    "integer": int,
    "date": str,
}
_STORED: dict[Kind, pa.DataType] = {
    "text": pa.large_string(),
    "time": pa.large_string(),
    "number": pa.float64(),
    "integer": pa.large_string(),
    "date": pa.large_string(),
}
_HEARTBEAT = "heartbeat"


class LineDecoder:
    """Decodes JSON objects into tuples of the values of `fields`, None where there is none."""

    def __init__(self, fields: Sequence[Field], headers: Mapping[str, str]) -> None:
        """Take the fields in their order, and field name -> key."""
        self._fields = [field for field in fields if field.name in headers]
        spec = [(field.name, _TYPES[field.kind] | None, None) for field in self._fields]
        row = msgspec.defstruct(
            "Row",
            [*spec, (_HEARTBEAT, str | None, None)],
            rename=lambda name: headers.get(name, name),
            gc=False,
        )
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder(row).decode
        self._reasons = [(f"$.{headers[field.name]}", field.name) for field in self._fields]

    def decode(self, line: bytes) -> tuple[Any, ...] | str | None:
        """Return the values of a row, the reason why it is unusable, or None for a heartbeat."""
        try:
            line.decode()
            row = self._decode(line)
        except UnicodeDecodeError:
            return "not_utf8"
        except msgspec.ValidationError as error:
            text = str(error)
            for path, name in self._reasons:
                if text.endswith(f"`{path}`"):
                    return f"bad_{name}"
            return "malformed"
        except (msgspec.DecodeError, RecursionError):
            return "malformed"
        if row.heartbeat is not None:
            return None
        return tuple(getattr(row, field.name) for field in self._fields)

    def columns(self, rows: Sequence[tuple[Any, ...]]) -> dict[str, pa.Array]:
        """Return decoded rows as columns: field name -> Arrow array."""
        by_field = zip(*rows, strict=True) if rows else ([] for _ in self._fields)
        return {
            field.name: _column(list(values), field.kind)
            for field, values in zip(self._fields, by_field, strict=True)
        }

    def table(self, lines: Lines, *, file: str) -> RawTable:
        """Return all lines as columns; heartbeats are left out."""
        rows = []
        places = []
        rejects = []
        for index in lines.written.tolist():
            line = lines.line(index)
            result = self.decode(line) if len(line) <= LONGEST_LINE else "too_long"
            if isinstance(result, str):
                number = index + lines.first
                rejects.append(Reject.of(line, reason=result, file=file, line=number))
            elif result is not None:
                rows.append(result)
                places.append(index)
        return RawTable(
            self.columns(rows),
            (np.array(places, np.int64) + lines.first).astype(np.int32),
            lambda row: lines.line(places[row]),
            rejects,
        )


def read_json_lines(path: Path, *, fields: Sequence[Field], columns: ColumnPairs) -> RawTable:
    """Read the columns of `fields`; heartbeats are left out, a file without rows is no error.

    Raises
    ------
    ConfigError
        If no row has the key of a required field.
    """
    lines = split_lines(path.read_bytes())
    found = _header(lines)
    if found is None:
        headers = {field.name: field.name for field in fields if field.is_required}
    else:
        headers = headers_of(found, fields=fields, columns=columns, file=str(path))
    decoder = LineDecoder(fields, headers | _unmentioned(fields, headers))
    table = decoder.table(lines, file=str(path))
    present = {
        name: values
        for name, values in table.columns.items()
        if name in headers or values.null_count < len(values)
    }
    return replace(table, columns=present)


def live_decoder(lines: Lines, *, fields: Sequence[Field], columns: ColumnPairs) -> LineDecoder:
    """Return a decoder for a feed by its first lines: which of `columns` it has; none is missed."""
    found = _header(lines) or []
    optional = [replace(field, is_required=False) for field in fields]
    headers = headers_of(found, fields=optional, columns=columns, file="feed")
    return LineDecoder(fields, headers | _unmentioned(fields, headers))


def _unmentioned(fields: Sequence[Field], headers: Mapping[str, str]) -> dict[str, str]:
    """Return the other fields under their own names: a key may first appear further down."""
    taken = set(headers.values())
    return {
        field.name: field.name
        for field in fields
        if field.name not in headers and field.name not in taken
    }


def _header(lines: Lines) -> list[str] | None:
    """Return the keys of the first objects, heartbeats left out; None where there is no object."""
    keys: dict[str, None] = {}
    seen = 0
    for index in lines.written.tolist():
        try:
            row = msgspec.json.decode(lines.line(index))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
        if isinstance(row, dict) and _HEARTBEAT not in row:
            keys.update(dict.fromkeys(row))
            seen += 1
        if seen == HEADER_ROWS:
            break
    return list(keys) if seen else None


def _column(values: list[Any], kind: Kind) -> pa.Array:
    if kind in {"time", "integer"}:
        # As texts: JSON integers may exceed 64 bits, which is a bad row and not an overflow here.
        values = [None if value is None else str(value) for value in values]
    return pa.array(values, _STORED[kind])
