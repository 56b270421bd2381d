"""What lies in a topic, read without a group."""

from typing import Any

from kafka import KafkaConsumer, TopicPartition


def records_of(bootstrap: str, topic: str) -> list[Any]:
    """Return the records of a topic so far, by partition and offset."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap)
    try:
        partitions = [
            TopicPartition(topic, n) for n in sorted(consumer.partitions_for_topic(topic))
        ]
        consumer.assign(partitions)
        consumer.seek_to_beginning()
        ends = consumer.end_offsets(partitions)
        found: dict[Any, list[Any]] = {each: [] for each in partitions}
        while any(consumer.position(each) < ends[each] for each in partitions):
            for each, records in consumer.poll(timeout_ms=200).items():
                found[each] += records
    finally:
        consumer.close()
    return [record for each in partitions for record in found[each]]
