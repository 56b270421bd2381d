"""A market for breaking things in: its universe, its days, and every event of them from one seed.

Five references a partition: three of New York (two at XNAS, one at XNYS), one of Tokyo, and one
struck at 16:00 New York whose sessions follow each other without a gap, across midnight and
weekends. Two funds each. Prices lie on a grid of 0.0001, so that text and float are the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import TypeVar

import numpy as np

from core.columns import Bools, Floats, Int64s
from core.sessions import NANOS_PER_SECOND, OFFICIAL_CLOSE_GRACE_NS
from core.universe import Universe
from services.universe_files import load_universe
from streams.event_times import parse_time
from streams.topics import PARTITIONS
from tests.support.records import symbols_of_partition
from tests.support.universes import SESSION, fund, reference, write_universe

NEW_YORK = {"venue": "XNAS"}
TOKYO = {"venue": "XTKS"}
STRUCK = {
    "venue": "XNAS",
    "calendar": "24/7",
    "strike_time": "16:00",
    "strike_zone": "America/New_York",
}
VENUES = (NEW_YORK, NEW_YORK, {"venue": "XNYS"}, TOKYO, STRUCK)
"""Of the references of each partition."""
LEVERAGE_FACTORS = ((2.0, -1.0), (3.0, -3.0), (1.5, -2.0), (2.0, -1.0), (2.0, 2.0))
PRICE_SOURCES = ("alpha", "beta")
"""Both price every reference; `alpha` sends frames, `beta` JSON."""
FLOW_SOURCE = "custodian"

DAYS = ("2026-06-23", "2026-06-24")
"""A Tuesday and a Wednesday that all venues trade."""
WEEKEND = ("2026-06-26", "2026-06-27", "2026-06-28", "2026-06-29")
"""Friday to Monday: only the struck references trade in between."""

_TICKS = 10_000
_MS = 1_000_000


@dataclass(frozen=True, eq=False)
class Prices:
    """Prices in ascending event time.

    ``reference`` int64[n], index in the universe; ``event_ns`` int64[n]; ``price`` float64[n];
    ``sequence`` int64[n], unique; ``source`` int64[n], index in ``PRICE_SOURCES``; ``official``
    bool[n]; ``volume`` float64[n], of the session so far, 0 = none.
    """

    reference: Int64s
    event_ns: Int64s
    price: Floats
    sequence: Int64s
    source: Int64s
    official: Bools
    volume: Floats

    def __len__(self) -> int:
        return len(self.event_ns)

    def at(self, chosen: Int64s | Bools | slice) -> "Prices":
        """Return some of them."""
        return Prices(*(getattr(self, field.name)[chosen] for field in fields(self)))


@dataclass(frozen=True, eq=False)
class Flows:
    """Cumulative creations in ascending event time.

    ``fund`` int64[n], index in the universe; ``event_ns``, ``label`` int64[n], the session meant;
    ``net_creation_usd`` float64[n]; ``sequence`` int64[n].
    """

    fund: Int64s
    event_ns: Int64s
    label: Int64s
    net_creation_usd: Floats
    sequence: Int64s

    def __len__(self) -> int:
        return len(self.event_ns)

    def at(self, chosen: Int64s | Bools | slice) -> "Flows":
        """Return some of them."""
        return Flows(*(getattr(self, field.name)[chosen] for field in fields(self)))


E = TypeVar("E", Prices, Flows)


@dataclass(frozen=True)
class Stretch:
    """Hours in which some references trade.

    ``closing`` are those whose session ends with it; ``share`` is its part of all events;
    ``marks`` are market times, at its end or later, at which a feed holds, so that what the
    stream has come to can be compared.
    """

    start_ns: int
    end_ns: int
    references: tuple[int, ...]
    closing: tuple[int, ...]
    share: float
    marks: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class ChaosMarket:
    """The events of some days; ``marks`` ascending market times in ns."""

    directory: Path
    universe: Universe
    prices: Prices
    flows: Flows
    marks: tuple[int, ...]


def write_chaos_universe(directory: Path, first_day: str = SESSION) -> Path:
    """Write the universe's folder; figures hold from `first_day`. Return it."""
    names = [
        (symbol, place)
        for partition in range(PARTITIONS)
        for place, symbol in enumerate(symbols_of_partition(partition, len(VENUES)))
    ]
    figures = {"previous_close": 100, "adv_usd": 1e9, "auction_usd": 2e8, "daily_volatility": 0.02}
    return write_universe(
        directory,
        references=[reference(symbol, **VENUES[place], **figures) for symbol, place in names],
        funds=[
            fund(
                f"{symbol}{'UD'[number]}",
                symbol,
                factor,
                effective_at=first_day,
                # Not all powers of ten: sums have to round.
                assets_usd=round(1e8 * (1 + 0.37 * place) + 12_345_678.9 * number, 1),
            )
            for symbol, place in names
            for number, factor in enumerate(LEVERAGE_FACTORS[place])
        ],
        rooms=[{"room": "chaos", "symbol": symbol} for symbol, place in names if place == 0],
    )


def make_market(
    directory: Path,
    *,
    seed: int,
    events: int,
    days: Sequence[str] = DAYS,
    holds_between: bool = True,
) -> ChaosMarket:
    """Write a universe and make `events` events of some days, the same ones for one seed.

    ``holds_between``: there are marks before the last day, too.
    """
    universe = load_universe(write_chaos_universe(directory, days[0]))
    random = np.random.default_rng(seed)
    stretches = [
        stretch for day in days for stretch in _stretches(universe, day, is_last=day == days[-1])
    ]
    total = sum(stretch.share for stretch in stretches)
    last = np.full(len(universe.symbol), 100.0)
    volume = np.zeros(len(universe.symbol))
    prices, flows = [], []
    for stretch in stretches:
        count = round(events * stretch.share / total)
        n_flows = count // 50
        prices.append(_prices(random, stretch, count - n_flows, last=last, volume=volume))
        flows.append(_flows(random, universe, stretch, n_flows))
    marks = sorted({mark for stretch in stretches for mark in stretch.marks})
    return ChaosMarket(
        directory,
        universe,
        _numbered(prices),
        _numbered(flows),
        tuple(marks if holds_between else marks[-2:]),
    )


def _stretches(universe: Universe, day: str, *, is_last: bool) -> list[Stretch]:
    """Return the hours of one date: Tokyo's, New York's, and the night of the struck ones."""
    size = len(VENUES)
    places = range(len(universe.symbol))
    tokyo = tuple(i for i in places if VENUES[i % size] is TOKYO)
    struck = tuple(i for i in places if VENUES[i % size] is STRUCK)
    new_york = tuple(i for i in places if i not in tokyo and i not in struck)
    if date.fromisoformat(day).weekday() >= 5:
        close = parse_time(f"{day}T16:00:00-04:00")
        # The day before's strike to this one's.
        start = close - 24 * 3600 * NANOS_PER_SECOND
        return [Stretch(start, close, struck, struck, 0.4, (close,))]
    morning = parse_time(f"{day}T09:00:00+09:00")
    tokyo_close = parse_time(f"{day}T15:30:00+09:00")
    opening, close = (parse_time(f"{day}T{at}:00-04:00") for at in ("09:30", "16:00"))
    middle = parse_time(f"{day}T13:07:31-04:00")
    return [
        Stretch(morning, tokyo_close, (*tokyo, *struck), tokyo, 0.25, ()),
        Stretch(opening, middle, (*new_york, *struck), (), 0.4, (middle,) if is_last else ()),
        Stretch(
            middle,
            close,
            (*new_york, *struck),
            (*new_york, *struck),
            0.35,
            (close + OFFICIAL_CLOSE_GRACE_NS,),
        ),
    ]


def _prices(
    random: np.random.Generator, stretch: Stretch, count: int, *, last: Floats, volume: Floats
) -> Prices:
    """Return random walks from the last prices, then an official close of who closes."""
    members = np.array(stretch.references, np.int64)
    # Everyone trades at least once.
    which = np.concatenate((members, random.choice(members, count - len(members))))
    random.shuffle(which)
    # To the millisecond, so that there are ties for the sequence to break.
    span = (stretch.end_ns - stretch.start_ns) // _MS
    event_ns = stretch.start_ns + np.sort(random.integers(1, span + 1, count)) * _MS
    price = np.empty(count)
    sold = np.zeros(count)
    for each in members.tolist():
        mine = np.flatnonzero(which == each)
        steps = random.normal(0.0, 0.03 / np.sqrt(len(mine)), len(mine))
        price[mine] = _on_grid(last[each] * np.exp(np.cumsum(steps)))
        sold[mine] = volume[each] + np.cumsum(random.integers(1, 500, len(mine)))
        last[each] = price[mine[-1]]
        volume[each] = sold[mine[-1]]
    closing = np.array(stretch.closing, np.int64)
    # What it traded starts again with its next session.
    volume[closing] = 0.0
    official = _on_grid(last[closing] * (1 + random.normal(0.0, 0.001, len(closing))))
    last[closing] = official
    source = random.integers(0, len(PRICE_SOURCES), count + len(closing))
    after = stretch.end_ns + np.sort(random.integers(1, 600, len(closing))) * NANOS_PER_SECOND
    return Prices(
        reference=np.concatenate((which, closing)),
        event_ns=np.concatenate((event_ns, after)),
        price=np.concatenate((price, official)),
        sequence=np.empty(count + len(closing), np.int64),
        source=source,
        official=np.arange(count + len(closing)) >= count,
        volume=np.concatenate((sold, np.zeros(len(closing)))),
    )


def _flows(random: np.random.Generator, universe: Universe, stretch: Stretch, count: int) -> Flows:
    funds = np.flatnonzero(np.isin(universe.fund_reference, stretch.references))
    span = (stretch.end_ns - stretch.start_ns) // _MS
    event_ns = stretch.start_ns + np.sort(random.integers(1, span + 1, count)) * _MS
    which = random.choice(funds, count)
    label = np.array(
        [
            universe.schedules[universe.schedule[universe.fund_reference[k]]].label_at(int(at))
            for k, at in zip(which, event_ns, strict=True)
        ],
        np.int64,
    )
    amount = random.integers(-50_000_000, 50_000_000, count).astype(np.float64)
    return Flows(which, event_ns, label, amount, np.empty(count, np.int64))


def _numbered(parts: Sequence[E]) -> E:
    """Return all events in the order of their times, numbered."""
    found = joined_events(parts)
    found = found.at(np.argsort(found.event_ns, kind="stable"))
    found.sequence[:] = np.arange(1, len(found) + 1)
    return found


def joined_events(parts: Sequence[E]) -> E:
    """Return the events of all parts, one after the other."""
    kind = type(parts[0])
    names = [field.name for field in fields(kind)]
    return kind(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _on_grid(price: Floats) -> Floats:
    grid: Floats = np.rint(price * _TICKS) / _TICKS
    return grid
