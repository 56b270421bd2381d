"""Books of made-up universes, and events for them written as tuples."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from core.book import Book
from core.columns import FlowColumns, Partial, PriceColumns
from core.universe import Universe

PriceEvent = tuple[int, int, float, int, str, bool]
"""Row, time, price, sequence, source, official."""
FlowEvent = tuple[int, int, int, float, int, str]
"""Fund, time, label, creation, sequence, source."""


def book_of(universe: Universe) -> Book:
    return Book(universe, np.arange(len(universe.symbol), dtype=np.int32))


def prices(book: Book, events: Sequence[PriceEvent]) -> PriceColumns:
    row, time_ns, price, sequence, source, official = zip(*events, strict=True)
    return PriceColumns(
        reference=np.array(row, np.int32),
        event_ns=np.array(time_ns, np.int64),
        price=np.array(price, np.float64),
        sequence=np.array(sequence, np.int64),
        source=np.array([book.source_index(name) for name in source], np.int32),
        official=np.array(official, np.bool_),
    )


def flows(book: Book, events: Sequence[FlowEvent]) -> FlowColumns:
    fund, time_ns, label, creation, sequence, source = zip(*events, strict=True)
    return FlowColumns(
        fund=np.array(fund, np.int32),
        event_ns=np.array(time_ns, np.int64),
        label=np.array(label, np.int64),
        net_creation_usd=np.array(creation, np.float64),
        sequence=np.array(sequence, np.int64),
        source=np.array([book.source_index(name) for name in source], np.int32),
    )


def tick(row: int, time_ns: int, price: float, *, official: bool = False) -> PriceEvent:
    return row, time_ns, price, 0, "a", official


def assert_same(one: Partial, other: Partial, *, but: Sequence[str] = ()) -> None:
    for field in dataclasses.fields(Partial):
        if field.name not in ("curves", "funds", *but):
            np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))
    for name, column in vars(one.funds).items():
        np.testing.assert_array_equal(column, getattr(other.funds, name))
