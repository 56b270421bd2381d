"""What is known of contracts, as records that, applied again, end in the same state."""

from collections.abc import Mapping

import numpy as np

from core.columns import Floats, Int64s
from core.contract_days import FIGURES, ContractDays
from core.contract_table import ContractTable
from core.contracts import OpenInterestColumns
from core.sessions import NO_TIME
from core.slots import Slots

_VOLATILITIES = frozenset({"opening_volatility", "volatility"})


def contract_records(
    table: ContractTable, days: ContractDays, ranks: Int64s, contracts: Int64s
) -> list[OpenInterestColumns]:
    """Return records of some contracts; ``ranks`` int64[...] are those of the sources.

    Each says which session it is of, and in which session's terms its contract is: that of the
    last split before it was listed so, or its own where that is later.
    """
    # The terms first: of all records of a contract the newest states them.
    records = [_records(table, ranks, contracts, table.terms, figure="")]
    for day in days.ordered():
        for figure in FIGURES:
            slots = day.slots.get(figure)
            if slots is not None:
                filled = contracts[slots.event_ns[contracts] != NO_TIME]
                records.append(_records(table, ranks, filled, slots, figure=figure))
    return [each for each in records if len(each)]


def _records(
    table: ContractTable,
    ranks: Int64s,
    contracts: Int64s,
    slots: Slots,
    *,
    figure: str,
) -> OpenInterestColumns:
    label = slots.sequence[contracts]
    identity = table.identity[contracts]
    unknown = np.full(len(contracts), np.nan)
    figures: Mapping[str, Floats] = {_column(figure): slots.value[contracts]} if figure else {}
    number = {rank: source for source, rank in reversed(list(enumerate(ranks.tolist())))}
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
        terms_label=np.maximum(identity["since"].astype(np.int64), label),
    )


def _column(figure: str) -> str:
    if figure in _VOLATILITIES:
        return "implied_volatility"
    return "forward" if figure == "opening_forward" else figure
