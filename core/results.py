"""Which sessions' results are due to be written: those that are over and not as last read."""

import numpy as np

from core.book import Book
from core.columns import Int64s
from core.day import Day
from core.sessions import NO_SESSION, NO_TIME, OFFICIAL_CLOSE_GRACE_NS


def market_times(book: Book) -> Int64s:
    """Return int64[n], the market time of each row, ``NO_TIME`` where it has none."""
    return book.market.rows(book.calendar, book.days, len(book.symbols))[0]


def due_rows(book: Book, day: Day, market_ns: Int64s) -> Int64s:
    """Return the rows of a session that are over by half an hour and may differ from their results.

    A row that nothing came for has no result.
    """
    if not day.recorded.is_pending:
        return np.empty(0, np.int64)
    is_over = market_ns >= day.close_ns + OFFICIAL_CLOSE_GRACE_NS
    over = np.flatnonzero(day.recorded.changed & is_over)
    if not len(over):
        return over
    has_content = day.trades.event_ns != NO_TIME
    if day.officials is not None:
        has_content |= day.officials.event_ns != NO_TIME
    if day.later_creations is not None:
        of_fund = day.later_creations.event_ns != NO_TIME
        has_content[book.fund_row[of_fund]] = True
    empty = over[~has_content[over]]
    if len(empty):
        day.recorded.agree(empty)
    due: Int64s = over[has_content[over]]
    return due


def prices_begin(book: Book, now_ns: int) -> int | None:
    """Return from when on prices have to be read again where results hold all that came before.

    That is the earliest open of the rows' sessions at `now_ns`, if the previous close of each of
    them is known; None where it is not, as in a replay of the past.
    """
    begin_ns = None
    for table, rows in book.calendar.groups:
        position = table.position_at(now_ns)
        before = int(table.label[position - 1]) if position > 0 else NO_SESSION
        day = book.days.get(before)
        if day is None or np.isnan(day.close()[rows]).any():
            return None
        open_ns = int(table.open_ns[position])
        begin_ns = open_ns if begin_ns is None else min(begin_ns, open_ns)
    return begin_ns
