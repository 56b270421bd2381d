"""One version of the universe seen from another: the same symbols under other numbers."""

from dataclasses import fields, replace
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


@lru_cache(maxsize=4)
def fund_numbers_in(target: Universe, source: Universe) -> Int32s:
    """Return int32[k]: for each fund of `source` its number in `target`, or ``GONE``."""
    rows = {fund: number for number, fund in enumerate(target.fund)}
    return np.array([rows.get(fund, GONE) for fund in source.fund], np.int32)


def renumbered(partial: Partial, *, target: Universe, source: Universe) -> Partial:
    """Return a partial of `source` under the numbers of `target`, without what that has not.

    Every figure stays as it was computed, by the tables of its own version; a fund that `target`
    lacks is no longer told apart from the others.
    """
    numbers = numbers_in(target, source)
    number = numbers[partial.reference]
    rows = np.flatnonzero(number != GONE)
    columns = {
        field.name: _taken(getattr(partial, field.name), rows)
        for field in fields(Partial)
        if field.name != "funds"
    }
    fund, reference = partial.funds.fund, partial.funds.reference
    renamed = replace(
        partial.funds,
        fund=fund_numbers_in(target, source)[fund],
        reference=numbers[reference],
    )
    funds = renamed.where((renamed.fund != GONE) & (renamed.reference != GONE))
    return Partial(**columns | {"reference": number[rows], "funds": funds})


def _taken(column: Any, rows: Int64s) -> Any:  # noqa: ANN401  a curve table or any array
    if isinstance(column, Curves):
        return join_curves(split_curves(column, rows))
    return column[rows]
