"""Open interest of the simulated market: one level a contract on every morning.

The chains are plausible, not copied: puts gather below the spot, calls above, round strikes hold
more, what was standing before the week stays where the spot was then, what is opened follows the
spot of the morning. Implied volatility smiles, and rises after a large move. As everywhere in the
scenario, only additions, multiplications, divisions and square roots are used.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from core.sessions import NANOS_PER_SECOND, SessionTable
from core.universe import Floats, Int64s
from services import scenario_tables as tables
from services.calendars import Sessions
from services.scenario_lines import event_times, json_line
from services.scenario_paths import generator
from services.scenario_sessions import Session, price_before, weekday_of
from services.scenario_tables import OptionChain

VENUE = "XNYS"
"""Whose sessions the options keep."""
BEFORE_OPEN_SECONDS = 179 * 60
"""Levels of the evening before are published at 06:31 in New York."""
STRIKES_EACH_SIDE = 20
"""Strikes below and above the spot before the week."""
DAILIES, WEEKLIES, MONTHLIES = 5, 2, 3
"""How many of the next expiries of each kind are listed."""
MULTIPLIER = 100
SESSIONS_A_YEAR = 252
_DAYS_A_YEAR = 365
_MONTHS = 12
_LARGEST_MOVE = 5.0
"""Standard deviations of the day before beyond which implied volatility rises no further."""


@dataclass(frozen=True)
class _Morning:
    """What a chain's levels depend on: the spot before the session and how it got there."""

    label: int
    event_time: str
    spot: float
    volatility: float


def open_interest_lines(
    market: Mapping[str, Sequence[Session]], *, seed: int, sessions: Sessions
) -> list[str]:
    """Return one line a contract and morning, by morning.

    ``market`` holds the sessions that are simulated, by reference.
    """
    table = sessions(VENUE)
    lines: list[tuple[int, list[str]]] = []
    for chain in tables.option_chains():
        own = market[chain.reference]
        standing = price_before(own[0].instrument, 0) * chain.price_per_reference
        strikes = _strikes(chain, standing)
        for session in own:
            at = int(np.searchsorted(table.label, session.label))
            if int(table.label[at]) != session.label:
                continue
            morning = _morning(chain, session, table, at)
            for expiry, size in _expiries(table, at, has_dailies=chain.has_dailies).items():
                levels = _levels(chain, morning, expiry, size=size, strikes=strikes, seed=seed)
                lines.append((session.label, list(levels)))
    return [line for _, block in sorted(lines, key=lambda item: item[0]) for line in block]


def _morning(chain: OptionChain, session: Session, table: SessionTable, at: int) -> _Morning:
    instrument = session.instrument
    event_ns = np.array([table.open_ns[at] - BEFORE_OPEN_SECONDS * NANOS_PER_SECOND])
    yesterday = instrument.close_returns[session.weekday - 1] if session.weekday else 0.0
    moved = min(abs(yesterday) / instrument.daily_volatility, _LARGEST_MOVE)
    annual = instrument.daily_volatility * np.sqrt(SESSIONS_A_YEAR)
    return _Morning(
        label=session.label,
        event_time=event_times(event_ns, table.zone)[0],
        spot=session.previous_close * chain.price_per_reference,
        volatility=float(annual * (0.9 + 0.1 * moved)),
    )


def _strikes(chain: OptionChain, spot: float) -> Floats:
    middle = round(spot / chain.strike_step)
    lowest = max(middle - STRIKES_EACH_SIDE, 1)
    return np.arange(lowest, middle + STRIKES_EACH_SIDE + 1, dtype=np.float64) * chain.strike_step


def _expiries(table: SessionTable, at: int, *, has_dailies: bool) -> dict[int, float]:
    """Return the expiries listed on a morning, that day's own included, and how much each holds."""
    today = int(table.label[at])
    friday = today + (4 - weekday_of(today)) % 7
    sizes = dict.fromkeys(table.label[at : at + DAILIES].tolist(), 0.2) if has_dailies else {}
    for day in (friday + 7 * week for week in range(WEEKLIES)):
        sizes[_session_by(table, day)] = 0.4
    for day in _third_fridays(today):
        sizes[_session_by(table, day)] = 1.0
    return {label: sizes[label] for label in sorted(sizes) if label >= today}


def _session_by(table: SessionTable, day: int) -> int:
    """Return the last session up to a day: an expiry on a holiday is the one before."""
    return int(table.label[np.searchsorted(table.label, day, side="right") - 1])


def _third_fridays(today: int) -> list[int]:
    """Return the next third Fridays of a month, today included."""
    month = date(1970, 1, 1) + timedelta(days=today)
    found: list[int] = []
    year, number = month.year, month.month
    while len(found) < MONTHLIES:
        first = (date(year, number, 1) - date(1970, 1, 1)).days
        third = first + (4 - weekday_of(first)) % 7 + 14
        if third >= today:
            found.append(third)
        year, number = year + number // _MONTHS, number % _MONTHS + 1
    return found


def _levels(
    chain: OptionChain,
    morning: _Morning,
    expiry: int,
    *,
    size: float,
    strikes: Floats,
    seed: int,
) -> Iterator[str]:
    day = np.datetime64(expiry, "D")
    name = f"options {chain.underlying} {day}"
    standing = generator(seed, name).random((2, len(strikes)))
    opened = generator(seed, f"{name} {morning.label}").random((2, len(strikes)))
    years = (expiry - morning.label + 0.4) / _DAYS_A_YEAR
    width = max(morning.volatility * float(np.sqrt(years)), 0.02)
    before = strikes[len(strikes) // 2]
    fresh = 0.12 * weekday_of(morning.label)
    busy = chain.open_interest * size * _roundness(strikes, chain.strike_step)
    volatility = _smile(chain, morning, strikes / morning.spot - 1.0, width=width)
    for side, right in enumerate(("put", "call")):
        share = 2.0 * (1.0 - chain.put_share if side else chain.put_share)
        held = (0.4 + 1.2 * standing[side]) * _hump(strikes / before - 1.0, width, side=side)
        new = (0.4 + 1.2 * opened[side]) * _hump(strikes / morning.spot - 1.0, width, side=side)
        levels = np.rint(busy * share * (held + fresh * new)).astype(np.int64)
        for strike, level, implied in zip(strikes, levels, volatility, strict=True):
            yield json_line(
                {
                    "underlying": chain.underlying,
                    "root": chain.underlying,
                    "expiry": str(day),
                    "strike": float(strike),
                    "right": right,
                    "open_interest": int(level),
                    "implied_volatility": round(float(implied), 4),
                    "multiplier": MULTIPLIER,
                    "settlement": "physical",
                    "event_time": morning.event_time,
                }
            )


def _roundness(strikes: Floats, step: float) -> Floats:
    """Return how much more a strike holds for being round."""
    place: Int64s = np.rint(strikes / step).astype(np.int64)
    extra = np.where(place % 2 == 0, 1.3, 1.0)
    extra[place % 5 == 0] = 2.0
    extra[place % 10 == 0] = 3.0
    return extra


def _hump(distance: Floats, width: float, *, side: int) -> Floats:
    """Return how open interest spreads over strikes: puts below the spot, calls above."""
    centre = (0.6 * width + 0.01) * (1.0 if side else -1.0)
    spread = (distance - centre) / (1.2 * width + 0.015)
    return np.asarray(1.0 / ((1.0 + spread * spread) * (1.0 + spread * spread)))


def _smile(chain: OptionChain, morning: _Morning, distance: Floats, *, width: float) -> Floats:
    """Return implied volatilities: a skew and a smile in standard deviations of the strike."""
    deviations = np.clip(distance / width, -4.0, 4.0)
    shape = 1.0 - chain.skew * deviations + 0.03 * deviations * deviations
    return np.asarray(morning.volatility * shape)
