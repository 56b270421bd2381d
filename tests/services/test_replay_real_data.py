"""Replay of recorded bars: every session ends in the sum of A L (L - 1) r, computed apart."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from services.cli import main
from tests.support.real_data import FOLDER, needs_real_data
from tests.support.recorded_bars import (
    FIRST_MINUTES,
    FIRST_SESSION,
    FUNDS,
    STATED_BEFORE_MINUTES,
    STATED_CLOSES,
    write_universe,
)

pytestmark = needs_real_data

HALF_DAYS = ("2025-07-03", "2025-11-28", "2025-12-24")


def last_closes(path: Path) -> Iterator[tuple[str, float]]:
    """Read session and close of a file of five-minute bars, by nothing but its own stamps."""
    last: dict[str, float] = {}
    with path.open(newline="") as stream:
        for row in csv.DictReader(stream):
            day, clock = row["datetime"].split()
            start = int(clock[:2]) * 60 + int(clock[3:5])
            if start >= 570 and start + 5 <= (780 if day in HALF_DAYS else 960):
                last[day] = float(row["close"])
    yield from sorted(last.items())


def expected_demand(symbol: str, previous: float) -> Iterator[tuple[str, float, float]]:
    """Yield session, demand at the close, and the sum of its terms' sizes."""
    assets = {fund: stated for fund, (_, stated) in FUNDS[symbol].items()}
    for session, close in last_closes(FOLDER / f"intraday/5min/{symbol}.csv"):
        if session >= FIRST_SESSION:
            change = close / previous - 1.0
            terms = []
            for fund, (factor, _) in FUNDS[symbol].items():
                terms.append(assets[fund] * factor * (factor - 1.0) * change)
                assets[fund] *= 1.0 + factor * change
            yield session, sum(terms), sum(map(abs, terms))
        previous = close


def replay(*words: object) -> str:
    result = CliRunner().invoke(main, ["replay", *map(str, words)])
    assert result.exit_code == 0, result.output
    return result.output


def last_rows(path: Path) -> dict[tuple[str, str], dict[str, str]]:
    with path.open(newline="") as stream:
        return {
            (row["symbol"], row["session"]): row
            for row in csv.DictReader(stream)
            if row["seconds_to_close"] == "0"
        }


def test_half_a_year_of_five_minute_bars(tmp_path: Path) -> None:
    stated = STATED_CLOSES
    write_universe(tmp_path / "universe", previous_close=stated, session=FIRST_SESSION)
    files = [w for s in stated for w in ("--prices", FOLDER / f"intraday/5min/{s}.csv")]
    headers = ("--column", "event_time=datetime", "--column", "price=close")

    said = replay(
        *("--universe", tmp_path / "universe", *files, *headers, "--bar", "5m"),
        *("--timezone", "America/New_York", "--every", "2h", "--output", tmp_path / "out.csv"),
    )

    assert "0 outside the universe; 0 bad rows" in said
    rows = last_rows(tmp_path / "out.csv")
    compared = 0
    for symbol, previous in stated.items():
        earlier = [c for day, c in last_closes(FOLDER / f"intraday/5min/{symbol}.csv")]
        days = [day for day, _ in last_closes(FOLDER / f"intraday/5min/{symbol}.csv")]
        at = next(i for i, day in enumerate(days) if day >= FIRST_SESSION)
        known = earlier[at - 1] if at else previous
        for session, demand, scale in expected_demand(symbol, previous if at == 0 else known):
            row = rows[symbol, session]
            assert abs(float(row["leveraged_rebalance_usd"]) - demand) <= 1e-9 * scale, session
            assert row["event_time"][11:16] == ("13:00" if session in HALF_DAYS else "16:00")
            compared += 1
    assert compared > 600


@pytest.mark.parametrize("every", ["60s", "13m"])
def test_minutes_stamped_in_utc_with_extended_hours(tmp_path: Path, every: str) -> None:
    stated = STATED_BEFORE_MINUTES
    write_universe(tmp_path / "universe", previous_close=stated, session=FIRST_MINUTES)
    headers = ("event_time=Datetime", "symbol=Symbol", "price=Close", "volume=Volume")

    said = replay(
        *("--universe", tmp_path / "universe", "--prices", FOLDER / "minutes/QQQ.csv"),
        *(word for header in headers for word in ("--column", header)),
        *("--timezone", "UTC", "--bar", "1m", "--every", every, "--output", tmp_path / "out.csv"),
    )

    assert "0 bad rows" in said
    rows = last_rows(tmp_path / "out.csv")
    assert len(rows) == 26
    with (FOLDER / "minutes/QQQ.csv").open(newline="") as stream:
        closes = {
            row["Datetime"][:10]: float(row["Close"])
            for row in csv.DictReader(stream)
            if row["Datetime"][11:16] <= "19:59"
        }
    found = {session: float(row["price"]) for (_, session), row in rows.items()}
    assert found == closes
