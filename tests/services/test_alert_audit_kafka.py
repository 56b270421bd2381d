"""The audit log against a real Kafka: acknowledged, in order, and bounded when it is away."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence

import pytest
from kafka import KafkaConsumer, TopicPartition

from services.alert_audit import AuditError, KafkaAudit
from services.alert_ledger import Ledger, TransitionRecord
from services.child_process import free_port
from services.clock import SystemClock
from services.embedded_kafka import EmbeddedKafka
from tests.support.alert_samples import cleared, fired, happen
from tests.support.kafka_litter import KAFKA_LITTER
from tests.support.topics import create_topic

pytestmark = KAFKA_LITTER

CLOCK = SystemClock()
OUTBOX = happen(happen(Ledger(), fired(), fired("BOLT")), cleared()).outbox


@pytest.fixture
async def audit_log(kafka: str, make_topic: Callable[..., str]) -> AsyncIterator[KafkaAudit]:
    log = KafkaAudit(kafka, make_topic("alerts"), CLOCK)
    yield log
    await log.close()


def records(bootstrap: str, topic: str) -> list[tuple[bytes, dict[str, object]]]:
    """Return the keys and values of everything in the topic."""
    partition = TopicPartition(topic, 0)
    consumer = KafkaConsumer(bootstrap_servers=bootstrap)
    try:
        consumer.assign([partition])
        consumer.seek_to_beginning(partition)
        end = consumer.end_offsets([partition])[partition]
        found = []
        while consumer.position(partition) < end:
            for batch in consumer.poll(timeout_ms=1000).values():
                found += [(record.key, json.loads(record.value)) for record in batch]
    finally:
        consumer.close()
    return found


async def test_transitions_are_in_kafka_in_their_order_when_append_returns(
    kafka: str, audit_log: KafkaAudit, topic_suffix: str
) -> None:
    await appended(audit_log, OUTBOX[:2])
    await appended(audit_log, OUTBOX[2:])

    # Once each, unless the broker was too slow.
    found = {
        value["sequence"]: (key, value) for key, value in records(kafka, f"alerts-{topic_suffix}")
    }
    assert [(number, value["change"]) for number, (_, value) in found.items()] == [
        (1, "firing"),
        (2, "firing"),
        (3, "resolved"),
    ]
    assert found[1][0] == b"ForcedFlowWatch|watch|forced-flow|sell|symbol|ACME"
    assert found[3][0] == found[1][0]


async def test_nobody_listening_is_said_in_bounded_time() -> None:
    started = CLOCK.monotonic()
    log = KafkaAudit(f"127.0.0.1:{free_port()}", "alerts", CLOCK)
    with pytest.raises(AuditError, match="expected an acknowledgement"):
        await log.append(OUTBOX)
    await log.close()

    assert CLOCK.monotonic() - started < 8.0


async def test_a_broker_that_went_away_is_said_and_one_that_is_back_is_used(
    own_kafka: EmbeddedKafka,
) -> None:
    create_topic(own_kafka.bootstrap, "alerts", partitions=1)
    log = KafkaAudit(own_kafka.bootstrap, "alerts", CLOCK)
    try:
        await appended(log, OUTBOX[:1])
        own_kafka.pause()
        started = CLOCK.monotonic()
        with pytest.raises(AuditError):
            await log.append(OUTBOX[1:])
        seconds = CLOCK.monotonic() - started
        own_kafka.resume()
        await appended(log, OUTBOX[1:])
    finally:
        await log.close()

    sequences = [value["sequence"] for _, value in records(own_kafka.bootstrap, "alerts")]
    assert seconds < 8.0
    assert set(sequences) == {1, 2, 3}
    assert sequences[-2:] == [2, 3]


async def appended(log: KafkaAudit, records: Sequence[TransitionRecord]) -> None:
    """Append as the trail does: again where the broker was too slow."""
    async with asyncio.timeout(30):
        while True:
            try:
                await log.append(records)
            except AuditError:
                continue
            return
