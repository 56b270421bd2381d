"""What a universe says of each fund and figure by name, so that two universes can be compared."""

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from core.universe import Universe
from services.difference_words import known
from services.universe_files import COVERED_RESET

ONE_PERCENT = 0.01


class FigureKey(NamedTuple):
    """What a figure of a fund is known by: session label, ns UTC from which it may be used."""

    fund: str
    effective_label: int
    known_ns: int


class Figure(NamedTuple):
    """Leverage factor and assets of a fund, in USD, NaN = not stated."""

    leverage_factor: float
    assets_usd: float


@dataclass(frozen=True)
class FundStanding:
    """A fund as its newest figures have it.

    ``leverage_label`` and ``assets_label`` are the sessions from which they hold.
    """

    fund: str
    reference: str
    reset: str
    vehicle: str
    leverage_factor: float
    leverage_label: int
    assets_usd: float
    assets_label: int

    @property
    def demand_usd_per_1pct(self) -> float:
        """What a daily fund must trade after a return of 1 %: A L (L - 1) / 100; others owe 0."""
        if self.reset != COVERED_RESET:
            return 0.0
        return self.assets_usd * self.leverage_factor * (self.leverage_factor - 1.0) * ONE_PERCENT


def fund_figures(universe: Universe) -> dict[FigureKey, Figure]:
    """Return every dated figure of every fund, oldest first."""
    table = universe.fund_figures
    return {
        FigureKey(universe.fund[fund], label, known_ns): Figure(leverage_factor, assets_usd)
        for fund, label, known_ns, leverage_factor, assets_usd in zip(
            table.fund.tolist(),
            table.effective_label.tolist(),
            table.known_ns.tolist(),
            table.leverage_factor.tolist(),
            table.assets_usd.tolist(),
            strict=True,
        )
    }


def fund_standings(universe: Universe) -> dict[str, FundStanding]:
    """Return each fund as its newest figures have it."""
    leverage: dict[str, tuple[float, int]] = {}
    assets: dict[str, tuple[float, int]] = {}
    for key, figure in fund_figures(universe).items():
        if leverage.get(key.fund, (math.nan, 0))[0] != figure.leverage_factor:
            leverage[key.fund] = figure.leverage_factor, key.effective_label
        if not math.isnan(figure.assets_usd):
            assets[key.fund] = figure.assets_usd, key.effective_label
    return {
        fund: FundStanding(
            fund=fund,
            reference=universe.symbol[reference],
            reset=reset,
            vehicle=vehicle,
            leverage_factor=leverage[fund][0],
            leverage_label=leverage[fund][1],
            assets_usd=assets.get(fund, (math.nan, 0))[0],
            assets_label=assets.get(fund, (math.nan, leverage[fund][1]))[1],
        )
        for fund, reference, reset, vehicle in zip(
            universe.fund,
            universe.fund_reference.tolist(),
            universe.fund_reset,
            universe.fund_vehicle,
            strict=True,
        )
    }


def demand_by_reference(funds: Mapping[str, FundStanding]) -> dict[str, float]:
    """Return what the daily funds of each reference must trade after a return of 1 %, in USD.

    Funds of unknown size are left out.
    """
    total: dict[str, float] = defaultdict(float)
    for fund in funds.values():
        if not math.isnan(fund.demand_usd_per_1pct):
            total[fund.reference] += fund.demand_usd_per_1pct
    return dict(total)


def sum_of_assets(funds: Mapping[str, FundStanding]) -> float:
    """Return the known assets of all funds, in USD."""
    return math.fsum(known(fund.assets_usd) for fund in funds.values())
