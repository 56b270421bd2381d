"""Closing a producer of kafka-python, also one whose records Kafka does not take."""

from kafka import KafkaProducer
from kafka.errors import KafkaError


def close_producer(producer: KafkaProducer, *, timeout_seconds: float) -> None:
    """Close a producer; what Kafka has not taken by then is given up.

    Its own `close` gives up half-way where a flush takes too long: its thread would go on, and its
    destructor fail.
    """
    try:
        producer.close(timeout=timeout_seconds)
    except KafkaError:
        producer._sender.force_close()  # noqa: SLF001 (tests/contract pins both names)
        producer._closed = True  # noqa: SLF001
