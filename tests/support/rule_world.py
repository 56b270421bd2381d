"""A small universe and its view, made by hand for rules; times are seconds since 1970."""

from collections.abc import Mapping, Sequence

import numpy as np

from core.columns import NUMERIC_COLUMNS, Bools, Floats, Int32s, Int64s, View
from core.sessions import NO_SESSION, NO_TIME, SessionTable
from core.universe import FundFigures, PriceFactors, ReferenceFigures, Universe
from tests.support.judged import nanos

DAY_S = 86_400

HOURS = {
    "COIN": (-8, 16),
    "XKRX": (0, 6.5),
    "XLON": (8, 16.5),
    "XNAS": (14.5, 21),
    "XNYS": (14.5, 21),
}
"""Open and close of each venue, hours UTC; COIN is struck at 16:00 and never shut.

Sessions are labelled 0 to 9, one a day.
"""


def schedule(venue: str, labels: Sequence[int] = tuple(range(10))) -> SessionTable:
    label = np.array(labels, np.int64)
    open_ns, close_ns = (label * nanos(DAY_S) + nanos(hour * 3_600) for hour in HOURS[venue])
    return SessionTable(venue, "UTC", label, open_ns, close_ns, close_ns)


def universe_of(
    venues: Mapping[str, str],
    *,
    rooms: Mapping[str, Sequence[str]] | None = None,
    schedules: Sequence[SessionTable] = (),
    currency: str = "USD",
) -> Universe:
    """Return a universe without funds; ``venues`` is the venue of each symbol."""
    symbols = tuple(venues)
    names = tuple(dict.fromkeys(venues.values()))
    tables = {table.name: table for table in (*map(schedule, names), *schedules)}
    return Universe(
        version="1",
        symbol=symbols,
        name=symbols,
        venue=tuple(venues.values()),
        currency=(currency,) * len(symbols),
        schedule=np.array([names.index(venue) for venue in venues.values()], np.int32),
        schedules=tuple(tables[name] for name in names),
        reference_figures=ReferenceFigures(i32(), i64(), f64(), f64(), f64(), f64()),
        price_factors=PriceFactors(i32(), i64(), i64(), f64()),
        fund=(),
        fund_name=(),
        fund_issuer=(),
        fund_venue=(),
        fund_vehicle=(),
        fund_reference=i32(),
        fund_reset=(),
        fund_is_physical=np.empty(0, np.bool_),
        fund_figures=FundFigures(i32(), i64(), i64(), f64(), f64()),
        rooms={
            room: np.array([symbols.index(symbol) for symbol in members], np.int32)
            for room, members in (rooms or {}).items()
        },
        price_listings={},
        option_listings={},
    )


def i32() -> Int32s:
    return np.empty(0, np.int32)


def i64() -> Int64s:
    return np.empty(0, np.int64)


def f64() -> Floats:
    return np.empty(0)


def view_at(universe: Universe, *now_s: float, **columns: Sequence[float]) -> View:
    """Return the view at each row's market time (or at one for all), and these columns.

    ``weight_usd``, ``adv_usd``, ``auction_usd`` (default 1) and ``as_of_s`` (default the market
    time) are columns too; the session of a row is the last one opened by its market time.
    """
    size = len(universe.symbol)
    market_ns = np.array([nanos(time_s) for time_s in now_s] * (size // len(now_s)), np.int64)
    label, open_ns, close_ns = (
        np.array(column, np.int64)
        for column in zip(
            *(_session(universe, row, int(market_ns[row])) for row in range(size)), strict=True
        )
    )
    as_of_s = columns.pop("as_of_s", None)
    figures = {
        name: np.array(columns.pop(name, [1.0] * size), np.float64)
        for name in ("weight_usd", "adv_usd", "auction_usd")
    }
    numeric = {name: np.full(size, np.nan) for name in NUMERIC_COLUMNS}
    numeric |= {name: np.array(column, np.float64) for name, column in columns.items()}
    return View(
        reference=np.arange(size, dtype=np.int32),
        label=label,
        open_ns=open_ns,
        close_ns=close_ns,
        cutoff_ns=close_ns,
        market_ns=market_ns,
        as_of_ns=market_ns if as_of_s is None else np.array([nanos(at) for at in as_of_s]),
        is_stale=flags(size),
        is_interest_stale=flags(size),
        is_drifting=flags(size),
        is_unknown=flags(size),
        numeric=numeric,
        weight_usd=figures["weight_usd"],
        adv_usd=figures["adv_usd"],
        auction_usd=figures["auction_usd"],
    )


def flags(size: int, *raised: int) -> Bools:
    found = np.zeros(size, np.bool_)
    found[list(raised)] = True
    return found


def hour(hours: float, day: int = 0) -> float:
    return day * DAY_S + hours * 3_600


def _session(universe: Universe, row: int, market_ns: int) -> tuple[int, int, int]:
    table = universe.schedules[universe.schedule[row]]
    position = int(np.searchsorted(table.open_ns, market_ns, side="right")) - 1
    if position < 0:
        return NO_SESSION, NO_TIME, NO_TIME
    return tuple(int(column[position]) for column in (table.label, table.open_ns, table.close_ns))  # type: ignore[return-value]
