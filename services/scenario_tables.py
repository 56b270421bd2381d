"""The tables of the simulated market: real products, round illustrative figures.

The CSV files lie in ``services/data/scenario_market``. ``references.csv``, ``funds.csv``,
``rooms.csv``, ``listings.csv`` and ``rules.yaml`` become the universe and the rules; the others
say what happens on the day: where each reference closes (``day.csv``), along which shape it goes
there (``shapes.csv``), when a venue does not trade (``halts.csv``), which funds create and redeem
(``creations.csv``) and who else is in the feed (``outsiders.csv``).
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

Row = Mapping[str, str]


@dataclass(frozen=True, eq=False)
class Shape:
    """How much of the close's return has been reached by when; from (0, ·) to (1, 1)."""

    session_share: Floats
    return_share: Floats


@dataclass(frozen=True)
class Instrument:
    """A symbol of the feed and how it trades on the day.

    ``feed_symbol`` is the name its prices carry, which a listing maps to the reference;
    ``factor_share`` is the correlation of its noise with the market's common factor;
    ``price_step`` is the smallest price change, as text: its decimals are the price's.
    """

    symbol: str
    feed_symbol: str
    venue: str
    calendar: str
    strike_time: str
    strike_zone: str
    previous_close: float
    daily_volatility: float
    close_return: float
    shape: str
    factor_share: float
    seconds_per_trade: float
    price_step: str
    has_official_close: bool = True


@dataclass(frozen=True)
class Creation:
    """Cumulative creations of a fund at a point of its reference's session.

    ``unit_usd`` is the value of one creation unit at the previous close.
    """

    fund: str
    reference: str
    leverage_factor: float
    session_share: float
    units: int
    unit_usd: float


@dataclass(frozen=True)
class Halt:
    """A pause of one venue, in seconds after its open."""

    venue: str
    start_seconds: int
    end_seconds: int


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
def instruments() -> tuple[Instrument, ...]:
    """Return the references, in the order of references.csv."""
    day = {row["symbol"]: row for row in table("day")}
    feed = {row["reference"]: row["symbol"] for row in table("listings")}
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
            close_return=float(day[row["symbol"]]["close_return"]),
            shape=day[row["symbol"]]["shape"],
            factor_share=float(day[row["symbol"]]["factor_share"]),
            seconds_per_trade=float(day[row["symbol"]]["seconds_per_trade"]),
            price_step=day[row["symbol"]]["price_step"],
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
            close_return=0.0,
            shape="us-drift",
            factor_share=0.2,
            seconds_per_trade=float(row["seconds_per_trade"]),
            price_step=row["price_step"],
            has_official_close=False,
        )
        for row in table("outsiders")
    )


@cache
def creations() -> tuple[Creation, ...]:
    """Return the creations of the day, by fund and time."""
    funds = {row["fund"]: row for row in table("funds")}
    return tuple(
        Creation(
            fund=row["fund"],
            reference=funds[row["fund"]]["reference"],
            leverage_factor=float(funds[row["fund"]]["leverage_factor"]),
            session_share=float(row["session_share"]),
            units=int(row["units"]),
            unit_usd=float(row["unit_usd"]),
        )
        for row in table("creations")
    )


@cache
def halts() -> tuple[Halt, ...]:
    """Return the pauses of the day."""
    return tuple(
        Halt(
            venue=row["venue"],
            start_seconds=int(row["seconds_after_open"]),
            end_seconds=int(row["seconds_after_open"]) + int(row["seconds"]),
        )
        for row in table("halts")
    )
