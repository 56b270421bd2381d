"""Chains as Cboe's page of delayed quotes writes them: a head, then calls and puts side by side.

The head names the underlying and its last price, and the time of the download in the browser's
language. Every row below has a call, a strike and a put. A contract is what its symbol says; the
row's own date and strike have to agree with it.
"""

import csv
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from core.columns import Bools, Floats, Int32s
from core.errors import ConfigError
from services.chain_dates import date_in, header_time_ns, is_header_time
from services.chain_numbers import decimal_of, number_near, read_numbers
from services.chain_rows import ChainFile, Figures, Head, option_chain, rejecter
from services.chain_values import mark_figures
from services.event_values import Verdicts
from services.option_calendar import OptionCalendar
from services.option_roots import is_adjusted, terms_of
from services.option_symbols import OptionSymbol, parse_option_symbol
from services.option_terms import Identity, TermColumns, listed_terms
from services.rejects import Reject
from services.text_lines import LONGEST_LINE, Lines, split_lines

HEAD_LINES = 10
"""The table begins within these, or the file is of another layout."""
LEAST_STRIKE_STEP = 0.001
"""Symbols hold strikes in thousandths; a row's own strike farther off is another one."""
_CELLS = 22
_DATE, _STRIKE = 0, 11
_SIDES = (1, 12)
_BID, _ASK, _VOLATILITY, _GAMMA, _OPEN_INTEREST = 3, 4, 6, 8, 9
_DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True)
class CboeTable:
    """Where the table of a file begins (index of the line with the columns' names) and its mark."""

    first: int
    delimiter: str

    @classmethod
    def find(cls, lines: Lines) -> "CboeTable | None":
        """Return the table of a file, None if it is of another layout."""
        for index in lines.written[:HEAD_LINES].tolist():
            for delimiter in _DELIMITERS:
                cells = _cells(lines.line(index), delimiter)
                if cells is not None and len(cells) == _CELLS:
                    return cls(index, delimiter)
        return None


@dataclass(frozen=True)
class _Side:
    """One contract as its row has it: line, symbol's place in the row, and the row's cells."""

    line: int
    place: int
    cells: Sequence[str]
    symbol: OptionSymbol

    def cell(self, offset: int) -> str:
        return self.cells[self.place + offset]


def read_cboe(path: Path, calendar: OptionCalendar) -> ChainFile:
    """Read a chain of Cboe's page.

    Raises
    ------
    ConfigError
        If the file has no such table, no contract in it, or a head that cannot be read.
    """
    file = str(path)
    lines = split_lines(path.read_bytes())
    table = CboeTable.find(lines)
    if table is None:
        raise ConfigError(
            f"{file}: expected a table of {_CELLS} columns within its first {HEAD_LINES} lines, "
            "as Cboe's page of delayed quotes writes it"
        )
    body = [index for index in lines.written.tolist() if index > table.first]
    rows, rejects = _rows(lines, body, table.delimiter, file)
    sides, unread = _sides(rows, lines, file)
    if not sides:
        raise ConfigError(f"{file}: expected option contracts below its head, there were none")
    head_cells = [
        _cells(lines.line(index), table.delimiter, errors="replace") or []
        for index in lines.written.tolist()
        if index < table.first
    ]
    return _chain_file(
        sides,
        [*rejects, *unread],
        head_cells=head_cells,
        lines=lines,
        body=body,
        calendar=calendar,
        file=file,
    )


def _chain_file(
    sides: list[_Side],
    rejects: list[Reject],
    *,
    head_cells: list[list[str]],
    lines: Lines,
    body: list[int],
    calendar: OptionCalendar,
    file: str,
) -> ChainFile:
    identity = _identity(sides)
    terms = listed_terms(identity, calendar)
    underlying = _underlying(sides)
    verdicts = Verdicts(len(sides))
    figures = _figures(sides, identity.strike, verdicts)
    _mark_identity(sides, identity, terms, underlying=underlying, verdicts=verdicts)
    as_of_ns = header_time_ns(_header_time(head_cells, file), file=file)
    head = Head(
        underlying,
        spot=_spot(head_cells, float(np.median(identity.strike))),
        as_of_ns=as_of_ns,
        effective_label=calendar.open_interest_label(as_of_ns),
    )
    origin = np.array([side.line for side in sides], np.int64)
    good = verdicts.good
    reject = rejecter(file, lambda number: _raw(lines, number))
    bad = [reject(sides[row].line, reason) for row, reason in verdicts.bad()]
    return ChainFile(
        file=file,
        layout="cboe",
        chain=option_chain(head, identity, figures, terms).at(good),
        origin=origin[good],
        reject=reject,
        rejects=sorted([*rejects, *bad], key=lambda bad_row: bad_row.line),
        rows=len(_SIDES) * len(body),
        digest=hashlib.sha256(b"\n".join(lines.line(index) for index in body)).hexdigest(),
    )


def _raw(lines: Lines, number: int) -> bytes:
    return lines.line(number - lines.first)


def _cells(line: bytes, delimiter: str, errors: str = "strict") -> list[str] | None:
    if len(line) > LONGEST_LINE:
        return None
    try:
        return next(csv.reader([line.decode(errors=errors)], strict=True, delimiter=delimiter), [])
    except (UnicodeDecodeError, csv.Error):
        return None


def _rows(
    lines: Lines, body: list[int], delimiter: str, file: str
) -> tuple[list[tuple[int, list[str]]], list[Reject]]:
    """Return number and cells of the lines of the right shape; the others bear two contracts."""
    rows, rejects = [], []
    for index in body:
        number = index + lines.first
        cells = _cells(lines.line(index), delimiter)
        if cells is not None and len(cells) == _CELLS:
            rows.append((number, cells))
            continue
        bad = Reject.of(lines.line(index), reason="malformed", file=file, line=number)
        rejects += [bad] * len(_SIDES)
    return rows, rejects


def _sides(
    rows: list[tuple[int, list[str]]], lines: Lines, file: str
) -> tuple[list[_Side], list[Reject]]:
    sides, rejects = [], []
    for number, cells in rows:
        for place in _SIDES:
            symbol = parse_option_symbol(cells[place])
            if symbol is not None:
                sides.append(_Side(number, place, cells, symbol))
                continue
            raw = _raw(lines, number)
            rejects.append(Reject.of(raw, reason="bad_symbol", file=file, line=number))
    return sides, rejects


def _identity(sides: list[_Side]) -> Identity:
    codes: dict[str, int] = {}
    root = [codes.setdefault(side.symbol.root, len(codes)) for side in sides]
    return Identity(
        roots=tuple(codes),
        root=np.array(root, np.int32),
        expiry=np.array([side.symbol.expiry for side in sides], np.int64),
        strike=np.array([side.symbol.strike for side in sides]),
        is_call=np.array([side.symbol.is_call for side in sides], np.bool_),
    )


def _underlying(sides: list[_Side]) -> str:
    counts = Counter(terms_of(side.symbol.root).underlying for side in sides)
    return counts.most_common(1)[0][0]


def _mark_identity(
    sides: list[_Side],
    identity: Identity,
    terms: TermColumns,
    *,
    underlying: str,
    verdicts: Verdicts,
) -> None:
    roots = identity.roots
    adjusted = _by_root(identity.root, [is_adjusted(root) for root in roots])
    foreign = _by_root(identity.root, [terms_of(root).underlying != underlying for root in roots])
    verdicts.mark(adjusted, "adjusted_contract")
    verdicts.mark(foreign, "other_underlying")
    dated = {text: date_in(text) for text in {side.cells[_DATE] for side in sides}}
    stated = [dated[side.cells[_DATE]] for side in sides]
    differs = [
        day is not None and day != side.symbol.expiry
        for day, side in zip(stated, sides, strict=True)
    ]
    wrong_side = [side.symbol.is_call != (side.place == _SIDES[0]) for side in sides]
    verdicts.mark(np.array(differs) | np.array(wrong_side), "contradictory")
    verdicts.mark(terms.settlement_ns < 0, "bad_expiry")


def _by_root(root: Int32s, is_so: list[bool]) -> Bools:
    marks: Bools = np.array(is_so, np.bool_)[root]
    return marks


def _figures(sides: list[_Side], known_strike: Floats, verdicts: Verdicts) -> Figures:
    def column(offset: int) -> pa.Array:
        texts = [side.cell(offset).strip() or None for side in sides]
        return pa.array(texts, pa.large_string())

    strike = pa.array([side.cells[_STRIKE].strip() or None for side in sides], pa.large_string())
    offsets = (_OPEN_INTEREST, _VOLATILITY, _BID, _ASK, _GAMMA)
    texts = {offset: column(offset) for offset in offsets}
    decimal = decimal_of(
        strike,
        known_strike,
        levels=[texts[_OPEN_INTEREST]],
        others=[texts[_VOLATILITY], texts[_GAMMA]],
    )
    found = read_numbers(strike, decimal=decimal)
    verdicts.mark(
        found.bad | (np.abs(found.value - known_strike) > LEAST_STRIKE_STEP), "contradictory"
    )
    read = {offset: read_numbers(texts[offset], decimal=decimal) for offset in offsets}
    # A fraction of a contract is a number whose thousands were taken for one.
    verdicts.mark(read[_OPEN_INTEREST].value % 1.0 > 0.0, "bad_open_interest")
    return mark_figures(
        open_interest=read[_OPEN_INTEREST],
        implied_volatility=read[_VOLATILITY],
        bid=read[_BID],
        ask=read[_ASK],
        gamma=read[_GAMMA],
        verdicts=verdicts,
    )


def _header_time(head_cells: list[list[str]], file: str) -> str:
    for cells in head_cells:
        if cells and is_header_time(cells[0]):
            return cells[0].partition(":")[2] if _is_labelled(cells[0]) else cells[0]
    raise ConfigError(
        f"{file}: expected a line with date and time above its table, it began "
        f"{[', '.join(cells) for cells in head_cells]}"
    )


def _is_labelled(cell: str) -> bool:
    """Say whether a word and a colon stand before a date, as in ``Date: May 1, 2025 at …``."""
    label = cell.partition(":")[0]
    return not any(character.isdigit() for character in label)


def _spot(head_cells: list[list[str]], near: float) -> float:
    """Return the last price of the first line that has one beside the name, NaN if none has."""
    for cells in head_cells:
        if len(cells) > 1 and not is_header_time(cells[0]):
            return number_near(cells[1].rpartition(":")[2], near)
    return float("nan")
