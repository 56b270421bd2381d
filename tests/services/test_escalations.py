"""Escalation: what nobody acknowledges raises another alert, which ends with it."""

from dataclasses import replace

import msgspec
import pytest

from core.alerts import Change
from core.thresholds import Level
from services.alert_ledger import Ledger
from services.alertmanager_http import Answer
from services.escalations import candidates, escalated_key
from services.silences import Matcher, exact_matchers
from tests.support.alert_samples import fired, happen, key, transition
from tests.support.alerter_scene import Scene
from tests.support.alerter_world import RULE
from tests.support.recording_transport import Alert
from tests.support.silence_samples import silence, silences_answer

SECOND_NS = 10**9
RULE_60 = replace(
    RULE,
    levels=(Level("watch", 0.015, 0.01), Level("warning", 0.02, 0.015)),
    escalate_after_ns=60 * SECOND_NS,
)
WARNING = key(severity="warning")
ESCALATED = {
    **WARNING._asdict(),
    "alertname": "ForcedFlowWarningEscalated",
    "severity": "escalated",
}
ACKNOWLEDGEMENT = silence(*exact_matchers(WARNING._asdict()))
MAINTENANCE = silence(Matcher("family", "forced-flow"))
UNREADABLE = Answer(500, "oops")


@pytest.fixture
async def scene(scene: Scene) -> Scene:
    await scene.start(RULE_60)
    scene.market.trade(1.0, ACME=99.0)
    await scene.tick()
    return scene


def escalated(alerts: list[Alert]) -> list[Alert]:
    return [one for one in alerts if one["labels"]["severity"] == "escalated"]


async def test_what_nobody_acknowledges_is_escalated_in_its_group_and_resolved_with_it(
    scene: Scene,
) -> None:
    assert not escalated((await scene.run(59.0))[-1])
    await scene.run(2.0)
    alerts = await scene.tick(5.0)
    [one] = escalated(alerts)
    assert one["labels"] == ESCALATED
    assert one["startsAt"] == "2026-09-21T14:14:20.100Z"
    assert one["annotations"]["summary"].startswith("Not acknowledged for 1m: SELL")
    assert "has fired since 2026-09-21T14:13:20.100Z" in one["annotations"]["description"]
    assert one["annotations"]["runbook_url"] == "docs/runbooks/ForcedFlowWarning.md"
    assert len(alerts) == 3
    assert scene.audit.changes()[-1] == ("ACME", "escalated", "firing")

    scene.market.trade(2.0, ACME=100.0)
    await scene.tick()
    await scene.tick()
    ends = {one["labels"]["alertname"]: one["endsAt"] for one in await scene.tick(5.0)}
    assert set(ends) == {"ForcedFlowWatch", "ForcedFlowWarning", "ForcedFlowWarningEscalated"}
    assert len(set(ends.values())) == 1
    assert scene.audit.changes()[-1] == ("ACME", "escalated", "resolved")


async def test_an_acknowledgement_holds_it_back_for_as_long_as_it_lasts(scene: Scene) -> None:
    scene.transport.reply = lambda *_: silences_answer(ACKNOWLEDGEMENT)
    batches = await scene.run(300.0)
    assert not any(escalated(batch) for batch in batches)

    scene.transport.reply = lambda *_: silences_answer()
    batches = await scene.run(7.0)
    assert escalated(batches[-1])


async def test_an_acknowledgement_after_it_was_raised_changes_nothing(scene: Scene) -> None:
    await scene.run(65.0)
    scene.transport.reply = lambda *_: silences_answer(ACKNOWLEDGEMENT)
    batches = await scene.run(30.0)

    assert all(escalated(batch) for batch in batches)
    assert scene.audit.changes().count(("ACME", "escalated", "firing")) == 1


@pytest.mark.parametrize(
    "answer", [silences_answer(MAINTENANCE), UNREADABLE], ids=["broader", "unreadable"]
)
async def test_no_other_silence_and_no_silence_unread_is_an_acknowledgement(
    scene: Scene, answer: Answer
) -> None:
    scene.transport.reply = lambda *_: answer
    await scene.run(62.0)

    assert escalated((await scene.run(6.0))[-1])


async def test_what_was_acknowledged_stays_so_while_silences_cannot_be_read(scene: Scene) -> None:
    scene.transport.reply = lambda *_: silences_answer(ACKNOWLEDGEMENT)
    await scene.run(70.0)
    scene.transport.reply = lambda *_: UNREADABLE
    batches = await scene.run(60.0)

    assert not any(escalated(batch) for batch in batches)


async def test_a_new_alerter_looks_before_it_escalates_and_goes_on_with_what_was_raised(
    scene: Scene,
) -> None:
    scene.transport.reply = lambda *_: silences_answer(ACKNOWLEDGEMENT)
    await scene.run(70.0)
    await scene.start(RULE_60)
    assert not any(escalated(batch) for batch in await scene.run(20.0))

    scene.transport.reply = lambda *_: silences_answer()
    [raised] = escalated((await scene.run(12.0))[-1])
    await scene.start(RULE_60)
    [after] = escalated((await scene.run(6.0))[-1])
    assert after["startsAt"] == raised["startsAt"]


async def test_an_alert_that_fires_anew_waits_anew(scene: Scene) -> None:
    await scene.run(65.0)
    scene.market.trade(2.0, ACME=100.0)
    await scene.tick()
    scene.market.trade(3.0, ACME=99.0)
    await scene.tick()
    await scene.run(30.0)
    [ended] = escalated((await scene.run(20.0))[-1])
    assert ended["endsAt"] == "2026-09-21T14:14:25.200Z"

    [again] = escalated((await scene.run(20.0))[-1])
    assert again["startsAt"] > ended["endsAt"]


async def test_a_rule_that_no_longer_escalates_ends_what_was_raised(scene: Scene) -> None:
    await scene.run(65.0)
    scene.post.rules.take((replace(RULE_60, escalate_after_ns=None),), "another")
    await scene.run(2.0)

    assert scene.audit.changes()[-1] == ("ACME", "escalated", "resolved")
    kinds = {one["alertname"]: one["state"] for one in scene.market.view()["alerts"]}
    assert kinds["ForcedFlowWarning"] == "firing"


async def test_what_a_storm_left_out_may_be_acknowledged_from_when_it_is_sent(
    scene: Scene,
) -> None:
    rule = replace(RULE_60, levels=RULE_60.levels[1:])
    await scene.start(rule, orders={"storm_cap": 1})
    scene.market.trade(2.0, BOLT=98.0)
    await scene.run(50.0)
    scene.market.trade(3.0, ACME=100.0)
    await scene.run(55.0)
    told = {one["labels"]["symbol"]: one["labels"]["severity"] for one in await scene.tick(5.0)}
    assert told == {"ACME": "warning", "BOLT": "warning", "others": "warning"}

    [one] = escalated((await scene.run(10.0))[-1])
    assert one["labels"]["symbol"] == "BOLT"
    assert one["annotations"]["summary"].startswith("Not acknowledged for 1m: SELL")


def test_what_a_storm_left_out_is_not_escalated_and_a_watch_never() -> None:
    ledger = happen(Ledger(), fired(), transition(Change.FIRING, WARNING))
    assert [one.key for one in candidates(ledger, [RULE_60])] == [escalated_key(WARNING)]

    every = tuple(msgspec.structs.replace(one, left_out=True) for one in ledger.episodes)
    assert candidates(msgspec.structs.replace(ledger, episodes=every), [RULE_60]) == []
