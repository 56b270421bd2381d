"""Option contracts as columns: what feeds hand to the core, one entry a contract."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.columns import Bools, Floats, Int32s, Int64s
from core.sessions import NANOS_PER_SECOND

NANOS_PER_YEAR = 365 * 86_400 * NANOS_PER_SECOND
LEAST_TIME_NS = 3_600 * NANOS_PER_SECOND
"""Less time to settlement than an hour counts as an hour (the public contract's figure)."""


def years_to(settlement_ns: Int64s, now_ns: int) -> Floats:
    """Return the calendar time to settlement in years of 365 days, at least an hour."""
    return np.maximum(settlement_ns - now_ns, LEAST_TIME_NS) / NANOS_PER_YEAR


@dataclass(frozen=True, eq=False)
class OptionChain:
    """The contracts of one underlying, as known at one time, in any order, each once.

    A contract is root, expiry, strike and right: the same three under SPX (settled at the open)
    and SPXW (settled at the close) are two contracts.

    Attributes
    ----------
    underlying : str
    spot : float                    its price at ``as_of_ns``, NaN = unknown
    as_of_ns : int
    roots : tuple[str, ...]         names, each once
    root : int32[n]                 index into ``roots``
    expiry : int64[n]               date of the expiry, days since 1970
    settlement_ns : int64[n]        instant at which it settles; expired after it
    strike : float64[n]             > 0, as listed
    is_call : bool[n]
    open_interest : float64[n]      contracts, >= 0, NaN = unknown
    implied_volatility : float64[n]    per year, 0.2 = 20 %, > 0, NaN = unknown
    multiplier : float64[n]         what strike and premium are multiplied by, usually 100
    deliverable : float64[n]        units of the underlying behind one contract: the multiplier,
                                    unless an adjustment (a split, say) made it another
    is_cash_settled : bool[n]       else the underlying, or its future, is delivered
    is_american : bool[n]           else European
    forward : float64[n]            price of the underlying for delivery at ``settlement_ns``, one
                                    figure an expiry, NaN = none given; of a future: its price
    mid : float64[n]                middle of bid and ask, as quoted, NaN without a quote on both
                                    sides
    vendor_gamma : float64[n]       change of delta per 1.00 of the underlying, NaN = none given
    effective_label : int64[n]      session the open interest is of, days since 1970
    dealer_sign : float64[n] | None     the dealers' side as the user states it, from -1 to 1, NaN =
                                    unknown, None where all are
    """

    underlying: str
    spot: float
    as_of_ns: int
    roots: tuple[str, ...]
    root: Int32s
    expiry: Int64s
    settlement_ns: Int64s
    strike: Floats
    is_call: Bools
    open_interest: Floats
    implied_volatility: Floats
    multiplier: Floats
    deliverable: Floats
    is_cash_settled: Bools
    is_american: Bools
    forward: Floats
    mid: Floats
    vendor_gamma: Floats
    effective_label: Int64s
    dealer_sign: Floats | None = None

    def __len__(self) -> int:
        """Return the number of contracts."""
        return len(self.strike)

    def at(self, positions: Int64s | Bools) -> "OptionChain":
        """Return the same chain with the contracts at some positions only."""
        columns = {name: getattr(self, name)[positions] for name in COLUMNS}
        sign = None if self.dealer_sign is None else self.dealer_sign[positions]
        return replace(self, **columns, dealer_sign=sign)

    def unexpired(self) -> "OptionChain":
        """Return the same chain with the contracts that settle at ``as_of_ns`` or later."""
        return self.at(self.settlement_ns >= self.as_of_ns)


COLUMNS = tuple(
    name
    for name in OptionChain.__dataclass_fields__
    if name not in {"underlying", "spot", "as_of_ns", "roots", "dealer_sign"}
)
"""The columns that every chain has, with one entry a contract."""


@dataclass(frozen=True, eq=False)
class OpenInterestColumns:
    """Valid records of the contracts of many underlyings, in any order.

    ``reference`` int32[n], row in the book; ``root`` int32[n], from `OptionBook.root_index`;
    ``event_ns`` int64[n]; ``source`` int32[n], from `OptionBook.source_index`; ``label`` int64[n],
    the session the figures are of, ``NO_SESSION``: the one that closes next after the event.
    ``open_interest`` and ``implied_volatility`` are NaN where the record does not state them;
    ``dealer_sign`` float64[n], the dealers' side as the user states it, from -1 to 1, NaN =
    unknown, None where all are; ``terms_label`` int64[n], the session in whose terms, of before or
    after a split, strike, open interest and deliverable are, ``NO_SESSION`` or None: that which
    the figures are of. All other columns are those of `OptionChain`.
    """

    reference: Int32s
    root: Int32s
    expiry: Int64s
    strike: Floats
    is_call: Bools
    settlement_ns: Int64s
    open_interest: Floats
    implied_volatility: Floats
    multiplier: Floats
    deliverable: Floats
    is_cash_settled: Bools
    is_american: Bools
    forward: Floats
    event_ns: Int64s
    label: Int64s
    source: Int32s
    dealer_sign: Floats | None = None
    terms_label: Int64s | None = None

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self.strike)

    def at(self, positions: Int64s | Bools | slice) -> "OpenInterestColumns":
        """Return the records at some positions."""
        columns: dict[str, Any] = {
            name: None if column is None else column[positions]
            for name, column in vars(self).items()
        }
        return OpenInterestColumns(**columns)

    def in_terms_of_reference(self, factor: Floats) -> "OpenInterestColumns":
        """Return records on listings of references as records on these.

        ``factor`` float64[n], reference price over listing price; 1 for a reference's own options.
        A contract pays ``multiplier`` times a difference of listing prices: as many units of the
        reference as the listing's are worth, at its strike times the factor.
        """
        return replace(
            self,
            strike=self.strike * factor,
            forward=self.forward * factor,
            multiplier=self.multiplier / factor,
            deliverable=self.deliverable / factor,
        )
