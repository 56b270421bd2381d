"""Small universes in memory or in a folder: name only what the test is about.

``universe_from(references=["ACME"], funds=[fund("ACMU", "ACME", 2, assets_usd=8e8)])`` is a
universe; every cell not given has a harmless value, unknown where that is allowed.
"""

import csv
import functools
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from core.universe import Universe
from services.calendars import session_table
from services.universe_files import build_universe
from services.universe_layouts import (
    CORPORATE_ACTIONS,
    FUNDS,
    FX,
    LAYOUTS,
    LISTINGS,
    REFERENCES,
    ROOMS,
)
from services.universe_tables import read_contents

EXAMPLE = Path(__file__).parents[1] / "data" / "example"
"""A worked example of the public contract: universe, events, rules, expected results."""

SESSION = "2026-06-23"
"""The session from which the figures of `fund` hold: a Tuesday that all venues trade."""

Cells = Mapping[str, object]

sessions = functools.cache(session_table)
"""`session_table`, each schedule made once a test run."""


def reference(symbol: str, /, **cells: object) -> dict[str, object]:
    """Return a row of references.csv: by default on XNAS, in USD, without figures."""
    return {"symbol": symbol, "name": f"{symbol} Corp", "venue": "XNAS", "currency": "USD"} | cells


def fund(
    symbol: str, reference: str, leverage_factor: float, /, **cells: object
) -> dict[str, object]:
    """Return a row of funds.csv: by default a daily swap fund on XNAS, assets unknown."""
    return {
        "fund": symbol,
        "name": f"{symbol} Fund",
        "issuer": "Issuer",
        "venue": "XNAS",
        "reference": reference,
        "leverage_factor": leverage_factor,
        "reset": "daily",
        "vehicle": "swap",
        "effective_at": SESSION,
    } | cells


def universe_from(
    *,
    references: Sequence[str | Cells],
    funds: Sequence[Cells] = (),
    rooms: Sequence[Cells] = (),
    listings: Sequence[Cells] = (),
    corporate_actions: Sequence[Cells] = (),
    fx: Sequence[Cells] = (),
) -> Universe:
    """Return the universe of some rows; a reference may be given by its symbol alone."""
    contents = _contents(
        references=references,
        funds=funds,
        rooms=rooms,
        listings=listings,
        corporate_actions=corporate_actions,
        fx=fx,
    )
    return build_universe(read_contents(contents), sessions=sessions)


def write_universe(
    directory: Path,
    *,
    references: Sequence[str | Cells],
    funds: Sequence[Cells] = (),
    rooms: Sequence[Cells] = (),
    listings: Sequence[Cells] = (),
    corporate_actions: Sequence[Cells] = (),
    fx: Sequence[Cells] = (),
) -> Path:
    """Write the files of `universe_from` into a folder, made where there is none; return it."""
    contents = _contents(
        references=references,
        funds=funds,
        rooms=rooms,
        listings=listings,
        corporate_actions=corporate_actions,
        fx=fx,
    )
    directory.mkdir(parents=True, exist_ok=True)
    for file, content in contents.items():
        (directory / file).write_bytes(content)
    return directory


def _contents(
    *, references: Sequence[str | Cells], funds: Sequence[Cells], **others: Sequence[Cells]
) -> dict[str, bytes]:
    complete = [reference(row) if isinstance(row, str) else row for row in references]
    rows: dict[str, Sequence[Cells]] = {
        REFERENCES: complete,
        FUNDS: funds,
        ROOMS: others["rooms"],
        LISTINGS: others["listings"],
        CORPORATE_ACTIONS: others["corporate_actions"],
        FX: others["fx"],
    }
    return {
        file: _csv(LAYOUTS[file].columns, cells)
        for file, cells in rows.items()
        if cells or LAYOUTS[file].is_required
    }


def _csv(columns: Sequence[str], rows: Sequence[Cells]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
