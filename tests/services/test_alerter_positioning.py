"""What the alerter shows of options: the view's list, and the gauges."""

from dataclasses import replace

import numpy as np
import pytest

from core.live_positioning import PositioningRows
from core.positioning import HISTORY_SESSIONS
from services.alerter import POSITIONING_SECONDS
from streams.fencing import positioning_key
from streams.state_format import encode_state
from streams.topics import partition_of
from tests.support.alerter_scene import Scene
from tests.support.alerter_world import FRESH_MS, STALE_MS
from tests.support.core_universe import FIRST, at

FOUND = PositioningRows(
    symbol=("ACME",),
    label=np.array([FIRST]),
    market_ns=np.array([at(0, 1.0)]),
    as_of_ns=np.array([at(0, -1.0)]),
    figures=np.array([[400.0, 600.0, -0.03, 0.5, 0.25, 1e6]]),
    coverage=np.array([0.9]),
    interest_label=np.array([FIRST]),
    interest_age=np.array([0.0]),
    history_label=np.arange(FIRST - HISTORY_SESSIONS, FIRST)[np.newaxis],
    history=np.full((1, HISTORY_SESSIONS, 6), np.nan),
)


async def write(scene: Scene, content: bytes, *, time_ms: int = FRESH_MS) -> None:
    await scene.client.hset(
        positioning_key(partition_of("ACME")),
        mapping={"token": 1, "time_ms": time_ms, "content": content},
    )


async def shown(scene: Scene) -> list[dict[str, object]]:
    """Let the alerter read what there is, and return what it then publishes."""
    await scene.tick(POSITIONING_SECONDS)
    await scene.tick(POSITIONING_SECONDS)
    found: list[dict[str, object]] = scene.market.view()["positioning"]
    return found


async def test_view_and_gauges_show_how_options_are_positioned(scene: Scene) -> None:
    await scene.start()
    scene.market.trade(1.0, ACME=99.0, BOLT=100.0)
    await write(scene, encode_state(FOUND))

    [entry] = await shown(scene)

    assert (entry["scope"], entry["symbol"]) == ("symbol", "ACME")
    assert entry["put_call_open_interest"] == 1.5
    assert entry["put_call_open_interest_z_score"] is None
    of_acme = {"scope": "symbol", "symbol": "ACME"}
    assert scene.gauge("put_call_open_interest", **of_acme) == 1.5
    assert scene.gauge("risk_reversal_25d_30d", **of_acme) == -0.03
    assert scene.gauge("open_interest_age_sessions", **of_acme) == 0.0
    assert scene.gauge("open_interest_coverage", **of_acme) == 0.9
    assert scene.gauge("put_call_open_interest_z_score", **of_acme) is None


@pytest.mark.parametrize(
    ("content", "time_ms"),
    [(encode_state(FOUND), STALE_MS), (b"something else", FRESH_MS), (b"FFS\x01" + bytes(20), 0)],
    ids=["too old", "damaged", "of another version"],
)
async def test_what_is_old_or_cannot_be_read_is_unknown(
    scene: Scene, content: bytes, time_ms: int
) -> None:
    await scene.start()
    scene.market.trade(1.0, ACME=99.0, BOLT=100.0)
    await write(scene, encode_state(FOUND))
    assert await shown(scene)

    await write(scene, content, time_ms=time_ms)

    assert await shown(scene) == []
    assert scene.gauge("put_call_open_interest", scope="symbol", symbol="ACME") is None
    assert scene.alerter.blind == ""


async def test_gauges_do_not_outlive_their_reading_or_the_term(scene: Scene) -> None:
    await scene.start()
    scene.market.trade(1.0, ACME=99.0, BOLT=100.0)
    await write(scene, encode_state(FOUND))
    await shown(scene)
    of_acme = {"scope": "symbol", "symbol": "ACME"}
    assert scene.gauge("put_call_open_interest", **of_acme) == 1.5

    scene.clock.advance(15.1)
    assert scene.gauge("put_call_open_interest", **of_acme) is None
    await shown(scene)
    assert scene.gauge("put_call_open_interest", **of_acme) == 1.5
    scene.post.metrics.stand_by()
    assert scene.gauge("put_call_open_interest", **of_acme) is None


async def test_a_fault_in_the_figures_ends_no_evaluation(scene: Scene) -> None:
    await scene.start()
    scene.market.trade(1.0, ACME=99.0, BOLT=100.0)
    await write(scene, encode_state(replace(FOUND, history=np.empty((1, 3)))))

    assert await shown(scene) == []
    assert scene.alerter.blind == ""
    assert scene.gauge("forced_flow_usd", symbol="ACME") == pytest.approx(-20e6)
