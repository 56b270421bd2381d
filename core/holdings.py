"""What prices the contracts of one underlying in one session: terms, figures and carry."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.columns import Bools, Floats, Int64s
from core.contract_days import InForce
from core.contract_table import ContractTable
from core.contracts import years_to
from core.forwards import PLAUSIBLE_ONCE, PLAUSIBLE_RATE
from core.open_positions import Positions, priced, unit_strikes


@dataclass(frozen=True)
class RowTimes:
    """What curves are made for: a session, its previous close, and the time they stand at."""

    label: int
    previous_close: float
    since_ns: int
    time_ns: int
    close_ns: int


@dataclass(frozen=True, eq=False)
class Holdings:
    """Contracts of one underlying with what prices them, one entry a contract.

    ``units`` of the underlying behind the open interest, negative to take them out again;
    ``strike`` of one unit; ``dealer_sign`` NaN = unknown; the volatilities are > 0.
    """

    strike: Floats
    is_call: Bools
    units: Floats
    settlement_ns: Int64s
    is_cash_settled: Bools
    dealer_sign: Floats
    start_volatility: Floats
    volatility: Floats
    dividend_yield: Floats
    rate: float

    def __len__(self) -> int:
        """Return the number of contracts."""
        return len(self.strike)

    def at(self, positions: Int64s | Bools) -> "Holdings":
        """Return some of them."""
        columns = {name: getattr(self, name)[positions] for name in _COLUMNS}
        return replace(self, **columns)

    def taken_out(self) -> "Holdings":
        """Return the same with negative units."""
        return replace(self, units=-self.units)

    def joined(self, other: "Holdings") -> "Holdings":
        """Return both, of the same rate."""
        columns: dict[str, Any] = {
            name: np.concatenate((getattr(self, name), getattr(other, name))) for name in _COLUMNS
        }
        return replace(self, **columns)

    def positions(self, *, now_ns: int, start: bool) -> Positions:
        """Price all of them at one time, at the volatilities of the session's start or of now."""
        return priced(
            self.strike,
            years=years_to(self.settlement_ns, now_ns),
            volatility=self.start_volatility if start else self.volatility,
            is_call=self.is_call,
            units=self.units,
            rate=self.rate,
            dividend_yield=self.dividend_yield,
            user_sign=self.dealer_sign,
        )


_COLUMNS = tuple(name for name in Holdings.__dataclass_fields__ if name != "rate")


def holdings_of(
    table: ContractTable,
    contracts: Int64s,
    figures: InForce,
    times: RowTimes,
    *,
    rate: float,
    dividend_yield: float,
) -> Holdings:
    """Return those of some contracts of one underlying that are open and can be priced.

    A forward was given beside the previous close: the carry between the two holds from then on,
    if it can be one. Without it, the rate and yield a year do.
    """
    is_open = figures.is_open
    mine = contracts[is_open]
    settlement_ns, deliverable = table.settlement_ns[mine], table.deliverable[mine]
    years = years_to(settlement_ns, times.since_ns)
    with np.errstate(invalid="ignore"):
        carry = np.log(figures.forward[is_open] / times.previous_close)
    is_given = np.abs(carry) <= PLAUSIBLE_ONCE + PLAUSIBLE_RATE * years
    strike = table.identity["strike"][mine]
    return Holdings(
        strike=unit_strikes(strike, table.multiplier[mine], deliverable),
        is_call=table.identity["is_call"][mine],
        units=figures.open_interest[is_open] * deliverable,
        settlement_ns=settlement_ns,
        is_cash_settled=table.is_cash_settled[mine],
        dealer_sign=table.dealer_sign[mine],
        start_volatility=figures.start_volatility[is_open],
        volatility=figures.volatility[is_open],
        dividend_yield=np.where(is_given, rate - carry / years, dividend_yield),
        rate=rate,
    )
