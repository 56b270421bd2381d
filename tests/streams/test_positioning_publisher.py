"""Positioning of a partition's options on its way to Redis."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.live_positioning import PositioningRows
from streams import positioning_publisher, positioning_work
from streams.fencing import PartitionStore, partial_key, positioning_key
from streams.logs import Log
from streams.metric_catalogue import WORKER
from streams.metric_registry import Metrics
from streams.partition import Partition
from streams.positioning_publisher import PositioningPublisher
from streams.state_format import decode_state
from streams.topics import INPUTS, OPEN_INTEREST, PRICES
from tests.support.decoders import ACME_PARTITION, small_universe
from tests.support.interest import BEFORE_OPEN_NS, level
from tests.support.records import heartbeat, price, records

PUTS, CALLS = 900, 600


class World:
    """The owner of ACME's partition, which has a chain and a price."""

    def __init__(self, client: Redis, token: int, *, end: int = 0) -> None:
        logs = {topic: Log(0, end, 0) for topic in INPUTS}
        self.partition = Partition(small_universe(), ACME_PARTITION, token=token, logs=logs)
        self.store = PartitionStore(client)
        self.metrics = Metrics(WORKER)
        self.publisher = PositioningPublisher(
            self.store, {ACME_PARTITION: self.partition}, self.metrics
        )
        chain = [
            level(right=right, open_interest=held, event_time=BEFORE_OPEN_NS)
            for right, held in (("call", CALLS), ("put", PUTS))
        ]
        self.partition.take(OPEN_INTEREST, records(*chain))
        self.partition.take(PRICES, records(price(price=97.0), heartbeat()))
        self.partition.book.partial()

    def writes(self, outcome: str) -> float:
        value = self.metrics.registry.get_sample_value(
            "forcedflow_positioning_writes_total", {"outcome": outcome}
        )
        return value or 0.0

    async def stored(self) -> PositioningRows | None:
        found = await self.store.read([ACME_PARTITION], key=positioning_key)
        stored = found[ACME_PARTITION]
        return None if stored is None else decode_state(PositioningRows, stored.content)


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Redis]:
    client = Redis.from_url(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
async def world(client: Redis) -> World:
    token = (await PartitionStore(client).acquire([ACME_PARTITION]))[ACME_PARTITION].token
    return World(client, token)


async def test_what_is_due_is_made_and_written_beside_the_partial(world: World) -> None:
    await world.publisher.write()

    found = await world.stored()
    assert found is not None
    assert found.symbol == ("ACME",)
    assert found.figures[0, :2].tolist() == [CALLS, PUTS]
    assert found.interest_age.tolist() == [0.0]
    assert world.writes("accepted") == 1
    assert partial_key(ACME_PARTITION) != positioning_key(ACME_PARTITION)


async def test_who_lost_the_partition_writes_nothing(world: World, client: Redis) -> None:
    await PartitionStore(client).acquire([ACME_PARTITION])

    await world.publisher.write()

    assert await world.stored() is None
    assert world.writes("refused") == 1


async def test_a_warming_partition_says_nothing(client: Redis) -> None:
    token = (await PartitionStore(client).acquire([ACME_PARTITION]))[ACME_PARTITION].token
    warming = World(client, token, end=9)

    await warming.publisher.write()

    assert await warming.stored() is None


async def test_an_underlying_that_cannot_be_computed_has_no_figures(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        message = "a fault of ours"
        raise ValueError(message)

    monkeypatch.setattr(positioning_work, "make", fails)

    await world.publisher.write()

    found = await world.stored()
    assert found is not None
    assert np.isnan(found.figures).all()
    assert world.writes("not_computed") == 1


async def test_a_redis_that_is_gone_is_counted_and_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([RedisError("gone"), None])
    whole = world.store.publish

    async def publish(*args: object, **keys: object) -> dict[int, bool]:
        if (error := next(answers)) is not None:
            raise error
        running.cancel()
        return await whole(*args, **keys)  # type: ignore[arg-type]

    monkeypatch.setattr(positioning_publisher, "EVERY_SECONDS", 0.0)
    monkeypatch.setattr(world.store, "publish", publish)
    running = asyncio.create_task(world.publisher.run())
    await asyncio.gather(running, return_exceptions=True)

    assert world.writes("failed") == 1
