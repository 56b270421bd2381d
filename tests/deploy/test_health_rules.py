"""The catalogue of rules on the service's health, and the files that are made of it."""

from collections.abc import Iterator
from pathlib import Path

import promql_parser
import pytest
import yaml

from core.alerts import AlertKey
from core.thresholds import SEVERITIES
from services.health_catalogue import alerts, groups, records
from services.health_rendering import render
from services.health_rules import EVALUATION_SECONDS, FAMILY, SAMPLE_LIMIT, Alert, Record
from services.prometheus_rules import known_names
from tests.support.promql import selectors

DEPLOYED = Path(__file__).resolve().parents[2] / "deploy" / "prometheus"
RULES = [rule for group in groups() for rule in group.rules]
FOREIGN = {
    "up",
    "scrape_samples_scraped",
    "prometheus_rule_evaluation_failures_total",
    "alertmanager_notifications_failed_total",
}
"""Metrics that are Prometheus' and Alertmanager's own."""
LONGEST_SUMMARY = 120


def selected(rule: Record | Alert) -> Iterator[str]:
    for selector in selectors(promql_parser.parse(rule.expr)):
        assert selector.name is not None, rule.expr
        yield selector.name


def test_what_is_deployed_is_what_is_rendered() -> None:
    deployed = {path.name: path.read_text() for path in (DEPLOYED / "rules").iterdir()}

    assert deployed == render()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_asks_for_what_is_exported_or_recorded(rule: Record | Alert) -> None:
    assert set(selected(rule)) <= known_names() | FOREIGN


def test_what_is_recorded_is_of_use() -> None:
    used = {name for rule in RULES for name in selected(rule)}

    assert {record.name for record in records()} <= used


@pytest.mark.parametrize("alert", list(alerts()), ids=lambda alert: alert.name)
def test_an_alert_says_what_is_wrong_and_who_has_to_act(alert: Alert) -> None:
    assert alert.severity in {"page", "ticket", "none"}
    assert len(alert.summary) <= LONGEST_SUMMARY
    assert alert.summary.endswith(".")
    assert alert.description.endswith(".")
    assert "{{" not in alert.description


def test_no_alert_can_be_one_that_the_alerter_pushes() -> None:
    pushed = set(AlertKey._fields) - {"alertname", "severity", "family"}
    for alert in alerts():
        given = {"severity", "family", *alert.labels}
        assert not given & pushed
        assert alert.severity not in SEVERITIES
        assert not alert.name.endswith(tuple(word.capitalize() for word in SEVERITIES))
    assert FAMILY == "service-health"


def test_no_two_rules_have_the_same_name_and_labels() -> None:
    keys = [(alert.name, tuple(alert.labels.items())) for alert in alerts()]
    names = [record.name for record in records()]

    assert len(set(keys)) == len(keys)
    assert len(set(names)) == len(names)


def test_intervals_and_limits_are_those_of_prometheus_settings() -> None:
    settings = yaml.safe_load((DEPLOYED / "prometheus.yml").read_text())

    assert settings["global"]["evaluation_interval"] == f"{EVALUATION_SECONDS}s"
    assert settings["global"]["scrape_interval"] == f"{EVALUATION_SECONDS}s"
    assert [job["sample_limit"] for job in settings["scrape_configs"]] == [SAMPLE_LIMIT]
    assert settings["rule_files"] == ["rules/*.yml"]
