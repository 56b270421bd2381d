"""Whom the deployed routes tell what: the table of amtool, for both shipped configurations."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.alerts import AlertKey
from services.drill import DRILL_KEY
from services.heartbeat import HEARTBEAT_KEY

DEPLOYED = Path(__file__).resolve().parents[2] / "deploy" / "alertmanager"
BARE = DEPLOYED / "alertmanager.yml"
PAGERS = DEPLOYED / "alertmanager-pagers.yml"

RULES = DEPLOYED.parent / "prometheus" / "rules"


def labelled(key: AlertKey) -> str:
    return " ".join(f"{name}={value}" for name, value in key._asdict().items())


MARKET = "family=forced-flow side=sell scope=symbol symbol=NVDA"
HEALTH = "family=service-health"
PAGED = "page,chat,log"
TOLD = "chat,log"
KEPT = "log"
TABLE = [
    (f"alertname=ForcedFlowWatch severity=watch {MARKET}", KEPT),
    (f"alertname=ForcedFlowWarning severity=warning {MARKET}", TOLD),
    (f"alertname=ForcedFlowCritical severity=critical {MARKET}", PAGED),
    (f"alertname=ForcedFlowCriticalOthers severity=critical {MARKET}", PAGED),
    (f"alertname=ForcedFlowWarningEscalated severity=escalated {MARKET}", PAGED),
    (f"alertname=ForcedFlowAlerterGone severity=page {HEALTH}", PAGED),
    (f"alertname=ForcedFlowFeedStale severity=ticket {HEALTH}", TOLD),
    (f"alertname=ForcedFlowNoted severity=none {HEALTH}", KEPT),
    (f"alertname=Watchdog severity=none {HEALTH}", "dead-man-rules"),
    (labelled(HEARTBEAT_KEY), "dead-man-pushes"),
    ("alertname=ForcedFlowHeartbeat severity=page", "dead-man-pushes"),
    (labelled(DRILL_KEY), PAGED),
    (f"alertname=ForcedFlowDrill severity=critical {MARKET}", PAGED),
    # A mistake in somebody's rule is seen by people.
    ("alertname=Mistyped severity=crtical", TOLD),
    ("alertname=Bare", TOLD),
]


def amtool(*words: str) -> str:
    command = ["amtool", *words]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def loaded(path: Path) -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load(path.read_text())
    return config


@pytest.mark.debian("prometheus-alertmanager")
@pytest.mark.parametrize("config", [BARE, PAGERS], ids=lambda path: path.stem)
def test_amtool_takes_it(config: Path) -> None:
    amtool("check-config", str(config))


@pytest.mark.debian("prometheus-alertmanager")
@pytest.mark.parametrize(("labels", "receivers"), TABLE)
def test_every_alert_comes_to_its_receivers(labels: str, receivers: str) -> None:
    said = amtool("config", "routes", "test", f"--config.file={BARE}", *labels.split(" "))

    assert said.strip() == receivers


@pytest.mark.debian("prometheus-alertmanager")
def test_every_rule_of_prometheus_comes_to_the_receivers_of_its_severity() -> None:
    files = [loaded(path) for path in RULES.glob("*.yml")]
    rules = [rule for file in files for group in file["groups"] for rule in group["rules"]]
    alerts = {
        (rule["alert"], rule["labels"]["severity"], rule["labels"]["family"])
        for rule in rules
        if "alert" in rule
    }
    by_severity = {"page": PAGED, "ticket": TOLD, "none": "dead-man-rules"}

    assert ("Watchdog", "none", "service-health") in alerts
    assert {severity for _, severity, _ in alerts} == by_severity.keys()
    for name, severity, family in alerts:
        labels = (f"alertname={name}", f"severity={severity}", f"family={family}")
        said = amtool("config", "routes", "test", f"--config.file={BARE}", *labels)
        assert said.strip() == by_severity[severity], name


def test_both_have_one_route() -> None:
    assert loaded(BARE)["route"] == loaded(PAGERS)["route"]


def test_the_bare_one_needs_nothing_and_the_other_tells_by_every_way() -> None:
    assert all(receiver.keys() == {"name"} for receiver in loaded(BARE)["receivers"])
    ways = {way for receiver in loaded(PAGERS)["receivers"] for way in receiver.keys() - {"name"}}

    assert ways == {
        f"{way}_configs" for way in ("pagerduty", "telegram", "slack", "email", "webhook")
    }


@pytest.mark.parametrize("config", [BARE, PAGERS], ids=lambda path: path.stem)
def test_nothing_is_muted_inhibited_or_grouped_by_symbol(config: Path) -> None:
    # Alertmanager drops the resolve of what ends while it is muted or inhibited.
    routes = [loaded(config)["route"]]
    for route in routes:
        routes += route.get("routes", [])

    assert not loaded(config).keys() & {"inhibit_rules", "time_intervals", "mute_time_intervals"}
    for route in routes:
        assert not route.keys() & {"mute_time_intervals", "active_time_intervals"}
        assert route.get("group_by", []) in ([], ["alertname"], ["family", "side"])


def test_secrets_are_files() -> None:
    written = PAGERS.read_text()
    named = [line.split(":", 1) for line in written.splitlines() if "_file:" in line]

    assert len(named) == 4
    assert all(value.strip().startswith("/etc/prometheus/secrets/") for _, value in named)
    for inline in ("routing_key:", "api_url:", "smtp_auth_password:", "credentials:"):
        assert inline not in written
    # What 0.25 has no file for says so itself.
    assert "bot_token: REPLACE\n" in written
