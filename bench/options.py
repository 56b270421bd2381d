"""Part ``options``: a chain's profile beside other ways to it, and what options cost a tick."""

from collections.abc import Callable
from time import perf_counter

import numpy as np
import pandas as pd
from scipy.stats import norm

from bench.core_book import columns
from bench.figures import Figure
from core.book import Book
from core.chain_profile import PROFILE_SPOTS, profile_chain
from core.columns import Int64s
from core.contracts import OpenInterestColumns, OptionChain, years_to
from core.curve_workshop import RowTargets
from core.forwards import expiry_forwards
from core.open_positions import open_positions
from core.option_book import OptionBook
from core.row_calendar import RowCalendar
from core.sessions import NO_SESSION
from tests.support.core_universe import FIRST, HOUR_NS, Fund, Ref, at, core_universe

PART = "options"
CHAIN_CONTRACTS = 10_000
REFERENCES = 400
CONTRACTS = 500_000
TICKS_BETWEEN_PARTIALS = 1_000
"""A worker writes its partial every 50 ms: 1000 ticks at 20 000 a second."""
_ROUNDS = 300
_MOVE = 1e-4
"""Deviation of a log price from partial to partial: three times that of 2 % a day."""
_DAY_NS = 24 * HOUR_NS
_EXPIRY_DAYS = np.array([0, 1, 2, 3, 4, 7, 14, 21, 28, 56, 91, 182, 365])


def measure() -> list[Figure]:
    """Return the figures of chains and of the live book."""
    return [*_profile_figures(), *_live_figures()]


def _profile_figures() -> list[Figure]:
    chain = _chain(CHAIN_CONTRACTS)
    spots = chain.spot * np.linspace(0.8, 1.2, PROFILE_SPOTS)
    positions = open_positions(chain, expiry_forwards(chain, rate=0.0, dividend_yield=0.0))
    ours = _median_seconds(
        lambda: profile_chain(chain, session_label=FIRST, rate=0.0, dividend_yield=0.0), 30
    )
    by_spot = _median_seconds(lambda: positions.gamma_profile(spots), 30)
    plain = _median_seconds(lambda: _plain(chain, spots), 10)
    by_row = PROFILE_SPOTS * _median_seconds(lambda: _by_row(chain, chain.spot), 1)
    what = f"{CHAIN_CONTRACTS} contracts"
    return [
        Figure(PART, f"whole profile of {what}", 1e3 * ours, "ms", below=15.0),
        Figure(PART, f"exposure of {what} at {PROFILE_SPOTS} spots", 1e3 * by_spot, "ms"),
        Figure(PART, "the same, plain broadcast", 1e3 * plain, "ms"),
        Figure(PART, "the same, pandas row by row (one spot, scaled)", 1e3 * by_row, "ms"),
        Figure(PART, "time of the plain broadcast over ours", plain / by_spot),
        Figure(PART, "time of the row-wise script over ours", by_row / by_spot),
    ]


def _plain(chain: OptionChain, spots: np.ndarray) -> np.ndarray:
    """Return the exposure at all spots as the textbook has it, with everything broadcast."""
    years = years_to(chain.settlement_ns, chain.as_of_ns)
    width = chain.implied_volatility * np.sqrt(years)
    z = np.log(spots[:, None] / chain.strike) / width + 0.5 * width
    gamma = norm.pdf(z) / (spots[:, None] * width)
    side = np.where(chain.is_call, 1.0, -1.0) * chain.open_interest * chain.multiplier
    exposure: np.ndarray = (gamma * side * spots[:, None] ** 2 * 0.01).sum(axis=1)
    return exposure


def _by_row(chain: OptionChain, spot: float) -> float:
    """Return the exposure at one spot as hobbyists' scripts compute it: a function a row."""
    frame = pd.DataFrame(
        {
            "strike": chain.strike,
            "volatility": chain.implied_volatility,
            "years": years_to(chain.settlement_ns, chain.as_of_ns),
            "open_interest": chain.open_interest,
            "side": np.where(chain.is_call, 1.0, -1.0),
        }
    )

    def exposure(row: pd.Series) -> float:
        width = row["volatility"] * np.sqrt(row["years"])
        z = (np.log(spot / row["strike"]) + 0.5 * width**2) / width
        gamma = norm.pdf(z) / (spot * width)
        return float(row["side"] * row["open_interest"] * 100 * spot**2 * 0.01 * gamma)

    return float(frame.apply(exposure, axis=1).sum())


def _live_figures() -> list[Figure]:
    book, options = _books()
    started = perf_counter()
    for first in range(0, CONTRACTS, 10_000):
        options.apply(_records(first, 10_000))
    applied = perf_counter() - started
    options.follow(_targets(1.0))
    built = _refresh_seconds(options)
    options.follow(_targets(1.0 + 1.0 / 60.0))
    renewed = _refresh_seconds(options)
    without, with_them = _tick_seconds(book, options)
    update = _update_seconds(options)
    loaded = f"{CONTRACTS} contracts of {REFERENCES} references"
    return [
        Figure(PART, f"records applied, {loaded}", CONTRACTS / applied, "rows/s"),
        Figure(PART, "curves made from nothing", sum(built), "s"),
        Figure(PART, "curves made anew when a minute has passed", sum(renewed), "s"),
        Figure(PART, "longest slice of it", 1e3 * max(built + renewed), "ms", below=50.0),
        Figure(PART, "one contract changed, to its figure", 1e3 * update, "ms"),
        Figure(PART, "ticks without options", TICKS_BETWEEN_PARTIALS / without, "ticks/s"),
        Figure(PART, f"ticks with {loaded}", TICKS_BETWEEN_PARTIALS / with_them, "ticks/s"),
        Figure(PART, "time of a tick with over without", with_them / without, below=1.5),
    ]


def _tick_seconds(book: Book, options: OptionBook) -> tuple[float, float]:
    """Return the median time of some ticks and the partial after them, without and with options."""
    random = np.random.default_rng(0)
    rows = np.arange(REFERENCES)
    level = 100.0 * np.exp(random.normal(0.0, 0.01, REFERENCES))
    without, with_them = [], []
    for i in range(_ROUNDS):
        level *= np.exp(random.normal(0.0, _MOVE, REFERENCES))
        reference = random.integers(0, REFERENCES, TICKS_BETWEEN_PARTIALS).astype(np.int32)
        price = level[reference]
        batches = [
            columns(reference[some], price[some], at(0, 1.01) + (4 * i + k) * 10**7)
            for k, some in enumerate(np.split(np.arange(TICKS_BETWEEN_PARTIALS), 4))
        ]
        started = perf_counter()
        for batch in batches:
            book.apply_prices(batch)
        partial = book.partial(market_ns=at(0, 1.01) + 4 * i * 10**7)
        halfway = perf_counter()
        options.figures(rows, partial.price)
        without.append(halfway - started)
        with_them.append(perf_counter() - started)
    return float(np.median(without)), float(np.median(with_them))


def _update_seconds(options: OptionBook) -> float:
    """Return the median time from a record of one contract to the figure that has it in."""
    seconds = []
    for i in range(50):
        record = _records(7_000 * i, 1, event_ns=at(0, 1.0) + i)
        started = perf_counter()
        rows = options.apply(record)
        while options.refresh():
            pass
        options.figures(rows, np.full(len(rows), 101.0))
        seconds.append(perf_counter() - started)
    return float(np.median(seconds))


def _refresh_seconds(options: OptionBook) -> list[float]:
    """Return the time of each slice until nothing is due."""
    seconds = []
    is_due = True
    while is_due:
        started = perf_counter()
        is_due = options.refresh()
        seconds.append(perf_counter() - started)
    return seconds


def _books() -> tuple[Book, OptionBook]:
    symbols = [f"R{i}" for i in range(REFERENCES)]
    universe = core_universe(
        [Ref(symbol) for symbol in symbols],
        [Fund(f"F{symbol}", symbol, [(FIRST, 1e8, 2.0)]) for symbol in symbols],
    )
    rows = np.arange(REFERENCES, dtype=np.int32)
    book = Book(universe, rows)
    book.source_index("bench")
    book.apply_prices(columns(rows, np.full(REFERENCES, 100.0), at(0, 1)))
    book.partial(market_ns=at(0, 1))
    options = OptionBook(RowCalendar(universe, rows), REFERENCES)
    options.state.root_index("R")
    options.state.source_index("bench")
    return book, options


def _targets(hour: float) -> RowTargets:
    def everyone(figure: int) -> Int64s:
        return np.full(REFERENCES, figure, np.int64)

    return RowTargets(
        label=everyone(FIRST),
        open_ns=everyone(at(0, 0.0)),
        close_ns=everyone(at(0, 7.0)),
        since_ns=everyone(at(-1, 7.0)),
        market_ns=everyone(at(0, hour)),
        previous_close=np.full(REFERENCES, 100.0),
    )


def _records(first: int, count: int, event_ns: int = at(0, -1.0)) -> OpenInterestColumns:
    """Return records of contracts that are spread over references, expiries and strikes.

    One reference in five has options that expire on the day, as index funds have.
    """
    number = np.arange(first, first + count)
    random = np.random.default_rng(first)
    row, each = number // (CONTRACTS // REFERENCES), number % (CONTRACTS // REFERENCES)
    days = _EXPIRY_DAYS[each // 2 % len(_EXPIRY_DAYS)] + 5 * (row % 5 > 0)
    strike = 76.0 + (each // (2 * len(_EXPIRY_DAYS))).astype(np.float64)
    unknown = np.full(count, np.nan)
    return OpenInterestColumns(
        reference=row.astype(np.int32),
        root=np.zeros(count, np.int32),
        expiry=FIRST + days,
        strike=strike,
        is_call=each % 2 == 0,
        settlement_ns=at(0, 7.0) + days * _DAY_NS,
        open_interest=random.integers(1, 5_000, count).astype(np.float64),
        implied_volatility=random.uniform(0.15, 0.9, count),
        multiplier=np.full(count, 100.0),
        deliverable=np.full(count, 100.0),
        is_cash_settled=np.zeros(count, np.bool_),
        is_american=np.ones(count, np.bool_),
        forward=unknown,
        event_ns=np.full(count, event_ns),
        label=np.full(count, NO_SESSION, np.int64),
        source=np.zeros(count, np.int32),
    )


def _chain(contracts: int) -> OptionChain:
    number = np.arange(contracts)
    random = np.random.default_rng(1)
    days = _EXPIRY_DAYS[number // 2 % len(_EXPIRY_DAYS)]
    unknown = np.full(contracts, np.nan)
    strike = 50.0 + (number // (2 * len(_EXPIRY_DAYS))).astype(np.float64) * 0.25
    is_call = number % 2 == 0
    # As in recorded chains, calls are open above the spot and puts below it.
    distance = np.log(strike / np.where(is_call, 103.0, 95.0))
    open_interest = random.lognormal(7.0, 0.5, contracts) * np.exp(-0.5 * (distance / 0.1) ** 2)
    return OptionChain(
        underlying="R0",
        spot=100.0,
        as_of_ns=at(0, 1.0),
        roots=("R",),
        root=np.zeros(contracts, np.int32),
        expiry=FIRST + days,
        settlement_ns=at(0, 7.0) + days * _DAY_NS,
        strike=strike,
        is_call=is_call,
        open_interest=open_interest,
        implied_volatility=0.2 + 0.3 * np.abs(np.log(strike / 100.0)),
        multiplier=np.full(contracts, 100.0),
        deliverable=np.full(contracts, 100.0),
        is_cash_settled=np.zeros(contracts, np.bool_),
        is_american=np.ones(contracts, np.bool_),
        forward=unknown,
        mid=unknown,
        vendor_gamma=unknown,
        effective_label=np.full(contracts, FIRST, np.int64),
    )


def _median_seconds(call: Callable[[], object], times: int) -> float:
    seconds = []
    for _ in range(times):
        started = perf_counter()
        call()
        seconds.append(perf_counter() - started)
    return float(np.median(seconds))
