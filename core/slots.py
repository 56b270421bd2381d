"""Slots that any order, duplication or batching of events fills in the same way.

A slot is won by the greatest (event time, sequence, rank of the source, value). Nothing is ever
added up, so an event that comes twice, late or out of order changes nothing it should not.
"""

from dataclasses import dataclass

import numpy as np

from core.columns import Bools, Floats, Int64s
from core.sessions import NO_TIME


@dataclass(eq=False, slots=True)
class Candidates:
    """What may go into slots: parallel arrays, in any order.

    ``slot`` int64[n]; ``event_ns``, ``sequence``, ``rank`` int64[n]; ``value`` float64[n].
    """

    slot: Int64s
    event_ns: Int64s
    sequence: Int64s
    rank: Int64s
    value: Floats

    def at(self, positions: Int64s | Bools) -> "Candidates":
        """Return the candidates at some positions."""
        return Candidates(
            self.slot[positions],
            self.event_ns[positions],
            self.sequence[positions],
            self.rank[positions],
            self.value[positions],
        )

    def into(self, slot: Int64s) -> "Candidates":
        """Return the same candidates for other slots, int64[n]."""
        return Candidates(slot, self.event_ns, self.sequence, self.rank, self.value)


class Slots:
    """Values with the event time, sequence and source rank that won them.

    Attributes
    ----------
    event_ns, sequence, rank : int64[n]    ``NO_TIME`` and 0 where the slot is empty
    value : float64[n]                     NaN where the slot is empty
    """

    def __init__(self, size: int) -> None:
        self.event_ns = np.full(size, NO_TIME, np.int64)
        self.sequence = np.zeros(size, np.int64)
        self.rank = np.zeros(size, np.int64)
        self.value = np.full(size, np.nan)
        self._newest = np.empty(size, np.int64)

    def grow(self, size: int) -> None:
        """Add empty slots up to a greater number."""
        old, more = len(self.value), Slots(size)
        for name, column in vars(self).items():
            getattr(more, name)[:old] = column
        vars(self).update(vars(more))

    def empty(self, positions: Int64s) -> None:
        """Make some slots as if nothing had ever been offered to them."""
        self.event_ns[positions] = NO_TIME
        self.sequence[positions] = 0
        self.rank[positions] = 0
        self.value[positions] = np.nan

    def latest(self, batch: Candidates) -> Candidates:
        """Return each slot's winner of a batch, once a slot.

        Cost: O(n) where the times of each slot ascend through the batch, as a well-behaved feed
        sends them; else a sort of those that are as new as the last of their slot.
        """
        # Any event of a slot could be compared with the others; the last one written is the
        # newest where times ascend, so that nothing but the winners is left.
        newest, slot = self._newest, batch.slot
        newest[slot] = np.arange(len(slot))
        compared = newest[slot]
        left = (batch.event_ns >= batch.event_ns[compared]).nonzero()[0]
        best = batch.at(left)
        if np.count_nonzero(compared[left] != left):
            best = best.at(winners(best))
        return best

    def filled(self) -> Candidates:
        """Return a copy of what the slots hold, the filled ones ascending; offered, it restores."""
        slot = np.flatnonzero(self.event_ns != NO_TIME)
        return Candidates(
            slot, self.event_ns[slot], self.sequence[slot], self.rank[slot], self.value[slot]
        )

    def offer(self, best: Candidates) -> Bools:
        """Let each slot take its candidate if that one wins; return which of them did.

        ``best`` names each slot at most once (see `latest`).
        """
        held_ns = self.event_ns[best.slot]
        wins = best.event_ns > held_ns
        is_tied = best.event_ns == held_ns
        if np.count_nonzero(is_tied):
            wins[is_tied] = self._wins_tie(best.at(is_tied))
        self.put(best if np.count_nonzero(wins) == len(wins) else best.at(wins))
        return wins

    def put(self, winners: Candidates) -> None:
        """Fill slots with candidates that are known to win."""
        slot = winners.slot
        self.event_ns[slot] = winners.event_ns
        self.sequence[slot] = winners.sequence
        self.rank[slot] = winners.rank
        self.value[slot] = winners.value

    def _wins_tie(self, tied: Candidates) -> Bools:
        slot, sequence, rank = tied.slot, self.sequence[tied.slot], self.rank[tied.slot]
        by_value = tied.value > self.value[slot]
        by_rank = (tied.rank > rank) | ((tied.rank == rank) & by_value)
        wins: Bools = (tied.sequence > sequence) | ((tied.sequence == sequence) & by_rank)
        return wins


def winners(batch: Candidates) -> Int64s:
    """Return the position in a batch of each slot's winner, slots ascending."""
    order = np.lexsort((batch.value, batch.rank, batch.sequence, batch.event_ns, batch.slot))
    slot = batch.slot[order]
    is_last = np.ones(len(slot), np.bool_)
    np.not_equal(slot[1:], slot[:-1], out=is_last[:-1])
    return order[is_last]
