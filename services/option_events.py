"""Open interest of files as columns of events: what `replay` and the gateway read.

Files of our own are rows of events. A vendor's chain becomes levels at the time that it states;
what is refused of it is what a profile refuses.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from core.columns import Bools, Floats, Int32s, Int64s
from services.chain_checks import without_expired, without_repeated
from services.chain_choice import refuse_unsound
from services.chain_layouts import Layout, layout_of, read_vendor_chains
from services.chain_rows import ChainFile
from services.event_fields import OPEN_INTEREST_FIELDS, QUOTE_FIELDS
from services.event_files import ReadOptions, TableOf, read_table, rules_of
from services.event_rows import Columns, Names, Rules
from services.option_calendar import OptionCalendar, option_calendar
from services.option_rows import OptionNames, judge_levels
from services.rejects import Reject


@dataclass(frozen=True, eq=False)
class OpenInterestEvents:
    """Levels of open interest in the order of files and lines, and the rows that are none.

    A level, not a change, of one contract: ``underlying`` int32[n] into ``underlyings``, ``root``
    int32[n] into ``roots``, ``expiry`` int64[n] days since 1970, ``strike`` float64[n], ``is_call``
    bool[n]. ``open_interest`` float64[n], contracts, >= 0; ``implied_volatility`` float64[n] per
    year, NaN = none; ``event_ns`` int64[n]; ``settlement_ns``, ``multiplier``, ``deliverable``,
    ``is_cash_settled``, ``is_american``, ``forward`` as in `core.contracts.OptionChain`, those of
    the root where a row states none; ``label`` int64[n], the session meant, ``NO_SESSION`` where
    the file states none; ``source`` int32[n] into ``sources`` ("" = none); ``file`` int32[n] into
    ``files``; ``line`` int32[n], from 1; ``dealer_sign`` float64[n] as in
    `core.contracts.OpenInterestColumns`. For a profile alone, NaN = none: ``spot``, ``mid``,
    ``vendor_gamma`` float64[n].
    """

    underlyings: tuple[str, ...]
    roots: tuple[str, ...]
    sources: tuple[str, ...]
    files: tuple[str, ...]
    underlying: Int32s
    root: Int32s
    expiry: Int64s
    strike: Floats
    is_call: Bools
    open_interest: Floats
    implied_volatility: Floats
    event_ns: Int64s
    settlement_ns: Int64s
    multiplier: Floats
    deliverable: Floats
    is_cash_settled: Bools
    is_american: Bools
    forward: Floats
    label: Int64s
    source: Int32s
    dealer_sign: Floats
    spot: Floats
    mid: Floats
    vendor_gamma: Floats
    file: Int32s
    line: Int32s
    rejects: list[Reject] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.event_ns)

    def at(self, rows: Int64s | Bools) -> "OpenInterestEvents":
        """Return the chosen rows alone, by position or mask; names and files stay as they are."""
        columns: dict[str, Any] = {name: getattr(self, name)[rows] for name in _TYPES}
        return replace(self, rejects=[], **columns)


_TYPES: dict[str, type[np.generic]] = {
    "underlying": np.int32,
    "root": np.int32,
    "expiry": np.int64,
    "strike": np.float64,
    "is_call": np.bool_,
    "open_interest": np.float64,
    "implied_volatility": np.float64,
    "event_ns": np.int64,
    "settlement_ns": np.int64,
    "multiplier": np.float64,
    "deliverable": np.float64,
    "is_cash_settled": np.bool_,
    "is_american": np.bool_,
    "forward": np.float64,
    "label": np.int64,
    "source": np.int32,
    "dealer_sign": np.float64,
    "spot": np.float64,
    "mid": np.float64,
    "vendor_gamma": np.float64,
    "file": np.int32,
    "line": np.int32,
}


def read_open_interest(
    paths: Sequence[Path], options: ReadOptions, *, layout: Layout | None = None
) -> OpenInterestEvents:
    """Read the levels of all files; ``bar_ns`` and ``symbols`` do not concern them.

    ``layout`` is that of every file, None = told from each file's first bytes.

    Raises
    ------
    ConfigError
        If a file cannot be read, is of no known layout or lacks a column, or if an option is
        unusable.
    """
    calendar = option_calendar()
    rules, fields = rules_of(options), (*OPEN_INTEREST_FIELDS, *QUOTE_FIELDS)
    names, parts, rejects = OptionNames(), [], []
    layouts = [layout or layout_of(path) for path in paths]
    for number, path in enumerate(paths):
        if layouts[number] == "native":
            table = read_table(path, fields=fields, columns=options.columns)
            part, bad = _judged(TableOf(table, path), rules, names=names, calendar=calendar)
            parts.append(part | {"file": np.full(len(part["line"]), number, np.int32)})
            rejects += bad
    chains = [
        chain
        for path, found in zip(paths, layouts, strict=True)
        if found != "native"
        for chain in read_vendor_chains(path, found, calendar)
    ]
    for file in _sound(chains):
        number = [str(path) for path in paths].index(file.file)
        part = _levels(file, names)
        parts.append(part | {"file": np.full(len(part["line"]), number, np.int32)})
        rejects += file.rejects
    return _events(parts, names, files=tuple(map(str, paths)), rejects=rejects)


def chain_events(chains: Sequence[ChainFile], path: Path) -> OpenInterestEvents:
    """Return the levels of sound chains of a vendor's file, and what of them is none."""
    names, parts = OptionNames(), []
    rejects: list[Reject] = []
    for file in map(_living, chains):
        part = _levels(file, names)
        parts.append(part | {"file": np.zeros(len(part["line"]), np.int32)})
        rejects += file.rejects
    return _events(parts, names, files=(str(path),), rejects=rejects)


def levels_of(tables: Iterable[TableOf], rules: Rules) -> OpenInterestEvents:
    """Judge the rows of tables of our own layout."""
    calendar = option_calendar()
    names, parts = OptionNames(), []
    files: list[str] = []
    rejects: list[Reject] = []
    for number, table in enumerate(tables):
        part, bad = _judged(table, rules, names=names, calendar=calendar)
        parts.append(part | {"file": np.full(len(part["line"]), number, np.int32)})
        rejects += bad
        files.append(str(table.file))
    return _events(parts, names, files=tuple(files), rejects=rejects)


def _events(
    parts: Sequence[Columns],
    names: OptionNames,
    *,
    files: tuple[str, ...],
    rejects: list[Reject],
) -> OpenInterestEvents:
    return OpenInterestEvents(
        names.underlyings.all(),
        names.roots.all(),
        names.sources.all(),
        files,
        **{
            name: np.concatenate([np.empty(0, kind), *(part[name] for part in parts)]).astype(kind)
            for name, kind in _TYPES.items()
        },
        rejects=rejects,
    )


def _judged(
    rows: TableOf, rules: Rules, *, names: OptionNames, calendar: OptionCalendar
) -> tuple[Columns, list[Reject]]:
    """Return the good rows of a table of our own but ``file``, and the bad ones."""
    table = rows.table
    columns, bad = judge_levels(table, rules, names=names, calendar=calendar)
    judged = [
        Reject.of(table.raw(row), reason=reason, file=str(rows.file), line=int(table.line[row]))
        for row, reason in bad
    ]
    return columns, sorted([*table.rejects, *judged], key=lambda reject: reject.line)


def _sound(chains: Sequence[ChainFile]) -> list[ChainFile]:
    """Return the chains by underlying and time, what is not to be used of them refused."""
    found = []
    for name in dict.fromkeys(chain.chain.underlying for chain in chains):
        for file, reason in refuse_unsound(c for c in chains if c.chain.underlying == name):
            if reason:
                found.append(file.refused(np.ones(len(file.chain), np.bool_), reason))
                continue
            found.append(_living(file))
    return found


def _living(file: ChainFile) -> ChainFile:
    """Return a sound chain without the contracts that say nothing."""
    living = without_repeated(without_expired(file, file.chain.as_of_ns))
    unknown = np.isnan(living.chain.open_interest)
    return living.refused(unknown, "no_open_interest")


def _levels(file: ChainFile, names: OptionNames) -> Columns:
    """Return the contracts of a vendor's chain as columns of events, but ``file``."""
    chain = file.chain
    count = len(chain)
    return {
        "underlying": _code(names.underlyings, chain.underlying, count),
        "root": names.roots.translate(chain.root, chain.roots, missing=""),
        "expiry": chain.expiry,
        "strike": chain.strike,
        "is_call": chain.is_call,
        "open_interest": chain.open_interest,
        "implied_volatility": chain.implied_volatility,
        "event_ns": np.full(count, chain.as_of_ns, np.int64),
        "settlement_ns": chain.settlement_ns,
        "multiplier": chain.multiplier,
        "deliverable": chain.deliverable,
        "is_cash_settled": chain.is_cash_settled,
        "is_american": chain.is_american,
        "forward": chain.forward,
        "label": chain.effective_label,
        "source": _code(names.sources, "", count),
        "dealer_sign": np.full(count, np.nan),
        "spot": np.full(count, chain.spot),
        "mid": chain.mid,
        "vendor_gamma": chain.vendor_gamma,
        "line": file.origin.astype(np.int32),
    }


def _code(names: Names, name: str, count: int) -> Int32s:
    return names.translate(np.zeros(count, np.int32), [name], missing="")
