"""A chain as one file states it, before anything is asked of it but that it can be read."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from core.columns import Bools, Floats, Int64s
from core.contracts import OptionChain
from services.option_terms import Identity, TermColumns
from services.rejects import Reject


@dataclass(frozen=True, eq=False)
class ChainFile:
    """The contracts of one underlying in one file.

    Attributes
    ----------
    file, layout : str          path as given; "cboe", "lean" or "native"
    chain : OptionChain         ``as_of_ns`` is the time that the file states
    origin : int64[n]           where each contract was read, for ``reject`` alone
    reject : callable           (origin, reason) -> the reject that its row becomes
    rejects : list[Reject]      what could not be read
    rows : int                  contracts of the file, good and bad
    digest : str                sha256 of all that stands below the file's head
    has_time : bool             whether a time of day is stated; a date alone stands for its close
    is_levels : bool            open interest alone: neither volatilities nor quotes
    """

    file: str
    layout: str
    chain: OptionChain
    origin: Int64s
    reject: Callable[[int, str], Reject]
    rejects: list[Reject]
    rows: int
    digest: str
    has_time: bool = True
    is_levels: bool = False

    def refused(self, rows: Bools, reason: str) -> "ChainFile":
        """Return the file without some contracts, which become rejects."""
        if not rows.any():
            return self
        rejects = [self.reject(origin, reason) for origin in self.origin[rows].tolist()]
        return replace(
            self,
            chain=self.chain.at(~rows),
            origin=self.origin[~rows],
            rejects=self.rejects + rejects,
        )

    def noted(self, rows: Bools, reason: str) -> "ChainFile":
        """Return the file with some contracts among its rejects as well, which stay."""
        rejects = [self.reject(origin, reason) for origin in self.origin[rows].tolist()]
        return replace(self, rejects=self.rejects + rejects)


@dataclass(frozen=True, eq=False)
class Figures:
    """What is stated of each contract, float64[n] each; NaN = nothing."""

    open_interest: Floats
    implied_volatility: Floats
    bid: Floats
    ask: Floats
    gamma: Floats

    def mid(self) -> Floats:
        """Return the middle of the quotes that have both sides and do not cross."""
        is_quoted = (self.bid > 0.0) & (self.ask >= self.bid)
        return np.where(is_quoted, (self.bid + self.ask) / 2.0, np.nan)


@dataclass(frozen=True)
class Head:
    """What holds for a whole chain; ``spot`` NaN = not stated."""

    underlying: str
    spot: float
    as_of_ns: int
    effective_label: int


def option_chain(
    head: Head, identity: Identity, figures: Figures, terms: TermColumns
) -> OptionChain:
    """Put a chain together; a volatility of 0, which vendors write for none, is unknown."""
    volatility = figures.implied_volatility
    return OptionChain(
        underlying=head.underlying,
        spot=head.spot,
        as_of_ns=head.as_of_ns,
        roots=identity.roots,
        root=identity.root,
        expiry=identity.expiry,
        settlement_ns=terms.settlement_ns,
        strike=identity.strike,
        is_call=identity.is_call,
        open_interest=figures.open_interest,
        implied_volatility=np.where(volatility > 0.0, volatility, np.nan),
        multiplier=terms.multiplier,
        deliverable=terms.deliverable,
        is_cash_settled=terms.is_cash_settled,
        is_american=terms.is_american,
        forward=terms.forward,
        mid=figures.mid(),
        vendor_gamma=figures.gamma,
        effective_label=np.full(len(identity), head.effective_label, np.int64),
    )


def rejecter(file: str, raw: Callable[[int], bytes]) -> Callable[[int, str], Reject]:
    """Return what makes rejects of a file of lines; ``raw`` returns a line by its number."""
    return lambda line, reason: Reject.of(raw(line), reason=reason, file=file, line=line)
