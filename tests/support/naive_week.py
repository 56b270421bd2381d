"""A slow oracle of what every session of a market ended with, from the public contract alone.

Plain Python over the files, as in ``naive_alerts``: previous closes and assets are carried anew for
every session, from the newest figure known at its close. Daily resets, no baskets, no options.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tests.support.naive_alerts import HOURS, Fund, instant, json_rows, rebalance_usd, rows

Session = tuple[str, date]
"""A reference and a day."""


@dataclass(frozen=True)
class Ending:
    """A session's figures at its close; ``scale`` is the sum of what was added, unsigned."""

    underlying_return: float
    forced_flow_usd: float
    scale: float


@dataclass
class Market:
    """The files, read; ``known`` and ``final`` creations by fund and day."""

    references: dict[str, dict[str, str]]
    figures: dict[str, list[dict[str, str]]]
    factors: dict[Session, float]
    closes: dict[str, dict[date, float]]
    known: dict[tuple[str, date], float] = field(default_factory=dict)
    final: dict[tuple[str, date], float] = field(default_factory=dict)


def endings(folder: Path) -> dict[Session, Ending]:
    """Return how every session of a scenario ended."""
    market = read_market(folder)
    return {
        (symbol, day): ending(market, symbol, day)
        for symbol, closes in market.closes.items()
        for day in closes
    }


def ending(market: Market, symbol: str, day: date) -> Ending:
    underlying_return = returned(market, symbol, day)
    close_ns = closes_at(market.references[symbol], day)
    terms = []
    for name, history in market.figures.items():
        if history[0]["reference"] != symbol or history[0]["reset"] == "none":
            continue
        L, assets = standing(market, history, day, close_ns=close_ns)
        fund = Fund(name, symbol, L, assets, is_reported_only=False)
        terms.append(rebalance_usd(fund, underlying_return))
        if not (L == 1 and history[0]["vehicle"] == "physical"):
            terms.append(L * market.known.get((name, day), 0.0))
    return Ending(underlying_return, sum(terms), sum(map(abs, terms)))


def standing(
    market: Market, history: list[dict[str, str]], day: date, *, close_ns: int
) -> tuple[float, float]:
    """Return a fund's leverage factor and start-of-day assets, as known by `close_ns`."""
    symbol = history[0]["reference"]
    reference = market.references[symbol]
    known = [row for row in history if known_at(reference, row) <= close_ns]
    stated = [row for row in known if row["assets_usd"] and effective(row) <= day]
    base = max(stated, key=lambda row: (row["effective_at"], known_at(reference, row)))
    assets = float(base["assets_usd"])
    for earlier in sorted(market.closes[symbol]):
        if effective(base) <= earlier < day:
            growth = 1 + leverage(known, earlier) * returned(market, symbol, earlier)
            created = market.final.get((history[0]["fund"], earlier), 0.0)
            assets = assets * max(growth, 0.0) + created
    return leverage(known, day), assets


def leverage(known: list[dict[str, str]], day: date) -> float:
    in_force = [row for row in known if effective(row) <= day]
    return float(max(in_force, key=lambda row: row["effective_at"])["leverage_factor"])


def returned(market: Market, symbol: str, day: date) -> float:
    reference, closes = market.references[symbol], market.closes[symbol]
    earlier = [before for before in closes if before < day]
    before = closes[max(earlier)] if earlier else float(reference["previous_close"])
    return closes[day] / (before * market.factors.get((symbol, day), 1.0)) - 1


def read_market(folder: Path) -> Market:
    universe = folder / "universe"
    references = {row["symbol"]: row for row in rows(universe / "references.csv")}
    figures: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in rows(universe / "funds.csv"):
        figures[row["fund"]].append(row)
    factors = {
        (row["symbol"], date.fromisoformat(row["effective_at"])): float(row["price_factor"])
        for row in rows(universe / "corporate_actions.csv")
    }
    listed = {
        row["symbol"]: row["reference"]
        for row in rows(universe / "listings.csv")
        if row["kind"] == "price"
    }
    closes: dict[str, dict[date, float]] = defaultdict(dict)
    for event in json_rows([folder / "prices.jsonl"]):
        if event.get("kind") == "official_close":
            symbol = listed.get(event["symbol"], event["symbol"])
            closes[symbol][datetime.fromisoformat(event["event_time"]).date()] = event["price"]
    market = Market(references, figures, factors, closes)
    read_creations(market, folder / "etf-flows.jsonl")
    return market


def read_creations(market: Market, flows: Path) -> None:
    for event in sorted(json_rows([flows]), key=lambda event: event["sequence"]):
        reference = market.references[market.figures[event["fund"]][0]["reference"]]
        if "session" in event:
            day = date.fromisoformat(event["session"])
        else:
            day = session_day(reference, event)
            market.known[event["fund"], day] = event["net_creation_usd"]
        market.final[event["fund"], day] = event["net_creation_usd"]


def session_day(reference: Mapping[str, str], event: Mapping[str, Any]) -> date:
    at = datetime.fromisoformat(event["event_time"])
    # A struck session of a day begins at the strike of the day before.
    starts_next = bool(reference["strike_time"]) and at.time() > closing_time(reference)
    return at.date() + timedelta(days=starts_next)


def closing_time(reference: Mapping[str, str]) -> time:
    if reference["strike_time"]:
        return time.fromisoformat(reference["strike_time"])
    return HOURS[reference["venue"]][2]


def closes_at(reference: Mapping[str, str], day: date) -> int:
    zone = ZoneInfo(reference["strike_zone"] or HOURS[reference["venue"]][0])
    return instant(datetime.combine(day, closing_time(reference), zone))


def known_at(reference: Mapping[str, str], row: Mapping[str, str]) -> int:
    if "T" in row["known_at"]:
        return instant(datetime.fromisoformat(row["known_at"]))
    # Before that session's open: a day before its close is early enough.
    return closes_at(reference, date.fromisoformat(row["known_at"]) - timedelta(days=1))


def effective(row: Mapping[str, str]) -> date:
    return date.fromisoformat(row["effective_at"])
