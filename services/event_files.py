"""Vendor files as columns of events: what `forcedflow replay` and the gateway read.

A file is CSV, JSON lines or Parquet by its suffix. A bad row is never a reason to stop: it is
kept as a `Reject` with its reason, and every other row is read. A file without a column that it
must have cannot be used at all.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from core.columns import Bools, Floats, Int32s, Int64s
from core.errors import ConfigError
from services.csv_events import read_csv
from services.event_fields import (
    FLOW_FIELDS,
    OPEN_INTEREST_FIELDS,
    PRICE_FIELDS,
    ColumnPairs,
    Field,
)
from services.event_rows import BadRows, Columns, Names, Rules, judge_flows, judge_prices
from services.json_events import read_json_lines
from services.parquet_events import read_parquet
from services.raw_table import RawTable
from services.rejects import Reject

_READERS = {
    ".csv": read_csv,
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
    ".json": read_json_lines,
    ".parquet": read_parquet,
}
_FOREVER = 2**63 - 1


@dataclass(frozen=True)
class ReadOptions:
    """How to read vendor files.

    Attributes
    ----------
    columns : tuple[(name, header)]   each counts for every file that has the header
    timezone : str | None             IANA zone of naive times; an offset in the file wins
    bar_ns : int                      > 0: prices are stamped at the start of a bar of this length
        and known at its end (an official close is no bar); 0: they are known at their stamp
    symbols : tuple[str, ...]         none, one, or one for each file of prices, for files without
        a symbol column; none: the file's stem
    now_ns : int                      host time at the start; later events are bad rows
    """

    columns: ColumnPairs = ()
    timezone: str | None = None
    bar_ns: int = 0
    symbols: tuple[str, ...] = ()
    now_ns: int = _FOREVER


@dataclass(frozen=True, eq=False)
class PriceEvents:
    """Prices in the order of files and lines, and the rows that are none.

    ``symbol`` int32[n] into ``symbols``; ``event_ns`` int64[n], when the price was known;
    ``start_ns`` int64[n], the start of its bar, ``event_ns`` where it is no bar; ``price``
    float64[n], > 0; ``volume`` float64[n], as in the file, NaN = none; ``sequence`` int64[n], 0 =
    none; ``source`` int32[n] into ``sources`` ("" = none); ``official`` bool[n]; ``file``
    int32[n] into ``files``; ``line`` int32[n], from 1.
    """

    symbols: tuple[str, ...]
    sources: tuple[str, ...]
    files: tuple[str, ...]
    symbol: Int32s
    event_ns: Int64s
    start_ns: Int64s
    price: Floats
    volume: Floats
    sequence: Int64s
    source: Int32s
    official: Bools
    file: Int32s
    line: Int32s
    rejects: list[Reject] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.event_ns)


@dataclass(frozen=True, eq=False)
class FlowEvents:
    """Cumulative net creations in the order of files and lines, and the rows that are none.

    ``fund`` int32[n] into ``funds``; ``label`` int64[n], the session meant, ``NO_SESSION`` where
    the file states none; ``net_creation_usd`` float64[n], creation > 0; all others as in
    `PriceEvents`.
    """

    funds: tuple[str, ...]
    sources: tuple[str, ...]
    files: tuple[str, ...]
    fund: Int32s
    event_ns: Int64s
    label: Int64s
    net_creation_usd: Floats
    sequence: Int64s
    source: Int32s
    file: Int32s
    line: Int32s
    rejects: list[Reject] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.event_ns)


E = TypeVar("E", PriceEvents, FlowEvents)

_PRICE_TYPES: dict[str, type[np.generic]] = {
    "symbol": np.int32,
    "event_ns": np.int64,
    "start_ns": np.int64,
    "price": np.float64,
    "volume": np.float64,
    "sequence": np.int64,
    "source": np.int32,
    "official": np.bool_,
    "file": np.int32,
    "line": np.int32,
}
_FLOW_TYPES: dict[str, type[np.generic]] = {
    "fund": np.int32,
    "event_ns": np.int64,
    "label": np.int64,
    "net_creation_usd": np.float64,
    "sequence": np.int64,
    "source": np.int32,
    "file": np.int32,
    "line": np.int32,
}


def read_prices(paths: Sequence[Path], options: ReadOptions) -> PriceEvents:
    """Read the prices of all files.

    Raises
    ------
    ConfigError
        If a file cannot be read, has an unknown suffix or lacks a column, or if an option is
        unusable.
    """
    rules = rules_of(options)
    symbols = symbols_of(paths, options.symbols)
    return prices_of(
        (
            TableOf(read_table(path, fields=PRICE_FIELDS, columns=options.columns), path, symbol)
            for path, symbol in zip(paths, symbols, strict=True)
        ),
        rules,
    )


def read_flows(paths: Sequence[Path], options: ReadOptions) -> FlowEvents:
    """Read the net creations of all files; ``bar_ns`` and ``symbols`` do not concern them.

    Raises
    ------
    ConfigError
        As `read_prices`.
    """
    rules = rules_of(options)
    return flows_of(
        (
            TableOf(read_table(path, fields=FLOW_FIELDS, columns=options.columns), path)
            for path in paths
        ),
        rules,
    )


class TableOf(NamedTuple):
    """A table and the file it was read from; ``symbol`` is that of rows without the column."""

    table: RawTable
    file: Path | str
    symbol: str = ""


def prices_of(tables: Iterable[TableOf], rules: Rules) -> PriceEvents:
    """Judge the rows of tables of prices."""
    symbols, sources = Names(), Names([""])
    files, parts = [], []
    rejects: list[Reject] = []
    for number, (table, file, symbol) in enumerate(tables):
        part, bad = judge_prices(table, rules, symbol=symbol, symbols=symbols, sources=sources)
        parts.append(part | {"file": np.full(len(part["line"]), number, np.int32)})
        rejects += _rejects(table, bad, str(file))
        files.append(str(file))
    columns = _joined(parts, _PRICE_TYPES)
    return PriceEvents(symbols.all(), sources.all(), tuple(files), **columns, rejects=rejects)


def flows_of(tables: Iterable[TableOf], rules: Rules) -> FlowEvents:
    """Judge the rows of tables of net creations."""
    funds, sources = Names(), Names([""])
    files, parts = [], []
    rejects: list[Reject] = []
    for number, (table, file, _) in enumerate(tables):
        part, bad = judge_flows(table, rules, funds=funds, sources=sources)
        parts.append(part | {"file": np.full(len(part["line"]), number, np.int32)})
        rejects += _rejects(table, bad, str(file))
        files.append(str(file))
    columns = _joined(parts, _FLOW_TYPES)
    return FlowEvents(funds.all(), sources.all(), tuple(files), **columns, rejects=rejects)


def rows_of(events: E, rows: Int64s | Bools) -> E:
    """Return the chosen rows alone, by position or mask; names and files stay as they are."""
    columns: dict[str, Any] = {
        name: column[rows]
        for name, column in vars(events).items()
        if isinstance(column, np.ndarray)
    }
    return replace(events, rejects=[], **columns)


def rules_of(options: ReadOptions) -> Rules:
    """Return what rows are judged by.

    Raises
    ------
    ConfigError
        If an option is unusable.
    """
    fields = (*PRICE_FIELDS, *FLOW_FIELDS, *OPEN_INTEREST_FIELDS)
    known = {each.name for each in fields}
    for name, _ in options.columns:
        if name not in known:
            raise ConfigError(
                f"--column: expected one of {', '.join(sorted(known))}, it was {name!r}"
            )
    return Rules(_zone(options.timezone), options.bar_ns, options.now_ns)


def _zone(name: str | None) -> ZoneInfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigError(
            f"--timezone: expected an IANA name such as America/New_York, it was {name!r}"
        ) from error


def symbols_of(paths: Sequence[Path], symbols: Sequence[str]) -> list[str]:
    """Return the symbol of each file of prices that has no symbol column.

    Raises
    ------
    ConfigError
        If there are neither no, nor one, nor as many symbols as files.
    """
    if not symbols:
        return [path.stem for path in paths]
    if len(symbols) == 1:
        return list(symbols) * len(paths)
    if len(symbols) != len(paths):
        raise ConfigError(
            f"--symbol: expected one, or one for each of {len(paths)} files of prices, "
            f"there were {len(symbols)}"
        )
    return list(symbols)


def read_table(path: Path, *, fields: Sequence[Field], columns: ColumnPairs) -> RawTable:
    """Read the columns of a file by the reader of its suffix.

    Raises
    ------
    ConfigError
        If it cannot be read, has an unknown suffix or lacks a column.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise ConfigError(
            f"{path}: expected a suffix of {', '.join(_READERS)}, it was {path.suffix!r}"
        )
    try:
        return reader(path, fields=fields, columns=columns)
    except OSError as error:
        raise ConfigError(f"{path}: expected a readable file: {error.strerror}") from error


def _rejects(table: RawTable, bad: BadRows, file: str) -> list[Reject]:
    judged = [
        Reject.of(table.raw(row), reason=reason, file=file, line=int(table.line[row]))
        for row, reason in bad
    ]
    return sorted(table.rejects + judged, key=lambda reject: reject.line)


def _joined(parts: Sequence[Columns], types: dict[str, type[np.generic]]) -> Columns:
    return {
        name: np.concatenate([np.empty(0, kind), *(part[name] for part in parts)]).astype(kind)
        for name, kind in types.items()
    }
