"""What the alerter shows: the view in Redis, and the market's gauges."""

import pytest

from services.alertmanager_http import Answer
from tests.support.alerter_scene import Scene
from tests.support.recording_transport import ACCEPTED


async def test_a_total_that_lacks_a_member_says_so(scene: Scene) -> None:
    await scene.start()
    # BOLT has no price, and no market time.
    scene.market.trade(1.0, ACME=99.0)
    await scene.tick()

    market = scene.market.view()["totals"][0]

    assert (market["complete"], market["unknown"]) == (False, 1)


async def test_without_an_alertmanager_the_view_says_not_sent(scene: Scene) -> None:
    await scene.start(peers=())
    scene.market.trade(1.0, ACME=99.0)
    await scene.tick()
    [alert] = scene.market.view()["alerts"]

    assert alert["send_status"] == "not sent"
    assert alert["summary"].startswith("SELL ACME $20m: 20 %")
    assert scene.transport.posts == []


async def test_the_view_says_how_far_an_alert_has_come(scene: Scene) -> None:
    scene.transport.answer = lambda url, _alerts: ACCEPTED if "one" in url else Answer(503, "")
    await scene.start(peers=("http://one", "http://two"))
    scene.market.trade(1.0, ACME=99.0)
    statuses = []
    for _ in range(2):
        await scene.tick()
        statuses.append(scene.market.view()["alerts"][0]["send_status"])
    scene.transport.answer = lambda _url, _alerts: ACCEPTED
    await scene.run(3.0)
    statuses.append(scene.market.view()["alerts"][0]["send_status"])

    assert statuses == ["waiting", "partly sent", "sent"]


async def test_the_view_has_rows_totals_and_what_it_was_made_of(scene: Scene) -> None:
    await scene.start()
    scene.market.trade(1.0, ACME=99.0, BOLT=100.0)
    await scene.tick()
    view = scene.market.view()

    assert view["universe"] == "test"
    assert view["written_at"] == "2026-09-21T14:13:20.100Z"
    assert [row["symbol"] for row in view["rows"]] == ["ACME", "BOLT"]
    assert view["rows"][0]["forced_flow_usd"] == pytest.approx(-20e6)
    assert [(total["scope"], total["symbol"]) for total in view["totals"]] == [
        ("market", "market"),
        ("venue", "XTST"),
    ]
    market = view["totals"][0]
    assert market["adv_ratio"] == pytest.approx(-0.01)
    assert (market["basis"], market["complete"], market["unknown"]) == ("reference", True, 0)
    assert market["sell_usd"] == pytest.approx(-20e6)
    assert market["buy_usd"] == pytest.approx(market["forced_flow_usd"] - market["sell_usd"])
    assert market["as_of"] is not None
    assert view["unknown_partitions"] == []


async def test_market_gauges_do_not_outlive_their_view(scene: Scene) -> None:
    await scene.start()
    scene.market.trade(1.0, ACME=99.0, BOLT=100.0)
    await scene.tick()
    assert scene.gauge("forced_flow_usd", symbol="ACME") == pytest.approx(-20e6)
    assert scene.gauge("dealer_hedge_usd", symbol="ACME") is None
    assert scene.gauge("reference_info", symbol="ACME", venue="XTST", currency="USD") == 1.0

    scene.clock.advance(3.1)
    assert scene.gauge("forced_flow_usd", symbol="ACME") is None
    assert scene.gauge("reference_info", symbol="ACME", venue="XTST", currency="USD") is None
