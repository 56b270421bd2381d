"""Cells of the universe's files: each read is checked, each fault becomes a finding."""

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np

from core.errors import ConfigError
from core.sessions import NANOS_PER_SECOND, NO_TIME, SessionTable
from services.venues import EPOCH_ORDINAL

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9._-]{0,15}", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)
_SHOWN = 60
"""Characters of a faulty cell that a finding repeats."""


@dataclass(frozen=True)
class Finding:
    """One fault of a file; ``line`` is 0 where it is the whole file's, ``column`` may be empty."""

    file: str
    line: int
    column: str
    expected: str
    was: str

    def __str__(self) -> str:
        """Return the finding as one line: place, column, what was expected, what it was."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        column = f"{self.column}: " if self.column else ""
        return f"{place}: {column}expected {self.expected}, was {self.was}"


class UniverseError(ConfigError):
    """A universe cannot be used; ``findings`` holds every fault, in the order of the files."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__("\n".join(str(finding) for finding in findings))
        self.findings = findings


@dataclass(frozen=True)
class Moment:
    """An `effective_at` or `known_at`: a session's date, or an instant; exactly one is set."""

    label: int | None
    time_ns: int | None

    def session(self, table: SessionTable) -> int | None:
        """Return the position of the first session on or after it, None past the table's end."""
        if self.label is not None:
            position = int(np.searchsorted(table.label, self.label))
        else:
            position = int(np.searchsorted(table.open_ns, self.time_ns or 0))
        return position if position < len(table.label) else None

    def known_ns(self, table: SessionTable) -> int | None:
        """Return the instant it means as `known_at`: a date is before that session's open."""
        if self.time_ns is not None:
            return self.time_ns
        position = self.session(table)
        return None if position is None else int(table.open_ns[position])


@dataclass(frozen=True, eq=False)
class Row:
    """One row of a file: stripped cells by column, and the list that takes its faults.

    A column the header lacks is missing from ``cells``; it has its finding already, so its cells
    add none. Reads of a faulty cell return a harmless value of their type.
    """

    file: str
    line: int
    cells: Mapping[str, str]
    findings: list[Finding]

    def fault(self, column: str, expected: str) -> None:
        """Add a finding about a cell."""
        if column in self.cells:
            was = repr(self.text(column))[:_SHOWN]
            self.findings.append(Finding(self.file, self.line, column, expected, was))

    def text(self, column: str) -> str:
        """Return a cell as it stands, empty where the column is missing."""
        return self.cells.get(column, "")

    def label(self, column: str) -> str:
        """Return a cell that people read: any printable text, also none."""
        if not self.text(column).isprintable():
            self.fault(column, "printable text")
        return self.text(column)

    def symbol(self, column: str) -> str:
        """Return the symbol of an instrument."""
        if _SYMBOL.fullmatch(self.text(column)) is None:
            self.fault(column, "a symbol of 1 to 16 characters A-Z, 0-9, '.', '_', '-'")
        return self.text(column)

    def currency(self, column: str) -> str:
        """Return an ISO 4217 code."""
        if _CURRENCY.fullmatch(self.text(column)) is None:
            self.fault(column, "a currency of three letters A-Z")
        return self.text(column)

    def choice(self, column: str, allowed: Collection[str]) -> str:
        """Return a cell that must be one of a few words."""
        if self.text(column) not in allowed:
            self.fault(column, f"one of {', '.join(allowed)}")
        return self.text(column)

    def same_as(self, first: "Row", columns: Collection[str]) -> None:
        """Check that cells say what they say in another row of the same instrument."""
        for column in columns:
            if self.text(column) != first.text(column):
                stated = repr(first.text(column))[:_SHOWN]
                self.fault(column, f"{stated} as in line {first.line}")

    def number(self, column: str, *, required: bool = False) -> float:
        """Return any finite number, NaN where the cell is empty."""
        text = self.text(column)
        if not text and not required:
            return math.nan
        value = float(text) if _NUMBER.fullmatch(text) else math.nan
        if not math.isfinite(value):
            self.fault(column, "a number")
        return value

    def positive(self, column: str, *, required: bool = False) -> float:
        """Return a number above 0, NaN where the cell is empty."""
        value = self.number(column, required=required)
        if value <= 0:
            self.fault(column, "a number above 0" + ("" if required else ", or nothing"))
        return value

    def amount(self, column: str) -> float:
        """Return a number that is 0 or more, NaN where the cell is empty."""
        value = self.number(column)
        if value < 0:
            self.fault(column, "0 or more, or nothing")
        return value

    def date(self, column: str) -> None:
        """Check a date, or nothing."""
        if self.text(column) and _day_label(self.text(column)) is None:
            self.fault(column, "a date like 2026-06-23, or nothing")

    def moment(self, column: str, *, required: bool = False) -> Moment | None:
        """Return a date or an RFC 3339 time with its offset, None where the cell is empty."""
        text = self.text(column)
        if not text and not required:
            return None
        label, time_ns = _day_label(text), _instant_ns(text)
        if label is None and time_ns is None:
            self.fault(column, "a date, or a time with offset like 2026-06-23T09:30:00-04:00")
            return None
        return Moment(label, time_ns)

    def session(
        self, column: str, table: SessionTable | None, *, required: bool = False
    ) -> int | None:
        """Return the position of the session a cell means, None where it means none.

        Without a table, for want of a known schedule, only the cell's shape is checked.
        """
        moment = self.moment(column, required=required)
        if moment is None or table is None:
            return None
        position = moment.session(table)
        if position is None:
            last = np.datetime64(int(table.label[-1]), "D")
            self.fault(column, f"a time up to {last}, the last session of {table.name}")
        return position

    def known_ns(self, column: str, table: SessionTable | None, position: int | None) -> int | None:
        """Return when a row that is effective at a session becomes known; empty, at its open."""
        moment = self.moment(column)
        if table is None or position is None:
            return None
        if moment is None:
            return int(table.open_ns[position])
        time_ns = moment.known_ns(table)
        if time_ns is None:
            self.fault(column, f"a time within the sessions of {table.name}")
        return time_ns


def _day_label(text: str) -> int | None:
    if _DATE.fullmatch(text) is None:
        return None
    try:
        return date.fromisoformat(text).toordinal() - EPOCH_ORDINAL
    except ValueError:
        return None


def _instant_ns(text: str) -> int | None:
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    day, clock, fraction, offset = match.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{offset.upper()}")
        whole = moment - datetime(1970, 1, 1, tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    seconds = whole.days * 86_400 + whole.seconds
    time_ns = seconds * NANOS_PER_SECOND + int((fraction or "").ljust(9, "0"))
    return time_ns if abs(time_ns) < -NO_TIME else None
