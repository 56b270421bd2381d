"""Part ``core``: rows a second of the book alone, with few and with many funds."""

from collections.abc import Iterator
from time import perf_counter

import numpy as np

from bench.figures import Figure
from bench.workload import PARTITION_REFERENCES
from core.book import Book
from core.columns import Int32s, PriceColumns
from tests.support.core_universe import FIRST, Fund, Ref, at, core_universe

PART = "core"
BATCH_ROWS = (1, 100, 1_000, 10_000)
FUNDS = (100, 10_000)
_LEVERAGE_FACTORS = (2.0, -1.0, 3.0, -2.0, 1.5)
_BATCHES = 1_500
_ROWS_IN_ALL = 3_000_000
_STEP_NS = 50_000


def measure() -> list[Figure]:
    """Return the figures of the book."""
    figures = []
    for rows in BATCH_ROWS:
        seconds = _batch_seconds(rows)
        for funds, each in seconds.items():
            aim = 30e6 if (rows, funds) == (1_000, FUNDS[-1]) else None
            name = f"book, batches of {rows}, {funds} funds"
            figures.append(Figure(PART, name, rows / each, "rows/s", at_least=aim))
        ratio = seconds[FUNDS[-1]] / seconds[FUNDS[0]]
        name = f"time with {FUNDS[-1]} funds over that with {FUNDS[0]}, batches of {rows}"
        figures.append(Figure(PART, name, ratio, below=1.2))
    return figures


def _batch_seconds(rows: int) -> dict[int, float]:
    """Return the median time of a batch by number of funds, the books taking turns."""
    books = {funds: open_book(funds) for funds in FUNDS}
    taken: dict[int, list[float]] = {funds: [] for funds in FUNDS}
    turns = list(books)
    for prices in price_batches(rows, min(_BATCHES, _ROWS_IN_ALL // rows)):
        # Who comes second finds the batch in the processor's cache.
        turns.reverse()
        for funds in turns:
            started = perf_counter()
            books[funds].apply_prices(prices)
            taken[funds].append(perf_counter() - started)
    return {funds: float(np.median(seconds)) for funds, seconds in taken.items()}


def open_book(funds: int) -> Book:
    """Return the book of a partition in session, its funds spread over its references."""
    symbols = [f"R{i}" for i in range(PARTITION_REFERENCES)]
    universe = core_universe(
        [Ref(symbol) for symbol in symbols],
        [
            Fund(
                f"F{k}",
                symbols[k % len(symbols)],
                [(FIRST, 1e8, _LEVERAGE_FACTORS[k % len(_LEVERAGE_FACTORS)])],
            )
            for k in range(funds)
        ],
    )
    book = Book(universe, np.arange(len(symbols), dtype=np.int32))
    everyone = np.arange(len(symbols), dtype=np.int32)
    book.source_index("bench")
    book.apply_prices(columns(everyone, np.full(len(symbols), 100.0), at(0, 1)))
    book.partial(market_ns=at(0, 1))
    return book


def price_batches(rows: int, count: int) -> Iterator[PriceColumns]:
    """Yield batches of a feed whose times ascend, each row of any reference."""
    random = np.random.default_rng(0)
    start_ns = at(0, 1) + 1
    for _ in range(count):
        reference = random.integers(0, PARTITION_REFERENCES, rows).astype(np.int32)
        price = 100.0 * np.exp(random.normal(0.0, 0.01, rows))
        yield columns(reference, price, start_ns)
        start_ns += rows * _STEP_NS


def columns(reference: Int32s, price: np.ndarray, start_ns: int) -> PriceColumns:
    """Return prices that come one after the other, as one batch of one source."""
    size = len(reference)
    return PriceColumns(
        reference=reference,
        event_ns=start_ns + np.arange(size) * _STEP_NS,
        price=price,
        sequence=np.zeros(size, np.int64),
        source=np.zeros(size, np.int32),
        official=np.zeros(size, np.bool_),
    )
