"""Trades of the simulated day: paths seen at irregular times, rounded to the price step."""

from dataclasses import dataclass

import numpy as np

from core.sessions import NANOS_PER_SECOND, SessionTable
from core.universe import Bools, Floats, Int64s
from services.scenario_paths import activity
from services.scenario_tables import Halt, Instrument

NANOS_PER_MILLISECOND = 1_000_000
OFFICIAL_CLOSE_SECONDS = (30, 600)
"""How long after its close a reference's official close arrives, from and to."""
LATE_TRADES = 12
"""Trades after the close of each of the busiest references: no session counts them."""
LATE_SECONDS = 900
"""How long after the close they go on."""
BUSY_SECONDS_PER_TRADE = 3
"""References that trade at least this often are the busiest."""


@dataclass(frozen=True)
class Session:
    """The instrument's session on the day."""

    zone: str
    open_ns: int
    close_ns: int
    is_continuous: bool

    @property
    def seconds(self) -> int:
        """Return its length."""
        return (self.close_ns - self.open_ns) // NANOS_PER_SECOND


@dataclass(frozen=True, eq=False)
class Trades:
    """Prices of one instrument by time.

    ``event_ns`` int64[n], ascending; ``steps`` int64[n], the price in price steps;
    ``is_official`` bool[n].
    """

    instrument: Instrument
    zone: str
    event_ns: Int64s
    steps: Int64s
    is_official: Bools


def session_of(table: SessionTable, label: int, *, is_continuous: bool) -> Session | None:
    """Return the session labelled `label`, None on a day without one."""
    at = int(np.searchsorted(table.label, label))
    if at == len(table.label) or int(table.label[at]) != label:
        return None
    open_ns, close_ns = int(table.open_ns[at]), int(table.close_ns[at])
    return Session(table.zone, open_ns, close_ns, is_continuous)


def price_scale(price_step: str) -> tuple[int, int]:
    """Return (numerator, denominator) of a price step: "0.005" is 1/200, "500" is 500/1."""
    if "." in price_step:
        return 1, round(1 / float(price_step))
    return int(price_step), 1


def in_steps(prices: Floats, price_step: str) -> Int64s:
    """Return prices as whole numbers of steps, to the nearest."""
    numerator, denominator = price_scale(price_step)
    return np.rint(prices * denominator / numerator).astype(np.int64)


def trades(
    instrument: Instrument,
    session: Session,
    *,
    returns: Floats,
    random: np.random.Generator,
    halts: tuple[Halt, ...],
) -> Trades:
    """Sample a path, float64[seconds + 1], at the instrument's times of trade.

    At most one trade a second; the first second and the last have one.
    """
    at = _seconds_with_trade(instrument, session, random=random, halts=halts)
    milliseconds = random.integers(0, 1000, len(at))
    event_ns = session.open_ns + at * NANOS_PER_SECOND + milliseconds * NANOS_PER_MILLISECOND
    steps = in_steps(instrument.previous_close * (1.0 + returns[at]), instrument.price_step)
    steps += random.integers(-1, 2, len(at))
    close = in_steps(instrument.previous_close * (1.0 + returns[-1:]), instrument.price_step)
    after_ns, after_steps, is_official = _after_close(instrument, session, random, close=close)
    return Trades(
        instrument,
        session.zone,
        np.concatenate([event_ns, after_ns]),
        np.concatenate([steps, after_steps]),
        np.concatenate([np.zeros(len(at), np.bool_), is_official]),
    )


def _seconds_with_trade(
    instrument: Instrument,
    session: Session,
    *,
    random: np.random.Generator,
    halts: tuple[Halt, ...],
) -> Int64s:
    second = np.arange(session.seconds)
    pace = activity(second / session.seconds, is_continuous=session.is_continuous)
    is_trade = random.random(session.seconds) < pace / instrument.seconds_per_trade
    for halt in halts:
        if halt.venue == instrument.venue:
            is_trade[halt.start_seconds : halt.end_seconds] = False
    is_trade[[0, -1]] = True
    return np.flatnonzero(is_trade)


def _after_close(
    instrument: Instrument, session: Session, random: np.random.Generator, *, close: Int64s
) -> tuple[Int64s, Int64s, Bools]:
    late = LATE_TRADES if instrument.seconds_per_trade <= BUSY_SECONDS_PER_TRADE else 0
    seconds = random.integers(1, LATE_SECONDS, late)
    steps = close + random.integers(-20, 21, late)
    is_official = np.zeros(late, np.bool_)
    if instrument.has_official_close:
        official = random.integers(OFFICIAL_CLOSE_SECONDS[0], OFFICIAL_CLOSE_SECONDS[1] + 1)
        seconds = np.append(seconds, official)
        steps = np.append(steps, close)
        is_official = np.append(is_official, np.True_)
    order = np.argsort(seconds, kind="stable")
    event_ns = session.close_ns + seconds[order] * NANOS_PER_SECOND
    return event_ns, steps[order], is_official[order]
