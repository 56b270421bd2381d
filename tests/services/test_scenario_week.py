"""The week: what is stated once is carried, and every session ends as a slow oracle says."""

import csv
import json
from collections import Counter, defaultdict
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from core.errors import ConfigError
from services.cli import main
from services.scenario import WEEK, write_scenario
from tests.support.naive_week import endings

DAYS = ("2026-06-22", "2026-06-23", "2026-06-24", "2026-06-25", "2026-06-26")


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("week")
    result = CliRunner().invoke(main, ["scenario", "--output", str(folder)])
    assert (result.exit_code, result.output) == (0, "")
    return folder


@pytest.fixture(scope="module")
def last_rows(week: Path) -> dict[tuple[str, date], dict[str, Any]]:
    arguments = ["replay", "--strict", "--every", "4h", "--universe", str(week / "universe")]
    arguments += ["--prices", str(week / "prices.jsonl"), "--flows", str(week / "etf-flows.jsonl")]
    result = CliRunner().invoke(main, [*arguments, "--output", str(week / "rows.jsonl")])
    assert result.exit_code == 0, result.output
    return {
        (row["symbol"], date.fromisoformat(row["session"])): row
        for row in json_lines(week / "rows.jsonl")
        if row["seconds_to_close"] == 0
    }


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def json_lines(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def test_the_command_writes_the_week_of_a_moderate_size(week: Path) -> None:
    prices = week / "prices.jsonl"

    assert prices.stat().st_size < 100_000_000
    assert 300_000 < prices.read_bytes().count(b"\n") < 1_000_000
    text = (week / "README.md").read_text()
    assert f"--seed 23 --from {WEEK[0]} --until {WEEK[1]}" in text
    assert all(f"  - {day}: " in text for day in DAYS)


def test_every_reference_closes_every_day_as_the_oracle_says(
    week: Path, last_rows: dict[tuple[str, date], dict[str, Any]]
) -> None:
    expected = endings(week)

    assert set(last_rows) == set(expected)
    assert len(expected) == 5 * len(rows(week / "universe/references.csv"))
    for key, ending in expected.items():
        found = last_rows[key]
        assert found["underlying_return"] == pytest.approx(ending.underlying_return, abs=1e-12)
        assert found["forced_flow_usd"] == pytest.approx(
            ending.forced_flow_usd, abs=1e-9 * ending.scale
        ), key


def test_closes_and_assets_are_stated_before_the_first_session_only(week: Path) -> None:
    references = rows(week / "universe/references.csv")
    funds = rows(week / "universe/funds.csv")

    assert {row["effective_at"] for row in references} == {DAYS[0]}
    later = [row for row in funds if row["effective_at"] > DAYS[0]]
    assert {row["fund"] for row in funds} == {
        row["fund"] for row in funds if row["effective_at"] == DAYS[0]
    }
    assert len(later) <= 10


def test_some_figures_come_late_and_one_fund_changes_its_leverage(week: Path) -> None:
    history = defaultdict(list)
    for row in rows(week / "universe/funds.csv"):
        history[row["fund"]].append(row)

    late = [row for own in history.values() for row in own if "T" in row["known_at"]]
    changed = {
        fund: [row["leverage_factor"] for row in own]
        for fund, own in history.items()
        if len({row["leverage_factor"] for row in own}) > 1
    }
    assert len(late) >= 5
    assert any(row["known_at"][:10] > row["effective_at"] for row in late)
    assert changed == {"NVDS": ["-1.5", "-2"]}


def test_a_split_moves_the_price_and_not_the_return(
    week: Path, last_rows: dict[tuple[str, date], dict[str, Any]]
) -> None:
    (split,) = rows(week / "universe/corporate_actions.csv")
    days = [date.fromisoformat(day) for day in DAYS]

    prices = [last_rows[split["symbol"], day]["price"] for day in days]
    returns = [last_rows[split["symbol"], day]["underlying_return"] for day in days]
    at = DAYS.index(split["effective_at"])
    assert prices[at] == pytest.approx(prices[at - 1] * float(split["price_factor"]), rel=0.02)
    assert max(abs(change) for change in returns) < 0.02


def test_each_day_trades_as_it_does_when_it_is_written_alone(week: Path, tmp_path: Path) -> None:
    write_scenario(tmp_path)

    alone = lines_of_day(tmp_path / "prices.jsonl", "QQQ", "2026-06-23")
    assert len(alone) > 5_000
    assert alone == lines_of_day(week / "prices.jsonl", "QQQ", "2026-06-23")


def lines_of_day(path: Path, symbol: str, day: str) -> set[str]:
    start = f'{{"symbol": "{symbol}", "event_time": "{day}'
    with path.open(encoding="utf-8") as file:
        return {line for line in file if line.startswith(start)}


def test_the_quiet_days_are_thinned_out(week: Path) -> None:
    with (week / "prices.jsonl").open(encoding="utf-8") as file:
        days = Counter(line.partition('"event_time": "')[2][:10] for line in file)

    assert all(days[day] < 0.7 * days["2026-06-23"] for day in DAYS if day != "2026-06-23")


def test_investors_buy_the_fall_of_what_they_like(week: Path) -> None:
    final = {
        (row["fund"], row["session"]): row["net_creation_usd"]
        for row in json_lines(week / "etf-flows.jsonl")
        if "session" in row
    }

    assert {day for _, day in final} == set(DAYS)
    assert final["SOXL", "2026-06-23"] > 3e8
    assert final["SOXL", "2026-06-25"] < 0
    assert final["SOXS", "2026-06-23"] < 0
    assert sum(usd for (fund, _), usd in final.items() if fund == "MSTU") < 0


def test_a_market_that_is_closed_misses_the_day_and_the_next_return_spans_the_gap(
    tmp_path: Path,
) -> None:
    write_scenario(tmp_path, first=date(2026, 6, 18), last=date(2026, 6, 22))

    expected = endings(tmp_path)
    sessions = {symbol: sorted(day for s, day in expected if s == symbol) for symbol, _ in expected}
    assert [day.day for day in sessions["QQQ"]] == [18, 22]
    assert [day.day for day in sessions["005930"]] == [18, 19, 22]
    assert [day.day for day in sessions["BTC"]] == [18, 19, 22]


def test_a_span_without_a_session_somewhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="was 2026-06-20 to 2026-06-21: none for XNAS"):
        write_scenario(tmp_path, first=date(2026, 6, 20), last=date(2026, 6, 21))
