"""One version of the universe seen from another: the same symbols under other numbers."""

from dataclasses import fields
from functools import lru_cache
from typing import Any

import numpy as np

from core.columns import Curves, Int32s, Int64s, Partial
from core.leveraged import join_curves, split_curves
from core.subjects import symbol_rows
from core.universe import Universe

GONE = -1
"""The number of a reference that the other version does not have."""


@lru_cache(maxsize=4)
def numbers_in(target: Universe, source: Universe) -> Int32s:
    """Return int32[n]: for each reference of `source` its number in `target`, or ``GONE``."""
    rows = symbol_rows(target)
    return np.array([rows.get(symbol, GONE) for symbol in source.symbol], np.int32)


def renumbered(partial: Partial, numbers: Int32s) -> Partial:
    """Return a partial under the numbers of another version, without what that does not have.

    ``numbers`` are those of `numbers_in` from the partial's own version. Every figure stays as it
    was computed, by the tables of its own version.
    """
    number = numbers[partial.reference]
    rows = np.flatnonzero(number != GONE)
    columns = {field.name: _taken(getattr(partial, field.name), rows) for field in fields(Partial)}
    return Partial(**columns | {"reference": number[rows]})


def _taken(column: Any, rows: Int64s) -> Any:  # noqa: ANN401  a curve table or any array
    if isinstance(column, Curves):
        return join_curves(split_curves(column, rows))
    return column[rows]
