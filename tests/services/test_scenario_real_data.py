"""The tables against recorded closes: real leverage factors, and a day like the real one."""

import csv
from pathlib import Path

import numpy as np
import pytest

from services.scenario_tables import table
from tests.support import real_data

DAY = "2026-06-23"
PROXIES = {
    "SOXL": "its index is not the reference's",
    "SOXS": "as SOXL, and a corrupt return on 2026-05-26",
    "KORU": "the reference trades while its constituents do not",
    "TMF": "its index is not the reference's",
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
    known = {row["symbol"]: row["known_close"] for row in table("day")}
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
def test_each_reference_closes_as_on_the_real_day_to_half_a_percent() -> None:
    found = 0
    for row in table("day"):
        real = closes(row["known_close"])
        if real:
            before = max(day for day in real if day < DAY)
            found += 1
            assert float(row["close_return"]) == pytest.approx(
                real[DAY] / real[before] - 1, abs=0.0026
            ), row["symbol"]

    assert found >= 25


@real_data.needs_real_data
def test_previous_closes_are_near_the_real_ones() -> None:
    stated = {row["symbol"]: float(row["previous_close"]) for row in table("references")}
    for row in table("day"):
        real = closes(row["known_close"])
        if real and row["known_close"] == row["symbol"]:
            before = max(day for day in real if day < DAY)
            assert stated[row["symbol"]] == pytest.approx(real[before], rel=0.005), row["symbol"]
