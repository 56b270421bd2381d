"""Results of a book's sessions, written and read back as the worker does, without Kafka."""

import numpy as np

from core.book import Book
from core.book_state import Restorer, names_of, result_state
from core.results import due_rows
from streams.close_reader import read_results
from streams.closes import encode_results
from tests.support.records import FakeRecord

FAR_MS = 10**13


def results_of(book: Book, *, market_ns: int, label: int | None = None) -> list[bytes]:
    """Return the results, of one session or all, that are due at one market time of all rows."""
    values = []
    times = np.full(len(book.symbols), market_ns, np.int64)
    for day in [book.days[each] for each in book.days if label in {None, each}]:
        rows = due_rows(book, day, times)
        if len(rows):
            state = result_state(book, day, rows)
            encoded = encode_results(state, names_of(book), fund_row=book.fund_row)
            values += [one.value for one in encoded]
    return values


def take_results(book: Book, values: list[bytes]) -> int:
    """Have a book read results; return how many of them nothing was wrong with."""
    records = [FakeRecord(value, offset, FAR_MS) for offset, value in enumerate(values)]
    read = read_results(records, dict.fromkeys(book.symbols, 0))
    for names, state in read.states:
        Restorer(book, names).recorded(state)
    return len(values) - len(read.rejects)
