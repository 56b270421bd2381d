"""A producer that keeps what it is given."""

from typing import Any, NamedTuple

import msgspec


class Sent(NamedTuple):
    topic: str
    partition: int
    key: bytes | None
    value: bytes

    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.json.decode(self.value)
        return found


class RecordingProducer:
    """`services.gateway_outlet.Producer` without Kafka; ``sent`` is in order."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.flushed = 0

    def send(self, topic: str, *, value: bytes, key: bytes | None, partition: int) -> None:
        self.sent.append(Sent(topic, partition, key, value))

    def flush(self) -> None:
        self.flushed = len(self.sent)

    def on(self, topic: str, partition: int) -> list[Sent]:
        return [sent for sent in self.sent if (sent.topic, sent.partition) == (topic, partition)]
