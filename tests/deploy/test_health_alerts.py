"""Every alert on the service's health, by promtool: it fires, is silent, survives a lost scrape."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from services.health_catalogue import FILES, alerts
from services.health_rules import Alert
from tests.deploy.budget_cases import BUDGET_CASES
from tests.deploy.health_cases import CASES
from tests.deploy.healthy_service import HEALTHY
from tests.support.rule_tests import Case, fires, firing, group, run

RULES = Path(__file__).resolve().parents[2] / "deploy" / "prometheus" / "rules"
STATE = RULES / "forcedflow-state.yml"
ALWAYS = "Watchdog"

pytestmark = pytest.mark.debian("prometheus")


def check(folder: Path, make: Callable[[Case], dict[str, Any]]) -> None:
    """Let promtool run the test group that `make` returns for each case."""
    for cases, name in ((CASES, "forcedflow-health.yml"), (BUDGET_CASES, "forcedflow-budgets.yml")):
        assert run(folder, [STATE, RULES / name], [make(case) for case in cases]) == ""


def rule_of(name: str, labels: Mapping[str, str]) -> Alert:
    [rule] = [
        each for each in alerts() if each.name == name and each.labels.items() <= labels.items()
    ]
    return rule


def selector(case: Case) -> str:
    window = case.labels.get("window")
    own = f', window="{window}"' if window else ""
    return f'alertname="{case.alert}", alertstate="firing"{own}'


def test_every_alert_has_a_case() -> None:
    wanted = [(alert.name, alert.labels.get("window")) for alert in alerts()]
    cases = [(case.alert, case.labels.get("window")) for case in (*CASES, *BUDGET_CASES)]

    assert sorted(cases, key=str) == sorted(wanted, key=str)
    assert all(case.near or case.alert == ALWAYS for case in (*CASES, *BUDGET_CASES))


def test_every_alert_fires_with_its_labels_and_texts(tmp_path: Path) -> None:
    check(
        tmp_path,
        lambda case: group(
            case.alert, {**HEALTHY, **case.fires}, fires(case, rule_of), seconds=case.at
        ),
    )


def test_every_alert_is_silent_where_it_is_only_nearly_due(tmp_path: Path) -> None:
    def nearly(case: Case) -> dict[str, Any]:
        expected = int(case.alert == ALWAYS)
        checks = firing(selector(case), dict.fromkeys(range(0, case.at + 1, 30), expected))
        return group(case.alert, {**HEALTHY, **case.near}, checks, seconds=case.at)

    check(tmp_path, nearly)


def test_a_lost_scrape_neither_delays_nor_ends_an_alert(tmp_path: Path) -> None:
    def shaken(case: Case) -> dict[str, Any]:
        ends = case.at + 20
        checks = firing(selector(case), dict.fromkeys(range(case.at, ends + 1, 5), 1))
        lost = (case.at - 10, case.at + 10)
        return group(case.alert, {**HEALTHY, **case.fires}, checks, seconds=ends, failed=lost)

    check(tmp_path, shaken)


@pytest.mark.parametrize("lost", [(), (60,)], ids=["well", "one scrape is lost"])
def test_of_a_service_that_is_well_nothing_is_said(tmp_path: Path, lost: tuple[int, ...]) -> None:
    others = f'alertname!="{ALWAYS}", alertstate="firing"'
    checks = firing(others, dict.fromkeys(range(0, 421, 5), 0))
    files = [RULES / name for name in FILES]

    assert run(tmp_path, files, [group("well", HEALTHY, checks, failed=lost)]) == ""
