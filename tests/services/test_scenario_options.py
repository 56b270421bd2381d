"""The simulated open interest: plausible chains, one level a contract and morning."""

import json
from collections import Counter
from datetime import date
from typing import Any

import numpy as np
import pytest

from core.universe import Floats
from services.calendars import session_table
from services.scenario import DEFAULT_DAY, DEFAULT_SEED, WEEK
from services.scenario_options import open_interest_lines
from services.scenario_sessions import sessions_of
from services.scenario_tables import instruments, table

Levels = list[dict[str, Any]]


@pytest.fixture(scope="module")
def levels() -> Levels:
    return levels_of(*WEEK)


def levels_of(first: date, last: date) -> Levels:
    market = {
        instrument.symbol: sessions_of(instrument, first=first, last=last, sessions=session_table)
        for instrument in instruments()
    }
    lines = open_interest_lines(market, seed=DEFAULT_SEED, sessions=session_table)
    return [json.loads(line) for line in lines]


def chain(levels: Levels, underlying: str, expiry: str, day: str) -> Levels:
    return [
        row
        for row in levels
        if (row["underlying"], row["expiry"], row["event_time"][:10]) == (underlying, expiry, day)
    ]


def column(rows: Levels, name: str, right: str) -> Floats:
    return np.array([row[name] for row in rows if row["right"] == right], np.float64)


def test_a_dozen_underlyings_hang_on_references_or_their_twins(levels: Levels) -> None:
    underlyings = {row["underlying"] for row in levels}
    twins = {row["symbol"] for row in table("listings") if row["kind"] == "option"}

    assert len(underlyings) >= 12
    assert underlyings - {instrument.symbol for instrument in instruments()} == twins


def test_a_contract_has_one_level_a_morning(levels: Levels) -> None:
    keys = Counter(
        (row["root"], row["expiry"], row["strike"], row["right"], row["event_time"])
        for row in levels
    )

    assert set(keys.values()) == {1}
    assert {row["event_time"] for row in levels} == {
        f"2026-06-{day}T06:31:00.000-04:00" for day in range(22, 27)
    }
    assert [row["event_time"] for row in levels] == sorted(row["event_time"] for row in levels)


def test_expiries_are_sessions_to_come_and_indices_have_one_a_day(levels: Levels) -> None:
    expiries = {
        symbol: sorted({row["expiry"] for row in levels if row["underlying"] == symbol})
        for symbol in ("SPY", "NVDA")
    }

    # 3 July is a holiday: its weekly expires the day before.
    monthly = ["2026-07-17", "2026-08-21", "2026-09-18"]
    assert expiries["NVDA"] == ["2026-06-26", "2026-07-02", *monthly]
    assert {f"2026-06-{day}" for day in range(22, 27)} <= set(expiries["SPY"])
    assert all(row["expiry"] >= row["event_time"][:10] for row in levels)


def test_puts_gather_below_the_spot_and_calls_above(levels: Levels) -> None:
    for symbol, spot in (("SPY", 746.5), ("NVDA", 210.7), ("MSTR", 112.5)):
        rows = chain(levels, symbol, "2026-07-17", "2026-06-22")
        middles = {
            right: np.average(
                column(rows, "strike", right), weights=column(rows, "open_interest", right)
            )
            for right in ("put", "call")
        }
        assert middles["put"] < spot < middles["call"]


def test_round_strikes_hold_more(levels: Levels) -> None:
    rows = [row for row in levels if row["underlying"] == "SPY"]
    round_ones = [row["open_interest"] for row in rows if row["strike"] % 50 == 0]
    others = [row["open_interest"] for row in rows if row["strike"] % 50 != 0]

    assert np.mean(round_ones) > 1.5 * np.mean(others)


def test_implied_volatility_smiles_and_leans_to_the_puts(levels: Levels) -> None:
    rows = chain(levels, "SPY", "2026-08-21", "2026-06-22")
    strikes, implied = (column(rows, name, "put") for name in ("strike", "implied_volatility"))

    at_the_money = implied[np.abs(strikes / 746.5 - 1).argmin()]
    assert at_the_money == pytest.approx(0.01 * np.sqrt(252), rel=0.15)
    assert implied[0] > 1.2 * at_the_money
    assert implied[0] > implied[-1]
    assert implied.min() > 0.05


def test_implied_volatility_rises_after_the_rout_and_levels_follow_the_spot(
    levels: Levels,
) -> None:
    before = chain(levels, "SOXX", "2026-07-17", "2026-06-23")
    after = chain(levels, "SOXX", "2026-07-17", "2026-06-24")

    assert (
        column(after, "implied_volatility", "put").min()
        > 1.05 * column(before, "implied_volatility", "put").min()
    )
    middle = [
        np.average(column(rows, "strike", "put"), weights=column(rows, "open_interest", "put"))
        for rows in (before, after)
    ]
    assert middle[1] < middle[0]


def test_a_day_alone_has_the_levels_of_its_week(levels: Levels) -> None:
    alone = levels_of(DEFAULT_DAY, DEFAULT_DAY)

    assert alone == [row for row in levels if row["event_time"].startswith("2026-06-23")]
