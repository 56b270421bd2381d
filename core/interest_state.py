"""What a book of options holds as records that, applied again, end in the same state."""

from dataclasses import dataclass, replace

import numpy as np

from core.columns import Int64s
from core.contract_records import contract_records
from core.contracts import OpenInterestColumns
from core.option_book import OptionBook


@dataclass(frozen=True, eq=False)
class InterestState:
    """Records with the names that their numbers stand for; ``reference`` is a row of the book.

    ``label`` is no session: contracts are of many.
    """

    label: int
    roots: tuple[str, ...]
    sources: tuple[str, ...]
    records: list[OpenInterestColumns]


def interest_state(options: OptionBook) -> InterestState:
    """Return a copy of all that is known of a book's contracts."""
    state = options.state
    table = state.table
    # Beyond its size the table's columns are what memory held before.
    here = np.flatnonzero(table.row[: table.size] >= 0)
    records = contract_records(table, state.days, state.ranks, here)
    return InterestState(0, state.roots, state.sources, records)


def take_up(options: OptionBook, state: InterestState, row: Int64s) -> None:
    """Apply a state; ``row`` int64 leads its rows to those of the book, -1 where there is none."""
    root = np.array([options.state.root_index(name) for name in state.roots], np.int32)
    source = np.array([options.state.source_index(name) for name in state.sources], np.int32)
    for records in state.records:
        mine = row[records.reference]
        known = mine >= 0
        if known.any():
            renamed = replace(
                records,
                reference=mine.astype(np.int32),
                root=root[records.root],
                source=source[records.source],
            )
            options.apply(renamed.at(known))
