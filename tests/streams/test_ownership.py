import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, cast

import pytest
from faust.types import TP
from redis.asyncio import Redis

from streams.batch_transport import BatchConsumer
from streams.dead_letters import DeadLetters
from streams.fencing import Acquired, PartitionStore
from streams.intake import Intake
from streams.logs import LogIdentities, LogIdentity
from streams.metric_catalogue import WORKER
from streams.metric_registry import Metrics
from streams.ownership import Ownership
from streams.saver import Saver
from streams.topics import FLOWS, INPUTS, PRICES
from tests.support.decoders import small_universe

UNIVERSE = small_universe()


class Consumer:
    """The part of the consumer that ownership uses; every log holds offsets 10 to 20."""

    def __init__(self) -> None:
        self.assigned: set[TP] = set()
        self.sought: dict[TP, int] = {}
        self.paused: set[TP] = set()
        self.resumed = asyncio.Event()

    def assignment(self) -> set[TP]:
        return self.assigned

    async def earliest_offsets(self, *tps: TP) -> dict[TP, int]:
        return dict.fromkeys(tps, 10)

    async def highwaters(self, *tps: TP) -> dict[TP, int]:
        return dict.fromkeys(tps, 20)

    async def seek_wait(self, positions: Mapping[TP, int]) -> None:
        self.sought |= positions

    def pause_partitions(self, tps: Iterable[TP]) -> None:
        self.paused |= set(tps)

    def resume_partitions(self, tps: Iterable[TP]) -> None:
        self.paused -= set(tps)
        self.resumed.set()


def tps(number: int) -> list[TP]:
    return [TP(topic, number) for topic in INPUTS]


class World:
    def __init__(self, client: Redis) -> None:
        self.client = client
        self.store = PartitionStore(client)
        self.metrics = Metrics(WORKER)
        self.consumer = Consumer()
        self.failures: list[str] = []
        self.refused: list[int] = []
        letters = DeadLetters(self._send, self.metrics)
        self.intake = Intake(
            letters,
            self.metrics,
            topics_prefix="",
            now_ns=lambda: 0,
            monotonic=lambda: 0.0,
            on_touch=lambda: None,
        )
        self.cluster = "one"
        logs = LogIdentities(self._identify)
        self.saver = Saver(
            self.store,
            self.intake.partitions,
            logs,
            letters=letters,
            metrics=self.metrics,
            monotonic=lambda: 0.0,
            on_refused=self.refused.append,
        )
        self.ownership = Ownership(
            UNIVERSE,
            self.store,
            self.intake,
            saver=self.saver,
            metrics=self.metrics,
            logs=logs,
            now_ns=lambda: 0,
            on_failure=self.failures.append,
        )

    async def _identify(self) -> dict[str, LogIdentity]:
        return {topic: LogIdentity(self.cluster, topic, 12) for topic in INPUTS}

    async def _send(self, key: bytes, value: bytes) -> Any:  # noqa: ANN401
        raise AssertionError((key, value))

    async def assign(
        self, *numbers: int, committed: Mapping[TP, int | None] | None = None
    ) -> dict[TP, int]:
        self.consumer.assigned = {TP(topic, number) for topic in INPUTS for number in numbers}
        return await self.ownership.assigned(cast("BatchConsumer", self.consumer), committed or {})

    async def token(self, number: int) -> int:
        return int(await self.client.hget(f"forcedflow:{{{number}}}", "token") or 0)


@pytest.fixture
async def world(redis_url: str) -> AsyncIterator[World]:
    client = Redis.from_url(redis_url)
    made = World(client)
    yield made
    await made.ownership.revoked()
    await client.aclose()


async def test_a_new_partition_begins_at_its_earliest_records_with_a_token(world: World) -> None:
    positions = await world.assign(3, committed={TP(PRICES, 3): 15, TP(FLOWS, 3): None})

    assert positions == dict.fromkeys(tps(3), 10) == world.consumer.sought
    partition = world.intake.partitions[3]
    assert partition.token == await world.token(3) > 0
    assert partition.is_warming
    assert (partition.logs[PRICES].reported, partition.logs[FLOWS].reported) == (15, 0)


async def test_a_partition_kept_across_a_rebalance_goes_on_with_its_book(world: World) -> None:
    await world.assign(3, 4)
    kept, lost = world.intake.partitions[3], world.intake.partitions[4]
    kept.logs[PRICES].next = 17
    kept.logs[PRICES].is_held = False
    token = await world.token(3)

    positions = await world.assign(3, 5)

    assert world.intake.partitions.keys() == {3, 5}
    assert world.intake.partitions[3] is kept
    assert positions[TP(PRICES, 3)] == 17 == world.consumer.sought[TP(PRICES, 3)]
    assert await world.token(3) == token
    labels = {"partition": "4"}
    assert world.metrics.registry.get_sample_value("forcedflow_partition_warming", labels) is None
    assert lost.token == await world.token(4)


async def test_a_partition_that_comes_back_begins_anew(world: World) -> None:
    await world.assign(3)
    before = world.intake.partitions[3]
    await world.assign()

    await world.assign(3)

    assert world.intake.partitions[3] is not before
    assert world.intake.partitions[3].token > before.token


async def test_half_a_partition_is_not_served(world: World) -> None:
    world.consumer.assigned = {TP(PRICES, 3), *tps(4)}

    await world.ownership.assigned(cast("BatchConsumer", world.consumer), {})

    assert world.intake.partitions.keys() == {4}
    assert await world.token(3) == 0


class Unreachable(PartitionStore):
    """A store that does not answer."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def acquire(self, partitions: Any) -> dict[int, Acquired]:  # noqa: ANN401
        self.asked.set()
        raise ConnectionError(partitions)


async def test_while_redis_is_away_new_partitions_are_paused_and_claimed_later(
    world: World,
) -> None:
    world.ownership._store = Unreachable()

    positions = await world.assign(3)
    paused = set(world.consumer.paused)
    world.ownership._store = world.store
    await asyncio.wait_for(world.consumer.resumed.wait(), 10)

    assert (positions, paused) == ({}, set(tps(3)))
    # Prices wait for the results to be read.
    assert world.consumer.paused == {TP(PRICES, 3)}
    assert world.intake.partitions[3].token == await world.token(3)


async def test_after_a_revocation_nothing_more_is_claimed(world: World) -> None:
    store = Unreachable()
    world.ownership._store = store
    await world.assign(3)

    await world.ownership.revoked()

    world.ownership._store = world.store
    assert world.ownership._tasks == []
    assert await world.token(3) == 0


async def test_a_fault_while_claiming_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.ownership._store = Unreachable()
    await world.assign(3)

    def fail(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(world.consumer, "earliest_offsets", fail)
    world.ownership._store = world.store
    await asyncio.wait(world.ownership._tasks, timeout=10)
    await asyncio.sleep(0)

    assert "broken" in world.failures[0]
