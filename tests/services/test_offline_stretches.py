"""Prices applied unjudged: the replay ends as if each had been judged."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.book import Book
from core.columns import FlowColumns, PriceColumns
from core.sessions import NANOS_PER_SECOND, NO_SESSION
from core.thresholds import Level, Rule
from core.universe import Universe
from services.event_files import ReadOptions
from services.offline_alerts import Episode, OfflineAlerts
from services.offline_events import Feed
from services.offline_interest import interest_columns
from services.offline_stretches import Stretches, stretches_of
from services.option_events import read_open_interest
from services.replay import Replay, session_steps
from services.rows import Rows, joined_rows
from tests.support.core_universe import FIRST, HOUR_NS, Fund, Ref, at, core_universe

MINUTE_NS = 60 * NANOS_PER_SECOND
UNIVERSE = replace(
    core_universe(
        [Ref("A"), Ref("B", adv_usd=2e9), Ref("N", "NIGHT"), Ref("R", "ROUND"), Ref("U")],
        [
            Fund("A2", "A", [(FIRST, 1e9, 2.0)]),
            # Known only later in the day: the same price then owes more.
            Fund("A3", "A", [(FIRST, 5e8, 3.0, at(0, 3.1))]),
            Fund("B1", "B", [(FIRST, 2e9, -1.0), (FIRST + 1, 2.5e9, -1.0)]),
            Fund("N2", "N", [(FIRST, 1e9, 2.0)]),
            Fund("R2", "R", [(FIRST, 1e9, 2.0)]),
            Fund("UX", "U", [(FIRST, float("nan"), 2.0)]),
        ],
    ),
    rooms={"all": np.arange(5, dtype=np.int32), "few": np.array([0, 1], np.int32)},
)
RULES = (
    Rule(
        "flow",
        "adv_ratio",
        "symbol",
        (
            Level("watch", 0.02, 0.015),
            Level("warning", 0.04, 0.03, 45 * NANOS_PER_SECOND),
            Level("critical", 0.06, 0.06, 10 * NANOS_PER_SECOND + 7),
        ),
        after_open_ns=HOUR_NS,
        before_close_ns=5 * HOUR_NS,
        minimum_hold_ns=5 * MINUTE_NS,
    ),
    Rule(
        "room",
        "forced_flow_usd",
        "room",
        (Level("warning", 4e7, 3e7, MINUTE_NS), Level("critical", 8e7, 6e7)),
        minimum_hold_ns=10 * MINUTE_NS,
    ),
    Rule("share", "auction_ratio", "market", (Level("watch", 0.1, 0.09),)),
)


def walks(seed: int, size: int, volatility: float) -> PriceColumns:
    """Return random walks of all references over two days, with ties, repeats and officials."""
    random = np.random.default_rng(seed)
    start_ns, span = at(0, -14.0), int(46 * HOUR_NS)
    event_ns = np.sort(start_ns + random.integers(0, span // 10**9, size) * 10**9)
    event_ns[::3] += random.integers(0, 10**9, len(event_ns[::3]))
    event_ns.sort()
    reference = random.integers(0, len(UNIVERSE.symbol), size).astype(np.int32)
    price = np.empty(size)
    for row in range(len(UNIVERSE.symbol)):
        here = np.flatnonzero(reference == row)
        steps = random.normal(0.0, volatility, len(here))
        # A pull to where it closed, so that alerts clear again.
        level = 0.0
        for i, step in zip(here.tolist(), steps.tolist(), strict=True):
            level = 0.9 * level + step
            price[i] = 100.0 * np.exp(level)
    return PriceColumns(
        reference=reference,
        event_ns=event_ns,
        price=price,
        sequence=np.zeros(size, np.int64),
        source=np.zeros(size, np.int32),
        official=random.random(size) < 0.003,
    )


def creations(seed: int, size: int) -> FlowColumns:
    random = np.random.default_rng(seed + 1)
    return FlowColumns(
        fund=random.integers(0, len(UNIVERSE.fund), size).astype(np.int32),
        event_ns=np.sort(at(0, 0.0) + random.integers(0, 30 * HOUR_NS, size)),
        label=np.full(size, NO_SESSION, np.int64),
        net_creation_usd=random.normal(0.0, 1e7, size),
        sequence=np.zeros(size, np.int64),
        source=np.zeros(size, np.int32),
    )


def replayed(
    prices: PriceColumns, flows: FlowColumns, *, rules: tuple[Rule, ...], screens: bool
) -> tuple[Rows, list[Episode], int]:
    """Return rows and episodes, and how often the rules were judged."""
    book = Book(UNIVERSE, np.arange(len(UNIVERSE.symbol), dtype=np.int32))
    book.source_index("feed")
    nothing = read_open_interest((), ReadOptions((), None, 0, (), 0))
    interest = interest_columns(UNIVERSE, book, nothing)
    feed = Feed(prices, flows, interest, skipped_rows=0, unused_bars=0)
    alerts = CountingAlerts(rules, UNIVERSE)
    stretches = Stretches(alerts, UNIVERSE, book, feed) if screens else None
    replay = Replay(UNIVERSE, book, feed, alerts=alerts, taker=None, stretches=stretches)
    steps = session_steps(UNIVERSE, feed, 2 * HOUR_NS)
    rows = joined_rows(list(replay.rows(steps, progress=lambda _done: None)))
    return rows, alerts.episodes, alerts.judged


class CountingAlerts(OfflineAlerts):
    """Counts how often it judges."""

    def __init__(self, rules: tuple[Rule, ...], universe: Universe) -> None:
        super().__init__(rules, universe)
        self.judged = 0

    def judge(self, view) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
        self.judged += 1
        super().judge(view)


def assert_same(seed: int, size: int, volatility: float, n_flows: int) -> tuple[int, int, int]:
    prices, flows = walks(seed, size, volatility), creations(seed, n_flows)
    slow_rows, slow, each = replayed(prices, flows, rules=RULES, screens=False)
    fast_rows, fast, few = replayed(prices, flows, rules=RULES, screens=True)

    assert fast == slow
    for name, column in vars(slow_rows).items():
        if name != "numeric":
            np.testing.assert_array_equal(getattr(fast_rows, name), column)
    for name, column in slow_rows.numeric.items():
        np.testing.assert_array_equal(fast_rows.numeric[name], column, err_msg=name)
    return len(slow), each, few


@settings(max_examples=8, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    size=st.integers(1, 150),
    volatility=st.sampled_from([0.0005, 0.003, 0.006, 0.02, 0.3]),
    n_flows=st.integers(0, 6),
)
def test_rows_and_episodes_are_those_of_judging_every_price(
    seed: int, size: int, volatility: float, n_flows: int
) -> None:
    assert_same(seed, size, volatility, n_flows)


def test_an_official_close_that_comes_in_the_next_session_is_judged() -> None:
    # Of 100 they are 7.9 %, 158 m; once the close before is 93 they are 16 %, 320 m.
    opened_ns, row = at(1, 0.0, "ROUND"), UNIVERSE.symbol.index("R")
    steps = [(-1, 100.0), *((minute, 107.9) for minute in range(1, 9)), (9, 93.0)]
    steps += [(minute, 107.9 if minute < 15 else 100.0) for minute in range(10, 20)]
    size = len(steps)
    prices = PriceColumns(
        reference=np.full(size, row, np.int32),
        event_ns=np.array([opened_ns + minute * MINUTE_NS for minute, _ in steps]),
        price=np.array([price for _, price in steps]),
        sequence=np.zeros(size, np.int64),
        source=np.zeros(size, np.int32),
        official=np.array([minute == 9 for minute, _ in steps]),
    )
    rules = (Rule("flow", "leveraged_rebalance_usd", "symbol", (Level("watch", 2e8, 1.9e8),)),)

    _, episodes, _ = replayed(prices, creations(1, 0), rules=rules, screens=True)

    [episode] = episodes
    # The newest of the session's own inputs when it is first seen above is the trade before.
    assert (episode.fires_ns - opened_ns) / MINUTE_NS == 8.0
    assert (episode.resolves_ns - opened_ns) / MINUTE_NS == 15.0


def test_a_busy_market_alerts_and_is_still_judged_less() -> None:
    episodes, each, few = assert_same(seed=3, size=600, volatility=0.006, n_flows=4)

    assert episodes >= 5
    assert few < 0.75 * each


def test_a_quiet_market_is_hardly_judged() -> None:
    _, each, few = assert_same(seed=5, size=600, volatility=0.0003, n_flows=0)

    # Nearly all that is judged are the grid's rows.
    assert few < each / 2


@pytest.mark.parametrize(
    ("measure", "close_share", "screens"),
    [
        ("adv_ratio", 0.0, True),
        # What the dealers must trade moves with the clock.
        ("adv_ratio", 0.3, False),
        ("breach_probability", 0.0, False),
        ("dealer_hedge_usd", 0.0, False),
    ],
)
def test_only_what_prices_alone_move_is_left_unjudged(
    measure: str, close_share: float, *, screens: bool
) -> None:
    book = Book(UNIVERSE, np.arange(len(UNIVERSE.symbol), dtype=np.int32))
    nothing = read_open_interest((), ReadOptions((), None, 0, (), 0))
    interest = interest_columns(UNIVERSE, book, nothing)
    feed = Feed(walks(1, 1, 0.1), creations(1, 0), interest, skipped_rows=0, unused_bars=0)
    alerts = OfflineAlerts((replace(RULES[0], measure=measure),), UNIVERSE)

    found = stretches_of(alerts, UNIVERSE, book, feed, close_share=close_share)

    assert (found is not None) is screens
