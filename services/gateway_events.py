"""Rows of files and feeds turned into records for the partitions of their references."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from core.columns import Bools, Int32s, Int64s
from core.universe import Universe
from services.bars import bars_straddling_open
from services.cumulative_volume import CumulativeVolume, volumes_so_far
from services.event_files import FlowEvents, PriceEvents, rows_of
from services.gateway_records import FlowRecord, Outgoing, PriceRecord, session_date
from services.gateway_routes import Route, Routes
from streams.topics import DEAD_LETTERS, FLOWS, PRICES


@dataclass(frozen=True)
class TopicNames:
    """Where prices, creations and dead letters go."""

    prices: str = PRICES
    flows: str = FLOWS
    dead_letters: str = DEAD_LETTERS


@dataclass(frozen=True, eq=False)
class Sorted:
    """Rows that are sent: ``prices`` and ``flows`` in their order, and what was left out.

    ``reference`` int32[n] is that of the prices, then of the creations. ``is_price_sent``,
    ``is_flow_sent`` bool[m] say of each row that was given whether it is among them; ``skipped``
    counts rows of names outside the universe, ``unused`` bars that straddle an open.
    """

    prices: PriceEvents
    flows: FlowEvents
    reference: Int32s
    is_price_sent: Bools
    is_flow_sent: Bools
    skipped: int
    unused: int


class EventRouter:
    """Turns rows into records.

    Parameters
    ----------
    source : str              of rows that name none
    adds_volumes : bool       rows carry their own volume, the wire wants the session's so far
    """

    def __init__(
        self,
        universe: Universe,
        *,
        partitions: int,
        source: str,
        adds_volumes: bool = False,
        topics: TopicNames | None = None,
    ) -> None:
        self._partitions = partitions
        self._universe = universe
        self._routes = Routes(universe, partitions)
        self._source = source
        self._volumes = CumulativeVolume() if adds_volumes else None
        self._topics = topics or TopicNames()

    def switch(self, universe: Universe) -> None:
        """Go by another universe from the next row on."""
        if self._volumes is not None:
            self._volumes.begin_late(_priced(universe) - _priced(self._universe))
        self._universe = universe
        self._routes = Routes(universe, self._partitions)

    def of_universe(self, prices: PriceEvents, flows: FlowEvents) -> Sorted:
        """Keep the rows that are sent; the others are counted."""
        routes = self._routes.of_symbols(prices.symbols)
        reference = _references(routes)[prices.symbol]
        straddling = bars_straddling_open(
            self._universe, reference, start_ns=prices.start_ns, event_ns=prices.event_ns
        )
        is_price_sent = (reference >= 0) & ~straddling
        of_flow = _references(self._routes.of_funds(flows.funds))[flows.fund]
        is_flow_sent = of_flow >= 0
        return Sorted(
            rows_of(prices, is_price_sent),
            rows_of(flows, is_flow_sent),
            np.concatenate((reference[is_price_sent], of_flow[is_flow_sent])),
            is_price_sent,
            is_flow_sent,
            skipped=int((reference < 0).sum() + (~is_flow_sent).sum()),
            unused=int(straddling.sum()),
        )

    def sources(self, rows: Sorted) -> set[str]:
        """Return the sources that speak in `rows`, which are those that need heartbeats."""
        named = {rows.prices.sources[code] for code in np.unique(rows.prices.source).tolist()}
        named |= {rows.flows.sources[code] for code in np.unique(rows.flows.source).tolist()}
        return {name or self._source for name in named}

    def prices(self, events: PriceEvents, rows: Int64s) -> Iterator[Outgoing]:
        """Make records of prices of the universe, in event order where volumes are added up."""
        routes = self._routes.of_symbols(events.symbols)
        chosen = rows_of(events, rows)
        for symbol, time_ns, price, volume, sequence, source, official, file, line in zip(
            chosen.symbol.tolist(),
            chosen.event_ns.tolist(),
            chosen.price.tolist(),
            self._volume_column(chosen, _references(routes)[chosen.symbol]),
            chosen.sequence.tolist(),
            chosen.source.tolist(),
            chosen.official.tolist(),
            chosen.file.tolist(),
            chosen.line.tolist(),
            strict=True,
        ):
            route = routes[symbol]
            if route is None:
                continue
            record = PriceRecord(
                symbol=events.symbols[symbol],
                event_time=time_ns,
                price=price,
                source=events.sources[source] or self._source,
                volume=volume,
                sequence=sequence,
                kind="official_close" if official else "trade",
            )
            yield Outgoing(
                self._topics.prices, route.partition, route.key, record, events.files[file], line
            )

    def flows(self, events: FlowEvents, rows: Int64s) -> Iterator[Outgoing]:
        """Make records of creations of the universe's funds."""
        routes = self._routes.of_funds(events.funds)
        chosen = rows_of(events, rows)
        for fund, time_ns, creation_usd, label, sequence, source, file, line in zip(
            chosen.fund.tolist(),
            chosen.event_ns.tolist(),
            chosen.net_creation_usd.tolist(),
            chosen.label.tolist(),
            chosen.sequence.tolist(),
            chosen.source.tolist(),
            chosen.file.tolist(),
            chosen.line.tolist(),
            strict=True,
        ):
            route = routes[fund]
            if route is None:
                continue
            record = FlowRecord(
                fund=events.funds[fund],
                event_time=time_ns,
                net_creation_usd=creation_usd,
                source=events.sources[source] or self._source,
                session=session_date(label),
                sequence=sequence,
            )
            yield Outgoing(
                self._topics.flows, route.partition, route.key, record, events.files[file], line
            )

    def _volume_column(self, chosen: PriceEvents, reference: Int32s) -> list[float | None]:
        volumes = chosen.volume.tolist()
        if self._volumes is not None:
            volumes = volumes_so_far(self._universe, chosen, reference, totals=self._volumes)
        return [None if math.isnan(volume) else volume for volume in volumes]


def _priced(universe: Universe) -> set[str]:
    return {*universe.symbol, *universe.price_listings}


def _references(routes: Sequence[Route | None]) -> Int32s:
    return np.array([-1 if route is None else route.reference for route in routes], np.int32)
