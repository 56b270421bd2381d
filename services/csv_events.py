"""CSV files: one record a line, cells cut by whole columns, odd lines one by one.

A line end always ends the record, also inside quotes: a stray quote then costs its own line and
not the rest of the file.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.columns import Int64s
from core.errors import ConfigError
from services.event_fields import ColumnPairs, Field, headers_of
from services.raw_table import RawTable
from services.rejects import Reject
from services.text_lines import LONGEST_LINE, Lines, split_lines

_COMMA = ord(",")
_QUOTE = ord('"')


def read_csv(path: Path, *, fields: Sequence[Field], columns: ColumnPairs) -> RawTable:
    """Read the columns of `fields`; all values are texts, empty cells null.

    Raises
    ------
    ConfigError
        If the file is empty, has no readable header, or lacks a required column.
    """
    lines = split_lines(path.read_bytes())
    written = lines.written
    header = lines.line(int(written[0])) if len(written) else b""
    layout = CsvLayout.of(header, fields=fields, columns=columns, file=str(path))
    return layout.table(lines, written[1:])


@dataclass(frozen=True)
class CsvLayout:
    """Which cell of a line holds which field; ``cells`` counts them."""

    file: str
    places: Mapping[str, int]
    cells: int

    @classmethod
    def of(cls, header: bytes, *, fields: Sequence[Field], columns: ColumnPairs, file: str) -> Self:
        """Read a header line.

        Raises
        ------
        ConfigError
            If it is unreadable, or lacks a required column.
        """
        try:
            cells = [cell.strip() for cell in _cells(header.decode())]
        except (UnicodeDecodeError, csv.Error) as error:
            raise ConfigError(f"{file}: expected a CSV header in UTF-8: {error}") from error
        names = headers_of(cells, fields=fields, columns=columns, file=file)
        return cls(file, {name: cells.index(header) for name, header in names.items()}, len(cells))

    def table(self, lines: Lines, rows: Int64s) -> RawTable:
        """Read the lines at `rows`, indices of `lines` in ascending order."""
        return _read_rows(lines, rows, places=self.places, cells=self.cells, file=self.file)


def _read_rows(
    lines: Lines, rows: Int64s, *, places: Mapping[str, int], cells: int, file: str
) -> RawTable:
    too_long = lines.length[rows] > LONGEST_LINE
    not_utf8 = lines.not_utf8()[rows]
    quoted = lines.count(_QUOTE)[rows] > 0
    miscounted = lines.count(_COMMA)[rows] != cells - 1
    unreadable = too_long | not_utf8
    plain = rows[~unreadable & ~quoted & ~miscounted]
    rejects = _rejects(lines, rows[too_long], "too_long", file)
    rejects += _rejects(lines, rows[not_utf8 & ~too_long], "not_utf8", file)
    rejects += _rejects(lines, rows[miscounted & ~quoted & ~unreadable], "malformed", file)
    odd, odd_cells = _read_quoted(lines, rows[quoted & ~unreadable], cells=cells)
    readable = np.zeros(len(lines), np.bool_)
    readable[odd] = True
    lost = rows[quoted & ~unreadable]
    rejects += _rejects(lines, lost[~readable[lost]], "malformed", file)
    every = np.concatenate((plain, odd))
    order = np.argsort(every, kind="stable")
    columns = {}
    for name, place in places.items():
        usual = _plain_column(lines, plain, place, cells)
        unusual = pa.array([row[place] for row in odd_cells], pa.large_string())
        column = pa.concat_arrays([usual, unusual]).take(pa.array(order))
        trimmed = pc.ascii_trim_whitespace(column)
        columns[name] = pc.if_else(pc.equal(trimmed, ""), None, trimmed)
    row_lines = every[order]
    return RawTable(
        columns,
        (row_lines + lines.first).astype(np.int32),
        lambda row: lines.line(int(row_lines[row])),
        sorted(rejects, key=lambda reject: reject.line),
    )


def _plain_column(lines: Lines, rows: Int64s, place: int, cells: int) -> pa.LargeStringArray:
    """Cut one cell out of each of `rows`, all of which have `cells` - 1 commas and no quote."""
    data = np.frombuffer(lines.data, np.uint8)
    commas = np.flatnonzero(data == _COMMA)
    first = np.searchsorted(commas, lines.start[rows])
    start = commas[first + place - 1] + 1 if place else lines.start[rows]
    end = commas[first + place] if place < cells - 1 else lines.end[rows]
    length = end - start
    offsets = np.concatenate(([0], np.cumsum(length))).astype(np.int64)
    index = np.repeat(start - offsets[:-1], length) + np.arange(offsets[-1])
    return pa.LargeStringArray.from_buffers(
        len(rows), pa.py_buffer(offsets), pa.py_buffer(data[index])
    )


def _read_quoted(lines: Lines, rows: Int64s, *, cells: int) -> tuple[Int64s, list[list[str]]]:
    """Read the lines that have quotes; return those of the right shape and their cells."""
    good = []
    read = []
    for row in rows.tolist():
        try:
            values = _cells(lines.line(row).decode())
        except csv.Error:
            continue
        if len(values) == cells:
            good.append(row)
            read.append(values)
    return np.array(good, np.int64), read


def _cells(line: str) -> list[str]:
    return next(csv.reader([line], strict=True), [])


def _rejects(lines: Lines, rows: Int64s, reason: str, file: str) -> list[Reject]:
    return [
        Reject.of(lines.line(row), reason=reason, file=file, line=row + lines.first)
        for row in rows.tolist()
    ]
