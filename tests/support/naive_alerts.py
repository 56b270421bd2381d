"""A slow oracle of alert episodes, written from the public contract alone.

It imports nothing of the project: plain Python over the files, every fund summed anew at every
price, every rule of scope symbol judged at every event and every whole second. One session a
reference, regular hours, daily resets, no options and no baskets.
"""

import csv
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

SECOND_NS = 1_000_000_000
UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600}
NEW_YORK = ("America/New_York", time(9, 30), time(16))
HOURS = {
    "XNYS": NEW_YORK,
    "XNAS": NEW_YORK,
    "ARCX": NEW_YORK,
    "BATS": NEW_YORK,
    "XKRX": ("Asia/Seoul", time(9), time(15, 30)),
    "XTKS": ("Asia/Tokyo", time(9), time(15, 30)),
    "XHKG": ("Asia/Hong_Kong", time(9, 30), time(16)),
}

COLUMNS = (
    "alertname",
    "severity",
    "family",
    "side",
    "scope",
    "symbol",
    "fires_at",
    "resolves_at",
    "reason",
)


@dataclass(frozen=True)
class Reference:
    symbol: str
    venue: str
    zone: str
    open_ns: int
    close_ns: int
    previous_close: float
    adv_usd: float
    auction_usd: float
    is_struck: bool


@dataclass(frozen=True)
class Fund:
    fund: str
    reference: str
    leverage_factor: float
    assets_usd: float
    is_reported_only: bool


@dataclass(frozen=True)
class Event:
    """A price (fund None) or a cumulative creation."""

    event_ns: int
    sequence: int
    source: str
    value: float
    fund: str | None = None


@dataclass
class Machine:
    """One alert's life: waits above ``raise_at``, fires, waits below ``clear_at``, resolves."""

    raise_at: float
    clear_at: float
    for_ns: int
    hold_ns: int
    crossed_ns: int | None = None
    fires_ns: int | None = None
    below_ns: int | None = None
    episodes: list[tuple[int, int, str]] = field(default_factory=list)

    def settle(self, before_ns: int) -> None:
        """Resolve what became due since the last look, before anything new is known."""
        if self.fires_ns is not None and self.below_ns is not None:
            due_ns = max(self.below_ns, self.fires_ns + self.hold_ns)
            if due_ns < before_ns:
                self._resolve(due_ns, "cleared")

    def judge(self, now_ns: int, size: float, *, newest_ns: int, active_ns: int) -> None:
        if self.fires_ns is None:
            if size < self.raise_at:
                self.crossed_ns = None
                return
            if self.crossed_ns is None:
                self.crossed_ns = max(newest_ns, active_ns)
            if now_ns >= self.crossed_ns + self.for_ns:
                self.fires_ns = self.crossed_ns + self.for_ns
            return
        if size >= self.clear_at:
            self.below_ns = None
            return
        if self.below_ns is None:
            self.below_ns = now_ns
        due_ns = max(self.below_ns, self.fires_ns + self.hold_ns)
        if now_ns >= due_ns:
            self._resolve(due_ns, "cleared")

    def close(self, close_ns: int) -> None:
        self.settle(close_ns)
        if self.fires_ns is not None:
            self._resolve(close_ns, "session_closed")

    def _resolve(self, resolves_ns: int, reason: str) -> None:
        assert self.fires_ns is not None
        self.episodes.append((self.fires_ns, resolves_ns, reason))
        self.crossed_ns = self.fires_ns = self.below_ns = None


def expected_alerts(
    universe: Path, prices: Path, *, rules: Path, day: date, flows: Path | None = None
) -> list[dict[str, str]]:
    """Return the episodes of the day, by symbol and time; columns ``COLUMNS``, times as text."""
    references = read_references(universe, day)
    funds = read_funds(universe, day)
    events = read_events(universe, prices, flows, references=references, funds=funds, day=day)
    found = []
    for rule in yaml.safe_load(rules.read_text(encoding="utf-8"))["rules"]:
        if rule["scope"] != "symbol":
            continue
        for reference in references.values():
            if covers(rule.get("where", {}), reference):
                own = [fund for fund in funds.values() if fund.reference == reference.symbol]
                found += episodes(rule, reference, own, events=events[reference.symbol])
    return [row for _, row in sorted(found, key=lambda item: item[0])]


def episodes(
    rule: Mapping[str, Any], reference: Reference, funds: list[Fund], *, events: list[Event]
) -> list[tuple[tuple[str, int, int, str], dict[str, str]]]:
    active = rule.get("active", {})
    active_ns = reference.open_ns + nanos(active.get("after_open", "0s"))
    if "before_close" in active:
        active_ns = max(active_ns, reference.close_ns - nanos(active["before_close"]))
    machines = {
        (severity, side): Machine(
            level["raise"],
            level["clear"],
            nanos(level.get("for", "0s")),
            nanos(rule.get("minimum_hold", "0s")),
        )
        for severity, level in rule["levels"].items()
        for side in ("buy", "sell")
    }
    for now_ns, value, newest_ns in looks(rule["measure"], reference, funds, events, active_ns):
        for (_, side), machine in machines.items():
            machine.settle(now_ns)
            size = value if side == "buy" else -value
            machine.judge(now_ns, size, newest_ns=newest_ns, active_ns=active_ns)
    found = []
    order = list(rule["levels"])
    for (severity, side), machine in machines.items():
        machine.close(reference.close_ns)
        for fires_ns, resolves_ns, reason in machine.episodes:
            name = "".join(part.capitalize() for part in rule["name"].split("-"))
            row = {
                "alertname": name + severity.capitalize(),
                "severity": severity,
                "family": rule["name"],
                "side": side,
                "scope": "symbol",
                "symbol": reference.symbol,
                "fires_at": written(fires_ns, reference.zone),
                "resolves_at": written(resolves_ns, reference.zone),
                "reason": reason,
            }
            found.append(((reference.symbol, fires_ns, order.index(severity), side), row))
    return found


def looks(
    measure: str,
    reference: Reference,
    funds: list[Fund],
    events: list[Event],
    active_ns: int,
) -> Iterator[tuple[int, float, int]]:
    """Yield (time, measure, newest input) at each event and second while the rule is active."""
    price: float | None = None
    creations: dict[str, float] = {}
    newest_ns, value = 0, math.nan
    by_time = [(at, list(same)) for at, same in groupby(events, lambda event: event.event_ns)]
    seconds = range(-(-active_ns // SECOND_NS) * SECOND_NS, reference.close_ns, SECOND_NS)
    due = {at: same for at, same in by_time if at < reference.close_ns}
    for now_ns in sorted({*due, *seconds}):
        for event in due.get(now_ns, ()):
            newest_ns = event.event_ns
            if event.fund is None:
                price = event.value
            else:
                creations[event.fund] = event.value
        if now_ns in due:
            value = measured(measure, reference, funds, price=price, creations=creations)
        if now_ns >= active_ns and not math.isnan(value):
            yield now_ns, value, newest_ns


def measured(
    measure: str,
    reference: Reference,
    funds: list[Fund],
    *,
    price: float | None,
    creations: Mapping[str, float],
) -> float:
    if price is None:
        return math.nan
    underlying_return = price / reference.previous_close - 1
    if measure == "underlying_return":
        return underlying_return
    known = [fund for fund in funds if not math.isnan(fund.assets_usd)]
    leveraged = math.fsum(rebalance_usd(fund, underlying_return) for fund in known)
    if funds and not known:
        leveraged = math.nan
    if measure == "leveraged_rebalance_usd":
        return leveraged
    created = math.fsum(
        fund.leverage_factor * creations[fund.fund]
        for fund in funds
        if fund.fund in creations and not fund.is_reported_only
    )
    forced = created if math.isnan(leveraged) else leveraged + created
    divisors = {
        "forced_flow_usd": 1.0,
        "adv_ratio": reference.adv_usd,
        "auction_ratio": reference.auction_usd,
    }
    return forced / divisors[measure]


def rebalance_usd(fund: Fund, underlying_return: float) -> float:
    L, A, r = fund.leverage_factor, fund.assets_usd, underlying_return
    if 1 + L * r <= 0:
        return -L * A * (1 + r)
    return A * L * (L - 1) * r


def covers(where: Mapping[str, Any], reference: Reference) -> bool:
    venue_is_right = reference.venue in where.get("venue", [reference.venue])
    return venue_is_right and reference.symbol in where.get("symbol", [reference.symbol])


def read_references(universe: Path, day: date) -> dict[str, Reference]:
    references = {}
    for row in rows(universe / "references.csv"):
        zone, opens, closes = HOURS[row["venue"]]
        opens_on = day
        if row.get("strike_time"):
            assert row["calendar"] == "24/7"
            opens = closes = time.fromisoformat(row["strike_time"])
            opens_on = day - timedelta(days=1)
        struck_zone = ZoneInfo(row.get("strike_zone") or zone)
        references[row["symbol"]] = Reference(
            symbol=row["symbol"],
            venue=row["venue"],
            zone=zone,
            open_ns=instant(datetime.combine(opens_on, opens, struck_zone)),
            close_ns=instant(datetime.combine(day, closes, struck_zone)),
            previous_close=number(row["previous_close"]),
            adv_usd=number(row["adv_usd"]),
            auction_usd=number(row["auction_usd"]),
            is_struck=bool(row.get("strike_time")),
        )
    return references


def read_funds(universe: Path, day: date) -> dict[str, Fund]:
    funds = {}
    for row in rows(universe / "funds.csv"):
        assert row["reset"] in {"daily", "none"}
        assert row["effective_at"] <= day.isoformat()
        L = number(row["leverage_factor"])
        funds[row["fund"]] = Fund(
            fund=row["fund"],
            reference=row["reference"],
            leverage_factor=L,
            assets_usd=number(row["assets_usd"]),
            is_reported_only=row["reset"] == "none" or (L == 1 and row["vehicle"] == "physical"),
        )
    return funds


def read_events(
    universe: Path,
    prices: Path,
    flows: Path | None,
    *,
    references: Mapping[str, Reference],
    funds: Mapping[str, Fund],
    day: date,
) -> dict[str, list[Event]]:
    """Return what counts for each reference's session, in the order in which slots are won."""
    factors = {symbol: (symbol, 1.0) for symbol in references}
    if (universe / "listings.csv").exists():
        for listing in rows(universe / "listings.csv"):
            factors[listing["symbol"]] = listing["reference"], float(listing["factor"])
    found: dict[str, list[Event]] = {symbol: [] for symbol in references}
    for row in json_rows([prices]):
        symbol, factor = factors.get(row["symbol"], ("", 1.0))
        if symbol and row["price"] > 0 and row.get("kind", "trade") == "trade":
            event = made(row, row["price"] * factor)
            if opened(references[symbol], event) and event.event_ns <= references[symbol].close_ns:
                found[symbol].append(event)
    for row in json_rows([flows] if flows else []):
        fund = funds.get(row["fund"])
        if fund is not None:
            event = made(row, row["net_creation_usd"], fund=row["fund"])
            reference = references[fund.reference]
            is_today = row.get("session", day.isoformat()) == day.isoformat()
            if is_today and opened(reference, event):
                found[fund.reference].append(event)
    for events in found.values():
        events.sort(key=lambda event: (event.event_ns, event.sequence, event.source, event.value))
    return found


def opened(reference: Reference, event: Event) -> bool:
    # A strike belongs to the session it ends, not to the one it opens.
    if reference.is_struck:
        return event.event_ns > reference.open_ns
    return event.event_ns >= reference.open_ns


def made(row: Mapping[str, Any], value: float, fund: str | None = None) -> Event:
    at = row["event_time"]
    event_ns = at if isinstance(at, int) else instant(datetime.fromisoformat(at))
    return Event(event_ns, row.get("sequence", 0), row.get("source", ""), value, fund)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def json_rows(paths: Iterable[Path]) -> Iterator[dict[str, Any]]:
    for path in paths:
        with path.open(encoding="utf-8") as file:
            yield from map(json.loads, file)


def number(cell: str) -> float:
    return float(cell) if cell else math.nan


def nanos(duration: str) -> int:
    return round(float(duration[:-1]) * UNIT_SECONDS[duration[-1]] * SECOND_NS)


def instant(at: datetime) -> int:
    since = at.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * SECOND_NS + since.microseconds * 1_000


def written(at_ns: int, zone: str) -> str:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_ns // 1_000)
    local = at.astimezone(ZoneInfo(zone))
    return local.isoformat(timespec="milliseconds" if local.microsecond else "seconds")
