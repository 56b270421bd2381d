"""Which rows of a partition's book the names on the wire stand for."""

from dataclasses import dataclass

import numpy as np

from core.columns import Bools, Floats, Int32s
from core.universe import Universe
from streams.topics import partition_of

UNKNOWN = -1
"""Code of a name outside the universe: counted and skipped."""
MISROUTED = -2
"""Code of a name whose reference belongs to another partition."""
NAMELESS = -3
"""Code of no name at all: a heartbeat, or a key that is missing."""


@dataclass(frozen=True, eq=False)
class Routes:
    """Names of one topic and partition -> codes; codes from 0 on lead to rows of the book.

    Attributes
    ----------
    code_of : mapping str -> int      names of the universe, here or MISROUTED; "" is NAMELESS
    row : int32[n]                    book row, or row in the book's funds, of code i
    is_own : bool[n]                  whether code i is the row's own symbol, not a listing of it
    factor : float64[n] | None        what a price is multiplied by; None where all are 1
    """

    code_of: dict[str, int]
    row: Int32s
    is_own: Bools
    factor: Floats | None


def option_targets(universe: Universe) -> dict[str, tuple[int, float]]:
    """Return underlying -> (reference, factor on its prices) of all options of a universe.

    A reference's own symbol wins over a listing of the same name.
    """
    own = {symbol: (index, 1.0) for index, symbol in enumerate(universe.symbol)}
    return {**universe.option_listings, **own}


def references_of(universe: Universe, partition: int, partitions: int) -> Int32s:
    """Return the universe's references that belong to a partition, ascending, int32[n]."""
    return np.array(
        [
            index
            for index, symbol in enumerate(universe.symbol)
            if partition_of(symbol, partitions) == partition
        ],
        np.int32,
    )


def price_routes(universe: Universe, references: Int32s) -> Routes:
    """Lead the symbols of prices to rows of a book of `references`.

    A reference's own symbol wins over a listing of the same name.
    """
    row_of = {int(index): row for row, index in enumerate(references.tolist())}
    targets = {symbol: (index, 1.0) for index, symbol in enumerate(universe.symbol)}
    targets = dict(universe.price_listings) | targets
    code_of = {"": NAMELESS}
    rows: list[int] = []
    factors: list[float] = []
    are_own: list[bool] = []
    for name, (index, multiplier) in targets.items():
        if index in row_of:
            code_of[name] = len(rows)
            rows.append(row_of[index])
            factors.append(multiplier)
            are_own.append(universe.symbol[index] == name)
        else:
            code_of[name] = MISROUTED
    factor = np.array(factors, np.float64)
    is_plain = bool((factor == 1.0).all())
    return Routes(
        code_of,
        np.array(rows, np.int32),
        np.array(are_own, np.bool_),
        None if is_plain else factor,
    )


def flow_routes(universe: Universe, funds: Int32s) -> Routes:
    """Lead the names of funds to rows of a book's `funds`."""
    code_of = dict.fromkeys(universe.fund, MISROUTED)
    code_of |= {universe.fund[fund]: row for row, fund in enumerate(funds.tolist())}
    code_of[""] = NAMELESS
    return Routes(
        code_of, np.arange(len(funds), dtype=np.int32), np.ones(len(funds), np.bool_), None
    )
