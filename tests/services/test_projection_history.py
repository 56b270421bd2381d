"""What the alerter hands to the history: one row a reference and minute, at any speed."""

import pytest

from services.rows import Rows
from tests.support.alerter_scene import Scene

MINUTE_HOURS = 1 / 60
SECOND_HOURS = 1 / 3_600


@pytest.fixture
async def scene(scene: Scene) -> Scene:
    await scene.start()
    return scene


def times(scene: Scene, symbol: str) -> list[str]:
    rows = scene.post.projections.rows
    return [str(row["event_time"])[11:19] for row in rows if row["symbol"] == symbol]


async def test_each_minute_has_the_row_that_the_view_showed_last(scene: Scene) -> None:
    shown = []
    for second in range(0, 200, 10):
        scene.market.trade(1.0 + second * SECOND_HOURS, ACME=99.0 - second / 100, BOLT=100.0)
        await scene.tick()
        shown.append(scene.market.view()["rows"][0])

    rows = [row for row in scene.post.projections.rows if row["symbol"] == "ACME"]
    assert [row["event_time"] for row in rows] == [
        f"2024-10-04T11:0{minute}:00+00:00" for minute in range(4)
    ]
    # Figures of alerts change a row after it was computed, not after it was shown.
    assert rows == [shown[0], shown[6], shown[12], shown[18]]


async def test_at_sixty_times_the_speed_a_minute_still_has_one_row(scene: Scene) -> None:
    for tick in range(50):
        scene.market.trade(1.0 + tick * 6 * SECOND_HOURS, ACME=99.0, BOLT=100.0)
        await scene.tick()

    assert times(scene, "ACME") == ["11:00:00", "11:01:00", "11:02:00", "11:03:00", "11:04:00"]
    assert times(scene, "BOLT") == times(scene, "ACME")


async def test_a_new_alerter_writes_the_minute_that_the_old_one_did_not_end(scene: Scene) -> None:
    rows = []
    for minute in range(6):
        scene.market.trade(1.0 + (minute + 0.5) * MINUTE_HOURS, ACME=99.0)
        await scene.tick()
        if minute == 2:
            rows += scene.post.projections.rows
            await scene.start()
            await scene.tick()
    rows += scene.post.projections.rows

    found = [str(row["event_time"])[11:19] for row in rows if row["symbol"] == "ACME"]
    assert found == ["11:00:30", "11:01:30", "11:02:30", "11:03:30", "11:04:30"]


async def test_a_log_that_fails_disturbs_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(_rows: Rows, _universe: object) -> None:
        message = "a bug"
        raise ZeroDivisionError(message)

    monkeypatch.setattr(scene.post.projections, "put", stumble)
    for minute in range(3):
        scene.market.trade(1.0 + minute * MINUTE_HOURS, ACME=99.0)
        [alert] = await scene.tick()

    assert alert["labels"]["symbol"] == "ACME"
    assert scene.gauge("blind") == 0.0
