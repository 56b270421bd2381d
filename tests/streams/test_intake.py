from typing import Any

import msgspec
import pytest
from faust.types import TP

from streams.dead_letters import DeadLetters
from streams.intake import Intake
from streams.logs import Log
from streams.metric_catalogue import WORKER
from streams.metric_registry import Metrics
from streams.partition import Partition
from streams.rejects import DeadLetter
from streams.topics import CLOSES, FLOWS, OPEN_INTEREST, PRICES
from tests.support.decoders import ACME_PARTITION, small_universe
from tests.support.records import APPENDED_MS, FakeRecord, flow, heartbeat, price

UNIVERSE = small_universe()
ACME = TP("test-prices", ACME_PARTITION)
ACME_FLOWS = TP("test-etf-flows", ACME_PARTITION)


class World:
    """An intake that owns the partition of ACME."""

    def __init__(self, *, reported: int = 0, end: int = 0) -> None:
        self.metrics = Metrics(WORKER)
        self.sent: list[DeadLetter] = []
        self.touches = 0
        self.letters = DeadLetters(self._send, self.metrics)
        self.intake = Intake(
            self.letters,
            self.metrics,
            topics_prefix="test-",
            now_ns=lambda: APPENDED_MS * 10**6 + 20_000_000,
            monotonic=lambda: 0.0,
            on_touch=self._touch,
        )
        logs = {topic: Log(0, end, reported) for topic in (PRICES, FLOWS)}
        logs |= {topic: Log(0, 0, 0) for topic in (OPEN_INTEREST, CLOSES)}
        self.partition = Partition(UNIVERSE, ACME_PARTITION, token=1, logs=logs)
        self.partition.is_touched = False
        self.intake.partitions[ACME_PARTITION] = self.partition

    async def _send(self, key: bytes, value: bytes) -> Any:  # noqa: ANN401
        del key
        self.sent.append(msgspec.json.decode(value, type=DeadLetter))
        return self._acknowledged()

    async def _acknowledged(self) -> None:
        pass

    def _touch(self) -> None:
        self.touches += 1

    def take(self, tp: TP, *values: bytes, start: int = 0) -> None:
        batch = [FakeRecord(value, offset) for offset, value in enumerate(values, start)]
        self.intake.take(tp, batch)

    def value(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0.0


def test_outcomes_are_counted_under_the_topics_public_name() -> None:
    world = World()

    world.take(ACME, price(), price(event_time="2026-06-23T03:00:00Z"), price("ELSE"), b"{")

    outcomes = {
        outcome: world.value("forcedflow_events_total", topic="prices", outcome=outcome)
        for outcome in ("applied", "unused", "unknown", "rejected")
    }
    assert outcomes == {"applied": 1, "unused": 1, "unknown": 1, "rejected": 1}
    assert world.value("forcedflow_batches_total", topic="prices") == 1
    assert world.value("forcedflow_projection_latency_seconds_sum") == pytest.approx(0.02)
    assert world.value("forcedflow_event_lag_seconds", topic="prices") == pytest.approx(0.5)


def test_a_touch_is_told_and_an_event_that_changes_nothing_is_not() -> None:
    world = World()

    world.take(ACME, price())
    world.partition.is_touched = False
    world.take(ACME, price(), start=1)

    assert world.touches == 1


def test_heartbeats_of_creations_do_not_move_the_time_of_prices() -> None:
    world = World()
    world.take(ACME, price())
    world.partition.is_touched = False

    world.take(ACME_FLOWS, flow(), heartbeat())
    market_ns = world.partition.book.partial().market_ns
    world.take(ACME, heartbeat(), start=1)

    assert world.partition.book.partial().market_ns[0] > market_ns[0]
    assert world.value("forcedflow_heartbeats_total", topic="etf-flows") == 1


async def test_a_batch_that_cannot_be_handled_becomes_dead_letters_and_is_passed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()

    def fail(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(world.partition.book, "apply_prices", fail)
    world.take(ACME, price(), heartbeat())
    await world.letters.flush()

    assert world.intake.next_offset(ACME) == 2
    assert [(letter.id, letter.reason) for letter in world.sent] == [
        (f"prices/{ACME_PARTITION}/0/0", "internal"),
        (f"prices/{ACME_PARTITION}/1/0", "internal"),
    ]
    assert "broken" in world.sent[0].message


def test_an_offset_is_committed_once_it_is_saved() -> None:
    world = World()

    world.take(ACME, price(), price(), price())
    before = world.intake.committable(ACME)
    world.partition.logs[PRICES].saved = 2

    assert (before, world.intake.committable(ACME)) == (None, 2)
    assert world.intake.committable(ACME_FLOWS) is None


def test_records_handled_are_counted_whatever_they_hold() -> None:
    world = World()

    world.take(ACME, price(), b"{", heartbeat())
    world.take(ACME, price(), start=3)

    assert world.partition.logs[PRICES].applied == 4


async def test_what_was_reported_before_is_not_reported_again_nor_committed_backwards() -> None:
    world = World(reported=2)

    world.take(ACME, b"{", b"{", b"{")
    await world.letters.flush()
    world.partition.logs[PRICES].saved = 1
    committable = [world.intake.committable(ACME)]
    world.partition.logs[PRICES].saved = 3
    committable.append(world.intake.committable(ACME))

    assert [letter.offset for letter in world.sent] == [2]
    assert committable == [None, 3]
    assert world.value("forcedflow_events_total", topic="prices", outcome="rejected") == 3


def test_a_partition_warms_until_every_topic_is_read_to_its_noted_end() -> None:
    world = World(end=2)

    warming = [world.partition.is_warming]
    world.take(ACME, price(), price())
    tails = world.intake.tails()
    warming.append(world.partition.is_warming)
    world.take(ACME_FLOWS, flow())
    warming.append(world.partition.is_warming)
    # The tail holds no record: only the position says that it has been read.
    world.intake.reached(ACME_FLOWS, 2)
    warming.append(world.partition.is_warming)

    assert warming == [True, True, True, False]
    assert (tails, world.intake.tails()) == ([ACME_FLOWS], [])


def test_a_position_never_skips_records_that_came_after_the_take_over() -> None:
    world = World(end=2)

    world.intake.reached(ACME, 10)

    assert world.intake.next_offset(ACME) == 2


def test_partitions_of_others_have_no_offset() -> None:
    world = World()
    other = TP("test-prices", ACME_PARTITION + 1)

    assert world.intake.next_offset(other) is None
    assert world.intake.committable(other) is None
    world.intake.reached(other, 5)


def test_records_gone_from_kafka_are_counted() -> None:
    world = World()

    world.intake.skipped(ACME, 7)

    assert world.value("forcedflow_offset_gaps_total", topic="prices") == 1
