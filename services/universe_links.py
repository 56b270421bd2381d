"""What hangs on references: rooms, other listings, splits; and the exchange rates."""

import numpy as np

from core.universe import Int32s, PriceFactors
from services.universe_cells import Row
from services.universe_funds import Funds
from services.universe_layouts import CORPORATE_ACTIONS, FX, LISTINGS, ROOMS
from services.universe_references import References
from services.universe_tables import Tables

LISTING_KINDS = ("price", "option", "fund")
_ROOM_LENGTH = 64
"""Longest name of a room: it becomes a label of alerts."""


class _Firsts:
    """The line in which each key stands first."""

    def __init__(self) -> None:
        self._lines: dict[tuple[object, ...], int] = {}

    def check(self, row: Row, column: str, *key: object) -> None:
        """Add a finding at `column` where an earlier row has this key."""
        line = self._lines.setdefault(key, row.line)
        if line != row.line:
            row.fault(column, f"no repetition of line {line}")


def read_rooms(tables: Tables, references: References) -> dict[str, Int32s]:
    """Return each room's references, int32[...], in file order; faults become findings."""
    rooms: dict[str, list[int]] = {}
    firsts = _Firsts()
    for row in tables.rows[ROOMS]:
        room, symbol = row.label("room"), row.text("symbol")
        if not 0 < len(room) <= _ROOM_LENGTH:
            row.fault("room", f"a name of 1 to {_ROOM_LENGTH} characters")
        references.check(row, "symbol")
        firsts.check(row, "symbol", room, symbol)
        rooms.setdefault(room, []).append(references.index.get(symbol, -1))
    return {room: np.array(members, np.int32) for room, members in rooms.items()}


Listings = dict[str, tuple[int, float]]
"""Another instrument's symbol -> (reference, factor)."""


def read_listings(tables: Tables, references: References) -> tuple[Listings, Listings]:
    """Return the listings of prices and those of options; faults become findings.

    Listings of funds are checked, and noted as not used yet.
    """
    listings: dict[str, Listings] = {"price": {}, "option": {}, "fund": {}}
    firsts = _Firsts()
    for row in tables.rows[LISTINGS]:
        symbol, kind = row.symbol("symbol"), row.choice("kind", LISTING_KINDS)
        if symbol in references.index:
            row.fault("symbol", "an instrument that is no reference itself")
        references.check(row, "reference")
        factor = row.positive("factor", required=True)
        firsts.check(row, "symbol", symbol, kind)
        if kind in listings:
            listings[kind][symbol] = references.index.get(row.text("reference"), -1), factor
    if listings["fund"]:
        tables.notes.append(f"{LISTINGS}: {len(listings['fund'])} of kind fund, not used yet")
    return listings["price"], listings["option"]


def read_price_factors(tables: Tables, references: References, funds: Funds) -> PriceFactors:
    """Return the splits of references; faults become findings.

    Splits of funds are checked, and noted as without effect: a fund's figures are in USD.
    """
    factors: list[tuple[int, int, int, float]] = []
    firsts = _Firsts()
    of_funds = 0
    for row in tables.rows[CORPORATE_ACTIONS]:
        symbol = row.text("symbol")
        if symbol in references.index or symbol not in funds.newest:
            references.check(row, "symbol")
            reference = symbol
        else:
            of_funds += 1
            reference = funds.newest[symbol].text("reference")
        table = references.sessions_of(reference)
        position = row.session("effective_at", table, required=True)
        known_ns = row.known_ns("known_at", table, position)
        factor = row.positive("price_factor", required=True)
        if table is None or position is None or known_ns is None:
            continue
        label = int(table.label[position])
        firsts.check(row, "effective_at", symbol, label, known_ns)
        if symbol in references.index:
            factors.append((references.index[symbol], label, known_ns, factor))
    if of_funds:
        tables.notes.append(f"{CORPORATE_ACTIONS}: {of_funds} of funds, without effect")
    return _sorted_factors(factors)


def _sorted_factors(factors: list[tuple[int, int, int, float]]) -> PriceFactors:
    rows = sorted(factors, key=lambda row: row[:2])
    return PriceFactors(
        reference=np.array([row[0] for row in rows], np.int32),
        effective_label=np.array([row[1] for row in rows], np.int64),
        known_ns=np.array([row[2] for row in rows], np.int64),
        factor=np.array([row[3] for row in rows], np.float64),
    )


def check_rates(tables: Tables) -> None:
    """Check the exchange rates; faults become findings. No part uses the rates so far."""
    firsts = _Firsts()
    for row in tables.rows[FX]:
        currency = row.currency("currency")
        row.positive("usd", required=True)
        effective = row.moment("effective_at", required=True)
        known = row.moment("known_at")
        firsts.check(row, "effective_at", currency, effective, known)
    if tables.rows[FX]:
        tables.notes.append(f"{FX}: not used yet")
