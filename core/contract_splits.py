"""Splits of the references of a book, as its contracts take part in them.

A level stated before a split is of other contracts than one stated after it: 100 calls at 645 are
700 at 92.14 once Apple's split of 7:1 is in effect. Which of the two a record means is told by the
session it is of. A contract is therefore kept by the split after which it was listed so, and once a
row stands in a split's session all that was listed before is turned into what it became.
"""

from dataclasses import dataclass, replace

import numpy as np

from core.columns import Floats, Int32s, Int64s
from core.contract_adjustments import contracts_of_one, split_terms
from core.contracts import OpenInterestColumns
from core.sessions import NO_SESSION
from core.universe import PriceFactors

_LABEL_BITS = 40


@dataclass(frozen=True, eq=False)
class Splits:
    """Splits of the rows of a book, ascending by row and label.

    ``row``, ``label``, ``known_ns`` int64[k]; ``factor`` float64[k], what prices of sessions
    before ``label`` are multiplied by.
    """

    row: Int64s
    label: Int64s
    known_ns: Int64s
    factor: Floats

    @classmethod
    def of(cls, factors: PriceFactors, references: Int32s) -> "Splits":
        """Return those of some references, int32[n]; row i is references[i]."""
        row = {reference: at for at, reference in enumerate(references.tolist())}
        rows = np.array([row.get(each, -1) for each in factors.reference.tolist()], np.int64)
        keep = np.flatnonzero(rows >= 0)
        keep = keep[np.lexsort((factors.effective_label[keep], rows[keep]))]
        return cls(
            rows[keep], factors.effective_label[keep], factors.known_ns[keep], factors.factor[keep]
        )

    def in_effect(self, label: Int64s, market_ns: Int64s) -> Int64s:
        """Return int64[rows], each row's newest split that is in effect and known.

        ``label``, ``market_ns`` int64[rows] are what the rows stand for; ``NO_SESSION``: none.
        """
        newest = np.full(len(label), NO_SESSION, np.int64)
        due = (self.label <= label[self.row]) & (self.known_ns <= market_ns[self.row])
        np.maximum.at(newest, self.row[due], self.label[due])
        return newest

    def before(self, row: Int32s, label: Int64s) -> Int64s:
        """Return int64[n], the newest split of a row up to a session, ``NO_SESSION`` if none."""
        place = np.searchsorted(_order(self.row, self.label), _order(row, label), "right") - 1
        is_of_row = (place >= 0) & (self.row[place] == row)
        return np.where(is_of_row, self.label[place], NO_SESSION)

    def adjusted(
        self, records: OpenInterestColumns, after: Int64s, by: Int64s
    ) -> OpenInterestColumns:
        """Return records in the terms of after the splits between two sessions.

        ``after`` (exclusive) and ``by`` (inclusive) are int64[n].
        """
        strike, forward = records.strike.copy(), records.forward.copy()
        held, deliverable = records.open_interest.copy(), records.deliverable.copy()
        for split, factor in enumerate(self.factor.tolist()):
            label = self.label[split]
            due = (records.reference == self.row[split]) & (after < label) & (label <= by)
            strike[due], held[due], deliverable[due] = split_terms(
                strike[due], held[due], deliverable[due], price_factor=factor
            )
            forward[due] *= factor
        return replace(
            records, strike=strike, forward=forward, open_interest=held, deliverable=deliverable
        )

    def contracts_since(self, row: int, label: Int64s, by: int) -> Floats:
        """Return float64[n], into how many one contract of each session was split by another."""
        many = np.ones(len(label))
        for split in np.flatnonzero((self.row == row) & (self.label <= by)).tolist():
            many[label < self.label[split]] *= contracts_of_one(float(self.factor[split]))
        return many


def _order(row: Int64s | Int32s, label: Int64s) -> Int64s:
    """Return int64[n], by which splits ascend; no session comes before all of its row."""
    return (row.astype(np.int64) << _LABEL_BITS) + np.maximum(label, -1)


NO_SPLITS = Splits(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
