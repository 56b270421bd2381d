"""The slots of one session date: last prices, five-minute buckets, official closes, creations."""

import numpy as np

from core.columns import Bools, Floats, Int64s
from core.liquidity import SessionVolumes
from core.recorded import Recorded
from core.sessions import NANOS_PER_SECOND, NO_TIME
from core.slots import Candidates, Slots

BUCKET_NS = 300 * NANOS_PER_SECOND
"""Width of the buckets that path-dependent figures are computed from."""


class Day:
    """All slots of one session label, one entry a row of the book.

    ``first_ns``, ``close_ns`` int64[n] bound the times a trade of the session may have, both
    included; rows that have no session of this label have an empty range. ``version`` and
    ``flows_version`` grow with every batch offered, of prices and of creations. ``recorded`` says
    which rows the topic of sessions' results holds as they are here.
    """

    def __init__(self, label: int, first_ns: Int64s, close_ns: Int64s) -> None:
        self.label = label
        self.first_ns = first_ns
        self.close_ns = close_ns
        self.trades = Slots(len(first_ns))
        self.officials: Slots | None = None
        self.creations: Slots | None = None
        self.later_creations: Slots | None = None
        self.volumes: SessionVolumes | None = None
        self.priced_by: dict[int, Bools] = {}
        self.recorded = Recorded(len(first_ns))
        self.version = 0
        self.flows_version = 0
        length_ns = int(max((close_ns - first_ns).max(initial=0), 0))
        self.buckets_per_row = -(-length_ns // BUCKET_NS) or 1
        self.buckets: Slots | None = Slots(len(first_ns) * self.buckets_per_row)
        # A bucket ends with its last instant, so that a bar known at 10:05 is in the one it
        # closes; the very first instant belongs to the first bucket all the same.
        self._after_first_ns = first_ns + 1
        self._first_bucket = np.arange(len(first_ns)) * self.buckets_per_row
        # The bucket that is being filled, row by row, and the times it takes.
        self._bucket = self._first_bucket
        self._from_ns = first_ns
        self._until_ns = np.full(len(first_ns), NO_TIME, np.int64)
        self._turned_ns = NO_TIME

    def takes(self, row: Int64s, event_ns: Int64s) -> bool:
        """Say whether every one of these trades falls into its row's session of this label."""
        is_outside = self.first_ns[row] > event_ns
        is_outside |= self.close_ns[row] < event_ns
        return not np.count_nonzero(is_outside)

    def shared_buckets(self, best: Candidates, earliest_ns: int) -> Int64s | None:
        """Return each row's bucket if all its trades of a batch fall into the one being filled.

        ``best`` are the winners of the batch (``slot``: row), in which no trade comes before
        `earliest_ns`. None where a trade lies in another bucket, or outside of the session.
        """
        row = best.slot
        is_apart = self._from_ns[row] > earliest_ns
        is_apart |= self._until_ns[row] < best.event_ns
        return None if np.count_nonzero(is_apart) else self._bucket[row]

    def offer_trades(self, ticks: Candidates, best: Candidates, bucket: Int64s | None) -> Int64s:
        """Take trades of this session; return the rows whose last price changed, each once.

        ``best`` are the rows' winners among ``ticks``, ``bucket`` is from `shared_buckets`.
        """
        self.version += 1
        self.recorded.touch(best.slot)
        wins = self.trades.offer(best)
        all_win = np.count_nonzero(wins) == len(wins)
        if self.buckets is not None:
            if bucket is None:
                slot = self.bucket_slots(ticks.slot, ticks.event_ns)
                self.buckets.offer(self.buckets.latest(ticks.into(slot)))
                self._turn_to(best.event_ns.max())
            elif all_win:
                # What is newest in the session is newest in its bucket.
                self.buckets.put(best.into(bucket))
            else:
                self.buckets.offer(best.into(bucket))
        return best.slot if all_win else best.slot[wins]

    def offer_officials(self, ticks: Candidates) -> Int64s:
        """Take official closes of this session; return the rows that changed, each once."""
        self.version += 1
        self.recorded.touch(ticks.slot)
        if self.officials is None:
            self.officials = Slots(len(self.first_ns))
        best = self.officials.latest(ticks)
        return best.slot[self.officials.offer(best)]

    def offer_volumes(self, volumes: Candidates) -> Int64s:
        """Take volumes so far of trades of this session; return the rows that changed."""
        self.version += 1
        self.recorded.touch(volumes.slot)
        if self.volumes is None:
            self.volumes = SessionVolumes(len(self.first_ns))
        return self.volumes.offer(volumes, self.close_ns)

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

    def bucket_slots(self, row: Int64s, event_ns: Int64s) -> Int64s:
        """Return the slots in ``buckets`` of trades of some rows at some times."""
        since = event_ns - self._after_first_ns[row]
        slot: Int64s = self._first_bucket[row] + np.maximum(since // BUCKET_NS, 0)
        return slot

    def _turn_to(self, time_ns: int) -> None:
        """Fill the buckets of a time from here on; time only goes forward."""
        if time_ns <= self._turned_ns:
            return
        self._turned_ns = time_ns
        bucket = np.maximum((time_ns - self._after_first_ns) // BUCKET_NS, 0)
        start_ns = self._after_first_ns + bucket * BUCKET_NS
        self._from_ns = np.where(bucket == 0, self.first_ns, start_ns)
        self._until_ns = np.minimum(start_ns + (BUCKET_NS - 1), self.close_ns)
        self._bucket = self._first_bucket + bucket
