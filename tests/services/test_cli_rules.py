from pathlib import Path

import pytest
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
