"""Saves of partitions in a real Redis: what they wait for, and what they do when it lost them."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from itertools import count
from typing import Any, cast

import pytest
from redis.asyncio import Redis

from streams.cancelling import end_tasks
from streams.dead_letters import DeadLetters
from streams.fencing import PartitionStore, partition_key
from streams.logs import Log, LogIdentities, LogIdentity
from streams.metric_catalogue import WORKER
from streams.metric_registry import Metrics
from streams.partition import Partition
from streams.rejects import Reject
from streams.saver import Saver
from streams.snapshots import Copy, read_fields
from streams.topics import INPUTS, PRICES
from tests.support.decoders import ACME_PARTITION, REFERENCES, small_universe
from tests.support.records import price, records, symbols_of_partition
from tests.support.universes import reference, universe_from

UNIVERSE = small_universe()
BEFORE_ACME = symbols_of_partition(ACME_PARTITION, 1)[0]
LARGER = universe_from(references=[reference(BEFORE_ACME, previous_close=10), *REFERENCES])
"""Has a symbol before ACME, which becomes row 1."""


class InterruptedStore:
    """A store where something happens while a save is on its way."""

    def __init__(self, store: PartitionStore, meanwhile: Callable[[], None]) -> None:
        self._store = store
        self._meanwhile = meanwhile

    async def save(self, partition: int, token: int, **content: Any) -> str:  # noqa: ANN401
        answer = await self._store.save(partition, token, **content)
        self._meanwhile()
        return answer


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

    async def saved_and_lost(self, client: Redis) -> None:
        """Save a price, have Redis lose it, and take another."""
        self.take(price(price=90.0))
        await self.saver.save(ACME_PARTITION)
        await client.flushall()
        self.take(price(price=91.0, sequence=1))

    def count(self, outcome: str) -> float:
        return (
            self.metrics.registry.get_sample_value(
                "forcedflow_snapshots_total", {"outcome": outcome}
            )
            or 0.0
        )

    @staticmethod
    def prices_in(fields: dict[str, bytes]) -> dict[str, float]:
        """Return the last prices that an owner finds in a snapshot, by symbol."""
        logs = {topic: Log(0, 0, 0) for topic in INPUTS}
        book = Partition(LARGER, ACME_PARTITION, token=1, logs=logs, found=read_fields(fields)).book
        (day,) = book.days.values()
        return dict(zip(book.symbols, day.trades.value.tolist(), strict=True))

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


async def test_a_flood_of_dead_letters_keeps_no_save_waiting(world: World) -> None:
    async def flood() -> None:
        for offset in count():
            world.letters.put(PRICES, ACME_PARTITION, [Reject("bad", "bad", offset, 0, 0, b"{")])
            await asyncio.sleep(0)

    world.take(price())
    world.acknowledge.set()
    tasks = [asyncio.create_task(work) for work in (flood(), world.letters.run())]
    await asyncio.sleep(0.01)
    is_one_waiting = world.letters.first_waiting(PRICES, ACME_PARTITION) is not None
    await world.saver.save(ACME_PARTITION)
    await end_tasks(tasks)

    assert is_one_waiting
    assert world.count("saved") == 1


async def test_a_redis_that_lost_the_snapshot_is_given_all_of_it(
    world: World, client: Redis
) -> None:
    await world.saved_and_lost(client)
    await world.saver.save(ACME_PARTITION)

    assert (world.count("empty"), world.count("saved")) == (1, 2)
    found = read_fields(await world.stored())
    assert {topic for topic in INPUTS if found[topic].head is not None} == set(INPUTS)


async def test_what_redis_lost_is_not_given_again_past_a_letter_that_waits(
    world: World, client: Redis
) -> None:
    await world.saved_and_lost(client)

    def reject() -> None:
        world.take(b"{")
        world.letters.put(PRICES, ACME_PARTITION, [Reject("bad", "bad", 2, 0, 0, b"{")])

    world.saver._store = cast("PartitionStore", InterruptedStore(world.store, reject))
    await world.saver.save(ACME_PARTITION)

    assert (world.count("empty"), world.count("saved")) == (1, 1)
    assert await client.exists(partition_key(ACME_PARTITION)) == 0


async def test_a_universe_switched_to_while_a_save_is_on_its_way_is_saved_whole(
    world: World,
) -> None:
    world.take(price(price=90.0))
    store = InterruptedStore(world.store, lambda: world.partition.switch(LARGER))
    world.saver._store = cast("PartitionStore", store)
    await world.saver.save(ACME_PARTITION)
    world.saver._store = world.store
    world.take(price(symbol="NOBODY"))
    await world.saver.save(ACME_PARTITION)

    found = world.prices_in(await world.stored())
    assert found == {BEFORE_ACME: pytest.approx(math.nan, nan_ok=True), "ACME": 90.0}


async def test_a_universe_switched_to_while_a_save_is_encoded_takes_nothing_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.saver.save(ACME_PARTITION)
    world.take(price(price=90.0))
    encoded = Copy.encoded

    def switched(copy: Copy) -> dict[str, bytes]:
        world.partition.switch(LARGER)
        return encoded(copy)

    with monkeypatch.context() as patched:
        patched.setattr(Copy, "encoded", switched)
        await world.saver.save(ACME_PARTITION)

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
