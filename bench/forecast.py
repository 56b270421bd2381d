"""Part ``forecast``: what a tick and a view cost with the forecast, and what without it."""

from collections.abc import Callable
from time import perf_counter

import numpy as np

from bench.core_book import columns, open_book, price_batches
from bench.figures import Figure
from bench.workload import PARTITION_REFERENCES, REFERENCES
from core.assembly import assemble, join_partials
from core.book import Book
from core.columns import Floats, Int64s, Partial
from core.day import Day
from core.outlook import Outlook
from core.universe import Universe
from streams.topics import PARTITIONS
from tests.support.core_universe import FIRST, Fund, Ref, at, core_universe

PART = "forecast"
ROWS = 83
"""Rows a partial at 20 000 events/s: twelve partitions, each written every 50 ms."""
_FUNDS = 1_000
_TURNS = 400


class _NoOutlook(Outlook):
    """An outlook that learns nothing and knows nothing: the book without its forecast."""

    def follow(self, days: dict[int, Day], label: Int64s) -> Int64s:
        del days, label
        return np.empty(0, np.int64)

    def set_up(
        self, rows: Int64s, *, day: Day, days: dict[int, Day], daily_volatility: Floats
    ) -> None:
        del rows, day, days, daily_volatility

    def variance(
        self, days: dict[int, Day], *, label: Int64s, market_ns: Int64s, close_ns: Int64s
    ) -> Floats:
        del days, market_ns, close_ns
        return np.full(len(label), np.nan)


def measure() -> list[Figure]:
    """Return the figures of a partition's ticks and of the alerter's view."""
    return [*_ticks(), *_views()]


def _ticks() -> list[Figure]:
    with_it, without = open_book(_FUNDS), open_book(_FUNDS)
    without.outlook = _NoOutlook(without.calendar, PARTITION_REFERENCES)
    taken: dict[str, list[float]] = {"with": [], "without": []}
    for number, prices in enumerate(price_batches(ROWS, _TURNS)):
        turns = [("with", with_it), ("without", without)]
        for name, book in turns[:: 1 if number % 2 else -1]:
            started = perf_counter()
            book.apply_prices(prices)
            book.partial(market_ns=int(prices.event_ns[-1]))
            taken[name].append(perf_counter() - started)
    each = {name: float(np.median(seconds)) / ROWS for name, seconds in taken.items()}
    words = f"{ROWS} ticks and their partial, {PARTITION_REFERENCES} references"
    return [
        Figure(PART, f"{words}, without the forecast", 1.0 / each["without"], "ticks/s"),
        Figure(PART, f"{words}, with it", 1.0 / each["with"], "ticks/s"),
        Figure(
            PART, "time of a tick with the forecast over without", each["with"] / each["without"]
        ),
    ]


def _views() -> list[Figure]:
    symbols = [f"R{i}" for i in range(REFERENCES)]
    funds = [Fund(f"F{symbol}", symbol, [(FIRST, 1e8, 2.0)]) for symbol in symbols]
    universe = core_universe([Ref(symbol) for symbol in symbols], funds)
    partials = [
        _partial(universe, rows) for rows in np.array_split(np.arange(REFERENCES), PARTITIONS)
    ]
    breach = np.full(REFERENCES, np.nan), np.full(REFERENCES, 0.05)
    without = _median_seconds(lambda: join_partials(universe, partials))
    with_it = _median_seconds(lambda: assemble(universe, partials, breach))
    return [
        Figure(PART, f"view of {REFERENCES} references, without", 1.0 / without, "views/s"),
        Figure(PART, f"view of {REFERENCES} references, with band", 1.0 / with_it, "views/s"),
        Figure(PART, "time of a view with the forecast over without", with_it / without),
    ]


def _partial(universe: Universe, rows: Int64s) -> Partial:
    book = Book(universe, rows.astype(np.int32))
    book.source_index("bench")
    everyone = np.arange(len(rows), dtype=np.int32)
    book.apply_prices(columns(everyone, np.full(len(rows), 99.0), at(0, 1)))
    return book.partial(market_ns=at(0, 2))


def _median_seconds(call: Callable[[], object]) -> float:
    seconds = []
    for _ in range(100):
        started = perf_counter()
        call()
        seconds.append(perf_counter() - started)
    return float(np.median(seconds))
