"""What a page quotes of a view: whose flow it is, what is old, and why nothing can be seen."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from core.alerts import AlertKey
from core.assembly import join_partials
from core.book import Book
from core.columns import Partial, PriceColumns, View
from core.thresholds import Level, Rule
from services.alert_figures import Breakdown, FigureReader
from tests.support.core_universe import FIRST, Fund, Ref, at, core_universe

NAMES = tuple("ABCDEFG")
UNIVERSE = replace(
    core_universe(
        [Ref(name) for name in NAMES],
        [
            *(Fund(f"{name}2", name, [(FIRST, 1e9 * n, 2.0)]) for n, name in enumerate(NAMES, 1)),
            *(Fund(f"A{n}", "A", [(FIRST + 2, 1e8 * n, -1.0)]) for n in range(1, 5)),
        ],
    ),
    rooms={"room": np.arange(7, dtype=np.int32)},
)
LEVELS = (Level("watch", 0.02, 0.01),)
SYMBOL = Rule("flow", "adv_ratio", "symbol", LEVELS)
ROOM = Rule("room", "adv_ratio", "room", LEVELS)


def partial_of(prices: Sequence[float], *, session: int = 2) -> Partial:
    book = Book(UNIVERSE, np.arange(len(NAMES), dtype=np.int32))
    time_ns = at(session, 5.0)
    book.apply_prices(
        PriceColumns(
            reference=np.arange(len(prices), dtype=np.int32),
            event_ns=np.full(len(prices), time_ns),
            price=np.array(prices),
            sequence=np.zeros(len(prices), np.int64),
            source=np.full(len(prices), book.source_index("feed"), np.int32),
            official=np.zeros(len(prices), np.bool_),
        )
    )
    book.market.beat(book.source_index("feed"), time_ns, 1_000)
    return book.partial()


def view_of(prices: Sequence[float] = (99.0,) * 7, *, oldest_beat_ns: int = 0) -> View:
    return join_partials(UNIVERSE, [partial_of(prices)], oldest_beat_ns=oldest_beat_ns)


def key(scope: str, name: str) -> AlertKey:
    return AlertKey("FlowWatch", "watch", "flow", "sell", scope, name)


def test_the_largest_funds_are_named_and_the_others_summed() -> None:
    figures = FigureReader(view_of(), UNIVERSE).of(key("symbol", "A"), SYMBOL)

    assert figures is not None
    found = figures.breakdown
    # 2 x 1e9 of the long fund, 2 x 1e8 n of the inverse ones, times -1 %.
    assert found.what == "Funds"
    assert [name for name, _ in found.largest] == ["A2", "A4", "A3"]
    np.testing.assert_allclose([usd for _, usd in found.largest], [-20e6, -8e6, -6e6])
    assert found.others == 2
    assert found.others_usd == pytest.approx(-6e6)
    listed = sum(usd for _, usd in found.largest) + found.others_usd
    assert listed == pytest.approx(figures.leveraged_usd)
    assert found.gross_usd == pytest.approx(40e6)


def test_a_single_other_is_named_too() -> None:
    prices = [99.0, 99.0, 99.0, 99.0, 99.0, 101.0]
    view = view_of([*prices, 100.0])
    figures = FigureReader(view, UNIVERSE).of(key("room", "room"), ROOM)

    assert figures is not None
    # G stands where it closed and owes nothing.
    assert [name for name, _ in figures.breakdown.largest] == ["F", "E", "D", "C", "A", "B"]
    assert figures.breakdown.others == 0
    assert figures.breakdown.largest[0][1] > 0.0
    listed = sum(usd for _, usd in figures.breakdown.largest)
    assert listed == pytest.approx(figures.forced_flow_usd)


def test_old_assets_are_told_with_their_age() -> None:
    figures = FigureReader(view_of(), UNIVERSE).of(key("symbol", "A"), SYMBOL)

    assert figures is not None
    assert figures.stale == ("assets of A2 stated for 2024-10-04, 2 sessions ago",)


def test_old_open_interest_is_told() -> None:
    view = view_of()
    view.is_interest_stale[1] = True
    figures = FigureReader(view, UNIVERSE).of(key("symbol", "B"), SYMBOL)

    assert figures is not None
    assert figures.stale[-1] == "open interest is of an earlier session"


def test_a_group_says_whom_it_leaves_out() -> None:
    view = view_of()
    view.is_unknown[0] = True
    view.weight_usd[0] = 1e6  # small enough to be left out
    view.is_stale[:] = False
    view.is_stale[2] = True
    figures = FigureReader(view, UNIVERSE).of(key("room", "room"), ROOM)

    assert figures is not None
    assert figures.stale == (
        "left out as unknown: A",
        "assets or open interest too old of C",
    )


def test_why_a_symbol_cannot_be_judged() -> None:
    silent = FigureReader(view_of(oldest_beat_ns=2_000), UNIVERSE)
    missing = FigureReader(join_partials(UNIVERSE, [None]), UNIVERSE)
    b = key("symbol", "B")

    assert silent.of(b, SYMBOL) is None
    assert silent.unseen(b, SYMBOL) == (
        "the price feed of B is silent, its market time stands at 15:00:00 UTC"
    )
    assert missing.unseen(b, SYMBOL) == "no worker reports B"
    valueless = replace(SYMBOL, measure="dealer_hedge_usd")
    assert FigureReader(view_of(), UNIVERSE).unseen(b, valueless) == (
        "dealer_hedge_usd of B has no value"
    )


def test_why_a_group_cannot_be_judged() -> None:
    missing = FigureReader(join_partials(UNIVERSE, [None]), UNIVERSE)
    room = key("room", "room")

    assert missing.of(room, ROOM) is None
    assert missing.unseen(room, ROOM) == (
        "7 of the 7 members of room unknown: A, B, C, D, E and 2 more"
    )


def test_nothing_contributes_where_nothing_is_owed() -> None:
    figures = FigureReader(view_of([100.0] * 7), UNIVERSE).of(key("symbol", "A"), SYMBOL)

    assert figures is not None
    assert figures.breakdown == Breakdown("Funds")
