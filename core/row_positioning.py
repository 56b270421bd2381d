"""Where the positioning of a book's rows stands, and what it must be made anew for.

A figure takes a pass over the contracts of its row, so none is made by a tick: a timer asks
which rows are due and has them made one after the other.
"""

import numpy as np

from core.columns import Bools, Floats, Int64s
from core.positioning import FIGURES
from core.sessions import NANOS_PER_SECOND, NO_SESSION, NO_TIME

STEP_NS = 60 * NANOS_PER_SECOND
"""Market time after which a price or the time itself counts as another, before the close."""


class RowPositioning:
    """The positioning of some rows, as it was last made.

    Attributes
    ----------
    figures : float64[rows, 6]      `core.positioning.FIGURES`, NaN = unknown
    label : int64[rows]             session they are of, ``NO_SESSION`` before the first
    market_ns : int64[rows]         the time they are of, ``NO_TIME`` before the first
    spot : float64[rows]            the price they are of, NaN before the first
    """

    def __init__(self, size: int) -> None:
        self.figures: Floats = np.full((size, len(FIGURES)), np.nan)
        self.label = np.full(size, NO_SESSION, np.int64)
        self.market_ns = np.full(size, NO_TIME, np.int64)
        self.spot: Floats = np.full(size, np.nan)
        self._has_changed = np.zeros(size, np.bool_)

    def note(self, rows: Int64s) -> None:
        """Note that contracts of some rows have changed."""
        self._has_changed[rows] = True

    def due(
        self, label: Int64s, market_ns: Int64s, spot: Floats, *, is_last: Bools, can_be_made: Bools
    ) -> Int64s:
        """Return the rows to be made, those of another session first, then the oldest.

        ``label``, ``market_ns`` int64[rows] and ``spot`` float64[rows] are what they stand for
        now; ``is_last`` bool[rows], where that is the close: what is made of it is kept.
        """
        is_other = self.label != label
        # Market times lie far from the least integer: no difference overflows.
        is_old = market_ns >= np.maximum(self.market_ns, 0) + STEP_NS
        is_old |= is_last & ((market_ns != self.market_ns) | (spot != self.spot))
        rows = np.flatnonzero(can_be_made & (is_other | is_old | self._has_changed))
        return rows[np.lexsort((self.market_ns[rows], ~is_other[rows]))]

    def put(self, row: int, figures: Floats, *, label: int, market_ns: int, spot: float) -> None:
        """Take over what was made of a row, float64[6], and of when and at what price."""
        self.figures[row] = figures
        self.spot[row] = spot
        self.label[row] = label
        self.market_ns[row] = market_ns
        self._has_changed[row] = False
