"""Gamma exposure the slow way: one contract after another, nothing shared with the project."""

import csv
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

SIDES = ((1, "C"), (12, "P"))
_SECONDS_A_YEAR = 365 * 86_400
_HOUR = 3_600


@dataclass(frozen=True)
class Contract:
    """A row's call or put; ``years`` is calendar time to settlement, at least an hour."""

    symbol: str
    strike: float
    is_call: bool
    years: float
    seconds: float
    volatility: float
    gamma: float
    open_interest: float
    bid: float
    ask: float

    @property
    def sign(self) -> float:
        """+1 for a call, -1 for a put: the index convention."""
        return 1.0 if self.is_call else -1.0


def contracts(
    path: Path, as_of: datetime, settled: Callable[[str, datetime], datetime]
) -> Iterator[Contract]:
    """Yield the contracts of a file of Cboe's page; ``settled`` takes root and date of expiry."""
    with path.open(encoding="utf-8", newline="") as stream:
        for row in csv.reader(stream):
            if len(row) != 22 or row[0].startswith("Expiration"):
                continue
            for place, right in SIDES:
                symbol = row[place]
                day = datetime.strptime(symbol[-15:-9], "%y%m%d")  # noqa: DTZ007 - made aware below
                seconds = settled(symbol[:-15], day).timestamp() - as_of.timestamp()
                yield Contract(
                    symbol=symbol,
                    strike=float(row[11]),
                    is_call=right == "C",
                    years=max(seconds, _HOUR) / _SECONDS_A_YEAR,
                    seconds=seconds,
                    volatility=float(row[place + 6]),
                    gamma=float(row[place + 8]),
                    open_interest=float(row[place + 9]),
                    bid=float(row[place + 3]),
                    ask=float(row[place + 4]),
                )


def exposure(found: list[Contract], at: float, *, rate: float, dividend_yield: float) -> float:
    """Return USD of delta per 1 % at a price, by Black-Scholes gamma and the index convention."""
    total = 0.0
    for each in found:
        if each.volatility <= 0.0 or each.open_interest <= 0.0:
            continue
        width = each.volatility * math.sqrt(each.years)
        drift = (rate - dividend_yield) * each.years
        d1 = (math.log(at / each.strike) + drift) / width + 0.5 * width
        density = math.exp(-0.5 * d1 * d1) / math.sqrt(2.0 * math.pi)
        gamma = math.exp(-dividend_yield * each.years) * density / (at * width)
        total += each.sign * gamma * each.open_interest * 100.0 * at * at * 0.01
    return total


def vendor_exposure(found: list[Contract], spot: float) -> float:
    """Return the same by the gamma in the file."""
    units = sum(each.sign * each.gamma * each.open_interest for each in found)
    return units * 100.0 * spot * spot * 0.01
