"""Which rows of a session lie in the topic of sessions' results as they are here, and which differ.

The owner writes a row's result once the session is over and reads it back like any other input.
What was last read is remembered as two digests, so that a row is written again only where its
slots have become others.
"""

import numpy as np

from core.columns import Bools, Floats, Int64s
from core.positioning import FIGURES

NOT_READ = 0
"""Stands for the digest of a result that was never read."""


class Recorded:
    """The results of one session, one entry a row.

    Attributes
    ----------
    figures, path : int64[n]          digests of what was last read, ``NOT_READ`` where nothing was
    changed : bool[n]                 rows whose slots may differ from that
    is_pending : bool                 whether any row is changed
    leveraged_usd, creation_usd : float64[n]     demand at the close, NaN = not known
    positioning : float64[n, 6] | None     `core.positioning.FIGURES` at the close, NaN = not known,
                                      None where none is
    version : int                     grows with everything that was read
    """

    def __init__(self, size: int) -> None:
        self.figures = np.full(size, NOT_READ, np.int64)
        self.path = np.full(size, NOT_READ, np.int64)
        # All rows, until they are first compared: a live session need not be followed.
        self.changed: Bools = np.ones(size, np.bool_)
        self.is_pending = True
        self.leveraged_usd: Floats = np.full(size, np.nan)
        self.creation_usd: Floats = np.full(size, np.nan)
        self.positioning: Floats | None = None
        self.version = 0
        self._is_followed = False

    def touch(self, rows: Int64s) -> None:
        """Note that slots of some rows may have changed."""
        if self._is_followed:
            self.changed[rows] = True
            self.is_pending = True

    def agree(self, rows: Int64s) -> None:
        """Note that some rows are as they were last read, or have nothing to be written."""
        self._is_followed = True
        self.changed[rows] = False
        self.is_pending = bool(self.changed.any())

    def read(self, rows: Int64s, figures: Int64s, path: Int64s) -> None:
        """Take the digests of results that were read; whether the slots agree is to be seen."""
        self.figures[rows] = figures
        self.path[rows] = path
        self.changed[rows] = True
        self.is_pending = True
        self.version += 1

    def forget(self) -> None:
        """Have every row's result written again: the log that they were read from is gone."""
        self.figures[:] = NOT_READ
        self.path[:] = NOT_READ
        self.changed[:] = True
        self.is_pending = True
        self.version += 1

    def note_demand(self, rows: Int64s, *, leveraged_usd: Floats, creation_usd: Floats) -> None:
        """Take the demand of some rows at their close, float64[k] each."""
        self.leveraged_usd[rows] = leveraged_usd
        self.creation_usd[rows] = creation_usd

    def note_positioning(self, rows: Int64s, figures: Floats) -> None:
        """Take the positioning of some rows, float64[k, 6]; what is not known stays as it was."""
        if np.isnan(figures).all():
            return
        if self.positioning is None:
            self.positioning = np.full((len(self.figures), len(FIGURES)), np.nan)
        known = ~np.isnan(figures).all(axis=1)
        self.positioning[rows[known]] = figures[known]

    def positioning_of(self, rows: Int64s) -> Floats:
        """Return the positioning of some rows, float64[k, 6], NaN = not known."""
        if self.positioning is None:
            return np.full((len(rows), len(FIGURES)), np.nan)
        return self.positioning[rows]
