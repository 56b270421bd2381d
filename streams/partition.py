"""One owned partition: its book, how far each topic has been read, and what is still to come."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.book import Book
from core.book_state import Restorer
from core.dealer_assumptions import DealerAssumptions
from core.universe import Universe
from streams.close_reader import read_results
from streams.event_kinds import FLOW, PRICE
from streams.interest_events import InterestDecoder
from streams.logs import Log
from streams.rejects import Record, Reject
from streams.routes import flow_routes, price_routes, references_of
from streams.snapshots import Found, Saved, hand_over, restore
from streams.topics import CLOSES, FLOWS, OPEN_INTEREST, PARTITIONS, PRICES
from streams.wire import Decoded, EventDecoder, flow_columns, price_columns

_ASSUMED = DealerAssumptions()


@dataclass(frozen=True)
class Taken:
    """What a batch came to: counts of events, heartbeats, and what could not be used.

    ``newest_ns`` is the newest event time applied, 0 without any.
    """

    applied: int
    unused: int
    unknown: int
    heartbeats: int
    newest_ns: int
    rejects: list[Reject]


class Partition:
    """State of the references of one partition.

    Parameters
    ----------
    token : int                     the right to write in Redis, see `streams.fencing`
    logs : mapping topic -> Log     of every input topic
    found : mapping topic -> Found  what an owner before has saved
    dealers : DealerAssumptions

    Attributes
    ----------
    is_touched : bool      whether its partial has changed since it was last written
    written_at : float     when that was, in seconds of a monotonic clock
    saved : Saved          what the snapshot holds
    """

    def __init__(
        self,
        universe: Universe,
        number: int,
        *,
        token: int,
        logs: dict[str, Log],
        found: Mapping[str, Found] | None = None,
        dealers: DealerAssumptions = _ASSUMED,
    ) -> None:
        self.number = number
        self.token = token
        self._dealers = dealers
        self.logs = logs
        self.saved = Saved(token)
        self.is_touched = True
        self.written_at = -math.inf
        self._set_up(universe)
        if found is not None:
            restore(self.book, found)

    def _set_up(self, universe: Universe) -> None:
        self.universe = universe
        references = references_of(universe, self.number, PARTITIONS)
        self.book = Book(universe, references, dealers=self._dealers)
        index = self.book.source_index
        prices = price_routes(universe, self.book.references)
        self._own = {
            name: code for name, code in prices.code_of.items() if code < 0 or prices.is_own[code]
        }
        self._prices = EventDecoder(PRICE, prices, index)
        self._interest = InterestDecoder(
            universe,
            self.book.references,
            calendar=self.book.calendar,
            root_index=self.book.options.state.root_index,
            source_index=self.book.options.state.source_index,
        )
        self._flows = EventDecoder(FLOW, flow_routes(universe, self.book.funds), index)

    def switch(self, universe: Universe) -> None:
        """Go on with another version of the universe; what it does not know is forgotten."""
        before = self.book
        self._set_up(universe)
        hand_over(before, self.book)
        self.saved.forget()
        self.is_touched = True

    def forget_results(self) -> None:
        """Have the results of all sessions written to a log that does not hold them."""
        for day in self.book.days.values():
            day.recorded.forget()

    @property
    def is_warming(self) -> bool:
        """Whether it has not yet read all that was there when it was taken over."""
        return any(log.is_held or log.next < log.end for log in self.logs.values())

    def take(self, topic: str, records: Sequence[Record]) -> Taken:
        """Apply a batch of one of its topics; the offsets are the caller's to move."""
        if topic == CLOSES:
            return self._take_results(records)
        if topic == OPEN_INTEREST:
            return self._take_open_interest(records)
        unused = self.book.unused_prices + self.book.unused_flows
        decoder = self._prices if topic == PRICES else self._flows
        decoded = decoder.decode(records)
        applied, newest_ns = self._apply(decoder, decoded)
        if topic == PRICES:
            # What a source has sent of another topic says nothing of its prices.
            for source, event_ns, beat_ns in decoded.heartbeats:
                self.book.market.beat(source, event_ns, beat_ns)
                self.is_touched = True
        unused = self.book.unused_prices + self.book.unused_flows - unused
        return Taken(
            applied=applied - unused,
            unused=unused,
            unknown=decoded.unknown,
            heartbeats=len(decoded.heartbeats),
            newest_ns=newest_ns,
            rejects=decoded.rejects,
        )

    def _take_open_interest(self, records: Sequence[Record]) -> Taken:
        decoded = self._interest.decode(records)
        unused, applied = self.book.options.state.unused, 0
        if decoded.columns is not None:
            applied = len(decoded.columns.strike)
            self.is_touched |= len(self.book.options.apply(decoded.columns)) > 0
        unused = self.book.options.state.unused - unused
        return Taken(
            applied=applied - unused,
            unused=unused,
            unknown=decoded.unknown,
            heartbeats=decoded.heartbeats,
            newest_ns=decoded.newest_ns,
            rejects=decoded.rejects,
        )

    def _take_results(self, records: Sequence[Record]) -> Taken:
        read = read_results(records, self._own)
        for names, state in read.states:
            Restorer(self.book, names).recorded(state)
        self.is_touched |= bool(read.states)
        applied = sum(len(state.row) for _, state in read.states)
        return Taken(applied, 0, read.unknown, 0, newest_ns=0, rejects=read.rejects)

    def _apply(self, decoder: EventDecoder, decoded: Decoded) -> tuple[int, int]:
        part = decoded.part
        if part is None or not len(part.code):
            return 0, 0
        if decoder.kind.topic == FLOWS:
            touched = self.book.apply_flows(flow_columns(part, decoder.routes))
        else:
            touched = self.book.apply_prices(price_columns(part, decoder.routes))
        self.is_touched |= len(touched) > 0
        return len(part.code), int(np.max(part.event_ns))
