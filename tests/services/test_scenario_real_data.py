"""The tables against recorded closes: real leverage factors, and a day like the real one."""

import csv
from pathlib import Path

import numpy as np
import pytest

from services.scenario_tables import WEEKDAYS, table
from tests.support import real_data

DAYS = ("2026-06-22", "2026-06-23", "2026-06-24", "2026-06-25", "2026-06-26")
GRID = 0.0025
"""The returns of the tables are rounded to multiples of this."""
PROXIES = {
    "SOXL": "its index is not the reference's",
    "SOXS": "as SOXL, and a corrupt return on 2026-05-26",
    "KORU": "the reference trades while its constituents do not",
    "TMF": "its index is not the reference's",
    "BOIL": "its index rolls otherwise than the reference",
    "KOLD": "as BOIL",
}
"""Funds whose regression misses its factor by more than 0.05, and why."""
FIRST_SESSIONS = 2
"""SpaceX funds ran near 1x in their first two sessions."""


def closes(name: str) -> dict[str, float]:
    path = Path(real_data.FOLDER) / "closes" / f"{name}.csv"
    if not name or not path.exists():
        return {}
    with path.open(newline="") as file:
        return {row["Date"]: float(row["Close"]) for row in csv.DictReader(file) if row["Close"]}


def recorded(reference: str) -> dict[str, float]:
    known = {row["symbol"]: row["recorded_as"] for row in table("returns")}
    return closes(known[reference])


def beta(fund: dict[str, float], reference: dict[str, float], *, skipped: int) -> float:
    days = sorted(set(fund) & set(reference))[skipped:]
    ours = np.array([fund[day] for day in days])
    theirs = np.array([reference[day] for day in days])
    moves = theirs[1:] / theirs[:-1] - 1
    fund_moves = ours[1:] / ours[:-1] - 1
    return float(np.cov(fund_moves, moves)[0, 1] / moves.var(ddof=1))


def compared() -> list[tuple[str, str, float]]:
    return [
        (row["fund"], row["reference"], float(row["leverage_factor"]))
        for row in table("funds")
        if row["leverage_factor"] != "1"
        and row["fund"] not in PROXIES
        and closes(row["fund"])
        and recorded(row["reference"])
    ]


@real_data.needs_real_data
def test_leverage_factors_are_those_of_the_real_funds() -> None:
    found = compared()

    assert len(found) >= 40
    for fund, reference, factor in found:
        is_new = reference == "SPCX"
        measured = beta(closes(fund), recorded(reference), skipped=FIRST_SESSIONS if is_new else 0)
        assert measured == pytest.approx(factor, abs=0.1 if is_new else 0.05), fund


@real_data.needs_real_data
def test_each_reference_closes_as_in_the_real_week() -> None:
    found = 0
    for row in table("returns"):
        real = closes(row["recorded_as"])
        for weekday, day in zip(WEEKDAYS, DAYS, strict=True):
            if row["recorded_as"]:
                before = max(earlier for earlier in real if earlier < day)
                found += 1
                assert float(row[weekday]) == pytest.approx(
                    real[day] / real[before] - 1, abs=0.51 * GRID
                ), (row["symbol"], day)

    assert found >= 5 * 35


@real_data.needs_real_data
def test_previous_closes_are_near_the_real_ones() -> None:
    stated = {row["symbol"]: float(row["previous_close"]) for row in table("references")}
    for row in table("returns"):
        if row["recorded_as"] == row["symbol"]:
            real = closes(row["symbol"])
            before = max(day for day in real if day < DAYS[0])
            assert stated[row["symbol"]] == pytest.approx(real[before], rel=0.005), row["symbol"]


@real_data.needs_real_data
def test_whatever_is_recorded_says_so() -> None:
    for row in table("returns"):
        assert bool(row["recorded_as"]) or not closes(row["symbol"]), row["symbol"]
