"""The tables of the simulated market: real products, round illustrative figures.

The CSV files lie in ``services/data/scenario_market``. Some describe the market: ``references.csv``
(previous closes are those before a Monday), ``funds.csv``, ``rooms.csv``, ``listings.csv``,
``options.csv``, ``outsiders.csv`` (who else is in the feed) and ``rules.yaml``. The others say what
happens on each weekday: where each reference closes (``returns.csv``), how it trades
(``trading.csv``, ``weekdays.csv``), along which shape it goes on the day of the rout
(``shapes.csv``), when a venue does not trade (``halts.csv``), who creates and redeems
(``creations.csv``), and what is corrected, changed or split (``corrections.csv``,
``leverage_changes.csv``, ``splits.csv``).
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from core.universe import Floats

MARKET = Path(__file__).with_name("data") / "scenario_market"
"""Where the tables lie."""
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")
"""The days of which the tables tell; nothing trades on others."""
ROUT = WEEKDAYS.index("tuesday")
"""The day on which references go along the shapes the table names."""

Row = Mapping[str, str]


@dataclass(frozen=True, eq=False)
class Shape:
    """How much of the close's return has been reached by when; from (0, ·) to (1, 1)."""

    session_share: Floats
    return_share: Floats


@dataclass(frozen=True)
class Instrument:
    """A symbol of the feed and how it trades.

    ``feed_symbol`` is the name its prices carry, which a listing maps to the reference;
    ``previous_close`` is the one before a Monday; ``close_returns`` are those of the weekdays;
    ``rout_shape`` names a shape, empty: it goes freely; ``factor_share`` is the correlation of its
    noise with the market's common factor; ``price_step`` is the smallest price change, as text:
    its decimals are the price's.
    """

    symbol: str
    feed_symbol: str
    venue: str
    calendar: str
    strike_time: str
    strike_zone: str
    previous_close: float
    daily_volatility: float
    close_returns: tuple[float, ...]
    rout_shape: str
    factor_share: float
    seconds_per_trade: float
    price_step: str
    has_official_close: bool = True


@dataclass(frozen=True)
class Creations:
    """How investors create and redeem a fund.

    Attributes
    ----------
    fund : str
    unit_usd : float      value of one creation unit before a Monday
    dip_buying : float    creations of a session as a share of assets, per unit of the reference's
                          fall; negative: they sell what falls, or an inverse fund that has paid
    steady : float        the same whatever the reference does
    """

    fund: str
    unit_usd: float
    dip_buying: float
    steady: float


@dataclass(frozen=True)
class Halt:
    """A pause of one venue, in seconds after its open; without a weekday, on every day."""

    venue: str
    weekday: int | None
    start_seconds: int
    end_seconds: int


@dataclass(frozen=True)
class Correction:
    """A figure of assets for a weekday's session that comes late, relative to what was known."""

    fund: str
    weekday: int
    known_after_seconds: int
    assets_change: float


@dataclass(frozen=True)
class OptionChain:
    """The listed options on one underlying.

    ``strike_step`` is the distance of strikes, ``open_interest`` that of a busy monthly strike in
    contracts, ``put_share`` how many of all contracts are puts, ``skew`` how much implied
    volatility rises from a strike to the one a standard deviation below, as a share.
    """

    underlying: str
    reference: str
    price_per_reference: float
    strike_step: float
    open_interest: float
    put_share: float
    skew: float
    has_dailies: bool


def table(name: str) -> list[Row]:
    """Return the rows of one of the tables, as text."""
    with (MARKET / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@cache
def shapes() -> Mapping[str, Shape]:
    """Return every shape by name."""
    knots: dict[str, list[tuple[float, float]]] = {}
    for row in table("shapes"):
        knot = float(row["session_share"]), float(row["return_share"])
        knots.setdefault(row["shape"], []).append(knot)
    return {name: Shape(*np.array(points).T) for name, points in knots.items()}


@cache
def paces() -> tuple[float, ...]:
    """Return how often the market trades on each weekday, relative to the day of the rout."""
    pace = {row["weekday"]: float(row["pace"]) for row in table("weekdays")}
    return tuple(pace[weekday] for weekday in WEEKDAYS)


@cache
def instruments() -> tuple[Instrument, ...]:
    """Return the references, in the order of references.csv."""
    trading = {row["symbol"]: row for row in table("trading")}
    returns = {row["symbol"]: row for row in table("returns")}
    feed = {row["reference"]: row["symbol"] for row in _listings("price")}
    return tuple(
        Instrument(
            symbol=row["symbol"],
            feed_symbol=feed.get(row["symbol"], row["symbol"]),
            venue=row["venue"],
            calendar=row["calendar"],
            strike_time=row["strike_time"],
            strike_zone=row["strike_zone"],
            previous_close=float(row["previous_close"]),
            daily_volatility=float(row["daily_volatility"]),
            close_returns=tuple(float(returns[row["symbol"]][day]) for day in WEEKDAYS),
            rout_shape=trading[row["symbol"]]["rout_shape"],
            factor_share=float(trading[row["symbol"]]["factor_share"]),
            seconds_per_trade=float(trading[row["symbol"]]["seconds_per_trade"]),
            price_step=trading[row["symbol"]]["price_step"],
        )
        for row in table("references")
    )


@cache
def outsiders() -> tuple[Instrument, ...]:
    """Return the symbols a vendor's feed carries that no reference or listing names."""
    return tuple(
        Instrument(
            symbol=row["symbol"],
            feed_symbol=row["symbol"],
            venue="XNYS",
            calendar="",
            strike_time="",
            strike_zone="",
            previous_close=float(row["price"]),
            daily_volatility=0.012,
            close_returns=(0.0,) * len(WEEKDAYS),
            rout_shape="",
            factor_share=0.2,
            seconds_per_trade=float(row["seconds_per_trade"]),
            price_step=row["price_step"],
            has_official_close=False,
        )
        for row in table("outsiders")
    )


@cache
def creations() -> tuple[Creations, ...]:
    """Return who creates and redeems, in the order of the table."""
    return tuple(
        Creations(
            fund=row["fund"],
            unit_usd=float(row["unit_usd"]),
            dip_buying=float(row["dip_buying"]),
            steady=float(row["steady"]),
        )
        for row in table("creations")
    )


@cache
def halts() -> tuple[Halt, ...]:
    """Return the pauses of the week."""
    return tuple(
        Halt(
            venue=row["venue"],
            weekday=WEEKDAYS.index(row["weekday"]) if row["weekday"] else None,
            start_seconds=int(row["seconds_after_open"]),
            end_seconds=int(row["seconds_after_open"]) + int(row["seconds"]),
        )
        for row in table("halts")
    )


@cache
def corrections() -> tuple[Correction, ...]:
    """Return the figures that come late."""
    return tuple(
        Correction(
            fund=row["fund"],
            weekday=WEEKDAYS.index(row["weekday"]),
            known_after_seconds=60 * int(row["known_after_minutes"]),
            assets_change=float(row["assets_change"]),
        )
        for row in table("corrections")
    )


@cache
def leverage_changes() -> Mapping[tuple[str, int], float]:
    """Return the leverage factors that change, by fund and the weekday they are in force from."""
    return {
        (row["fund"], WEEKDAYS.index(row["weekday"])): float(row["leverage_factor"])
        for row in table("leverage_changes")
    }


@cache
def splits() -> Mapping[tuple[str, int], float]:
    """Return the price factors of splits, by reference and weekday."""
    return {
        (row["symbol"], WEEKDAYS.index(row["weekday"])): float(row["price_factor"])
        for row in table("splits")
    }


@cache
def option_chains() -> tuple[OptionChain, ...]:
    """Return the chains, each with the reference it hangs on and the price of one of that."""
    twins = {row["symbol"]: row for row in _listings("option")}
    return tuple(
        OptionChain(
            underlying=row["underlying"],
            reference=twins.get(row["underlying"], {}).get("reference", row["underlying"]),
            price_per_reference=1 / float(twins.get(row["underlying"], {}).get("factor", 1)),
            strike_step=float(row["strike_step"]),
            open_interest=float(row["open_interest"]),
            put_share=float(row["put_share"]),
            skew=float(row["skew"]),
            has_dailies=row["has_dailies"] == "yes",
        )
        for row in table("options")
    )


def _listings(kind: str) -> list[Row]:
    return [row for row in table("listings") if row["kind"] == kind]
