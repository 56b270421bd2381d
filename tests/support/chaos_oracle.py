"""What the stream must have come to: the same events through one book, without a broker."""

from dataclasses import dataclass, fields

import numpy as np

from core.book import Book
from core.columns import Floats, FlowColumns, Partial, PriceColumns
from core.universe import Universe
from tests.support.chaos_market import FLOW_SOURCE, PRICE_SOURCES, Flows, Prices
from tests.support.chaos_script import Script

TOLERANCE = 1e-9
"""Of the sum of the sizes of a figure's terms (design's equality of two computations)."""

_HOST_TIMES = {"beat_ns"}
"""What depends on when it was sent."""


@dataclass(frozen=True, eq=False)
class Expected:
    """What holds at a mark: every reference's columns, and the sizes of what is summed."""

    partial: Partial
    terms: dict[str, Floats]

    def difference(self, found: Partial) -> str:
        """Return "" where a partition's partial is as expected, else the first that differs."""
        rows = found.reference
        for field in fields(Partial):
            if field.name in {*_HOST_TIMES, "curves", "funds"}:
                continue
            wanted = getattr(self.partial, field.name)[rows]
            terms = self.terms.get(field.name)
            sizes = np.abs(wanted) if terms is None else terms[rows]
            shown = _different(getattr(found, field.name), wanted, sizes)
            if shown:
                return f"{field.name} {shown}"
        return self._curves_differ(found) or self._funds_differ(found)

    def _funds_differ(self, found: Partial) -> str:
        wanted = self.partial.funds
        wanted = wanted.where(np.isin(wanted.reference, found.reference))
        for name, column in vars(wanted).items():
            other = getattr(found.funds, name)
            if len(other) != len(column):
                return f"funds: {len(other)}, expected {len(column)}"
            shown = _different(other, column, np.abs(column))
            if shown:
                return f"funds.{name} {shown}"
        return ""

    def _curves_differ(self, found: Partial) -> str:
        first = self.partial.curves.first
        rows = found.reference
        at = np.concatenate([np.arange(first[row], first[row + 1]) for row in rows])
        at_knot = np.concatenate([np.arange(first[r] - r, first[r + 1] - r - 1) for r in rows])
        place = {"slope": at, "intercept": at, "knot": at_knot, "low": rows, "high": rows}
        for name, index in place.items():
            wanted = getattr(self.partial.curves, name)[index]
            sizes = np.full(len(wanted), np.nanmax(np.abs(wanted), initial=0.0))
            if name in {"low", "high"}:
                sizes = np.abs(wanted)
            shown = _different(getattr(found.curves, name), wanted, sizes)
            if shown:
                return f"curves.{name} {shown}"
        return ""


def expected_at(script: Script, mark_ns: int) -> Expected:
    """Return what all that has arrived by a mark comes to at that market time."""
    universe = script.market.universe
    book = Book(universe, np.arange(len(universe.symbol), dtype=np.int32))
    prices, flows = script.until(mark_ns)
    book.apply_prices(price_columns(book, prices))
    if len(flows):
        book.apply_flows(flow_columns(book, flows))
    assert book.unused_prices == book.unused_flows == 0
    for source in PRICE_SOURCES:
        book.market.beat(book.source_index(source), mark_ns, mark_ns)
    # By the heartbeats, as a worker does: who never traded has no market time.
    partial = book.partial()
    return Expected(partial, _terms(universe, book, partial))


def price_columns(book: Book, prices: Prices) -> PriceColumns:
    """Return prices as a book of the whole universe takes them."""
    source = np.array([book.source_index(name) for name in PRICE_SOURCES], np.int32)
    return PriceColumns(
        reference=prices.reference.astype(np.int32),
        event_ns=prices.event_ns,
        price=prices.price,
        sequence=prices.sequence,
        source=source[prices.source],
        official=prices.official,
        volume=prices.volume,
    )


def flow_columns(book: Book, flows: Flows) -> FlowColumns:
    """Return creations as a book of the whole universe takes them."""
    row = np.argsort(book.funds)
    return FlowColumns(
        fund=row[flows.fund].astype(np.int32),
        event_ns=flows.event_ns,
        label=flows.label,
        net_creation_usd=flows.net_creation_usd,
        sequence=flows.sequence,
        source=np.full(len(flows), book.source_index(FLOW_SOURCE), np.int32),
    )


def _terms(universe: Universe, book: Book, partial: Partial) -> dict[str, Floats]:
    """Return the sum of the terms' sizes of what is summed over funds, by column."""
    change = np.abs(partial.price / partial.previous_close - 1.0)
    creations = np.zeros(len(partial.reference))
    for day in book.days.values():
        if day.creations is not None:
            term = np.abs(np.nan_to_num(book.standing.leverage_factor * day.creations.value))
            here = partial.label[universe.fund_reference[book.funds]] == day.label
            np.add.at(creations, universe.fund_reference[book.funds][here], term[here])
    return {
        "leveraged_usd": np.nan_to_num(partial.weight_usd * change),
        "creation_usd": creations,
    }


def _different(found: Floats, wanted: Floats, sizes: Floats) -> str:
    if len(found) != len(wanted):
        return f"has {len(found)} entries instead of {len(wanted)}"
    if wanted.dtype.kind in "bi":
        same = found == wanted
    else:
        with np.errstate(invalid="ignore"):
            close = np.abs(found - wanted) <= TOLERANCE * np.nan_to_num(sizes)
        same = close | (found == wanted) | (np.isnan(found) & np.isnan(wanted))
    if same.all():
        return ""
    row = int(np.argmin(same))
    return f"of row {row} is {found[row]!r} instead of {wanted[row]!r}"
