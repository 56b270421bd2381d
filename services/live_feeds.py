"""Rows of feeds that do not end: lines as they come, judged like those of files."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from core.columns import Bools
from core.errors import ConfigError
from services.event_fields import (
    FLOW_FIELDS,
    OPEN_INTEREST_FIELDS,
    PRICE_FIELDS,
    ColumnPairs,
    Field,
)
from services.event_files import TableOf, flows_of, prices_of
from services.event_rows import Rules
from services.gateway_events import Events
from services.live_tables import CsvTables, JsonTables, LineTables, UnusableTables
from services.option_events import levels_of
from services.raw_table import RawTable
from services.text_lines import split_lines

_PRICE_NAMES = {field.name for field in PRICE_FIELDS}
_FLOW_NAMES = {field.name for field in FLOW_FIELDS}
_INTEREST_NAMES = {field.name for field in OPEN_INTEREST_FIELDS}
_EVENT_FIELDS = (
    *PRICE_FIELDS,
    *(field for field in FLOW_FIELDS if field.name not in _PRICE_NAMES),
)
_INTEREST_FIELDS = tuple(
    field for field in OPEN_INTEREST_FIELDS if field.name not in _PRICE_NAMES | _FLOW_NAMES
)
_TEXT_SUFFIXES = (".csv", ".jsonl", ".ndjson", ".json")


class JsonFeed:
    """JSON lines that hold prices, creations and levels of open interest in any order.

    A creation has a fund; a level has an underlying, and neither fund nor price.

    Parameters
    ----------
    name : str    stands for the file in dead letters
    """

    def __init__(self, name: str, columns: ColumnPairs) -> None:
        self._name = name
        # A vendor may call a price's symbol "underlying": then that is what it is.
        taken = {header for own, header in columns if own != header}
        self._fields = (
            *_EVENT_FIELDS,
            *(field for field in _INTEREST_FIELDS if field.name not in taken),
        )
        self._tables: LineTables = JsonTables(name, fields=self._fields, columns=columns)
        self._next_line = 1

    def read(self, data: bytes, rules: Rules) -> Events:
        """Judge whole lines, which follow those of the last call."""
        lines = split_lines(data, self._next_line)
        self._next_line += len(lines)
        try:
            table = self._tables.table(lines)
        except ConfigError:
            self._tables = UnusableTables(self._name, self._fields)
            table = self._tables.table(lines)
        is_flow = _has(table, "fund")
        is_level = _has(table, "underlying") & ~is_flow & ~_has(table, "price")
        prices = _part(table, ~is_flow & ~is_level, names=_PRICE_NAMES)
        # A line that could not be read at all is reported once, among the prices.
        prices.rejects.extend(table.rejects)
        flows = _part(table, is_flow, names=_FLOW_NAMES)
        levels = [_part(table, is_level, names=_INTEREST_NAMES)] if is_level.any() else []
        return Events(
            prices_of([TableOf(prices, self._name)], rules),
            flows_of([TableOf(flows, self._name)], rules),
            levels_of([TableOf(each, self._name) for each in levels], rules),
        )


class FileFeed:
    """A growing file of events of one kind, CSV or JSON lines by its suffix.

    Parameters
    ----------
    fields : Sequence[Field]    `PRICE_FIELDS`, `FLOW_FIELDS` or `OPEN_INTEREST_FIELDS`
    symbol : str                of prices in a file without that column

    Raises
    ------
    ConfigError
        If it is no text file.
    """

    def __init__(
        self, path: Path, *, fields: Sequence[Field], columns: ColumnPairs, symbol: str = ""
    ) -> None:
        if path.suffix.lower() not in _TEXT_SUFFIXES:
            raise ConfigError(
                f"{path}: expected a file to follow to be one of {', '.join(_TEXT_SUFFIXES)}, "
                f"it was {path.suffix!r}"
            )
        self._path = path
        self._fields = fields
        self._columns = columns
        self._symbol = symbol
        self._has_begun = False
        self.restart()

    def restart(self) -> None:
        """Forget header and line number: a new file has begun at this path."""
        tables = CsvTables if self._path.suffix.lower() == ".csv" else JsonTables
        self._tables: LineTables = tables(
            str(self._path), fields=self._fields, columns=self._columns
        )
        self._next_line = 1

    def read(self, data: bytes, rules: Rules) -> Events:
        """Judge whole lines, which follow those of the last call.

        Raises
        ------
        ConfigError
            If the first file's columns cannot be told; those of a later one are then bad rows.
        """
        lines = split_lines(data, self._next_line)
        self._next_line += len(lines)
        try:
            table = self._tables.table(lines)
        except ConfigError:
            if not self._has_begun:
                raise
            self._tables = UnusableTables(str(self._path), self._fields)
            table = self._tables.table(lines)
        self._has_begun = True
        tables = [TableOf(_without_empty_symbols(table), self._path, self._symbol)]
        return Events(
            prices_of(tables if self._fields is PRICE_FIELDS else [], rules),
            flows_of(tables if self._fields is FLOW_FIELDS else [], rules),
            levels_of(tables if self._fields is OPEN_INTEREST_FIELDS else [], rules),
        )


def _has(table: RawTable, name: str) -> Bools:
    column = table.columns.get(name)
    if column is None:
        return np.zeros(len(table.line), np.bool_)
    found: Bools = column.is_valid().to_numpy(zero_copy_only=False)
    return found


def _part(table: RawTable, chosen: Bools, *, names: set[str]) -> RawTable:
    rows = np.flatnonzero(chosen)
    return RawTable(
        {
            name: column.filter(pa.array(chosen))
            for name, column in table.columns.items()
            if name in names
        },
        table.line[rows],
        lambda row: table.raw(int(rows[row])),
    )


def _without_empty_symbols(table: RawTable) -> RawTable:
    """Leave out a symbol column that no row has: the file's own symbol then stands for it."""
    symbols = table.columns.get("symbol")
    if symbols is None or symbols.null_count < len(symbols):
        return table
    columns = {name: column for name, column in table.columns.items() if name != "symbol"}
    return RawTable(columns, table.line, table.raw, table.rejects)
