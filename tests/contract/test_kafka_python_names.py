"""The private names of kafka-python that end a producer which does not close by itself."""

import inspect

from kafka import KafkaProducer
from kafka.producer.sender import Sender

from services.embedded_kafka import EmbeddedKafka
from services.kafka_closing import close_producer
from tests.support.kafka_litter import KAFKA_LITTER
from tests.support.topics import create_topic
from tests.support.waiting import eventually

pytestmark = KAFKA_LITTER


def test_a_producer_ends_although_kafka_does_not_take_its_records(
    own_kafka: EmbeddedKafka,
) -> None:
    create_topic(own_kafka.bootstrap, "topic", partitions=1)
    producer = KafkaProducer(bootstrap_servers=own_kafka.bootstrap)
    producer.send("topic", b"first").get(timeout=30)
    own_kafka.pause()
    producer.send("topic", b"second")

    close_producer(producer, timeout_seconds=0.5)

    eventually(lambda: not producer._sender.is_alive())
    assert producer._closed
    own_kafka.resume()


def test_the_names_are_those_that_the_client_closes_itself_by() -> None:
    source = inspect.getsource(KafkaProducer.close)

    assert "self._sender.force_close()" in source
    assert "self._closed = True" in source
    assert callable(Sender.force_close)
