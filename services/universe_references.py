"""References: their order, schedules and dated figures, from the rows of references.csv."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from core.sessions import NO_SESSION, SessionTable
from core.universe import Int32s, ReferenceFigures
from services.calendars import ScheduleError, Sessions
from services.universe_cells import Row
from services.universe_layouts import REFERENCES
from services.universe_tables import Tables

_ALIKE = ("name", "venue", "currency", "calendar", "strike_time", "strike_zone")
"""Columns in which all rows of a reference must say the same."""


@dataclass(frozen=True, eq=False)
class References:
    """What references.csv says.

    ``rows`` holds the first row of each reference by symbol, in file order; ``index`` its
    position; ``schedule`` int32[n] indexes ``schedules``, -1 where a faulty row names none;
    ``is_complete`` is false where rows of the file could not be read.
    """

    rows: Mapping[str, Row]
    index: Mapping[str, int]
    schedule: Int32s
    schedules: tuple[SessionTable, ...]
    figures: ReferenceFigures
    is_complete: bool

    def check(self, row: Row, column: str) -> None:
        """Check that a cell of another file names a reference."""
        if self.is_complete and row.text(column) not in self.index:
            row.fault(column, f"a symbol that {REFERENCES} lists")

    def sessions_of(self, symbol: str) -> SessionTable | None:
        """Return the sessions of a reference, None where it or its schedule is unknown."""
        position = int(self.schedule[self.index[symbol]]) if symbol in self.index else -1
        return self.schedules[position] if position >= 0 else None

    def column(self, column: str) -> tuple[str, ...]:
        """Return a text column, one cell a reference."""
        return tuple(row.text(column) for row in self.rows.values())


def read_references(tables: Tables, sessions: Sessions) -> References:
    """Return the references of a universe; faults go to the tables' findings."""
    histories = tables.histories(REFERENCES, "symbol")
    heads = {symbol: rows[0] for symbol, rows in histories.items()}
    schedule, schedules = _schedules(heads.values(), sessions)
    figures: list[tuple[float, ...]] = []
    for index, history in enumerate(histories.values()):
        position = int(schedule[index])
        table = schedules[position] if position >= 0 else None
        figures.extend(_figures(index, history, table))
    return References(
        rows=heads,
        index={symbol: index for index, symbol in enumerate(heads)},
        schedule=schedule,
        schedules=schedules,
        figures=_sorted_figures(figures),
        is_complete=REFERENCES not in tables.unusable,
    )


def _schedules(heads: Iterable[Row], sessions: Sessions) -> tuple[Int32s, tuple[SessionTable, ...]]:
    """Return each reference's index into the distinct session tables, and these."""
    known: dict[tuple[str, ...], int] = {}
    made: list[SessionTable] = []
    schedule: list[int] = []
    for row in heads:
        venue, calendar = row.text("venue"), row.text("calendar")
        clock, zone = row.text("strike_time"), row.text("strike_zone")
        key = (venue, calendar, clock, zone)
        if key not in known:
            try:
                table = sessions(venue, calendar, strike_time=clock, strike_zone=zone)
            except ScheduleError as e:
                row.fault(e.column, e.expected)
                schedule.append(-1)
                continue
            known[key] = len(made)
            made.append(table)
        schedule.append(known[key])
    return np.array(schedule, np.int32), tuple(made)


def _figures(
    index: int, history: list[Row], table: SessionTable | None
) -> Iterable[tuple[float, ...]]:
    lines: dict[int, int] = {}
    for row in history:
        row.label("name")
        row.currency("currency")
        if row is not history[0]:
            row.same_as(history[0], _ALIKE)
        position = row.session("effective_at", table)
        figures = (
            row.positive("previous_close"),
            row.positive("adv_usd"),
            row.positive("auction_usd"),
            row.positive("daily_volatility"),
        )
        if table is None or (position is None and row.text("effective_at")):
            continue
        label = NO_SESSION if position is None else int(table.label[position])
        if label in lines:
            row.fault("effective_at", f"another session than line {lines[label]} has")
        lines.setdefault(label, row.line)
        yield (index, label, *figures)


def _sorted_figures(figures: list[tuple[float, ...]]) -> ReferenceFigures:
    rows = sorted(figures, key=lambda row: row[:2])
    columns = list(zip(*rows, strict=True)) or [()] * 6
    reference, label, close, adv, auction, volatility = columns
    return ReferenceFigures(
        reference=np.array(reference, np.int32),
        effective_label=np.array(label, np.int64),
        previous_close=np.array(close, np.float64),
        adv_usd=np.array(adv, np.float64),
        auction_usd=np.array(auction, np.float64),
        daily_volatility=np.array(volatility, np.float64),
    )
