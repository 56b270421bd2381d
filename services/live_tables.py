"""Lines of a feed as tables, whose columns are known from its first lines."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import pyarrow as pa

from services.csv_events import CsvLayout
from services.event_fields import ColumnPairs, Field
from services.json_events import LineDecoder, live_decoder
from services.raw_table import RawTable
from services.rejects import Reject
from services.text_lines import Lines


class LineTables(Protocol):
    """Reads lines into tables."""

    def table(self, lines: Lines) -> RawTable:
        """Read whole lines, which follow those of the last call.

        Raises
        ------
        ConfigError
            If the first ones show that the columns cannot be told.
        """
        ...


class CsvTables:
    """CSV: the first line that is not empty is the header."""

    def __init__(self, file: str, *, fields: Sequence[Field], columns: ColumnPairs) -> None:
        self._file = file
        self._fields = fields
        self._columns = columns
        self._layout: CsvLayout | None = None

    def table(self, lines: Lines) -> RawTable:
        """Read whole lines, which follow those of the last call.

        Raises
        ------
        ConfigError
            If the header cannot be read or lacks a required column.
        """
        rows = lines.written
        if self._layout is None:
            header = lines.line(int(rows[0])) if len(rows) else b""
            self._layout = CsvLayout.of(
                header, fields=self._fields, columns=self._columns, file=self._file
            )
            rows = rows[1:]
        return self._layout.table(lines, rows)


class JsonTables:
    """JSON lines: the first ones say which of the vendor's keys there are."""

    def __init__(self, file: str, *, fields: Sequence[Field], columns: ColumnPairs) -> None:
        self._file = file
        self._fields = fields
        self._columns = columns
        self._decoder: LineDecoder | None = None

    def table(self, lines: Lines) -> RawTable:
        """Read whole lines, which follow those of the last call.

        Raises
        ------
        ConfigError
            If more than one key stands for a field.
        """
        if self._decoder is None:
            self._decoder = live_decoder(lines, fields=self._fields, columns=self._columns)
        return self._decoder.table(lines, file=self._file)


class UnusableTables:
    """Lines whose columns could not be told: bad rows, all of them."""

    def __init__(self, file: str, fields: Sequence[Field]) -> None:
        self._file = file
        self._fields = fields

    def table(self, lines: Lines) -> RawTable:
        """Refuse all lines."""
        return RawTable(
            {field.name: pa.nulls(0, pa.large_string()) for field in self._fields},
            np.empty(0, np.int32),
            lines.line,
            [
                Reject.of(
                    lines.line(index),
                    reason="bad_columns",
                    file=self._file,
                    line=index + lines.first,
                )
                for index in lines.written.tolist()
            ],
        )
