"""The slots of one session date: last prices, five-minute buckets, official closes, creations."""

from dataclasses import dataclass

import numpy as np

from core.columns import Bools, Floats, Int64s
from core.sessions import NANOS_PER_SECOND
from core.slots import Slots, latest_positions

BUCKET_NS = 300 * NANOS_PER_SECOND
"""Width of the buckets that path-dependent figures are computed from."""


@dataclass(frozen=True, eq=False)
class Ticks:
    """Prices of one session date, or candidates for its slots: parallel arrays.

    ``row`` int64[n], ``event_ns``, ``sequence``, ``rank`` int64[n], ``price`` float64[n].
    """

    row: Int64s
    event_ns: Int64s
    sequence: Int64s
    rank: Int64s
    price: Floats

    def at(self, positions: Int64s | Bools) -> "Ticks":
        """Return the ticks at some positions."""
        return Ticks(
            self.row[positions],
            self.event_ns[positions],
            self.sequence[positions],
            self.rank[positions],
            self.price[positions],
        )

    def winners(self, slot: Int64s) -> Int64s:
        """Return the positions of each slot's winner; ``slot`` int64[n] runs beside the ticks."""
        return latest_positions(slot, self.event_ns, self.sequence, self.rank, self.price)


class Day:
    """All slots of one session label, one entry a row of the book.

    ``first_ns``, ``close_ns`` int64[n] bound the times a trade of the session may have, both
    included; rows that have no session of this label have an empty range.
    """

    def __init__(self, label: int, first_ns: Int64s, close_ns: Int64s) -> None:
        self.label = label
        self.first_ns = first_ns
        self.close_ns = close_ns
        self.trades = Slots(len(first_ns))
        self.officials: Slots | None = None
        self.creations: Slots | None = None
        self.later_creations: Slots | None = None
        self.priced_by: dict[int, Bools] = {}
        length_ns = int(max((close_ns - first_ns).max(initial=0), 0))
        self.buckets_per_row = -(-length_ns // BUCKET_NS) or 1
        self.buckets: Slots | None = Slots(len(first_ns) * self.buckets_per_row)

    def takes(self, row: Int64s, event_ns: Int64s) -> bool:
        """Say whether every one of these trades falls into its row's session of this label."""
        inside = (event_ns >= self.first_ns[row]) & (event_ns <= self.close_ns[row])
        return bool(inside.all())

    def offer_trades(self, ticks: Ticks) -> Int64s:
        """Take trades of this session; return the rows whose last price changed, ascending."""
        best = ticks.at(ticks.winners(ticks.row))
        if self.buckets is not None:
            self._offer_buckets(self.buckets, ticks, best)
        wins = self.trades.offer(best.row, best.event_ns, best.sequence, best.rank, best.price)
        return best.row[wins]

    def offer_officials(self, ticks: Ticks) -> Int64s:
        """Take official closes of this session; return the rows that changed, ascending."""
        if self.officials is None:
            self.officials = Slots(len(self.first_ns))
        best = ticks.at(ticks.winners(ticks.row))
        wins = self.officials.offer(best.row, best.event_ns, best.sequence, best.rank, best.price)
        return best.row[wins]

    def note_source(self, source: int, row: Int64s) -> None:
        """Note that a source priced some rows in this session."""
        priced = self.priced_by.get(source)
        if priced is None:
            priced = self.priced_by[source] = np.zeros(len(self.first_ns), np.bool_)
        priced[row] = True

    def last_prices(self, rows: Int64s) -> tuple[Floats, Int64s]:
        """Return price and newest event time of some rows; an official close comes first."""
        price, event_ns = self.trades.value[rows], self.trades.event_ns[rows]
        if self.officials is None:
            return price, event_ns
        official = self.officials.value[rows]
        newest = np.maximum(event_ns, self.officials.event_ns[rows])
        return np.where(np.isnan(official), price, official), newest

    def creation_slots(self, n_funds: int) -> Slots:
        """Return the slots of creations known by the close, the ones that rows show."""
        if self.creations is None:
            self.creations = Slots(n_funds)
        return self.creations

    def later_creation_slots(self, n_funds: int) -> Slots:
        """Return the slots of all creations of the session, the ones later assets follow."""
        if self.later_creations is None:
            self.later_creations = Slots(n_funds)
        return self.later_creations

    def close(self) -> Floats:
        """Return float64[n], the official close where there is one, else the last trade."""
        if self.officials is None:
            return self.trades.value
        official = self.officials.value
        return np.where(np.isnan(official), self.trades.value, official)

    def _offer_buckets(self, buckets: Slots, ticks: Ticks, best: Ticks) -> None:
        bucket = self._bucket(ticks)
        low, high = int(bucket.min()), int(bucket.max())
        if low == high:
            slot = best.row * self.buckets_per_row + low
        else:
            every = ticks.row * self.buckets_per_row + bucket
            won = ticks.winners(every)
            best, slot = ticks.at(won), every[won]
        buckets.offer(slot, best.event_ns, best.sequence, best.rank, best.price)

    def _bucket(self, ticks: Ticks) -> Int64s:
        # A bucket ends with its last instant, so that a bar known at 10:05 is in the one it closes.
        since_first = ticks.event_ns - self.first_ns[ticks.row]
        bucket: Int64s = np.maximum(since_first - 1, 0) // BUCKET_NS
        return bucket
