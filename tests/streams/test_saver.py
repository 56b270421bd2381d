"""Saves of partitions in a real Redis: what they wait for, and what they do when it lost them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from streams.dead_letters import DeadLetters
from streams.fencing import PartitionStore, partition_key
from streams.logs import Log, LogIdentities, LogIdentity
from streams.metric_catalogue import WORKER
from streams.metric_registry import Metrics
from streams.partition import Partition
from streams.rejects import Reject
from streams.saver import Saver
from streams.snapshots import read_fields
from streams.topics import INPUTS, PRICES
from tests.support.decoders import ACME_PARTITION, small_universe
from tests.support.records import price, records

UNIVERSE = small_universe()


class World:
    def __init__(self, store: PartitionStore, token: int) -> None:
        self.store = store
        self.metrics = Metrics(WORKER)
        self.letters = DeadLetters(self._send, self.metrics)
        self.acknowledge = asyncio.Event()
        self.refused: list[int] = []
        self.partition = self.owner(token)
        self.partitions = {ACME_PARTITION: self.partition}
        self.logs = LogIdentities(self._identify)
        self.saver = Saver(
            store,
            self.partitions,
            self.logs,
            letters=self.letters,
            metrics=self.metrics,
            monotonic=lambda: 0.0,
            on_refused=self.refused.append,
        )

    @staticmethod
    def owner(token: int) -> Partition:
        logs = {topic: Log(0, 0, 0) for topic in INPUTS}
        return Partition(UNIVERSE, ACME_PARTITION, token=token, logs=logs)

    async def _identify(self) -> dict[str, LogIdentity]:
        return {topic: LogIdentity("cluster", topic, 12) for topic in INPUTS}

    async def _send(self, key: bytes, value: bytes) -> Any:  # noqa: ANN401
        del key, value
        return self.acknowledge.wait()

    def take(self, *values: bytes) -> None:
        self.partition.take(PRICES, records(*values))
        self.partition.logs[PRICES].next += len(values)
        self.partition.logs[PRICES].applied += len(values)

    def count(self, outcome: str) -> float:
        return (
            self.metrics.registry.get_sample_value(
                "forcedflow_snapshots_total", {"outcome": outcome}
            )
            or 0.0
        )

    async def stored(self) -> dict[str, bytes]:
        return dict((await self.store.acquire([ACME_PARTITION]))[ACME_PARTITION].fields)


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Redis]:
    client = Redis.from_url(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
async def world(client: Redis) -> World:
    store = PartitionStore(client)
    made = World(store, (await store.acquire([ACME_PARTITION]))[ACME_PARTITION].token)
    await made.logs.look()
    return made


async def test_what_was_saved_is_what_the_partition_holds(world: World) -> None:
    world.take(price(price=90.0), price(price=91.0, sequence=1))

    await world.saver.save_all()

    found = read_fields(await world.stored())[PRICES]
    assert found.head is not None
    assert (found.head.next, found.head.applied) == (2, 2)
    assert world.partition.logs[PRICES].saved == 2


async def test_nothing_is_written_where_nothing_has_changed(world: World) -> None:
    world.take(price())
    await world.saver.save(ACME_PARTITION)
    await world.saver.save(ACME_PARTITION)

    assert world.count("saved") == 1


async def test_a_save_waits_until_kafka_has_the_dead_letters_below_its_offset(
    world: World,
) -> None:
    world.take(price())
    world.letters.put(PRICES, ACME_PARTITION, [Reject("bad", "bad", 0, 0, 0, b"{")])
    await world.saver.save(ACME_PARTITION)
    waiting = world.count("saved")
    world.acknowledge.set()
    await world.letters.flush()
    await world.saver.save(ACME_PARTITION)

    assert (waiting, world.count("saved")) == (0, 1)


async def test_a_redis_that_lost_the_snapshot_is_given_all_of_it(
    world: World, client: Redis
) -> None:
    world.take(price(price=90.0))
    await world.saver.save(ACME_PARTITION)
    await client.flushall()
    world.take(price(price=91.0, sequence=1))
    await world.saver.save(ACME_PARTITION)

    assert (world.count("empty"), world.count("saved")) == (1, 2)
    found = read_fields(await world.stored())
    assert {topic for topic in INPUTS if found[topic].head is not None} == set(INPUTS)


async def test_an_owner_that_was_replaced_is_told_and_saves_nothing(
    world: World, client: Redis
) -> None:
    world.take(price(price=90.0))
    await world.saver.save(ACME_PARTITION)
    before = await client.hgetall(partition_key(ACME_PARTITION))
    await world.store.acquire([ACME_PARTITION])
    world.take(price(price=91.0, sequence=1))
    await world.saver.save(ACME_PARTITION)

    after = await client.hgetall(partition_key(ACME_PARTITION))
    assert world.refused == [ACME_PARTITION]
    assert after | {b"token": b""} == before | {b"token": b""}


async def test_a_redis_that_does_not_answer_is_tried_again(world: World, client: Redis) -> None:
    world.saver._store = PartitionStore(Redis.from_url("redis://127.0.0.1:1/0"))
    world.take(price())
    await world.saver._try(ACME_PARTITION)
    failed = world.count("failed")
    world.saver._store = PartitionStore(client)
    await world.saver._try(ACME_PARTITION)

    assert (failed, world.count("saved")) == (1, 1)


async def test_a_full_redis_is_an_error_that_passes(world: World, client: Redis) -> None:
    await client.config_set("maxmemory", "1")
    try:
        world.take(price())
        await world.saver._try(ACME_PARTITION)
        failed = world.count("failed")
    finally:
        await client.config_set("maxmemory", "1gb")
    await world.saver._try(ACME_PARTITION)

    assert (failed, world.count("saved")) == (1, 1)


async def test_while_it_runs_every_partition_is_saved_within_seconds(world: World) -> None:
    task = asyncio.create_task(world.saver.run())
    world.take(price())
    async with asyncio.timeout(10):
        while not world.partition.logs[PRICES].saved:  # noqa: ASYNC110 (another task's doing)
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
