"""A universe made of arrays alone, for tests of the core: sessions of made-up, easy hours.

Session number d of "DAY" runs from 10:00 to 17:00 UTC of day FIRST + d; of "NIGHT" from 20:00 of
the day before to 02:00; of "ROUND" from one 12:00 to the next, so that opens are closes.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from core.columns import Int64s
from core.sessions import NANOS_PER_SECOND, NO_SESSION, SessionTable
from core.universe import FundFigures, PriceFactors, ReferenceFigures, Universe

FIRST = 20_000
SESSIONS = 12
HOUR_NS = 3600 * NANOS_PER_SECOND
DAY_NS = 24 * HOUR_NS
HOURS = {"DAY": (10, 17), "NIGHT": (-4, 2), "ROUND": (-12, 12)}


class Ref(NamedTuple):
    """A reference; ``stated`` holds (label, close) pairs, label NO_SESSION = undated."""

    symbol: str
    schedule: str = "DAY"
    stated: Sequence[tuple[int, float]] = ((NO_SESSION, 100.0),)
    adv_usd: float = 1e9
    auction_usd: float = 1e8
    daily_volatility: float = 0.02


class Fund(NamedTuple):
    """A fund; ``figures`` holds (label, assets, leverage) or (label, assets, leverage, known)."""

    symbol: str
    reference: str
    figures: Sequence[tuple[float, ...]]
    reset: str = "daily"
    is_physical: bool = False


def table(name: str) -> SessionTable:
    label = FIRST + np.arange(SESSIONS)
    start, stop = HOURS[name]
    close_ns = label * DAY_NS + stop * HOUR_NS
    return SessionTable(
        name=name,
        zone="UTC",
        label=label,
        open_ns=label * DAY_NS + start * HOUR_NS,
        close_ns=close_ns,
        cutoff_ns=close_ns - 600 * NANOS_PER_SECOND,
    )


def at(session: int, hour: float, schedule: str = "DAY") -> int:
    """Return the ns of so many hours after the open of a session, counted from 0."""
    start, _ = HOURS[schedule]
    return int((FIRST + session) * DAY_NS + (start + hour) * HOUR_NS)


def core_universe(
    references: Sequence[Ref],
    funds: Sequence[Fund] = (),
    *,
    factors: Sequence[tuple[str, int, float]] = (),
) -> Universe:
    """Build a universe; ``factors`` holds (symbol, label, factor)."""
    symbols = [reference.symbol for reference in references]
    names = sorted({reference.schedule for reference in references})
    stated = [(i, *pair) for i, ref in enumerate(references) for pair in ref.stated]
    return Universe(
        version="test",
        symbol=tuple(symbols),
        name=tuple(symbols),
        venue=("XTST",) * len(symbols),
        currency=("USD",) * len(symbols),
        schedule=np.array([names.index(ref.schedule) for ref in references], np.int32),
        schedules=tuple(table(name) for name in names),
        reference_figures=ReferenceFigures(
            reference=np.array([row[0] for row in stated], np.int32),
            effective_label=np.array([row[1] for row in stated], np.int64),
            previous_close=np.array([row[2] for row in stated], np.float64),
            adv_usd=np.array([references[row[0]].adv_usd for row in stated]),
            auction_usd=np.array([references[row[0]].auction_usd for row in stated]),
            daily_volatility=np.array([references[row[0]].daily_volatility for row in stated]),
        ),
        price_factors=PriceFactors(
            reference=np.array([symbols.index(symbol) for symbol, _, _ in factors], np.int32),
            effective_label=np.array([label for _, label, _ in factors], np.int64),
            known_ns=np.zeros(len(factors), np.int64),
            factor=np.array([factor for _, _, factor in factors], np.float64),
        ),
        fund=tuple(fund.symbol for fund in funds),
        fund_name=tuple(fund.symbol for fund in funds),
        fund_issuer=("",) * len(funds),
        fund_venue=("XTST",) * len(funds),
        fund_vehicle=tuple("physical" if fund.is_physical else "swap" for fund in funds),
        fund_reference=np.array([symbols.index(fund.reference) for fund in funds], np.int32),
        fund_reset=tuple(fund.reset for fund in funds),
        fund_is_physical=np.array([fund.is_physical for fund in funds], np.bool_),
        fund_figures=_figures(funds),
        rooms={},
        price_listings={},
        option_listings={},
    )


def _figures(funds: Sequence[Fund]) -> FundFigures:
    rows = [
        (k, int(row[0]), int(row[3]) if len(row) > 3 else _opens(int(row[0])), row[2], row[1])
        for k, fund in enumerate(funds)
        for row in fund.figures
    ]
    rows.sort(key=lambda row: row[:3])
    columns = list(zip(*rows, strict=True)) or [()] * 5
    return FundFigures(
        fund=np.array(columns[0], np.int32),
        effective_label=np.array(columns[1], np.int64),
        known_ns=np.array(columns[2], np.int64),
        leverage_factor=np.array(columns[3], np.float64),
        assets_usd=np.array(columns[4], np.float64),
    )


def _opens(label: int) -> int:
    return label * DAY_NS - DAY_NS


def ints(*values: int) -> Int64s:
    return np.array(values, np.int64)
