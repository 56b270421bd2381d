"""The sessions of the simulated market: when each instrument trades, from where to where.

What happens depends on the weekday alone, so a day is the same whether it is written by itself or
in its week, and any other week goes as this one.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np

from core.errors import ConfigError
from core.sessions import NANOS_PER_SECOND, SessionTable
from core.universe import Floats, Int64s
from services.calendars import ROUND_THE_CLOCK, Sessions
from services.scenario_tables import ROUT, WEEKDAYS, Instrument, splits


@dataclass(frozen=True)
class Session:
    """One session of one instrument.

    ``label`` is its date in days since 1970; ``previous_close`` is in the units of the session,
    a split on its day included; ``close_return`` runs from there to the close.
    """

    instrument: Instrument
    label: int
    zone: str
    open_ns: int
    close_ns: int
    previous_close: float
    close_return: float

    @property
    def seconds(self) -> int:
        """Return its length."""
        return (self.close_ns - self.open_ns) // NANOS_PER_SECOND

    @property
    def day(self) -> str:
        """Return its date as text."""
        return str(np.datetime64(self.label, "D"))

    @property
    def weekday(self) -> int:
        """Return 0 for a Monday."""
        return weekday_of(self.label)

    @property
    def is_continuous(self) -> bool:
        """Say whether the market never closes: one session ends where the next begins."""
        return self.instrument.calendar == ROUND_THE_CLOCK

    @property
    def shape(self) -> str:
        """Return the shape of its path, empty: free."""
        return self.instrument.rout_shape if self.weekday == ROUT else ""

    @property
    def close(self) -> float:
        """Return the official close, a whole number of price steps."""
        close = np.array([self.previous_close * (1.0 + self.close_return)])
        return float(in_prices(in_steps(close, self.instrument.price_step), self.instrument)[0])


def sessions_of(
    instrument: Instrument, *, first: date, last: date, sessions: Sessions
) -> list[Session]:
    """Return the instrument's sessions from one day to another, both included, by date.

    Its price starts where the weekdays before the first session have left it.

    Raises
    ------
    ConfigError    there is none
    """
    table = sessions(
        instrument.venue,
        instrument.calendar,
        strike_time=instrument.strike_time,
        strike_zone=instrument.strike_zone,
    )
    positions = _positions(table, first, last)
    if not len(positions):
        span = str(first) if first == last else f"{first} to {last}"
        expected = "days on which every market of the scenario has a session"
        raise ConfigError(f"date: expected {expected}, was {span}: none for {table.name}")
    made: list[Session] = []
    level = price_before(instrument, weekday_of(int(table.label[positions[0]])))
    for at in positions.tolist():
        session = _session(instrument, table, at, level=level)
        level = session.close
        made.append(session)
    return made


def price_before(instrument: Instrument, weekday: int) -> float:
    """Return the close before a weekday, in the units of the day before."""
    level = instrument.previous_close
    for earlier in range(weekday):
        moved = level * _split(instrument, earlier) * (1.0 + instrument.close_returns[earlier])
        steps = in_steps(np.array([moved]), instrument.price_step)
        level = float(in_prices(steps, instrument)[0])
    return level


def weekday_of(label: int) -> int:
    """Return the weekday of a date in days since 1970, which began on a Thursday; 0: Monday."""
    return (label + 3) % 7


def price_scale(price_step: str) -> tuple[int, int]:
    """Return (numerator, denominator) of a price step: "0.005" is 1/200, "500" is 500/1."""
    if "." in price_step:
        return 1, round(1 / float(price_step))
    return int(price_step), 1


def in_steps(prices: Floats, price_step: str) -> Int64s:
    """Return prices as whole numbers of steps, to the nearest."""
    numerator, denominator = price_scale(price_step)
    return np.rint(prices * denominator / numerator).astype(np.int64)


def in_prices(steps: Int64s, instrument: Instrument) -> Floats:
    """Return whole numbers of the instrument's price step as prices."""
    numerator, denominator = price_scale(instrument.price_step)
    return np.asarray(steps * numerator / denominator)


def decimals(price_step: str) -> int:
    """Return how many decimals a price has."""
    return len(price_step.partition(".")[2])


def _positions(table: SessionTable, first: date, last: date) -> Int64s:
    bounds = [np.datetime64(day, "D").astype(np.int64) for day in (first, last)]
    start = np.searchsorted(table.label, bounds[0])
    positions = np.arange(start, np.searchsorted(table.label, bounds[1], side="right"))
    is_weekday = np.array([weekday_of(int(table.label[at])) < len(WEEKDAYS) for at in positions])
    return positions[is_weekday.astype(np.bool_)]


def _session(instrument: Instrument, table: SessionTable, at: int, *, level: float) -> Session:
    label = int(table.label[at])
    weekday = weekday_of(label)
    return Session(
        instrument=instrument,
        label=label,
        zone=table.zone,
        open_ns=int(table.open_ns[at]),
        close_ns=int(table.close_ns[at]),
        previous_close=level * _split(instrument, weekday),
        close_return=instrument.close_returns[weekday],
    )


def _split(instrument: Instrument, weekday: int) -> float:
    return splits().get((instrument.symbol, weekday), 1.0)
