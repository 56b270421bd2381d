"""What the doctor says of an Alertmanager's configuration."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.doctor_alertmanager import (
    AlertmanagerFacts,
    judge_alertmanager,
    look_at_alertmanager,
)
from services.doctor_alertmanager_config import judge_config
from services.findings import Verdict
from tests.support.alertmanager_server import AlertmanagerServer

DEPLOYED = Path(__file__).resolve().parents[2] / "deploy" / "alertmanager"
TELLING = """\
receivers: [{name: pager, webhook_configs: [{url: http://x/}]}]
route: {receiver: pager, routes: [{receiver: pager}]}
"""


def said(text: str) -> list[str]:
    return [finding.found for finding in judge_config("it", text)]


def test_of_the_shipped_ones_the_bare_one_is_said_to_tell_nobody() -> None:
    bare, pagers = (
        (DEPLOYED / name).read_text() for name in ("alertmanager.yml", "alertmanager-pagers.yml")
    )

    assert said(bare) == ["5 receivers, none of which tells anybody"]
    assert said(pagers) == []


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ("", []),
        ("inhibit_rules: [{equal: [a]}]\n", ["it has inhibit_rules"]),
        ("inhibit_rules: []\n", []),
    ],
)
def test_inhibition_is_said(more: str, found: list[str]) -> None:
    assert said(TELLING + more) == found


@pytest.mark.parametrize("name", ["mute_time_intervals", "active_time_intervals"])
def test_muting_is_said_wherever_in_the_route_it_is(name: str) -> None:
    deep = TELLING.replace("[{receiver: pager}]", f"[{{routes: [{{{name}: [nights]}}]}}]")

    assert said(deep) == [f"it has {name}"]


@pytest.mark.parametrize("text", ["", "just words", "a: [", "receivers: 7\nroute: 7"])
def test_of_what_cannot_be_read_nothing_is_said(text: str) -> None:
    assert said(text) == []


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AlertmanagerServer]:
    config = (DEPLOYED / "alertmanager.yml").read_text().replace("{", "{{").replace("}", "}}")
    with AlertmanagerServer(tmp_path_factory.mktemp("bare"), "", config=config) as server:
        yield server


@pytest.mark.debian("prometheus-alertmanager")
def test_a_real_one_shows_its_configuration(bare: AlertmanagerServer) -> None:
    facts = AlertmanagerFacts(url=bare.url)
    look_at_alertmanager(facts)

    notes = [each for each in judge_alertmanager(facts) if each.verdict is Verdict.NOTE]
    assert [each.found for each in notes] == ["5 receivers, none of which tells anybody"]
