"""The deployed settings of Prometheus, judged by its own program."""

import subprocess
from pathlib import Path

import pytest
import yaml

from services.health_catalogue import FILES
from services.stack_layout import Layout
from services.stack_preparation import prometheus_files
from services.stack_settings import StackSection

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"


def checked(*words: object) -> str:
    run = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def written(name: str) -> object:
    return yaml.safe_load((DEPLOY / "prometheus" / name).read_text())


@pytest.mark.debian("prometheus")
def test_prometheus_takes_its_settings_and_finds_every_file() -> None:
    said = checked("promtool", "check", "config", DEPLOY / "prometheus" / "prometheus.yml")

    assert "SUCCESS" in said
    assert "WARNING" not in said
    assert said.count("rules found") == len(FILES)


@pytest.mark.debian("prometheus")
def test_prometheus_finds_nothing_to_criticise_in_the_rules() -> None:
    files = [DEPLOY / "prometheus" / "rules" / name for name in FILES]

    checked("promtool", "check", "rules", "--lint=all", "--lint-fatal", *files)


def test_the_deployed_targets_are_those_of_a_stack_with_one_worker() -> None:
    files = prometheus_files(Layout(StackSection(workers=1)))

    assert files.keys() == {"targets.yml", "alertmanagers.yml"}
    for name, groups in files.items():
        assert written(name) == groups
