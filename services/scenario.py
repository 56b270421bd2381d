"""Write a simulated market: one day, a rout in the manner of 23 June 2026, from a seed.

The products and their leverage factors are real, every other figure is round and illustrative.
The same seed, date and version of numpy's generators give the same bytes.
"""

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from core.errors import ConfigError
from core.universe import Floats
from services import scenario_tables as tables
from services.calendars import ROUND_THE_CLOCK, Sessions, session_table
from services.scenario_creations import creation_lines
from services.scenario_lines import price_lines
from services.scenario_paths import generator, returns_by_second, unit_steps
from services.scenario_readme import readme
from services.scenario_tables import Instrument
from services.scenario_trades import Session, Trades, session_of, trades

DEFAULT_SEED = 23
DEFAULT_DAY = date(2026, 6, 23)

Progress = Callable[[str, int, int], None]
"""Called with what is being done, and how many of how many are done."""


@dataclass(frozen=True)
class Summary:
    """What was written."""

    directory: Path
    references: int
    funds: int
    prices: int
    creations: int


@dataclass(frozen=True, eq=False)
class _Day:
    sessions: dict[str, Session]
    returns: dict[str, Floats]
    trades: list[Trades]


def write_scenario(
    directory: Path,
    *,
    seed: int = DEFAULT_SEED,
    day: date = DEFAULT_DAY,
    progress: Progress = lambda *_: None,
    sessions: Sessions = session_table,
) -> Summary:
    """Write universe, prices, creations, rules and a README into a folder.

    Files of an earlier scenario there are replaced, each in one step.

    Raises
    ------
    ConfigError    one of the markets has no session on `day`, or `seed` is negative
    """
    if seed < 0:
        raise ConfigError(f"seed: expected 0 or more, was {seed}")
    written = _simulate(seed, day, progress=progress, sessions=sessions)
    progress("writing", 0, 1)
    prices = price_lines(written.trades, generator(seed, "disorder"))
    creations = creation_lines(
        tables.creations(),
        sessions=written.sessions,
        returns=written.returns,
        label=day.isoformat(),
        random=generator(seed, "creations"),
    )
    for name, text in _universe(day).items():
        _replace(directory / "universe" / name, text)
    _replace(directory / "prices.jsonl", _joined(prices))
    _replace(directory / "etf-flows.jsonl", _joined(creations))
    _replace(directory / "rules.yaml", (tables.MARKET / "rules.yaml").read_text(encoding="utf-8"))
    _replace(directory / "README.md", readme(seed=seed, day=day, prices=len(prices)))
    progress("writing", 1, 1)
    return Summary(
        directory=directory,
        references=len(tables.instruments()),
        funds=len(tables.table("funds")),
        prices=len(prices),
        creations=len(creations),
    )


def _simulate(seed: int, day: date, *, progress: Progress, sessions: Sessions) -> _Day:
    everyone = (*tables.instruments(), *tables.outsiders())
    factors: dict[tuple[int, int], Floats] = {}
    simulated = _Day({}, {}, [])
    for done, instrument in enumerate(everyone):
        progress("simulating", done, len(everyone))
        session = _session(instrument, day, sessions)
        hours = session.open_ns, session.close_ns
        if hours not in factors:
            factors[hours] = unit_steps(generator(seed, f"factor {len(factors)}"), session.seconds)
        random = generator(seed, instrument.symbol)
        returns = returns_by_second(
            instrument,
            tables.shapes()[instrument.shape],
            factor=factors[hours],
            own=unit_steps(random, session.seconds),
            is_continuous=session.is_continuous,
        )
        simulated.sessions[instrument.symbol] = session
        simulated.returns[instrument.symbol] = returns
        simulated.trades.append(
            trades(instrument, session, returns=returns, random=random, halts=tables.halts())
        )
    progress("simulating", len(everyone), len(everyone))
    return simulated


def _session(instrument: Instrument, day: date, sessions: Sessions) -> Session:
    table = sessions(
        instrument.venue,
        instrument.calendar,
        strike_time=instrument.strike_time,
        strike_zone=instrument.strike_zone,
    )
    label = int(np.datetime64(day, "D").astype(np.int64))
    session = session_of(table, label, is_continuous=instrument.calendar == ROUND_THE_CLOCK)
    if session is None:
        expected = "a day on which every market of the scenario has a session"
        raise ConfigError(f"date: expected {expected}, was {day}: none for {table.name}")
    return session


def _universe(day: date) -> dict[str, str]:
    """Return the universe's files; the date stands in every column that asks for one."""
    label = day.isoformat()
    references = [{**row, "effective_at": label} for row in tables.table("references")]
    funds = [
        {**row, "reset": "daily", "effective_at": label, "known_at": label}
        for row in tables.table("funds")
    ]
    return {
        "references.csv": _csv_text(REFERENCE_COLUMNS, references),
        "funds.csv": _csv_text(FUND_COLUMNS, funds),
        "rooms.csv": _csv_text(("room", "symbol"), tables.table("rooms")),
        "listings.csv": _csv_text(
            ("symbol", "reference", "kind", "factor"), tables.table("listings")
        ),
    }


REFERENCE_COLUMNS = (
    "symbol",
    "name",
    "venue",
    "currency",
    "previous_close",
    "adv_usd",
    "auction_usd",
    "daily_volatility",
    "effective_at",
    "calendar",
    "strike_time",
    "strike_zone",
)
FUND_COLUMNS = (
    "fund",
    "name",
    "issuer",
    "venue",
    "reference",
    "leverage_factor",
    "reset",
    "vehicle",
    "assets_usd",
    "effective_at",
    "known_at",
    "listed_on",
)


def _csv_text(columns: tuple[str, ...], rows: Iterable[Mapping[str, str]]) -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def _joined(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8", newline="\n")
    part.replace(path)
