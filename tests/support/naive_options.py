"""Option figures contract by contract, in plain Python: the slow oracle of the vectorised core."""

import math
from collections.abc import Iterator
from typing import NamedTuple

from core.contracts import OptionChain

YEAR_NS = 365 * 86_400 * 10**9
HOUR_NS = 3_600 * 10**9


class Contract(NamedTuple):
    """One contract with what prices it; ``units`` of the underlying behind its open interest."""

    is_call: bool
    strike: float
    units: float
    settlement_ns: int
    is_cash_settled: bool
    log_carry: float
    """Log of forward over spot, a year."""
    rate: float


def normal(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2.0))


def density(z: float) -> float:
    return math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)


def years(contract: Contract, now_ns: int) -> float:
    return max(contract.settlement_ns - now_ns, HOUR_NS) / YEAR_NS


def d1(contract: Contract, spot: float, now_ns: int, volatility: float) -> float:
    T = years(contract, now_ns)
    drift = contract.log_carry * T + 0.5 * volatility**2 * T
    return (math.log(spot / contract.strike) + drift) / (volatility * math.sqrt(T))


def delta(contract: Contract, spot: float, now_ns: int, volatility: float) -> float:
    """Return the delta of one unit of option."""
    growth = math.exp((contract.log_carry - contract.rate) * years(contract, now_ns))
    z = d1(contract, spot, now_ns, volatility)
    return growth * normal(z) if contract.is_call else -growth * normal(-z)


def gamma_exposure(contract: Contract, spot: float, now_ns: int, volatility: float) -> float:
    """Return USD of delta per 1 % move of all units held long."""
    T = years(contract, now_ns)
    growth = math.exp((contract.log_carry - contract.rate) * T)
    z = d1(contract, spot, now_ns, volatility)
    gamma = growth * density(z) / (spot * volatility * math.sqrt(T))
    return gamma * contract.units * spot**2 * 0.01


def contracts(
    chain: OptionChain, *, log_carry: float = 0.0, rate: float = 0.0
) -> Iterator[tuple[int, Contract, float]]:
    """Yield position, contract and volatility of what can be priced, settled or not."""
    for i in range(len(chain)):
        volatility = float(chain.implied_volatility[i])
        if chain.open_interest[i] > 0.0 and volatility > 0.0:
            ratio = chain.multiplier[i] / chain.deliverable[i]
            yield (
                i,
                Contract(
                    is_call=bool(chain.is_call[i]),
                    strike=float(chain.strike[i] * ratio),
                    units=float(chain.open_interest[i] * chain.deliverable[i]),
                    settlement_ns=int(chain.settlement_ns[i]),
                    is_cash_settled=bool(chain.is_cash_settled[i]),
                    log_carry=log_carry,
                    rate=rate,
                ),
                volatility,
            )
