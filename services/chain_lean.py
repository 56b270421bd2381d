"""QuantConnect LEAN's option universes: a file a day, the underlying's row first.

The file of a day holds that day's closing prices and the volatilities made of them, so it is
known from the session's close on. Where LEAN could imply no volatility it writes 0 for it and for
every Greek; an empty open interest is unknown. A contract is three cells, or in older files a
symbol; the underlying is what the file's folder is called: ``universes/goog/20151223.csv``.
"""

import csv
import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from core.errors import ConfigError
from services.chain_dates import compact_date
from services.chain_rows import ChainFile, Figures, Head, option_chain, rejecter
from services.chain_values import mark_figures
from services.event_values import Numbers, Verdicts, numbers
from services.option_calendar import OptionCalendar
from services.option_roots import is_adjusted, terms_of
from services.option_symbols import OptionSymbol, parse_option_symbol
from services.option_terms import Identity, listed_terms
from services.rejects import Reject
from services.text_lines import LONGEST_LINE, Lines, split_lines

HEADERS = (b"#expiry,strike,right,", b"#symbol_id,symbol_value,")
"""How the first line begins, now and in older files."""
_FIGURES = ("close", "open_interest", "implied_volatility", "gamma")
_RIGHTS = {"C": True, "P": False}
_DATED_STEM = re.compile(r"(?:([A-Za-z.]{1,6})_)?(\d{8})", re.ASCII)
_ROOT = re.compile(r"[A-Za-z.]{1,6}", re.ASCII)


def is_lean_universe(lines: Lines) -> bool:
    """Say whether a text is a universe file by its first line."""
    first = lines.written[:1].tolist()
    return bool(first) and lines.line(first[0]).startswith(HEADERS)


@dataclass(frozen=True)
class _Row:
    """One line: its number, its cells by name, and its contract (None for the underlying)."""

    line: int
    cells: Mapping[str, str]
    symbol: OptionSymbol | None


def read_lean_universe(path: Path, calendar: OptionCalendar) -> ChainFile:
    """Read one day's universe of one underlying.

    Raises
    ------
    ConfigError
        If it is no such file, or neither its name nor its folder says of what and when.
    """
    file = str(path)
    root, label, close_ns = _subject(path, calendar)
    lines = split_lines(path.read_bytes())
    if not is_lean_universe(lines):
        raise ConfigError(f"{file}: expected a first line that begins {HEADERS[0].decode()}…")
    written = lines.written.tolist()
    names = lines.line(written[0]).decode(errors="replace").lstrip("#").strip().split(",")
    missing = [name for name in _FIGURES if name not in names]
    if missing:
        raise ConfigError(f"{file}: expected the columns {missing}, its columns are {names}")
    rows, rejects = _rows(lines, written[1:], names, root=root, file=file)
    contracts = [(row, row.symbol) for row in rows if row.symbol is not None]
    if not contracts:
        raise ConfigError(f"{file}: expected option contracts below its first line")
    head = Head(terms_of(root).underlying, _spot(rows), close_ns, label)
    body = [lines.line(index) for index in written[1:]]
    return _chain_file(
        [row for row, _ in contracts],
        [symbol for _, symbol in contracts],
        rejects,
        head=head,
        lines=lines,
        calendar=calendar,
        file=file,
        digest=hashlib.sha256(b"\n".join(body)).hexdigest(),
    )


def _chain_file(
    rows: Sequence[_Row],
    symbols: Sequence[OptionSymbol],
    rejects: list[Reject],
    *,
    head: Head,
    lines: Lines,
    calendar: OptionCalendar,
    file: str,
    digest: str,
) -> ChainFile:
    identity = identity_of(symbols)
    terms = listed_terms(identity, calendar)
    verdicts = Verdicts(len(rows))
    adjusted = np.array([is_adjusted(root) for root in identity.roots], np.bool_)
    verdicts.mark(adjusted[identity.root], "adjusted_contract")
    verdicts.mark(terms.settlement_ns < 0, "bad_expiry")
    figures = _figures(rows, verdicts)
    good = verdicts.good
    origin = np.array([row.line for row in rows], np.int64)
    reject = rejecter(file, lambda number: _raw(lines, number))
    bad = [reject(rows[i].line, reason) for i, reason in verdicts.bad()]
    return ChainFile(
        file=file,
        layout="lean",
        chain=option_chain(head, identity, figures, terms).at(good),
        origin=origin[good],
        reject=reject,
        rejects=sorted([*rejects, *bad], key=lambda bad_row: bad_row.line),
        rows=len(rows) + len(rejects),
        digest=digest,
        has_time=False,
    )


def _raw(lines: Lines, number: int) -> bytes:
    return lines.line(number - lines.first)


def _subject(path: Path, calendar: OptionCalendar) -> tuple[str, int, int]:
    """Return root, session and its close, ns UTC, by name and folder of a file."""
    named = _DATED_STEM.fullmatch(path.stem)
    day = named[2] if named else ""
    label = compact_date(day)
    root = (named[1] if named else None) or path.resolve().parent.name
    if label is None or _ROOT.fullmatch(root) is None:
        raise ConfigError(
            f"{path}: expected a place such as universes/goog/20151223.csv, or a name such as "
            "goog_20151223.csv: the file itself says neither underlying nor date"
        )
    close_ns = calendar.close_of(label)
    if close_ns is None:
        raise ConfigError(f"{path}: expected the date of a session, {day} has none")
    return root.upper(), label, close_ns


def _rows(
    lines: Lines, indices: Sequence[int], names: Sequence[str], *, root: str, file: str
) -> tuple[list[_Row], list[Reject]]:
    rows, rejects = [], []
    for index in indices:
        raw, number = lines.line(index), index + lines.first
        read = _row(raw, names, root=root, number=number)
        if isinstance(read, str):
            rejects.append(Reject.of(raw, reason=read, file=file, line=number))
        else:
            rows.append(read)
    return rows, rejects


def _row(raw: bytes, names: Sequence[str], *, root: str, number: int) -> _Row | str:
    """Return a row, or the reason why it is none."""
    if len(raw) > LONGEST_LINE:
        return "too_long"
    try:
        values = next(csv.reader([raw.decode()], strict=True), [])
    except (UnicodeDecodeError, csv.Error):
        return "malformed"
    if len(values) != len(names):
        return "malformed"
    cells = dict(zip(names, values, strict=True))
    if _is_of_underlying(cells):
        return _Row(number, cells, None)
    symbol = _contract(cells, root)
    return "bad_contract" if symbol is None else _Row(number, cells, symbol)


def _is_of_underlying(cells: Mapping[str, str]) -> bool:
    if "symbol_value" in cells:
        return not any(map(str.isdigit, cells["symbol_value"]))
    return not (cells["expiry"] or cells["strike"] or cells["right"])


def _contract(cells: Mapping[str, str], root: str) -> OptionSymbol | None:
    if "symbol_value" in cells:
        return parse_option_symbol(cells["symbol_value"])
    expiry, is_call = compact_date(cells["expiry"]), _RIGHTS.get(cells["right"])
    strike = _positive(cells["strike"])
    if expiry is None or is_call is None or math.isnan(strike):
        return None
    return OptionSymbol(root, expiry, is_call, strike)


def _positive(text: str) -> float:
    """Return a number above 0, NaN where there is none."""
    try:
        found = float(text)
    except ValueError:
        return math.nan
    return found if 0.0 < found < math.inf else math.nan


def _spot(rows: Sequence[_Row]) -> float:
    """Return the close of the underlying's row, NaN without one."""
    own = [_positive(row.cells["close"]) for row in rows if row.symbol is None]
    return own[0] if own else math.nan


def identity_of(symbols: Sequence[OptionSymbol]) -> Identity:
    """Return contracts as columns."""
    codes: dict[str, int] = {}
    root = [codes.setdefault(symbol.root, len(codes)) for symbol in symbols]
    return Identity(
        roots=tuple(codes),
        root=np.array(root, np.int32),
        expiry=np.array([symbol.expiry for symbol in symbols], np.int64),
        strike=np.array([symbol.strike for symbol in symbols], np.float64),
        is_call=np.array([symbol.is_call for symbol in symbols], np.bool_),
    )


def _figures(rows: Sequence[_Row], verdicts: Verdicts) -> Figures:
    def column(name: str) -> Numbers:
        texts = [row.cells[name].strip() or None for row in rows]
        return numbers(pa.array(texts, pa.large_string()))

    volatility, gamma = column("implied_volatility"), column("gamma")
    # A gamma of 0 beside a volatility of 0 was never computed.
    known = Numbers(np.where(volatility.value > 0.0, gamma.value, np.nan), gamma.bad)
    none = Numbers(np.full(len(rows), np.nan), np.zeros(len(rows), np.bool_))
    return mark_figures(
        open_interest=column("open_interest"),
        implied_volatility=volatility,
        bid=none,
        ask=none,
        gamma=known,
        verdicts=verdicts,
    )
