from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from services import cli_rules
from services.cli import main
from tests.support.rule_world import universe_of

RULES = """\
version: 1
rules:
  - name: forced-flow
    measure: adv_ratio
    scope: symbol
    where: {venue: [XNYS]}
    levels:
      watch:    {raise: 0.02, clear: 0.015}
      critical: {raise: 0.10, clear: 0.08, for: 10s}
"""
SUMMARY = (
    "forced-flow: |adv_ratio| by symbol: ForcedFlowWatch from 0.02, ForcedFlowCritical from 0.1\n"
)


def check(folder: Path, text: str, *options: str) -> Result:
    path = folder / "rules.yaml"
    path.write_text(text, encoding="utf-8")
    return CliRunner().invoke(main, ["rules", "check", str(path), *options])


def test_check_says_what_the_rules_alert_on(tmp_path: Path) -> None:
    result = check(tmp_path, RULES)

    assert (result.exit_code, result.stdout) == (0, SUMMARY)


def test_check_says_what_escalates(tmp_path: Path) -> None:
    result = check(tmp_path, f"{RULES}    escalate: {{after: 90s}}\n")

    escalated = "; ForcedFlowCriticalEscalated after 1m30s without an acknowledgement\n"
    assert result.stdout == SUMMARY.rstrip() + escalated


def test_check_of_faulty_rules_ends_with_status_2(tmp_path: Path) -> None:
    result = check(tmp_path, RULES.replace("0.08", "0.2"))

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        f"{tmp_path}/rules.yaml:9: rules[0].levels.critical.clear: "
        "expected at most its raise, 0.1, was 0.2\n"
    )


def test_check_against_a_universe_finds_names_it_does_not_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worlds = {"here": universe_of({"BOLT": "XNYS"}), "there": universe_of({"ACME": "XNAS"})}
    monkeypatch.setattr(cli_rules, "load_universe", lambda folder: worlds[folder.name])

    here = check(tmp_path, RULES, "--universe", "here")
    there = check(tmp_path, RULES, "--universe", "there")

    assert (here.exit_code, here.stdout) == (0, SUMMARY)
    assert (there.exit_code, there.stdout) == (2, "")
    assert "rules[0].where.venue: expected a venue of the universe, was XNYS" in there.stderr
    assert "rules[0]: expected a symbol that it judges, was none" in there.stderr


def prometheus_rules(folder: Path, expr: str) -> Path:
    rule = {"alert": "Mine", "expr": expr, "labels": {"severity": "ticket"}}
    path = folder / "mine.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "mine", "rules": [rule]}]}))
    return path


def test_check_of_rules_for_prometheus_names_what_nobody_exports(tmp_path: Path) -> None:
    path = prometheus_rules(tmp_path, 'up{job=~"forcedflow-.+"} * forcedflow_heartbeat_total > 0')

    result = CliRunner().invoke(main, ["rules", "check", str(path)])

    assert result.exit_code == 2
    assert result.stderr == (
        f"{path}: Mine: expected a metric that is exported or recorded, was "
        "forcedflow_heartbeat_total\n"
    )


@pytest.mark.debian("prometheus")
def test_check_of_rules_for_prometheus_asks_promtool(tmp_path: Path) -> None:
    path = prometheus_rules(tmp_path, "forcedflow_blind >")

    result = CliRunner().invoke(main, ["rules", "check", str(path)])

    assert result.exit_code == 2
    assert "could not parse expression" in result.stderr


def test_check_without_promtool_says_that_the_grammar_is_not_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    path = prometheus_rules(tmp_path, "forcedflow_blind == 1")

    result = CliRunner().invoke(main, ["rules", "check", str(path)])

    assert result.exit_code == 0
    assert result.stdout == (
        f"{path}: 1 rules for Prometheus, 1 of them alerts; promtool is not installed: grammar "
        "not checked\n"
    )


def test_what_is_rendered_can_be_checked(tmp_path: Path) -> None:
    runner = CliRunner()
    site = "https://runbooks.example/forcedflow/"
    rendered = runner.invoke(
        main, ["rules", "render", "--output", str(tmp_path / "rules"), "--runbooks", site]
    )
    files = sorted((tmp_path / "rules").iterdir())
    checked = runner.invoke(main, ["rules", "check", *map(str, files)])

    assert rendered.exit_code == 0
    assert [line.removeprefix("wrote ") for line in sorted(rendered.stdout.splitlines())] == [
        str(file) for file in files
    ]
    assert checked.exit_code == 0
    assert len(checked.stdout.splitlines()) == len(files)
    assert f"runbook_url: {site}ForcedFlowBackstop.md" in files[1].read_text()


def test_without_a_folder_the_rules_are_printed() -> None:
    result = CliRunner().invoke(main, ["rules", "render"])

    assert result.exit_code == 0
    assert "- alert: Watchdog\n" in result.stdout


def test_render_into_what_is_no_folder_ends_with_status_2(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    result = CliRunner().invoke(main, ["rules", "render", "--output", str(tmp_path / "file" / "x")])

    assert result.exit_code == 2
    assert "expected a folder to write to" in result.stderr
