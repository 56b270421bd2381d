"""A book with open interest and prices, session after session, for tests of positioning."""

from collections.abc import Sequence

import numpy as np

from core.book import Book
from core.live_positioning import due_rows, make
from core.universe import Universe
from tests.support.book_events import book_of, prices, tick
from tests.support.core_universe import Ref, at, core_universe
from tests.support.option_records import Record, apply

REFERENCES = ("AAA", "BBB", "CCC")
UNIVERSE = core_universe([Ref(symbol) for symbol in REFERENCES])


def positioned_book(universe: Universe = UNIVERSE) -> Book:
    """Return a book without any event."""
    return book_of(universe)


def trade(book: Book, session: int, hour: float, **price: float) -> None:
    """Let references trade so many hours after an open, and time come to that."""
    now_ns = at(session, hour)
    book.apply_prices(
        prices(book, [tick(book.symbols.index(name), now_ns, each) for name, each in price.items()])
    )
    stand(book, session, hour)


def stand(book: Book, session: int, hour: float) -> None:
    """Let market time come to so many hours after an open."""
    book.market.beat(book.source_index("a"), at(session, hour), at(session, hour))
    book.partial()


def smile(
    session: int,
    *,
    row: int = 0,
    calls: float = 1_000.0,
    puts: float = 1_000.0,
    call_volatility: float = 0.18,
    put_volatility: float = 0.26,
    days: int = 30,
    settlement_hour: float = 7.0,
) -> list[Record]:
    """Return a chain stated an hour before a session's open: strikes 80 to 120 around 100.

    ``calls`` and ``puts`` contracts lie at each strike; the volatility of calls is one number and
    that of puts another, so that their difference is the risk reversal.
    """
    return [
        Record(
            at(session, -1.0),
            held,
            volatility,
            row=row,
            strike=strike,
            is_call=is_call,
            settlement_ns=at(session + days, settlement_hour),
        )
        for strike in np.arange(80.0, 121.0, 2.0).tolist()
        for is_call, held, volatility in (
            (True, calls, call_volatility),
            (False, puts, put_volatility),
        )
    ]


def take(book: Book, records: Sequence[Record]) -> None:
    """Have a book take records."""
    apply(book.options, *records)


def make_due(book: Book) -> list[int]:
    """Make all that is due; return the rows, in order."""
    due: list[int] = due_rows(book).tolist()
    for row in due:
        make(book, row)
    return due
