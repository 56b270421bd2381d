"""Claims of partitions that Redis does not answer, that are overtaken, or refused."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from faust.types import TP

from streams.fencing import Acquired, PartitionStore
from streams.topics import PRICES
from tests.support.owner_world import OwnerWorld as World
from tests.support.owner_world import owner_world, tps


@pytest.fixture
async def world(redis_url: str) -> AsyncIterator[World]:
    async with owner_world(redis_url) as made:
        yield made


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


async def test_what_is_claimed_before_redis_fails_again_is_read(world: World) -> None:
    failing = [3, 4]

    class Flapping(PartitionStore):
        """Fails for the first partition, then for the second, then for neither."""

        async def acquire(self, partitions: Sequence[int]) -> dict[int, Acquired]:
            if partitions == failing[:1]:
                raise ConnectionError(failing.pop(0))
            return await super().acquire(partitions)

    world.ownership._store = Flapping(world.client)
    await world.assign(3, 4)
    claiming = world.ownership._tasks[0]
    await asyncio.wait_for(claiming, 10)

    assert world.intake.partitions.keys() == {3, 4}
    # Prices wait for the results to be read.
    assert world.consumer.paused == {TP(PRICES, 3), TP(PRICES, 4)}


async def test_after_a_revocation_nothing_more_is_claimed(world: World) -> None:
    store = Unreachable()
    world.ownership._store = store
    await world.assign(3)

    await world.ownership.revoked()

    world.ownership._store = world.store
    assert world.ownership._tasks == []
    assert await world.token(3) == 0


async def test_a_revocation_ends_a_takeover_that_goes_on(world: World) -> None:
    class Revoking(PartitionStore):
        async def acquire(self, partitions: Sequence[int]) -> dict[int, Acquired]:
            await world.ownership.revoked()
            return await super().acquire(partitions)

    world.ownership._store = Revoking(world.client)

    await world.assign(3, 4)

    assert await world.token(3) > 0
    assert await world.token(4) == 0


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


async def test_a_refusal_of_what_kafka_says_is_ours_ends_the_worker(world: World) -> None:
    await world.assign(3, 4)

    world.ownership.refused(3)

    assert world.intake.partitions.keys() == {4}
    assert world.failures == ["partition 3 was taken over while Kafka says it is ours"]


async def test_so_does_one_while_the_rest_of_an_assignment_is_still_taken_over(
    world: World,
) -> None:
    await world.assign(3)
    world.intake.partitions[3].logs[PRICES].is_held = False

    class Refusing(PartitionStore):
        async def acquire(self, partitions: Sequence[int]) -> dict[int, Acquired]:
            world.ownership.refused(3)
            return await super().acquire(partitions)

    world.ownership._store = Refusing(world.client)
    await world.assign(3, 5)

    assert world.intake.partitions.keys() == {5}
    assert len(world.failures) == 1


async def test_a_refusal_after_a_revocation_gives_up_the_partition_alone(world: World) -> None:
    await world.assign(3)
    await world.ownership.revoked()

    world.ownership.refused(3)

    assert (world.intake.partitions, world.failures) == ({}, [])
