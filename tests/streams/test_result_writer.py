"""Results on their way to Kafka: once each, again where they do not come back or have changed."""

from typing import Any

import msgspec

from core.sessions import NANOS_PER_SECOND
from streams.logs import Log
from streams.metric_catalogue import WORKER
from streams.metric_registry import Metrics
from streams.partition import Partition
from streams.result_writer import AGAIN_SECONDS, ResultWriter
from streams.topics import CLOSES, INPUTS, OPEN_INTEREST, PRICES
from tests.support.decoders import ACME_PARTITION, small_universe
from tests.support.interest import BEFORE_OPEN_NS, level
from tests.support.manual_clock import ManualClock
from tests.support.records import TIME_NS, FakeRecord, heartbeat, price, records

UNIVERSE = small_universe()
CLOSE_NS = TIME_NS + 6 * 3600 * NANOS_PER_SECOND
OVER_NS = CLOSE_NS + 3600 * NANOS_PER_SECOND


class World:
    """A partition whose session is over, and a topic that is read back when a test says so."""

    def __init__(self) -> None:
        logs = {topic: Log(0, 0, 0) for topic in INPUTS}
        self.partition = Partition(UNIVERSE, ACME_PARTITION, token=1, logs=logs)
        self.clock = ManualClock(0)
        self.sent: list[tuple[int, bytes, bytes]] = []
        self.is_broken = False
        self.writer = ResultWriter(
            self._send,
            {ACME_PARTITION: self.partition},
            Metrics(WORKER),
            monotonic=self.clock.monotonic,
        )
        self.take(price(event_time=CLOSE_NS), heartbeat("", OVER_NS))

    async def _send(self, partition: int, key: bytes, value: bytes) -> Any:  # noqa: ANN401
        if self.is_broken:
            raise ConnectionError
        self.sent.append((partition, key, value))
        return self._acknowledged()

    async def _acknowledged(self) -> None:
        pass

    def take(self, *values: bytes) -> None:
        late = [FakeRecord(value, 0, OVER_NS // 10**6) for value in values]
        self.partition.take(PRICES, late)

    def read_back(self) -> None:
        self.partition.take(CLOSES, records(self.sent[-1][2]))

    async def write(self) -> None:
        await self.writer.write(self.partition)


async def test_a_result_is_sent_to_its_partition_once() -> None:
    world = World()

    await world.write()
    await world.write()
    world.read_back()
    await world.write()
    world.clock.advance(2 * AGAIN_SECONDS)
    await world.write()

    assert [(partition, key) for partition, key, _ in world.sent] == [
        (ACME_PARTITION, b"ACME|2026-06-23")
    ]


async def test_a_result_that_does_not_come_back_is_sent_again() -> None:
    world = World()

    await world.write()
    world.clock.advance(AGAIN_SECONDS + 1)
    await world.write()

    assert len(world.sent) == 2


async def test_a_price_that_comes_late_is_a_new_result() -> None:
    world = World()
    await world.write()
    world.read_back()
    await world.write()

    world.take(price(price=101.0, event_time=CLOSE_NS, sequence=5))
    await world.write()
    world.read_back()
    await world.write()

    assert len(world.sent) == 2
    assert b"101.0" in world.sent[1][2]


async def test_another_owners_older_result_is_overruled() -> None:
    world = World()
    await world.write()
    world.read_back()
    older = world.sent[0][2]
    world.take(price(price=101.0, event_time=CLOSE_NS, sequence=5))
    await world.write()
    world.read_back()
    await world.write()

    # Someone who did not know of the late price writes after us.
    world.partition.take(CLOSES, records(older))
    await world.write()

    assert len(world.sent) == 3
    assert b"101.0" in world.sent[2][2]


async def test_what_kafka_did_not_take_is_sent_when_it_does() -> None:
    world = World()
    world.is_broken = True
    try:
        await world.write()
    except ConnectionError:
        world.is_broken = False
    await world.write()

    assert len(world.sent) == 1


async def test_a_result_says_how_options_were_positioned_at_the_close() -> None:
    world = World()
    chain = [
        level(right=right, open_interest=held, event_time=BEFORE_OPEN_NS)
        for right, held in (("call", 600), ("put", 900))
    ]
    world.partition.take(OPEN_INTEREST, records(*chain))

    await world.write()

    result = msgspec.json.decode(world.sent[0][2])
    assert result["positioning"]["call_open_interest"] == 600.0
    assert result["positioning"]["put_open_interest"] == 900.0
    assert result["positioning"]["open_interest_concentration"] == 1.0


async def test_without_open_interest_a_result_says_nothing_of_it() -> None:
    world = World()

    await world.write()

    assert "positioning" not in msgspec.json.decode(world.sent[0][2])
