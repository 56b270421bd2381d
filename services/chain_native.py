"""Chains of our own files: events of open interest as they stand at a time.

A contract's level holds until a later one; all files together are one stream of events.
"""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from core.columns import Bools, Floats, Int64s
from core.contracts import OptionChain
from core.sessions import NO_SESSION
from services.chain_checks import CONTRACT_KEY
from services.chain_rows import ChainFile
from services.event_fields import OPEN_INTEREST_FIELDS, QUOTE_FIELDS
from services.event_files import ReadOptions, read_table, rules_of
from services.event_rows import Columns
from services.option_calendar import OptionCalendar
from services.option_rows import OptionNames, judge_levels
from services.raw_table import RawTable
from services.rejects import Reject

_SAME = (
    "root",
    "expiry",
    "settlement_ns",
    "strike",
    "is_call",
    "open_interest",
    "implied_volatility",
    "multiplier",
    "deliverable",
    "is_cash_settled",
    "is_american",
    "forward",
    "mid",
    "vendor_gamma",
)
"""Columns of events that a chain has under the same names."""


@dataclass(frozen=True)
class _Row:
    """Where a row was read."""

    table: RawTable
    file: str
    row: int

    def underlying(self) -> str:
        return str(self.table.columns["underlying"][self.row].as_py())

    def reject(self, reason: str) -> Reject:
        line = int(self.table.line[self.row])
        return Reject.of(self.table.raw(self.row), reason=reason, file=self.file, line=line)


@dataclass(eq=False)
class _Rows:
    """All good rows of all files as columns, and where each was read."""

    names: OptionNames = field(default_factory=OptionNames)
    parts: list[Columns] = field(default_factory=list)
    places: list[_Row] = field(default_factory=list)

    def columns(self) -> Columns:
        return {name: np.concatenate([part[name] for part in self.parts]) for name in self.parts[0]}


def read_native_chains(
    paths: Sequence[Path],
    options: ReadOptions,
    *,
    calendar: OptionCalendar,
    as_of_ns: int | None = None,
) -> tuple[list[ChainFile], list[Reject]]:
    """Return one chain an underlying, each contract as it was last stated up to a time.

    A chain is stated when its newest row is. Where every row of an underlying is later than
    ``as_of_ns`` its first ones count. Bad rows of no underlying that has a chain are returned
    apart.

    Raises
    ------
    ConfigError
        If a file cannot be read or lacks a column, or if an option is unusable.
    """
    found, rejects = _Rows(), defaultdict[str, list[Reject]](list)
    for path in paths:
        fields = (*OPEN_INTEREST_FIELDS, *QUOTE_FIELDS)
        table = read_table(path, fields=fields, columns=options.columns)
        columns, bad = judge_levels(table, rules_of(options), names=found.names, calendar=calendar)
        reasons = dict(bad)
        rejects[""] += table.rejects
        for row in range(len(table.line)):
            place = _Row(table, str(path), row)
            if row in reasons:
                rejects[place.underlying()].append(place.reject(reasons[row]))
            else:
                found.places.append(place)
        found.parts.append(columns)
    if not found.places:
        return [], [reject for bad_rows in rejects.values() for reject in bad_rows]
    joined = found.columns()
    chains = [
        _chain_file(joined, code, rows=found, rejects=rejects, as_of_ns=as_of_ns, calendar=calendar)
        for code in np.unique(joined["underlying"]).tolist()
    ]
    return chains, [reject for bad_rows in rejects.values() for reject in bad_rows]


def _chain_file(
    columns: Columns,
    code: int,
    *,
    rows: _Rows,
    rejects: dict[str, list[Reject]],
    as_of_ns: int | None,
    calendar: OptionCalendar,
) -> ChainFile:
    """Return the chain of one underlying; its bad rows leave `rejects`."""
    event_ns, mine = columns["event_ns"], columns["underlying"] == code
    until_ns = int(event_ns[mine].max())
    if as_of_ns is not None:
        until_ns = max(min(as_of_ns, until_ns), int(event_ns[mine].min()))
    mine &= event_ns <= until_ns
    origin = _newest(columns, mine)
    name = rows.names.underlyings.all()[code]
    chain = OptionChain(
        underlying=name,
        spot=_last_spot(columns, mine),
        as_of_ns=int(event_ns[origin].max()),
        roots=rows.names.roots.all(),
        effective_label=_labels(columns["label"][origin], event_ns[origin], calendar),
        dealer_sign=_signs(columns["dealer_sign"][origin]),
        **{column: columns[column][origin] for column in _SAME},
    )
    return ChainFile(
        file=rows.places[int(origin[0])].file,
        layout="native",
        chain=chain,
        origin=origin,
        reject=lambda place, reason: rows.places[place].reject(reason),
        rejects=rejects.pop(name, []),
        rows=len(origin),
        digest=hashlib.sha256(f"native {name}".encode()).hexdigest(),
    )


def _newest(columns: Columns, mine: Bools) -> Int64s:
    """Return the rows among `mine` that are of the latest time of their contract."""
    rows = np.flatnonzero(mine)
    keys = np.empty(len(rows), CONTRACT_KEY)
    for name in CONTRACT_KEY.names or ():
        keys[name] = columns[name][rows]
    _, group = np.unique(keys, return_inverse=True)
    event_ns = columns["event_ns"][rows]
    latest_ns = np.full(int(group.max()) + 1, np.iinfo(np.int64).min)
    np.maximum.at(latest_ns, group, event_ns)
    newest: Int64s = rows[event_ns == latest_ns[group]]
    return newest


def _signs(dealer_sign: Floats) -> Floats | None:
    return None if np.isnan(dealer_sign).all() else dealer_sign


def _last_spot(columns: Columns, mine: Bools) -> float:
    """Return the spot that was stated last, NaN if none was."""
    rows = np.flatnonzero(mine & ~np.isnan(columns["spot"]))
    if not len(rows):
        return float("nan")
    return float(columns["spot"][rows[np.argmax(columns["event_ns"][rows])]])


def _labels(label: Int64s, event_ns: Int64s, calendar: OptionCalendar) -> Int64s:
    """Return the sessions meant: those stated, else those whose levels were the newest."""
    times, place = np.unique(event_ns, return_inverse=True)
    newest = np.array([calendar.open_interest_label(time) for time in times.tolist()], np.int64)
    return np.where(label == NO_SESSION, newest[place], label)
