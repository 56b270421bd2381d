"""Rows of files and feeds turned into records for the partitions of their references."""

import math
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from core.columns import Bools, Int32s, Int64s
from core.universe import Universe
from services.bars import bars_straddling_open
from services.cumulative_volume import CumulativeVolume, volumes_so_far
from services.event_files import FlowEvents, PriceEvents, rows_of
from services.gateway_records import FlowRecord, Outgoing, PriceRecord
from services.gateway_routes import Route, Routes
from services.option_events import OpenInterestEvents
from services.option_records import open_interest_records
from services.rows import session_text
from streams.topics import DEAD_LETTERS, FLOWS, OPEN_INTEREST, PRICES

Speakers = Mapping[str, AbstractSet[str]]
"""Topic -> the sources whose heartbeats it needs."""


@dataclass(frozen=True)
class TopicNames:
    """Where events and dead letters go."""

    prices: str = PRICES
    flows: str = FLOWS
    open_interest: str = OPEN_INTEREST
    dead_letters: str = DEAD_LETTERS

    @classmethod
    def with_prefix(cls, prefix: str) -> Self:
        """Return the usual names behind a prefix."""
        return cls(*(prefix + name for name in (PRICES, FLOWS, OPEN_INTEREST, DEAD_LETTERS)))


class Events(NamedTuple):
    """Rows of files or of feeds, by kind."""

    prices: PriceEvents
    flows: FlowEvents
    interest: OpenInterestEvents


@dataclass(frozen=True, eq=False)
class Sorted:
    """Rows that are sent, each kind in its order, and what was left out.

    ``event_ns`` int64[n] and ``reference`` int32[n] are those of the prices, then of the creations,
    then of the open interest. ``is_sent`` bool[m] says of each row that was given, by kind, whether
    it is among them; ``skipped`` counts rows of names outside the universe, ``unused`` bars that
    straddle an open.
    """

    events: Events
    reference: Int32s
    is_sent: tuple[Bools, Bools, Bools]
    skipped: int
    unused: int

    @property
    def event_ns(self) -> Int64s:
        """Event times of all rows, kind by kind."""
        return np.concatenate([events.event_ns for events in self.events])


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
        self._universe = universe
        self._partitions = partitions
        self._routes = Routes(universe, partitions)
        self._source = source
        self._volumes = CumulativeVolume() if adds_volumes else None
        self._topics = topics or TopicNames()

    @property
    def interest_topic(self) -> str:
        """Where levels of open interest go."""
        return self._topics.open_interest

    def switch(self, universe: Universe) -> None:
        """Go by another universe from the next row on."""
        if self._volumes is not None:
            self._volumes.begin_late(_priced(universe) - _priced(self._universe))
        self._universe = universe
        self._routes = Routes(universe, self._partitions)

    def of_universe(self, events: Events) -> Sorted:
        """Keep the rows that are sent; the others are counted."""
        prices, flows, interest = events
        reference = _references(self._routes.of_symbols(prices.symbols))[prices.symbol]
        straddling = bars_straddling_open(
            self._universe, reference, start_ns=prices.start_ns, event_ns=prices.event_ns
        )
        of_flow = _references(self._routes.of_funds(flows.funds))[flows.fund]
        underlyings = self._routes.of_underlyings(interest.underlyings)
        of_level = _references(underlyings)[interest.underlying]
        is_sent = ((reference >= 0) & ~straddling, of_flow >= 0, of_level >= 0)
        of_kinds = zip((reference, of_flow, of_level), is_sent, strict=True)
        return Sorted(
            Events(
                rows_of(prices, is_sent[0]), rows_of(flows, is_sent[1]), interest.at(is_sent[2])
            ),
            np.concatenate([of_kind[sent] for of_kind, sent in of_kinds]),
            is_sent,
            skipped=int((reference < 0).sum() + (of_flow < 0).sum() + (of_level < 0).sum()),
            unused=int(straddling.sum()),
        )

    def speakers(self, events: Events) -> Speakers:
        """Return the sources that speak in rows that are sent, which need heartbeats.

        Prices and creations are one feed; who sends open interest may send nothing else, and
        promises nothing of prices.
        """
        market = self._named(events.prices) | self._named(events.flows)
        return {
            self._topics.prices: market,
            self._topics.flows: market,
            self._topics.open_interest: self._named(events.interest),
        }

    def _named(self, events: PriceEvents | FlowEvents | OpenInterestEvents) -> set[str]:
        names = (events.sources[code] for code in np.unique(events.source).tolist())
        return {name or self._source for name in names}

    def records(self, events: Events) -> tuple[Iterator[Outgoing], ...]:
        """Make records of rows that are sent, kind by kind.

        Prices are to come in event order where volumes are added up.
        """
        return (
            self._prices(events.prices),
            self._flows(events.flows),
            self._interest(events.interest),
        )

    def _prices(self, chosen: PriceEvents) -> Iterator[Outgoing]:
        routes = self._routes.of_symbols(chosen.symbols)
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
                symbol=chosen.symbols[symbol],
                event_time=time_ns,
                price=price,
                source=chosen.sources[source] or self._source,
                volume=volume,
                sequence=sequence,
                kind="official_close" if official else "trade",
            )
            yield Outgoing(
                self._topics.prices, route.partition, route.key, record, chosen.files[file], line
            )

    def _flows(self, chosen: FlowEvents) -> Iterator[Outgoing]:
        routes = self._routes.of_funds(chosen.funds)
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
                fund=chosen.funds[fund],
                event_time=time_ns,
                net_creation_usd=creation_usd,
                source=chosen.sources[source] or self._source,
                session=session_text(label),
                sequence=sequence,
            )
            yield Outgoing(
                self._topics.flows, route.partition, route.key, record, chosen.files[file], line
            )

    def _interest(self, chosen: OpenInterestEvents) -> Iterator[Outgoing]:
        routes = self._routes.of_underlyings(chosen.underlyings)
        for underlying, record, file, line in zip(
            chosen.underlying.tolist(),
            open_interest_records(chosen, np.arange(len(chosen)), source=self._source),
            chosen.file.tolist(),
            chosen.line.tolist(),
            strict=True,
        ):
            route = routes[underlying]
            if route is None:
                continue
            yield Outgoing(
                self._topics.open_interest,
                route.partition,
                route.key,
                record,
                chosen.files[file],
                line,
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
