"""What is usually traded, and the two columns that are measured by it."""

import numpy as np
import pytest

from core.assembly import assemble
from core.columns import COLUMNS, NUMERIC_COLUMNS
from core.liquidity import hours_to_trade
from tests.support.book_events import book_of, prices, tick
from tests.support.core_universe import FIRST, Fund, Ref, at, core_universe

NO_BREACH = (np.full(2, np.nan), np.full(2, np.nan))
UNIVERSE = core_universe(
    [Ref("AAA", adv_usd=7e8), Ref("COIN", schedule="ROUND", adv_usd=4.8e9)],
    [Fund("UP", "AAA", [(FIRST, 1e8, 2.0)]), Fund("DOWN", "COIN", [(FIRST + 1, 1e8, -1.0)])],
)


def test_the_universe_alone_gives_the_last_half_hour_and_the_pace() -> None:
    book = book_of(UNIVERSE)
    book.apply_prices(prices(book, [tick(0, at(0, 1), 95.0), tick(1, at(1, 22, "ROUND"), 105.0)]))

    owed = assemble(UNIVERSE, [book.partial(market_ns=at(0, 1))], NO_BREACH).numeric

    # 1e8 x 2 x (2 - 1) x -5 % = -1e7, of 7e8 x 0.14 = 9.8e7; 7 hours of 1e8, a tenth of it 1e7.
    assert owed["forced_flow_usd"][0] == pytest.approx(-1e7)
    assert owed["last_half_hour_ratio"][0] == pytest.approx(-1e7 / 9.8e7)
    assert owed["hours_to_trade"][0] == pytest.approx(1.0)
    # Around the clock: 1e8 x -1 x -2 x 5 % = 1e7, of 4.8e9 / 48 = 1e8; 24 hours of 2e8.
    owed = assemble(UNIVERSE, [book.partial(market_ns=at(1, 22, "ROUND"))], NO_BREACH).numeric
    assert owed["last_half_hour_ratio"][1] == pytest.approx(0.1)
    assert owed["hours_to_trade"][1] == pytest.approx(0.5)


def test_hours_are_never_negative_and_unknown_stays_unknown() -> None:
    hours = hours_to_trade(np.array([-4e6, 0.0, np.nan, 1e6]), np.array([1e7, 1e7, 1e7, np.nan]))

    np.testing.assert_array_equal(hours, [4.0, 0.0, np.nan, np.nan])


def test_the_new_columns_come_last() -> None:
    assert COLUMNS[-3:] == ("as_of", "last_half_hour_ratio", "hours_to_trade")
    assert NUMERIC_COLUMNS[-3:] == ("coverage", "last_half_hour_ratio", "hours_to_trade")
