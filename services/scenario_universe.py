"""The universe of the simulated market: its tables, dated by the sessions that were written."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from services import scenario_tables as tables
from services.scenario_funds import Statement
from services.scenario_sessions import Session, decimals
from services.scenario_tables import splits
from services.universe_layouts import (
    CORPORATE_ACTIONS,
    FUNDS,
    LAYOUTS,
    LISTINGS,
    REFERENCES,
    ROOMS,
)

_NOT_STATED = ("reset_price",)
"""Columns for which the scenario has nothing to say."""


def universe_files(
    sessions: Mapping[str, Sequence[Session]], statements: Iterable[Statement]
) -> dict[str, str]:
    """Return the universe's files by name.

    ``sessions`` are those of each reference, by date. Previous closes are stated for the first
    one only: the later ones follow from the prices.
    """
    contents: dict[str, Iterable[Mapping[str, str]]] = {
        REFERENCES: _references(sessions),
        FUNDS: _funds(statements),
        ROOMS: tables.table("rooms"),
        LISTINGS: tables.table("listings"),
        CORPORATE_ACTIONS: _corporate_actions(sessions),
    }
    return {name: _csv_text(name, rows) for name, rows in contents.items()}


def _references(sessions: Mapping[str, Sequence[Session]]) -> Iterable[Mapping[str, str]]:
    for row in tables.table("references"):
        first = sessions[row["symbol"]][0]
        instrument = first.instrument
        factor = splits().get((row["symbol"], first.weekday), 1.0)
        close = f"{first.previous_close / factor:.{decimals(instrument.price_step)}f}"
        yield {**row, "previous_close": close, "effective_at": first.day}


def _funds(statements: Iterable[Statement]) -> Iterable[Mapping[str, str]]:
    texts = {row["fund"]: row for row in tables.table("funds")}
    rank = {name: place for place, name in enumerate(texts)}
    for statement in sorted(statements, key=lambda s: (rank[s.fund], s.effective_at)):
        yield {
            **texts[statement.fund],
            "leverage_factor": f"{statement.leverage_factor:g}",
            "assets_usd": "" if statement.assets_usd is None else f"{statement.assets_usd:.0f}",
            "effective_at": statement.effective_at,
            "known_at": statement.known_at,
        }


def _corporate_actions(sessions: Mapping[str, Sequence[Session]]) -> Iterable[Mapping[str, str]]:
    for symbol, own in sessions.items():
        for session in own:
            factor = splits().get((symbol, session.weekday))
            if factor is not None:
                yield {
                    "symbol": symbol,
                    "effective_at": session.day,
                    "known_at": own[0].day,
                    "price_factor": f"{factor:g}",
                }


def _csv_text(name: str, rows: Iterable[Mapping[str, str]]) -> str:
    columns = [column for column in LAYOUTS[name].columns if column not in _NOT_STATED]
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()
