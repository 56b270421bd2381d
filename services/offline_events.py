"""Events of files as the columns of one book, in event time: what the offline replay reads."""

from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np

from core.book import Book
from core.columns import Floats, FlowColumns, Int32s, Int64s, PriceColumns
from core.contracts import OpenInterestColumns
from core.universe import Universe
from services.bars import bars_straddling_open
from services.cumulative_volume import CumulativeVolume, volumes_so_far
from services.event_files import FlowEvents, PriceEvents, rows_of
from services.offline_interest import interest_columns
from services.option_events import OpenInterestEvents

C = TypeVar("C", PriceColumns, FlowColumns)


class Events(NamedTuple):
    """Events of a stretch of time, each kind in ascending event time."""

    prices: PriceColumns
    flows: FlowColumns
    interest: OpenInterestColumns


@dataclass(frozen=True, eq=False)
class Feed:
    """Prices, creations and open interest of the universe, each in ascending event time.

    ``skipped_rows`` counts rows of names outside the universe, ``unused_bars`` the bars that
    straddle an open.
    """

    prices: PriceColumns
    flows: FlowColumns
    interest: OpenInterestColumns
    skipped_rows: int
    unused_bars: int

    def between(self, start_ns: int, until_ns: int) -> Events:
        """Return what was timestamped after `start_ns` and up to `until_ns`."""
        first, last = _bounds(self.interest.event_ns, start_ns, until_ns)
        return Events(
            sliced(self.prices, *_bounds(self.prices.event_ns, start_ns, until_ns)),
            sliced(self.flows, *_bounds(self.flows.event_ns, start_ns, until_ns)),
            self.interest.at(slice(first, last)),
        )


def offline_feed(
    universe: Universe,
    book: Book,
    *,
    prices: PriceEvents,
    flows: FlowEvents,
    interest: OpenInterestEvents,
    adds_volumes: bool = False,
) -> Feed:
    """Map the rows of files onto a book that holds the whole universe.

    ``adds_volumes``: volumes are each row's own, not the session's so far.
    """
    reference, factor = _references(universe, prices.symbols)
    row = reference[prices.symbol]
    straddles = bars_straddling_open(
        universe, row, start_ns=prices.start_ns, event_ns=prices.event_ns
    )
    used = np.flatnonzero((row >= 0) & ~straddles)
    used = used[np.argsort(prices.event_ns[used], kind="stable")]
    sources = np.array([book.source_index(name) for name in prices.sources], np.int32)
    price_columns = PriceColumns(
        reference=row[used],
        event_ns=prices.event_ns[used],
        price=prices.price[used] * factor[prices.symbol[used]],
        sequence=prices.sequence[used],
        source=sources[prices.source[used]],
        official=prices.official[used],
        volume=_volumes(universe, rows_of(prices, used), row[used], adds_volumes=adds_volumes),
    )
    flow_columns = _flow_columns(universe, book, flows)
    interest_rows = interest_columns(universe, book, interest)
    skipped = int((row < 0).sum()) + len(flows) - len(flow_columns.fund)
    skipped += len(interest) - len(interest_rows)
    return Feed(price_columns, flow_columns, interest_rows, skipped, int(straddles.sum()))


def _volumes(
    universe: Universe, prices: PriceEvents, reference: Int32s, *, adds_volumes: bool
) -> Floats | None:
    """Return volumes so far of references' own symbols; those of listings count other units."""
    if np.isnan(prices.volume).all():
        return None
    volume = prices.volume
    if adds_volumes:
        totals = CumulativeVolume()
        volume = np.array(volumes_so_far(universe, prices, reference, totals=totals), np.float64)
    own = {symbol: index for index, symbol in enumerate(universe.symbol)}
    own_reference = np.array([own.get(symbol, -1) for symbol in prices.symbols], np.int32)
    return np.where(own_reference[prices.symbol] == reference, volume, np.nan)


def _flow_columns(universe: Universe, book: Book, flows: FlowEvents) -> FlowColumns:
    fund_row = {universe.fund[k]: j for j, k in enumerate(book.funds.tolist())}
    funds = np.array([fund_row.get(name, -1) for name in flows.funds], np.int32)
    which = funds[flows.fund] if len(flows) else np.empty(0, np.int32)
    used = np.flatnonzero(which >= 0)
    used = used[np.argsort(flows.event_ns[used], kind="stable")]
    sources = np.array([book.source_index(name) for name in flows.sources], np.int32)
    return FlowColumns(
        fund=which[used],
        event_ns=flows.event_ns[used],
        label=flows.label[used],
        net_creation_usd=flows.net_creation_usd[used],
        sequence=flows.sequence[used],
        source=sources[flows.source[used]],
    )


def _references(universe: Universe, symbols: tuple[str, ...]) -> tuple[Int32s, Floats]:
    """Return each symbol's reference, -1 outside the universe, and the factor on its price."""
    own = {symbol: (i, 1.0) for i, symbol in enumerate(universe.symbol)}
    pairs = [own.get(s) or universe.price_listings.get(s, (-1, 1.0)) for s in symbols]
    reference = np.array([reference for reference, _ in pairs], np.int32)
    return reference, np.array([factor for _, factor in pairs])


def _bounds(event_ns: Int64s, start_ns: int, until_ns: int) -> tuple[int, int]:
    first, last = np.searchsorted(event_ns, [start_ns, until_ns], side="right").tolist()
    return first, last


def sliced(columns: C, first: int, last: int) -> C:
    """Return some of the events, from one position to before another."""
    taken: dict[str, Any] = {
        name: None if column is None else column[first:last]
        for name, column in vars(columns).items()
    }
    return type(columns)(**taken)
