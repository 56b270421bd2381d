"""A rules file that changes while alerts fire: switched to whole, or not at all."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import ConfigError
from services.alerter_metrics import AlerterMetrics
from services.rules_file import RulesFile, digest_of, read_rules
from services.rules_in_force import RulesWatch
from tests.support.alerter_scene import Scene, only
from tests.support.alerter_world import LEVELS, RULE, RULES_DIGEST
from tests.support.manual_clock import ManualClock

FIRST = """\
version: 1
rules:
  - name: forced-flow
    measure: adv_ratio
    scope: symbol
    levels:
      watch: {raise: 0.02, clear: 0.015}
"""
SECOND = FIRST.replace("0.02", "0.03")


class Watched:
    """A rules file, what is in force, and what the metrics say."""

    def __init__(self, path: Path, check: Callable[[RulesFile], None]) -> None:
        self.path = path
        self.path.write_text(FIRST)
        self.clock = ManualClock(1_000 * 10**9)
        self.metrics = AlerterMetrics([], self.clock)
        self.watch = RulesWatch(read_rules(path), check=check, observer=self.metrics)

    async def write(self, text: str, *, looks: int = 2) -> None:
        self.path.write_text(text)
        self.clock.advance(10.0)
        for _ in range(looks):
            await self.watch.look()

    def raise_at(self) -> float:
        return self.watch.in_force.rules[0].levels[0].raise_at

    def metric(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"forcedflow_rules_{name}", labels)


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path / "rules.yaml", lambda _file: None)


async def test_a_new_content_is_in_force_once_it_was_seen_twice(watched: Watched) -> None:
    await watched.write(SECOND, looks=1)
    assert watched.raise_at() == 0.02

    await watched.watch.look()
    assert watched.raise_at() == 0.03
    assert watched.watch.in_force.digest == digest_of(SECOND.encode())
    assert watched.metric("info", rules=digest_of(SECOND.encode())) == 1.0
    assert watched.metric("info", rules=digest_of(FIRST.encode())) is None
    assert watched.metric("loaded_timestamp_seconds") == 1_010.0


@pytest.mark.parametrize("text", ["", "version: 1\nrules:\n", FIRST.replace("0.015", "0.5")])
async def test_a_broken_file_leaves_the_rules_and_is_counted_once(
    watched: Watched, text: str
) -> None:
    await watched.write(text, looks=5)
    assert watched.raise_at() == 0.02
    assert watched.metric("reload_failures_total") == 1.0
    assert watched.metric("file_refused") == 1.0
    assert watched.metric("loaded_timestamp_seconds") == 1_000.0

    await watched.write(FIRST)
    assert watched.metric("file_refused") == 0.0
    assert watched.metric("loaded_timestamp_seconds") == 1_000.0

    await watched.write(SECOND)
    assert watched.raise_at() == 0.03
    assert watched.metric("reload_failures_total") == 1.0


async def test_a_file_that_is_gone_leaves_the_rules(watched: Watched) -> None:
    watched.path.unlink()
    for _ in range(3):
        await watched.watch.look()
    assert watched.metric("reload_failures_total") == 1.0

    await watched.write(SECOND)
    assert watched.raise_at() == 0.03


async def test_a_name_that_the_universe_lacks_is_refused_as_at_the_start(tmp_path: Path) -> None:
    def check(file: RulesFile) -> None:
        if file.rules[0].levels[0].raise_at > 0.02:
            message = "expected a venue of the universe"
            raise ConfigError(message)

    watched = Watched(tmp_path / "rules.yaml", check)
    await watched.write(SECOND)

    assert watched.raise_at() == 0.02
    assert watched.metric("file_refused") == 1.0


async def test_a_file_put_in_its_place_under_another_inode_is_noticed(watched: Watched) -> None:
    beside = watched.path.with_suffix(".new")
    beside.write_text(SECOND)
    os.replace(beside, watched.path)  # noqa: PTH105  what an editor does
    await watched.watch.look()
    await watched.watch.look()

    assert watched.raise_at() == 0.03


async def test_rules_switched_to_judge_at_once_and_what_they_lack_is_withdrawn(
    scene: Scene,
) -> None:
    await scene.start()
    scene.market.trade(1.0, ACME=99.0)
    fired = only(await scene.tick())
    assert fired["annotations"]["rules"] == RULES_DIGEST
    assert scene.market.view()["rules"] == RULES_DIGEST

    warning = replace(LEVELS[1], raise_at=0.018, clear_at=0.01, for_ns=0)
    scene.post.rules.take((replace(RULE, levels=(warning,)),), "another")
    ended, raised = sorted(await scene.tick(), key=lambda alert: alert["labels"]["severity"])[::-1]

    assert ended["labels"] == fired["labels"]
    assert ended["endsAt"] < fired["endsAt"]
    assert "no longer have it" in ended["annotations"]["description"]
    assert raised["labels"]["alertname"] == "ForcedFlowWarning"
    assert raised["annotations"]["rules"] == "another"
    assert scene.market.view()["rules"] == "another"


async def test_what_goes_on_firing_says_by_which_rules(scene: Scene) -> None:
    await scene.start()
    scene.market.trade(1.0, ACME=99.0)
    fired = only(await scene.tick())

    scene.post.rules.take((replace(RULE, minimum_hold_ns=1),), "another")
    goes_on = only((await scene.run(6.0))[-1])
    assert goes_on["startsAt"] == fired["startsAt"]
    assert goes_on["annotations"]["rules"] == "another"
