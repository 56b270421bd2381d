"""The oracle of alert episodes, on the worked example and on the simulated market."""

import csv
from collections import Counter
from datetime import date, datetime
from pathlib import Path

import pytest

from services.scenario import DEFAULT_DAY, write_scenario
from tests.support.naive_alerts import COLUMNS, Fund, Machine, expected_alerts, rebalance_usd

EXAMPLE = Path(__file__).resolve().parents[1] / "data/example"
EXAMPLE_DAY = date(2026, 6, 16)


@pytest.fixture(scope="module")
def episodes(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    folder = tmp_path_factory.mktemp("market")
    write_scenario(folder)
    return expected_alerts(
        folder / "universe",
        folder / "prices.jsonl",
        flows=folder / "etf-flows.jsonl",
        rules=folder / "rules.yaml",
        day=DEFAULT_DAY,
    )


def test_the_oracle_gives_the_worked_example() -> None:
    with (EXAMPLE / "expected_alerts.csv").open(newline="") as file:
        expected = list(csv.DictReader(file))

    found = expected_alerts(
        EXAMPLE / "universe",
        EXAMPLE / "prices.jsonl",
        flows=EXAMPLE / "etf-flows.jsonl",
        rules=EXAMPLE / "rules.yaml",
        day=EXAMPLE_DAY,
    )

    assert found == expected
    assert tuple(found[0]) == COLUMNS


def test_an_excursion_shorter_than_its_wait_never_fires() -> None:
    machine = Machine(raise_at=2, clear_at=1, for_ns=30, hold_ns=0)

    for now, size in ((0, 2.0), (29, 1.9), (30, 2.0), (59, 2.0)):
        machine.judge(now, size, newest_ns=now, active_ns=0)
    assert machine.fires_ns is None

    machine.judge(61, 2.0, newest_ns=61, active_ns=0)
    assert machine.fires_ns == 60


def test_what_fires_holds_its_minimum_and_forgets_a_dip_within_it() -> None:
    machine = Machine(raise_at=2, clear_at=1, for_ns=0, hold_ns=100)
    machine.judge(10, 2.0, newest_ns=10, active_ns=0)

    machine.judge(20, 0.5, newest_ns=20, active_ns=0)
    machine.judge(30, 1.0, newest_ns=30, active_ns=0)
    machine.judge(90, 0.5, newest_ns=90, active_ns=0)
    machine.settle(120)

    assert machine.episodes == [(10, 110, "cleared")]


def test_before_the_rule_is_active_nothing_counts_as_crossed() -> None:
    machine = Machine(raise_at=2, clear_at=1, for_ns=0, hold_ns=0)

    machine.judge(50, 3.0, newest_ns=7, active_ns=50)
    machine.close(60)

    assert machine.episodes == [(50, 60, "session_closed")]


def test_the_day_is_worth_watching_and_no_flood(episodes: list[dict[str, str]]) -> None:
    alerts = {(row["symbol"], row["severity"], row["side"]) for row in episodes}
    severities = Counter(severity for _, severity, _ in alerts)

    assert 12 <= len(alerts) <= 26
    assert min(severities[name] for name in ("watch", "warning", "critical")) >= 2
    assert max(Counter(row["symbol"] for row in episodes).values()) <= 8


def test_alerts_fire_while_the_afternoon_plays(episodes: list[dict[str, str]]) -> None:
    new_york = [datetime.fromisoformat(row["fires_at"]) for row in episodes]
    afternoon = [
        fires for fires in new_york if fires.isoformat()[-6:] == "-04:00" and fires.hour >= 14
    ]

    assert len(afternoon) >= 8
    assert max(fires.strftime("%H:%M") for fires in afternoon) <= "15:55"


def test_some_alerts_clear_and_some_stand_at_the_close_in_seoul(
    episodes: list[dict[str, str]],
) -> None:
    reasons = Counter(row["reason"] for row in episodes)
    seoul = {
        row["symbol"]
        for row in episodes
        if row["resolves_at"].startswith("2026-06-23T15:30:00+09:00")
    }

    assert reasons["cleared"] >= 3
    assert {"005930", "000660"} <= seoul


def test_the_oracle_unwinds_a_fund_that_is_wiped_out() -> None:
    fund = Fund("SHRT", "REF", leverage_factor=-2.0, assets_usd=100.0, is_reported_only=False)

    assert rebalance_usd(fund, 0.25) == 150.0
    assert rebalance_usd(fund, 0.5) == 300.0
    assert rebalance_usd(fund, 1.0) == 400.0
