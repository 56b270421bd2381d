"""Recorded option chains in Cboe's delayed-quote layout, read plainly for the tests of the core."""

import csv
from datetime import date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from core.contracts import OptionChain
from core.sessions import NANOS_PER_SECOND
from tests.support.option_chains import chain
from tests.support.real_data import FOLDER

NEW_YORK = ZoneInfo("America/New_York")
# Roots that settle on the morning's opening prices.
MORNING_ROOTS = frozenset({"SPX"})
CASH_ROOTS = frozenset({"SPX", "SPXW"})


def spx_2024_01_07() -> OptionChain:
    """Return the S&P 500's chain as quoted on a Sunday, Friday's expired rows among it."""
    return read("SPX_2024-01-07.csv", "SPX", "January 7, 2024 10:52 AM")


def spy_2025_05_01(*, evening: bool = False) -> OptionChain:
    """Return SPY's chain before the open, or after the close, of one session."""
    if evening:
        return read("SPY_2025-May-1_4-49PM_98acd4e.csv", "SPY", "May 1, 2025 4:49 PM")
    return read("SPY_2025-May-1_8-28AM_5ea1c59.csv", "SPY", "May 1, 2025 8:28 AM")


def nvda_2025_01_06() -> OptionChain:
    """Return NVDA's chain of one evening."""
    return read("NVDA_2025-01-06.csv", "NVDA", "January 6, 2025 9:30 PM")


def read(name: str, underlying: str, written: str) -> OptionChain:
    """Return the chain of one file; ``written`` is its header's time in New York."""
    lines = Path(FOLDER, "chains", name).read_text().splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("Expiration"))
    spot = next(line for line in lines if "Last:" in line).split("Last:")[1].split(",")[0]
    as_of = datetime.strptime(written, "%B %d, %Y %I:%M %p").replace(tzinfo=NEW_YORK)
    rows = [
        _contract(row, column) for row in csv.reader(lines[at + 1 :]) if row for column in (1, 12)
    ]
    columns: dict[str, object] = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    roots, root = np.unique(np.array([row["root_name"] for row in rows]), return_inverse=True)
    del columns["root_name"]
    return chain(
        columns.pop("strike"),
        underlying=underlying,
        spot=float(spot),
        as_of_ns=int(as_of.timestamp()) * NANOS_PER_SECOND,
        roots=tuple(roots.tolist()),
        root=root.astype(np.int32),
        **columns,
    )


def _contract(row: list[str], at: int) -> dict[str, object]:
    name, (bid, ask) = row[at], map(float, row[at + 3 : at + 5])
    volatility, open_interest = float(row[at + 6]), float(row[at + 9])
    root = name[:-15]
    expiry = datetime.strptime(f"{row[0]} +0000", "%a %b %d %Y %z").date()
    settles = time(9, 30) if root in MORNING_ROOTS else time(16)
    settlement = datetime.combine(expiry, settles, NEW_YORK)
    return {
        "root_name": root,
        "expiry": expiry.toordinal() - date(1970, 1, 1).toordinal(),
        "settlement_ns": int(settlement.timestamp()) * NANOS_PER_SECOND,
        "strike": float(row[11]),
        "is_call": at == 1,
        "open_interest": open_interest,
        "implied_volatility": volatility or np.nan,
        "is_cash_settled": root in CASH_ROOTS,
        "is_american": root not in CASH_ROOTS,
        "mid": 0.5 * (bid + ask) if bid > 0.0 and ask >= bid else np.nan,
        "vendor_gamma": float(row[at + 8]),
    }
