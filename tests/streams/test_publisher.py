import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from streams.fencing import PartitionStore
from streams.logs import Log
from streams.metric_catalogue import WORKER
from streams.metric_registry import Metrics
from streams.partials import decode_partial
from streams.partition import Partition
from streams.publisher import LONGEST_SECONDS, Publisher
from streams.topics import FLOWS, PRICES
from tests.support.decoders import ACME_PARTITION, small_universe
from tests.support.manual_clock import ManualClock
from tests.support.records import heartbeat, price, records

UNIVERSE = small_universe()


class World:
    """A publisher of the partition of ACME, whose token is taken."""

    def __init__(self, store: PartitionStore, token: int, *, end: int = 0) -> None:
        logs = {topic: Log(0, end, 0) for topic in (PRICES, FLOWS)}
        self.partition = Partition(UNIVERSE, ACME_PARTITION, token=token, logs=logs)
        self.partitions = {ACME_PARTITION: self.partition}
        self.metrics = Metrics(WORKER)
        self.refused: list[int] = []
        self.clock = ManualClock(0)
        self.store = store
        self.publisher = Publisher(
            store,
            self.partitions,
            self.metrics,
            monotonic=self.clock.monotonic,
            on_refused=self.refused.append,
        )

    def writes(self, outcome: str) -> float:
        value = self.metrics.registry.get_sample_value(
            "forcedflow_partial_writes_total", {"outcome": outcome}
        )
        return value or 0.0

    async def stored_price(self) -> float | None:
        stored = (await self.store.read([ACME_PARTITION]))[ACME_PARTITION]
        if stored is None:
            return None
        partial = decode_partial(
            stored.content, universe=UNIVERSE.version, partition=ACME_PARTITION
        )
        return float(partial.price[0])


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[PartitionStore]:
    client = Redis.from_url(redis_url)
    yield PartitionStore(client)
    await client.aclose()


@pytest.fixture
async def world(store: PartitionStore) -> World:
    return World(store, (await store.acquire([ACME_PARTITION]))[ACME_PARTITION].token)


async def test_a_touched_partial_is_written_and_an_untouched_one_waits(world: World) -> None:
    world.partition.take(PRICES, records(price(price=90.0), heartbeat()))

    await world.publisher.write()
    await world.publisher.write()

    assert await world.stored_price() == 90.0
    assert world.writes("accepted") == 1


async def test_an_untouched_partial_is_written_again_before_a_second_is_over(
    world: World,
) -> None:
    await world.publisher.write()

    world.clock.advance(LONGEST_SECONDS)
    await world.publisher.write()

    assert world.writes("accepted") == 2
    assert LONGEST_SECONDS < 1.0


async def test_a_warming_partition_writes_nothing(store: PartitionStore) -> None:
    world = World(store, 1, end=1)

    await world.publisher.write()

    assert await world.stored_price() is None
    labels = {"partition": str(ACME_PARTITION)}
    gauge = world.metrics.registry.get_sample_value("forcedflow_partition_warming", labels)
    assert gauge == 1


async def test_a_replaced_token_is_refused_counted_and_told(world: World) -> None:
    await world.store.acquire([ACME_PARTITION])

    await world.publisher.write()

    assert world.refused == [ACME_PARTITION]
    assert world.writes("refused") == 1
    assert world.metrics.registry.get_sample_value("forcedflow_fenced_total") == 1
    assert await world.stored_price() is None


async def test_a_partial_that_redis_did_not_take_stays_due(world: World) -> None:
    good, world.publisher._store = (
        world.store,
        PartitionStore(Redis.from_url("redis://127.0.0.1:1")),
    )
    with pytest.raises(RedisError):
        await world.publisher.write()

    world.publisher._store = good
    await world.publisher.write()

    assert world.writes("accepted") == 1


async def test_a_partial_that_cannot_be_computed_does_not_hold_up_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = ACME_PARTITION + 1
    token = (await world.store.acquire([other]))[other].token
    logs = {topic: Log(0, 0, 0) for topic in (PRICES, FLOWS)}
    world.partitions[other] = Partition(UNIVERSE, other, token=token, logs=logs)

    def fail() -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(world.partition.book, "partial", fail)
    await world.publisher.write()

    assert (world.writes("accepted"), world.writes("not_computed")) == (1, 1)
    assert await world.stored_price() is None


async def test_while_it_runs_a_touch_is_in_redis_within_50_ms(world: World) -> None:
    task = asyncio.create_task(world.publisher.run())
    loop = asyncio.get_running_loop()
    delays = []
    for step in range(10):
        world.partition.take(PRICES, records(price(price=90.0 + step, sequence=step), heartbeat()))
        touched = loop.time()
        world.publisher.touch()
        async with asyncio.timeout(5):
            while await world.stored_price() != 90.0 + step:  # noqa: ASYNC110 (another process)
                await asyncio.sleep(0.001)
        delays.append(loop.time() - touched)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    # Other tests share the machine: it adds to a delay, and never takes from it.
    assert min(delays) < 0.05
