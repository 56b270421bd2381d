"""When a worker is taken for stuck: records wait, and none is handed out for a minute."""

from types import SimpleNamespace
from typing import Any, cast

import faust
import pytest
from faust.types import TP

from services.worker_watch import EVERY_SECONDS, STUCK_SECONDS, WorkerWatch
from streams.dead_letters import DeadLetters
from streams.intake import Intake
from streams.logs import Log
from streams.metric_catalogue import WORKER
from streams.metric_registry import Metrics
from streams.partition import Partition
from streams.topics import INPUTS, PRICES
from tests.support.decoders import ACME_PARTITION, small_universe
from tests.support.manual_clock import ManualClock
from tests.support.records import price, records

OF_PRICES = TP(PRICES, ACME_PARTITION)


class Client:
    """The part of the consumer that is looked at; ``ends`` and ``positions`` are 0 by default."""

    def __init__(self) -> None:
        self.ends: dict[TP, int] = {}
        self.positions: dict[TP, int] = {}

    def assignment(self) -> set[TP]:
        return {TP(topic, ACME_PARTITION) for topic in INPUTS}

    def highwater(self, tp: TP) -> int:
        return self.ends.get(tp, 0)

    async def position(self, tp: TP) -> int:
        return self.positions.get(tp, 0)


class World:
    def __init__(self) -> None:
        self.clock = ManualClock(0)
        self.client = Client()
        self.failures: list[str] = []
        metrics = Metrics(WORKER)
        letters = DeadLetters(self._send, metrics)
        self.intake = Intake(
            letters,
            metrics,
            topics_prefix="",
            now_ns=self.clock.now_ns,
            monotonic=self.clock.monotonic,
            on_touch=lambda: None,
        )
        logs = {topic: Log(0, 0, 0) for topic in INPUTS}
        self.intake.partitions[ACME_PARTITION] = Partition(
            small_universe(), ACME_PARTITION, token=1, logs=logs
        )
        app = SimpleNamespace(consumer=self.client, rebalancing=False)
        self.watch = WorkerWatch(
            cast("faust.App", app),
            self.intake,
            letters=letters,
            metrics=metrics,
            clock=self.clock,
            on_failure=self.failures.append,
        )

    async def _send(self, key: bytes, value: bytes) -> Any:  # noqa: ANN401
        raise AssertionError((key, value))

    def append(self) -> None:
        """Have Kafka hold one record more."""
        self.client.ends[OF_PRICES] = self.client.ends.get(OF_PRICES, 0) + 1

    def hand_out(self) -> None:
        """Have the client hand out what waits."""
        end = self.client.ends[OF_PRICES]
        self.intake.take(OF_PRICES, records(*[price()] * end)[end - 1 :])
        self.client.positions[OF_PRICES] = end

    async def pass_seconds(self, seconds: float) -> None:
        for _ in range(round(seconds / EVERY_SECONDS)):
            self.clock.advance(EVERY_SECONDS)
            await self.watch.look()


@pytest.fixture
def world() -> World:
    return World()


async def test_records_that_wait_for_a_minute_end_the_worker(world: World) -> None:
    world.append()
    await world.pass_seconds(STUCK_SECONDS)
    before = list(world.failures)
    await world.pass_seconds(EVERY_SECONDS)

    assert before == []
    assert world.failures == ["no batch for 61 s while records wait"]


async def test_a_record_after_a_long_silence_has_not_waited_as_long(world: World) -> None:
    await world.pass_seconds(2 * STUCK_SECONDS)
    world.append()
    await world.pass_seconds(EVERY_SECONDS)
    world.hand_out()
    await world.pass_seconds(2 * STUCK_SECONDS)

    assert world.failures == []


async def test_as_long_as_batches_come_a_worker_that_is_behind_goes_on(world: World) -> None:
    for _ in range(3):
        world.append()
        world.hand_out()
        world.append()
        await world.pass_seconds(STUCK_SECONDS - 1)

    assert world.failures == []


async def test_a_tail_that_was_handed_out_and_holds_no_records_is_no_wait(world: World) -> None:
    world.append()
    world.client.positions[OF_PRICES] = 1
    await world.pass_seconds(2 * STUCK_SECONDS)

    assert world.failures == []
