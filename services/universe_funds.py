"""Funds: their order, newest texts and dated figures, from the rows of funds.csv."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from core.sessions import SessionTable
from core.universe import FundFigures
from services.calendars import UNKNOWN_VENUE
from services.universe_cells import Row
from services.universe_layouts import FUNDS
from services.universe_references import References
from services.universe_tables import Tables
from services.venues import shipped_venues

RESETS = ("daily", "weekly", "monthly", "quarterly", "none")
VEHICLES = ("swap", "futures", "options", "physical", "note")


@dataclass(frozen=True, eq=False)
class Funds:
    """What funds.csv says; ``newest`` holds each fund's newest row, in order of appearance."""

    newest: Mapping[str, Row]
    figures: FundFigures

    def column(self, column: str) -> tuple[str, ...]:
        """Return a text column, one cell a fund."""
        return tuple(row.text(column) for row in self.newest.values())


class _Figure(NamedTuple):
    fund: int
    label: int
    known_ns: int
    leverage_factor: float
    assets_usd: float
    row: Row


def read_funds(tables: Tables, references: References) -> Funds:
    """Return the funds of a universe; faults go to the tables' findings."""
    newest: dict[str, Row] = {}
    figures: list[_Figure] = []
    for index, (fund, history) in enumerate(tables.histories(FUNDS, "fund").items()):
        references.check(history[0], "reference")
        table = references.sessions_of(history[0].text("reference"))
        dated = [figure for row in history if (figure := _figure(index, row, table)) is not None]
        for row in history:
            _check_texts(row, history[0])
        dated.sort(key=_order)
        for earlier, later in pairwise(dated):
            if _order(earlier) == _order(later):
                expected = f"another session or known_at than line {earlier.row.line} has"
                later.row.fault("effective_at", expected)
        newest[fund] = dated[-1].row if dated else history[-1]
        figures.extend(dated)
    return Funds(newest, _fund_figures(figures))


def _check_texts(row: Row, first: Row) -> None:
    row.label("name")
    row.label("issuer")
    if row.text("venue") not in shipped_venues().venues:
        row.fault("venue", UNKNOWN_VENUE)
    if row is not first:
        row.same_as(first, ("reference",))
    row.choice("reset", RESETS)
    row.choice("vehicle", VEHICLES)
    row.date("listed_on")
    row.positive("reset_price")


def _figure(fund: int, row: Row, table: SessionTable | None) -> _Figure | None:
    leverage_factor = row.number("leverage_factor", required=True)
    assets_usd = row.amount("assets_usd")
    position = row.session("effective_at", table, required=True)
    known_ns = row.known_ns("known_at", table, position)
    if table is None or position is None or known_ns is None:
        return None
    label = int(table.label[position])
    return _Figure(fund, label, known_ns, leverage_factor, assets_usd, row)


def _order(figure: _Figure) -> tuple[int, int]:
    return figure.label, figure.known_ns


def _fund_figures(figures: list[_Figure]) -> FundFigures:
    return FundFigures(
        fund=np.array([figure.fund for figure in figures], np.int32),
        effective_label=np.array([figure.label for figure in figures], np.int64),
        known_ns=np.array([figure.known_ns for figure in figures], np.int64),
        leverage_factor=np.array([figure.leverage_factor for figure in figures], np.float64),
        assets_usd=np.array([figure.assets_usd for figure in figures], np.float64),
    )
