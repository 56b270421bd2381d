"""Slots that any order, duplication or batching of events fills in the same way.

A slot is won by the greatest (event time, sequence, rank of the source, value). Nothing is ever
added up, so an event that comes twice, late or out of order changes nothing it should not.
"""

import numpy as np

from core.columns import Bools, Floats, Int64s
from core.sessions import NO_TIME


def latest_positions(
    slot: Int64s, event_ns: Int64s, sequence: Int64s, rank: Int64s, value: Floats
) -> Int64s:
    """Return where in the batch each slot's winner stands, one position a slot, slots ascending.

    All arguments run side by side, int64[n] and float64[n]. A batch whose times ascend within
    every slot, as a well-behaved feed sends them, costs one radix sort of the slots.
    """
    order = np.argsort(slot.astype(np.int16) if _fits_int16(slot) else slot, kind="stable")
    sorted_slot, sorted_ns = slot[order], event_ns[order]
    is_same = sorted_slot[1:] == sorted_slot[:-1]
    if (is_same & (sorted_ns[1:] <= sorted_ns[:-1])).any():
        order = np.lexsort((value, rank, sequence, event_ns, slot))
        sorted_slot = slot[order]
        is_same = sorted_slot[1:] == sorted_slot[:-1]
    is_last = np.ones(len(slot), np.bool_)
    np.logical_not(is_same, out=is_last[:-1])
    return order[is_last]


def _fits_int16(slot: Int64s) -> bool:
    return len(slot) > 0 and int(slot.max()) < 2**15


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

    def offer(
        self, slot: Int64s, event_ns: Int64s, sequence: Int64s, rank: Int64s, value: Floats
    ) -> Bools:
        """Let each slot take its candidate if that one wins; return which of them did.

        ``slot`` names each slot at most once (see `latest_positions`).
        """
        held_ns = self.event_ns[slot]
        wins = event_ns > held_ns
        tied = np.flatnonzero(event_ns == held_ns)
        if len(tied):
            wins[tied] = self._wins_tie(slot[tied], sequence[tied], rank[tied], value[tied])
        if wins.all():
            won = slot
        else:
            won = slot[wins]
            event_ns, sequence, rank, value = (
                event_ns[wins],
                sequence[wins],
                rank[wins],
                value[wins],
            )
        self.event_ns[won] = event_ns
        self.sequence[won] = sequence
        self.rank[won] = rank
        self.value[won] = value
        return wins

    def _wins_tie(self, slot: Int64s, sequence: Int64s, rank: Int64s, value: Floats) -> Bools:
        by_value = value > self.value[slot]
        by_rank = (rank > self.rank[slot]) | ((rank == self.rank[slot]) & by_value)
        same_sequence = sequence == self.sequence[slot]
        wins: Bools = (sequence > self.sequence[slot]) | (same_sequence & by_rank)
        return wins
