"""The terms of many contracts at once: those of their roots, unless the rows state others."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.columns import Bools, Floats, Int32s, Int64s
from core.sessions import NO_TIME
from services.option_calendar import OptionCalendar
from services.option_roots import terms_of


@dataclass(frozen=True, eq=False)
class Identity:
    """Which contracts; ``root`` int32[n] into ``roots``, all else as in `core.contracts`."""

    roots: tuple[str, ...]
    root: Int32s
    expiry: Int64s
    strike: Floats
    is_call: Bools

    def __len__(self) -> int:
        return len(self.strike)


@dataclass(frozen=True, eq=False)
class TermColumns:
    """The terms of contracts as columns; names and units as in `core.contracts`."""

    settlement_ns: Int64s
    multiplier: Floats
    deliverable: Floats
    is_cash_settled: Bools
    is_american: Bools
    forward: Floats


def listed_terms(
    identity: Identity, calendar: OptionCalendar, *, underlyings: Sequence[str] = ()
) -> TermColumns:
    """Return the terms that contracts have by their roots; no forward is known.

    ``underlyings`` names what each root is on, where the file says so. ``settlement_ns`` is
    ``NO_TIME`` for an expiry beyond the calendar.
    """
    named = underlyings or [""] * len(identity.roots)
    known = [terms_of(*pair) for pair in zip(identity.roots, named, strict=True)]
    settlement_ns = np.full(len(identity), NO_TIME)
    for code, terms in enumerate(known):
        own = identity.root == code
        settlement_ns[own] = calendar.settlement_ns(identity.expiry[own], settles=terms.settles)
    multiplier = np.array([terms.multiplier for terms in known], np.float64)[identity.root]
    return TermColumns(
        settlement_ns=settlement_ns,
        multiplier=multiplier,
        deliverable=multiplier.copy(),
        is_cash_settled=np.array([t.is_cash_settled for t in known], np.bool_)[identity.root],
        is_american=np.array([t.is_american for t in known], np.bool_)[identity.root],
        forward=np.full(len(identity), np.nan),
    )
