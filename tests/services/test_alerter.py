"""The alerter tick by tick: real Redis, hand-made partials, a manual clock, a scripted pager."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from services.alert_ledger import Ledger, LedgerError
from services.alertmanager_http import Answer
from services.store_errors import StoreError
from tests.support.alert_samples import HOST_NS
from tests.support.alerter_scene import Scene, only
from tests.support.alerter_world import (
    LEVELS,
    RULE,
    STALE_MS,
    Market,
)
from tests.support.core_universe import at
from tests.support.recording_transport import ACCEPTED, Alert


async def test_a_crossing_is_pushed_with_its_labels_and_its_reasons(scene: Scene) -> None:
    await scene.start()
    scene.market.trade(1.0, ACME=99.0, BOLT=100.0)

    alert = only(await scene.tick())
    assert alert["labels"] == {
        "alertname": "ForcedFlowWatch",
        "severity": "watch",
        "family": "forced-flow",
        "side": "sell",
        "scope": "symbol",
        "symbol": "ACME",
    }
    assert alert["startsAt"] == "2026-09-21T14:13:20.100Z"
    assert alert["endsAt"] == "2026-09-21T14:18:20.100Z"
    told = alert["annotations"]
    band = told["description"].splitlines()[1]
    assert band.startswith("At the close SELL $")
    assert "(90 % band). Probability " in band
    assert told == {
        "summary": "SELL ACME $20m: 20 % of the closing auction, 5 h 50 min to the cut-off",
        "description": (
            "SELL $20m forced at the close (17:00:00 UTC), as known at 11:00:00 UTC.\n"
            f"{band}\n"
            "Leveraged funds SELL $20m, creations unknown.\n"
            "Funds: ACMU SELL $20m (100 %).\n"
            "Rule forced-flow: SELL 2 % of ADV, watch from 2 % of ADV.\n"
            "Resolves below 1.5 % of ADV ($15m); at the latest at the close.\n"
            "No input is stale.\n"
            "Newest input 11:00:00 UTC; assets stated for this session cover 100 % of the exposure."
        ),
        "runbook_url": "docs/runbooks/ForcedFlowWatch.md",
        "dashboard_url": "deploy/grafana/dashboards/close.json",
        "replay": (
            "forcedflow replay --universe universe --prices prices.jsonl --flows etf-flows.jsonl"
            " --open-interest open-interest.jsonl --from 2024-10-04T11:00:00+00:00"
            " --until 2024-10-04T11:01:00+00:00 --output replay.csv"
        ),
        "data_as_of": "2024-10-04T11:00:00+00:00",
        "rules": "0123456789ab",
    }


async def test_the_ledger_and_the_audit_have_it_before_it_is_sent(scene: Scene) -> None:
    seen: list[tuple[int, int]] = []

    def answer(_url: str, alerts: list[Alert]) -> Answer:
        if alerts:
            seen.append((len(scene.market.ledger()["episodes"]), len(scene.audit.records)))
        return ACCEPTED

    scene.transport.answer = answer
    await scene.start()
    scene.market.trade(1.0, ACME=99.0, BOLT=99.0)
    await scene.tick()

    assert seen == [(2, 2)]


async def test_what_fires_is_resent_with_its_start_and_a_later_end(scene: Scene) -> None:
    await scene.start()
    scene.market.trade(1.0, ACME=99.0)
    first = only(await scene.tick())

    batches = await scene.run(20.0)
    assert len(batches) == 4
    assert {only(batch)["startsAt"] for batch in batches} == {first["startsAt"]}
    ends = [only(batch)["endsAt"] for batch in batches]
    assert ends == sorted(set(ends))
    assert {only(batch)["labels"]["symbol"] for batch in batches} == {"ACME"}


async def test_a_higher_level_leaves_the_lower_one_firing(scene: Scene) -> None:
    await scene.start()
    scene.market.trade(1.0, ACME=97.0)
    await scene.tick()
    scene.market.trade(1.01, ACME=97.0)
    await scene.tick()

    severities = [alert["labels"]["severity"] for alert in scene.transport.sent()[-1]]
    assert sorted(severities) == ["warning", "watch"]
    assert scene.market.view()["rows"][0]["level"] == 2
    assert scene.gauge("level", symbol="ACME") == 2.0
    assert scene.gauge("alerts_active", severity="warning") == 1.0


async def test_a_resolve_is_explicit_and_repeated_for_a_quarter_of_an_hour(scene: Scene) -> None:
    await scene.start()
    scene.market.trade(1.0, ACME=99.0)
    fired = only(await scene.tick())
    scene.market.trade(2.0, ACME=99.9)
    resolved = only(await scene.tick())

    assert resolved["labels"] == fired["labels"]
    assert resolved["startsAt"] == fired["startsAt"]
    assert resolved["endsAt"] == "2026-09-21T14:13:20.200Z"
    assert "came back below its clear bound" in resolved["annotations"]["description"]

    batches = await scene.run(15 * 60 - 5)
    assert len(batches) >= 175
    assert all(only(batch)["endsAt"] == resolved["endsAt"] for batch in batches)
    assert (await scene.run(10))[-1] == []
    assert [one["reason"] for one in scene.market.ledger()["closed"]] == ["cleared"]


async def test_the_close_resolves_with_its_reason(scene: Scene) -> None:
    await scene.start()
    scene.market.trade(6.9, ACME=99.0)
    await scene.tick()
    scene.market.trade(7.0, ACME=99.0)
    alert = only(await scene.tick())

    assert "its session closed" in alert["annotations"]["description"]
    assert [str(one.reason) for one in scene.audit.records] == ["", "session_closed"]
    assert scene.market.view()["alerts"][0]["state"] == "resolved"


async def test_a_new_alerter_goes_on_with_the_same_start(scene: Scene) -> None:
    await scene.start()
    scene.market.trade(1.0, ACME=99.0)
    first = only(await scene.tick())
    await scene.tick()
    scene.clock.advance(120.0)

    await scene.start()
    second = only(await scene.tick())
    assert second["startsAt"] == first["startsAt"]
    assert second["endsAt"] > first["endsAt"]
    assert scene.audit.changes() == [("ACME", "watch", "firing")]


async def test_a_new_alerter_repeats_a_resolve_nobody_has_taken(scene: Scene) -> None:
    await scene.start()
    scene.market.trade(1.0, ACME=99.0)
    await scene.tick()
    scene.transport.answer = lambda _url, _alerts: Answer(503, "")
    scene.market.trade(2.0, ACME=100.0)
    await scene.tick()
    resolved = only((await scene.run(2.0))[-1])
    scene.clock.advance(3600.0)

    scene.transport.answer = lambda _url, _alerts: ACCEPTED
    await scene.start()
    assert only(await scene.tick())["endsAt"] == resolved["endsAt"]


async def test_a_pending_alert_survives_a_restart(scene: Scene) -> None:
    await scene.start(replace(RULE, levels=LEVELS[1:]))
    scene.market.trade(1.0, ACME=97.0)
    assert await scene.tick() == []

    await scene.start(replace(RULE, levels=LEVELS[1:]))
    scene.market.trade(1.0 + 30 / 3600, ACME=97.0)
    assert only(await scene.tick())["labels"]["severity"] == "warning"
    assert scene.audit.records[0].at_ns == at(0, 1.0) + 30 * 10**9


async def test_a_ledger_of_another_format_is_refused_at_the_start(scene: Scene) -> None:
    scene.market.store_ledger(json.dumps({"version": 99}).encode())

    with pytest.raises(LedgerError, match="version 99"):
        await scene.start()


async def test_an_alert_whose_rule_is_gone_is_withdrawn(scene: Scene) -> None:
    await scene.start()
    scene.market.trade(1.0, ACME=99.0)
    await scene.tick()

    await scene.start(replace(RULE, levels=LEVELS[1:]))
    alert = only(await scene.tick())
    assert "no longer have it" in alert["annotations"]["description"]
    assert scene.audit.changes()[-1] == ("ACME", "watch", "resolved")


@pytest.mark.parametrize(
    "lose",
    [
        lambda market: market.forget("ACME"),
        lambda market: market.publish(time_ms=STALE_MS),
        lambda market: market.publish(universe="another"),
    ],
    ids=["missing", "too-old", "other-universe"],
)
async def test_what_is_unknown_fires_on_and_says_so(
    scene: Scene, lose: Callable[[Market], None]
) -> None:
    await scene.start()
    scene.market.trade(1.0, ACME=99.0)
    fired = only(await scene.tick())
    lose(scene.market)
    alert = only(await scene.tick())

    assert alert["startsAt"] == fired["startsAt"]
    assert alert["endsAt"] > fired["endsAt"]
    assert alert["annotations"]["summary"] == (
        "State unknown: SELL ACME $20m: 20 % of the closing auction"
    )
    assert alert["annotations"].keys() == fired["annotations"].keys()
    assert scene.market.view()["alerts"][0]["state"] == "unknown"
    assert scene.gauge("adv_ratio", symbol="ACME") is None

    scene.market.trade(2.0, ACME=98.9)
    alert = only(await scene.tick())
    assert "unknown" not in alert["annotations"]["summary"]
    kinds = [change for _symbol, _severity, change in scene.audit.changes()]
    assert kinds == ["firing", "unknown", "known"]


async def test_a_price_whose_heartbeat_is_too_old_is_unknown(scene: Scene) -> None:
    await scene.start()
    scene.market.trade(1.0, ACME=99.0, beat_ns=HOST_NS)
    await scene.tick(5.0)
    assert scene.market.view()["alerts"][0]["state"] == "firing"

    await scene.tick(0.001)
    assert scene.market.view()["alerts"][0]["state"] == "unknown"
    assert scene.market.view()["rows"][0]["stale"]


async def test_a_write_that_fails_sends_nothing_and_the_next_one_pages_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scene.start()
    scene.market.trade(1.0, ACME=99.0)
    store = scene.alerter._store

    async def refuse(_ledger: Ledger, _document: bytes | None) -> None:
        message = "no memory"
        raise StoreError(message)

    with monkeypatch.context() as patch:
        patch.setattr(store, "write", refuse)
        assert await scene.tick() == []
        assert scene.alerter.ledger == Ledger()
        assert scene.gauge("blind") == 1.0

    assert only(await scene.tick())["labels"]["symbol"] == "ACME"
    assert scene.audit.changes() == [("ACME", "watch", "firing")]
    assert scene.gauge("blind") == 0.0


async def test_an_evaluation_that_fails_keeps_what_fires(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scene.start()
    scene.market.trade(1.0, ACME=99.0)
    fired = only(await scene.tick())

    def stumble(*_args: object, **_named: object) -> None:
        message = "a bug"
        raise ZeroDivisionError(message)

    monkeypatch.setattr(scene.alerter._evaluator, "evaluate", stumble)
    batches = await scene.run(6.0)
    assert only(batches[-1])["startsAt"] == fired["startsAt"]
    assert "cannot evaluate" in only(batches[-1])["annotations"]["description"]
    assert (
        scene.post.metrics.registry.get_sample_value(
            "forcedflow_evaluations_total", {"outcome": "blind"}
        )
        == 6.0
    )


async def test_without_kafka_a_page_is_a_second_late_and_audited_afterwards(scene: Scene) -> None:
    await scene.start()
    scene.audit.is_up = False
    scene.market.trade(1.0, ACME=99.0)
    for _ in range(10):
        assert await scene.tick() == []
    assert only(await scene.tick())["labels"]["symbol"] == "ACME"
    assert len(scene.market.ledger()["outbox"]) == 1

    scene.audit.is_up = True
    await scene.run(3.0)
    assert scene.audit.changes() == [("ACME", "watch", "firing")]
    assert scene.market.ledger()["outbox"] == []
