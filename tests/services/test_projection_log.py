"""Rows of the projection in a real Kafka: one record a row, and nothing ever waits for it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from services.child_process import free_port
from services.clock import SystemClock
from services.embedded_kafka import EmbeddedKafka
from services.projection_log import DELIVERY_SECONDS, MAX_WAITING_ROWS, KafkaProjections
from services.rows import Rows, row_dicts, rows_of
from streams.topics import PARTITIONS, partition_of
from tests.support.kafka_litter import KAFKA_LITTER
from tests.support.kafka_reader import records_of
from tests.support.rule_world import hour, universe_of, view_at
from tests.support.topics import create_topic

pytestmark = KAFKA_LITTER

CLOCK = SystemClock()
UNIVERSE = universe_of({"ACME": "XNAS", "BOLT": "XNYS", "099999": "XKRX"})
ROWS = rows_of(view_at(UNIVERSE, hour(15), price=[1.0, 2.0, float("nan")]))


class Outcomes:
    """Counts what became of rows."""

    def __init__(self) -> None:
        self.rows: Counter[str] = Counter()

    def count(self, outcome: str, rows: int) -> None:
        self.rows[outcome] += rows

    async def reach(self, total: int) -> None:
        """Wait until so many rows have come to something."""
        async with asyncio.timeout(30):
            while self.rows.total() < total:  # noqa: ASYNC110  nothing tells when
                await asyncio.sleep(0.02)


@pytest.fixture
def outcomes() -> Outcomes:
    return Outcomes()


@pytest.fixture
async def projections(
    kafka: str, make_topic: Callable[..., str], outcomes: Outcomes
) -> AsyncIterator[KafkaProjections]:
    log = KafkaProjections(kafka, make_topic("projections", partitions=PARTITIONS), outcomes.count)
    yield log
    await log.close()


async def test_each_row_is_a_record_of_its_symbol_as_the_view_shows_it(
    projections: KafkaProjections, outcomes: Outcomes, kafka: str, topic_suffix: str
) -> None:
    projections.put(ROWS, UNIVERSE)
    await outcomes.reach(3)

    assert outcomes.rows == {"acknowledged": 3}
    records = records_of(kafka, f"projections-{topic_suffix}")
    found = {record.key.decode(): record for record in records}
    assert len(records) == len(found) == 3
    for row in row_dicts(ROWS, UNIVERSE):
        record = found[str(row["symbol"])]
        assert msgspec.json.decode(record.value) == row
        assert record.partition == partition_of(str(row["symbol"]))


async def test_putting_does_not_wait_and_too_many_are_given_up_at_once(
    own_kafka: EmbeddedKafka, outcomes: Outcomes
) -> None:
    create_topic(own_kafka.bootstrap, "projections", partitions=PARTITIONS)
    log = KafkaProjections(own_kafka.bootstrap, "projections", outcomes.count)
    log.put(ROWS, UNIVERSE)
    await outcomes.reach(3)
    own_kafka.pause()
    started = CLOCK.monotonic()
    many = repeated(ROWS, 1000)
    for _ in range(10):
        log.put(many, UNIVERSE)
    # Whoever waited for Kafka would wait until it gives the first rows up.
    assert CLOCK.monotonic() - started < DELIVERY_SECONDS
    assert outcomes.rows["dropped"] == 10 * len(many) - MAX_WAITING_ROWS // len(many) * len(many)

    own_kafka.resume()
    await outcomes.reach(3 + 10 * len(many))
    await log.close()


async def test_what_kafka_does_not_take_in_time_is_given_up_and_the_next_is_sent(
    own_kafka: EmbeddedKafka, outcomes: Outcomes
) -> None:
    create_topic(own_kafka.bootstrap, "projections", partitions=PARTITIONS)
    log = KafkaProjections(own_kafka.bootstrap, "projections", outcomes.count)
    await until_taken(log, outcomes)
    own_kafka.pause()
    before = outcomes.rows.copy()
    log.put(ROWS, UNIVERSE)
    await outcomes.reach(before.total() + 3)
    given_up = outcomes.rows - before
    own_kafka.resume()
    await until_taken(log, outcomes)
    await log.close()

    assert given_up == {"failed": 3}
    assert outcomes.rows["acknowledged"] == 6


async def until_taken(log: KafkaProjections, outcomes: Outcomes) -> None:
    """Put rows until Kafka takes some: one that wakes up may first be without its leaders."""
    before = outcomes.rows["acknowledged"]
    async with asyncio.timeout(60):
        while outcomes.rows["acknowledged"] == before:
            log.put(ROWS, UNIVERSE)
            await outcomes.reach(outcomes.rows.total() + 3)


async def test_nobody_listening_fails_rows_and_nothing_else(outcomes: Outcomes) -> None:
    log = KafkaProjections(f"127.0.0.1:{free_port()}", "projections", outcomes.count)
    log.put(ROWS, UNIVERSE)
    await outcomes.reach(3)
    await log.close()

    assert outcomes.rows == {"acknowledged": 0, "failed": 3}


async def test_a_topic_that_is_not_there_fails_rows(
    kafka: str, topic_suffix: str, outcomes: Outcomes
) -> None:
    log = KafkaProjections(kafka, f"projections-{topic_suffix}", outcomes.count)
    log.put(ROWS, UNIVERSE)
    await outcomes.reach(3)
    await log.close()

    assert outcomes.rows == {"acknowledged": 0, "failed": 3}


def repeated(rows: Rows, times: int) -> Rows:
    def tiled(column: np.ndarray) -> np.ndarray:
        return np.tile(column, times)

    return replace(
        rows,
        reference=tiled(rows.reference),
        event_ns=tiled(rows.event_ns),
        label=tiled(rows.label),
        as_of_ns=tiled(rows.as_of_ns),
        stale=tiled(rows.stale),
        numeric={name: tiled(column) for name, column in rows.numeric.items()},
    )
