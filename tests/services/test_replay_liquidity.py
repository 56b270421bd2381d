"""The last half hour and the pace that `replay` learns from recorded bars, against a plain sum."""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from services.cli import main
from tests.support.real_data import FOLDER
from tests.support.recorded_bars import FIRST_SESSION, STATED_CLOSES, write_universe

BARS = FOLDER / "intraday/5min/QQQ.csv"
HALF_DAYS = ("2025-07-03", "2025-11-28", "2025-12-24")
Session = tuple[str, float, float, float]


def traded_by_session() -> Iterator[Session]:
    """Yield session, USD traded, USD of its last half hour and hours, from the bars alone."""
    sessions: dict[str, list[tuple[int, float, float]]] = {}
    with BARS.open(newline="") as stream:
        for bar in csv.DictReader(stream):
            day, clock = bar["datetime"].split()
            start = int(clock[:2]) * 60 + int(clock[3:5])
            sessions.setdefault(day, []).append((start, float(bar["close"]), float(bar["volume"])))
    for day, bars in sorted(sessions.items()):
        end = 780 if day in HALF_DAYS else 960
        inside = [bar for bar in bars if 570 <= bar[0] < end]
        close = inside[-1][1]
        whole = sum(volume for _, _, volume in inside)
        last = sum(volume for start, _, volume in inside if start >= end - 30)
        yield day, whole * close, last * close, (end - 570) / 60


@pytest.fixture(scope="module")
def last_rows(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    folder = tmp_path_factory.mktemp("liquidity")
    stated = {"QQQ": STATED_CLOSES["QQQ"]}
    write_universe(folder / "universe", previous_close=stated, session=FIRST_SESSION)
    words = [
        *("replay", "--universe", folder / "universe", "--prices", BARS, "--bar", "5m"),
        *("--column", "event_time=datetime", "--column", "price=close"),
        *("--timezone", "America/New_York", "--every", "1d", "--output", folder / "out.csv"),
    ]
    result = CliRunner().invoke(main, list(map(str, words)))
    assert result.exit_code == 0, result.output
    with Path(folder / "out.csv").open(newline="") as stream:
        return {
            row["session"]: row for row in csv.DictReader(stream) if row["seconds_to_close"] == "0"
        }


def test_the_columns_are_measured_by_the_twenty_sessions_before(
    last_rows: dict[str, dict[str, str]],
) -> None:
    sessions = list(traded_by_session())
    shares = [last / usd for _, usd, last, _ in sessions]
    assert np.mean(shares) == pytest.approx(0.14, abs=0.02)

    assert len(sessions) > 150
    for number, (day, *_) in enumerate(sessions):
        row = last_rows[day]
        flow = float(row["forced_flow_usd"])
        past = np.array([each[1:] for each in sessions[max(number - 20, 0) : number]])
        if number >= 5:
            usd, last, hours = past.T
            half_hour_usd, hourly_usd = last.mean(), usd.sum() / hours.sum()
        else:
            half_hour_usd, hourly_usd = 1e10 * 0.14, 1e10 / 6.5
        assert float(row["last_half_hour_ratio"]) == pytest.approx(flow / half_hour_usd, rel=1e-9)
        expected_hours = abs(flow) / (0.1 * hourly_usd)
        assert float(row["hours_to_trade"]) == pytest.approx(expected_hours, rel=1e-9)
