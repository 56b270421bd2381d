import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import murmur2 as kafka_murmur2

from streams.topics import (
    INPUTS,
    MAX_MESSAGE_BYTES,
    PARTITIONS,
    TOPICS,
    TopicSpec,
    murmur2,
    partition_of,
)


@given(st.binary(max_size=64))
def test_the_hash_is_that_of_kafkas_own_client(key: bytes) -> None:
    assert murmur2(key) == kafka_murmur2(key) & 0xFFFFFFFF


@given(st.text(min_size=1, max_size=20))
def test_a_reference_goes_where_a_keyed_producer_sends_it(symbol: str) -> None:
    everywhere = list(range(PARTITIONS))

    chosen = DefaultPartitioner()(symbol.encode(), everywhere, everywhere)

    assert partition_of(symbol) == chosen


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_every_topic_is_stamped_at_the_append_and_takes_a_whole_dead_letter(
    topic: TopicSpec,
) -> None:
    assert topic.config["message.timestamp.type"] == "LogAppendTime"
    assert int(topic.config["max.message.bytes"]) == MAX_MESSAGE_BYTES


def test_inputs_have_one_partition_count() -> None:
    assert {topic.partitions for topic in TOPICS if topic.name in INPUTS} == {PARTITIONS}
