"""One owned partition: its book, how far each topic has been read, and what is still to come."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.book import Book
from core.universe import Universe
from streams.event_kinds import FLOW, PRICE
from streams.rejects import Record, Reject
from streams.routes import flow_routes, price_routes, references_of
from streams.topics import FLOWS, PARTITIONS, PRICES
from streams.wire import Decoded, EventDecoder, flow_columns, price_columns


@dataclass
class Log:
    """Offsets of one topic's partition.

    Attributes
    ----------
    next : int        offset of the next record to handle
    end : int         first offset that did not exist when the partition was taken over
    reported : int    records below it were handled by an owner before, letters and all
    """

    next: int
    end: int
    reported: int


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
    token : int                     the right to write its partial, see `streams.fencing`
    logs : mapping topic -> Log     of every input topic

    Attributes
    ----------
    is_touched : bool      whether its partial has changed since it was last written
    written_at : float     when that was, in seconds of a monotonic clock
    """

    def __init__(
        self, universe: Universe, number: int, *, token: int, logs: dict[str, Log]
    ) -> None:
        self.number = number
        self.token = token
        self.logs = logs
        self.book = Book(universe, references_of(universe, number, PARTITIONS))
        self.is_touched = True
        self.written_at = -math.inf
        index = self.book.source_index
        self._prices = EventDecoder(PRICE, price_routes(universe, self.book.references), index)
        self._flows = EventDecoder(FLOW, flow_routes(universe, self.book.funds), index)

    @property
    def is_warming(self) -> bool:
        """Whether it has not yet read all that was there when it was taken over."""
        return any(log.next < log.end for log in self.logs.values())

    def take(self, topic: str, records: Sequence[Record]) -> Taken:
        """Apply a batch of one of its topics; the offsets are the caller's to move."""
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
