"""Taking partitions over: where each log goes on from, with a real Redis."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import cast

import numpy as np
import pytest
from aiokafka.errors import KafkaError
from faust.types import TP

from core.book_state import PriceState
from streams.batch_transport import BatchConsumer
from streams.event_kinds import session_label
from streams.fencing import partition_key
from streams.partition import Partition
from streams.snapshots import session_field
from streams.state_format import decode_state, encode_state
from streams.topics import CLOSES, FLOWS, PRICES
from tests.support.book_events import prices, tick
from tests.support.decoders import ACME_PARTITION, REFERENCES
from tests.support.owner_world import UNIVERSE, owner_world, tps
from tests.support.owner_world import OwnerWorld as World
from tests.support.records import TIME_NS, price, records
from tests.support.results import results_of
from tests.support.universes import fund, universe_from


def result(world: World, *, label: int, close: float) -> bytes:
    """Return ACME's result of a session, whose last price was `close`."""
    book = Partition(UNIVERSE, ACME_PARTITION, token=1, logs={}).book
    day = book.day(label)
    last = int(day.close_ns[0])
    book.apply_prices(prices(book, [tick(0, last, close)]))
    (value,) = results_of(book, market_ns=world.now_ns)
    return value


@pytest.fixture
async def world(redis_url: str) -> AsyncIterator[World]:
    async with owner_world(redis_url) as made:
        yield made


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


async def test_a_partition_that_another_owned_meanwhile_begins_anew(world: World) -> None:
    await world.assign(3)
    before = world.intake.partitions[3]
    before.logs[PRICES].is_held = False
    await world.store.acquire([3])

    await world.assign(3)

    assert world.intake.partitions[3] is not before
    assert world.intake.partitions[3].token == await world.token(3)


async def test_half_a_partition_is_not_served(world: World) -> None:
    world.consumer.assigned = {TP(PRICES, 3), *tps(4)}

    await world.ownership.assigned(cast("BatchConsumer", world.consumer), {})

    assert world.intake.partitions.keys() == {4}
    assert await world.token(3) == 0


async def save(world: World, number: int, *, offset: int, price_of: bytes) -> None:
    """Have the owner of a partition save one price, read up to an offset of every log."""
    partition = world.intake.partitions[number]
    partition.take(PRICES, records(price_of))
    for offsets in partition.logs.values():
        offsets.next, offsets.applied, offsets.is_held = offset, offset - 10, False
    await world.saver.save(number)


async def test_a_partition_goes_on_from_what_was_saved(world: World) -> None:
    await world.assign(ACME_PARTITION)
    await save(world, ACME_PARTITION, offset=15, price_of=price(price=88.0))
    await world.assign()

    positions = await world.assign(ACME_PARTITION)

    partition = world.intake.partitions[ACME_PARTITION]
    assert positions == dict.fromkeys(tps(ACME_PARTITION), 15)
    assert partition.logs[PRICES].applied == 5
    assert not partition.logs[PRICES].is_held
    assert partition.book.partial(market_ns=TIME_NS).price[0] == 88.0


@pytest.mark.parametrize(
    ("offset", "cluster", "reason"), [(15, "another", "other_log"), (25, "one", "beyond_the_log")]
)
async def test_an_offset_of_another_log_is_dropped_and_the_state_kept(
    world: World, offset: int, cluster: str, reason: str
) -> None:
    await world.assign(ACME_PARTITION)
    await save(world, ACME_PARTITION, offset=offset, price_of=price(price=88.0))
    await world.assign()
    world.cluster = cluster

    positions = await world.assign(ACME_PARTITION)

    partition = world.intake.partitions[ACME_PARTITION]
    assert positions == dict.fromkeys(tps(ACME_PARTITION), 10)
    assert partition.logs[PRICES].applied == 0
    assert partition.book.partial(market_ns=TIME_NS).price[0] == 88.0
    labels = {"topic": PRICES, "reason": reason}
    assert world.value("forcedflow_gates_dropped_total", labels) == 1


async def test_a_snapshot_that_does_not_fit_together_is_refused(world: World) -> None:
    await world.assign(ACME_PARTITION)
    await save(world, ACME_PARTITION, offset=15, price_of=price(price=88.0))
    key, name = partition_key(ACME_PARTITION), session_field(PRICES, session_label("2026-06-23"))
    stored = (await world.store.acquire([ACME_PARTITION]))[ACME_PARTITION].fields
    state = decode_state(PriceState, stored[name])
    beyond = replace(state, trades=state.trades.into(state.trades.slot + 9))
    await world.client.hset(key, name, encode_state(beyond))
    await world.assign()

    await world.assign(ACME_PARTITION)

    partition = world.intake.partitions[ACME_PARTITION]
    assert {log.next for log in partition.logs.values()} == {10}
    assert np.isnan(partition.book.partial(market_ns=TIME_NS).price[0])
    labels = {"topic": PRICES, "reason": "refused"}
    assert world.value("forcedflow_gates_dropped_total", labels) == 1


async def test_what_was_reported_of_a_longer_log_is_reported_of_the_shorter_one(
    world: World,
) -> None:
    await world.assign(3, committed={TP(PRICES, 3): 21, TP(FLOWS, 3): 20})

    logs = world.intake.partitions[3].logs
    assert (logs[PRICES].reported, logs[FLOWS].reported) == (0, 20)


async def test_partitions_kept_are_taken_over_anew_where_their_logs_are_others(
    world: World,
) -> None:
    await world.assign(3)
    before = world.intake.partitions[3]
    before.logs[PRICES].is_held = False
    world.cluster = "another"

    await world.assign(3)

    assert world.intake.partitions[3] is not before


async def test_what_kafka_deleted_before_it_was_read_is_a_gap(world: World) -> None:
    await world.assign(ACME_PARTITION)
    await save(world, ACME_PARTITION, offset=15, price_of=price())
    await world.assign()
    world.consumer.earliest = 17

    positions = await world.assign(ACME_PARTITION)

    assert positions[TP(PRICES, ACME_PARTITION)] == 17
    assert world.value("forcedflow_offset_gaps_total", {"topic": PRICES}) == 1
    # Holes in results are made by compaction.
    assert world.value("forcedflow_offset_gaps_total", {"topic": CLOSES}) == 0


async def test_without_a_snapshot_prices_wait_for_the_results_and_begin_at_the_open(
    world: World,
) -> None:
    world.now_ns = TIME_NS
    # The close of the session before, of every reference of the partition.
    close = result(world, label=session_label("2026-06-22"), close=97.0)
    await world.assign(ACME_PARTITION)
    partition = world.intake.partitions[ACME_PARTITION]
    waiting = world.intake.next_offset(TP(PRICES, ACME_PARTITION))

    partition.take(CLOSES, records(close))
    partition.logs[CLOSES].next = partition.logs[CLOSES].end
    await asyncio.wait_for(world.consumer.resumed.wait(), 10)

    assert waiting is None
    open_ms = TIME_NS // 10**6 - 30 * 60 * 1000
    assert world.consumer.asked == {TP(PRICES, ACME_PARTITION): open_ms}
    assert world.consumer.sought[TP(PRICES, ACME_PARTITION)] == 18
    assert world.intake.next_offset(TP(PRICES, ACME_PARTITION)) == 18


async def test_without_every_previous_close_prices_begin_at_the_earliest(world: World) -> None:
    world.now_ns = TIME_NS
    await world.assign(ACME_PARTITION)
    partition = world.intake.partitions[ACME_PARTITION]

    partition.logs[CLOSES].next = partition.logs[CLOSES].end
    await asyncio.wait_for(world.consumer.resumed.wait(), 10)

    assert world.consumer.asked == {}
    assert world.intake.next_offset(TP(PRICES, ACME_PARTITION)) == 10


async def test_prices_that_cannot_begin_yet_take_no_other_partition_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = asyncio.Event()

    async def seek_wait(positions: Mapping[TP, int]) -> None:
        if positions.keys() == {TP(PRICES, 3)} and not failed.is_set():
            failed.set()
            raise KafkaError("not now")
        if TP(PRICES, 4) in positions:
            # The second is taken over meanwhile.
            world.intake.partitions[3].logs[CLOSES].next = 20
            await asyncio.wait_for(failed.wait(), 2)

    monkeypatch.setattr(world.consumer, "seek_wait", seek_wait)
    await world.assign(3, 4)
    await asyncio.wait_for(world.consumer.resumed.wait(), 10)

    assert world.intake.partitions.keys() == {3, 4}
    assert world.consumer.paused == {TP(PRICES, 4)}


async def test_a_revocation_saves_what_may_be_taken_away(world: World) -> None:
    await world.assign(ACME_PARTITION)
    partition = world.intake.partitions[ACME_PARTITION]
    partition.take(PRICES, records(price(price=88.0)))
    partition.logs[PRICES].next = 11

    await world.ownership.revoked()

    assert partition.logs[PRICES].saved == 11


async def test_a_new_universe_is_switched_to_with_the_state(world: World) -> None:
    await world.assign(ACME_PARTITION)
    partition = world.intake.partitions[ACME_PARTITION]
    partition.take(PRICES, records(price(price=88.0)))
    corrected = universe_from(
        references=REFERENCES, funds=[fund("ACMU", "ACME", 2, assets_usd=4e8)]
    )

    switched = list(world.ownership.switch(corrected))

    partial = partition.book.partial(market_ns=TIME_NS)
    assert switched == [ACME_PARTITION]
    assert partition.universe is corrected
    assert partial.leveraged_usd[0] == pytest.approx(-0.12 * 4e8 * 2)
