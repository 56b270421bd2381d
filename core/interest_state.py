"""What a book of options holds as records that, applied again, end in the same state."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from core.columns import Floats, Int64s
from core.contract_days import FIGURES
from core.contracts import OpenInterestColumns
from core.open_interest import OpenInterest
from core.option_book import OptionBook
from core.sessions import NO_SESSION, NO_TIME
from core.slots import Slots

_VOLATILITIES = frozenset({"opening_volatility", "volatility"})


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
    # The terms first: of all records of a contract the newest states them.
    no_session = np.full(len(here), NO_SESSION, np.int64)
    records = [_records(state, here, table.terms, label=no_session, figure="")]
    for day in state.days.ordered():
        for figure in FIGURES:
            slots = day.slots.get(figure)
            if slots is not None:
                filled = here[slots.event_ns[here] != NO_TIME]
                label = np.full(len(filled), day.label, np.int64)
                if figure == "open_interest":
                    # Of a day that stands for several, its age is that of the newest one.
                    label = day.interest_label[table.row[filled]]
                records.append(_records(state, filled, slots, label=label, figure=figure))
    return InterestState(0, state.roots, state.sources, [each for each in records if len(each)])


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


def _records(
    state: OpenInterest, contracts: Int64s, slots: Slots, *, label: Int64s, figure: str
) -> OpenInterestColumns:
    table, identity = state.table, state.table.identity[contracts]
    unknown = np.full(len(contracts), np.nan)
    figures: Mapping[str, Floats] = {_column(figure): slots.value[contracts]} if figure else {}
    number = {rank: source for source, rank in reversed(list(enumerate(state.ranks.tolist())))}
    return OpenInterestColumns(
        reference=identity["row"].astype(np.int32),
        root=identity["root"].astype(np.int32),
        expiry=identity["expiry"].astype(np.int64),
        strike=identity["strike"].astype(np.float64),
        is_call=identity["is_call"].astype(np.bool_),
        settlement_ns=table.settlement_ns[contracts],
        open_interest=figures.get("open_interest", unknown),
        implied_volatility=figures.get("implied_volatility", unknown),
        multiplier=table.multiplier[contracts],
        deliverable=table.deliverable[contracts],
        is_cash_settled=table.is_cash_settled[contracts],
        is_american=table.is_american[contracts],
        forward=figures.get("forward", unknown),
        event_ns=slots.event_ns[contracts],
        label=label,
        source=np.array([number[rank] for rank in slots.rank[contracts].tolist()], np.int32),
        dealer_sign=table.dealer_sign[contracts],
    )


def _column(figure: str) -> str:
    if figure in _VOLATILITIES:
        return "implied_volatility"
    return "forward" if figure == "opening_forward" else figure
