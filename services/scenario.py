"""Write a simulated market: a week in the manner of 22 to 26 June 2026, or one day, from a seed.

The products and their leverage factors are real, every other figure is round and illustrative.
The same seed, dates and version of numpy's generators give the same bytes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from core.errors import ConfigError
from core.universe import Floats
from services import scenario_tables as tables
from services.calendars import Sessions, session_table
from services.output_files import writing
from services.scenario_creations import Figures, creation_figures
from services.scenario_funds import Funds
from services.scenario_lines import price_lines
from services.scenario_options import open_interest_lines
from services.scenario_paths import Draws, generator, returns_by_second, unit_draws
from services.scenario_readme import readme
from services.scenario_sessions import Session, sessions_of
from services.scenario_trades import Trades, trades
from services.scenario_universe import universe_files

DEFAULT_SEED = 23
DEFAULT_DAY = date(2026, 6, 23)
"""The day of the rout."""
WEEK = date(2026, 6, 22), date(2026, 6, 26)

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
    open_interest: int


def write_scenario(
    directory: Path,
    *,
    seed: int = DEFAULT_SEED,
    first: date = DEFAULT_DAY,
    last: date = DEFAULT_DAY,
    progress: Progress = lambda *_: None,
    sessions: Sessions = session_table,
) -> Summary:
    """Write universe, prices, creations, open interest, rules and a README into a folder.

    Files of an earlier scenario there are replaced, each in one step. Days from ``first`` to
    ``last``, both included, are simulated; a market whose exchange is closed misses the day.

    Raises
    ------
    ConfigError    one of the markets has no session on these days, they are so many that nothing
                   is left of a price, the folder cannot be written, or `seed` is negative
    FlowError      a file cannot be written
    """
    if seed < 0:
        raise ConfigError(f"seed: expected 0 or more, was {seed}")
    planned = _planned(first, last, sessions)
    try:
        (directory / "universe").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"{directory}: expected a folder to write to: {error.strerror}"
        raise ConfigError(message) from error
    market = _Market(seed, planned)
    market.play(progress)
    progress("writing", 0, 1)
    prices = price_lines(market.trades, generator(seed, "disorder"))
    creations = [line for _, line in sorted(market.creations)]
    open_interest = open_interest_lines(market.sessions, seed=seed, sessions=sessions)
    for name, text in universe_files(market.sessions, market.funds.statements).items():
        _replace(directory / "universe" / name, text)
    _replace(directory / "prices.jsonl", _joined(prices))
    _replace(directory / "etf-flows.jsonl", _joined(creations))
    _replace(directory / "open-interest.jsonl", _joined(open_interest))
    _replace(directory / "rules.yaml", (tables.MARKET / "rules.yaml").read_text(encoding="utf-8"))
    page = readme(market.sessions, seed=seed, days=(first, last), prices=len(prices))
    _replace(directory / "README.md", page)
    progress("writing", 1, 1)
    return Summary(
        directory=directory,
        references=len(tables.instruments()),
        funds=len(tables.table("funds")),
        prices=len(prices),
        creations=len(creations),
        open_interest=len(open_interest),
    )


class _Market:
    """The market as it is simulated, day by day; outsiders are among ``sessions``."""

    def __init__(self, seed: int, sessions: Mapping[str, list[Session]]) -> None:
        self.sessions = sessions
        starts = {symbol: own[0] for symbol, own in sessions.items()}
        self.funds = Funds(tables.instruments(), starts)
        self.trades: list[Trades] = []
        self.creations: Figures = []
        self._seed = seed
        self._until_ns = {symbol: own[-1].close_ns for symbol, own in sessions.items()}

    def play(self, progress: Progress) -> None:
        """Simulate every day."""
        by_day: dict[int, dict[str, Session]] = {}
        for symbol, own in self.sessions.items():
            for session in own:
                by_day.setdefault(session.label, {})[symbol] = session
        total = sum(map(len, self.sessions.values()))
        for _, today in sorted(by_day.items()):
            returns = self._trade(today, lambda: progress("simulating", len(self.trades), total))
            self._create(today, returns)

    def _trade(self, today: Mapping[str, Session], report: Callable[[], None]) -> dict[str, Floats]:
        common: dict[tuple[int, int], Draws] = {}
        returns: dict[str, Floats] = {}
        for symbol, session in today.items():
            report()
            hours = session.open_ns, session.close_ns
            if hours not in common:
                common[hours] = unit_draws(self._random(f"factor {hours}"), session.seconds)
            random = self._random(f"{session.day} {symbol}")
            own = unit_draws(random, session.seconds)
            returns[symbol] = returns_by_second(session, market=common[hours], own=own)
            self.trades.append(trades(session, returns=returns[symbol], random=random))
        return returns

    def _create(self, today: Mapping[str, Session], returns: Mapping[str, Floats]) -> None:
        self.funds.open(today, until_ns=self._until_ns)
        day = next(iter(today.values())).day
        figures, net_creation_usd = creation_figures(
            self.funds.by_name, today, returns=returns, random=self._random(f"{day} creations")
        )
        self.creations.extend(figures)
        self.funds.close(today, net_creation_usd)

    def _random(self, name: str) -> np.random.Generator:
        return generator(self._seed, name)


def _planned(first: date, last: date, sessions: Sessions) -> dict[str, list[Session]]:
    planned = {
        instrument.symbol: sessions_of(instrument, first=first, last=last, sessions=sessions)
        for instrument in (*tables.instruments(), *tables.outsiders())
    }
    for symbol, own in planned.items():
        for session in own:
            if session.close <= 0.0:
                was = f"{symbol} costs nothing at the close of {session.day}"
                raise ConfigError(f"date: expected fewer weeks, as each goes as the rout's: {was}")
    return planned


def _joined(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


def _replace(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    try:
        with writing(path):
            part.write_text(text, encoding="utf-8", newline="\n")
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)  # it is there only if something came between
