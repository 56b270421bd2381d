"""Dead letters as workers and gateways write them, on a topic of a test's own."""

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec
from kafka import KafkaProducer

from services.dead_letter_records import Letter, read_letter
from services.gateway_letters import letter as file_letter
from services.rejects import Reject as FileReject
from streams.rejects import DeadLetter, Reject
from streams.topics import DEAD_LETTERS

Content = tuple[bytes, bytes]
"""Key and value of a letter's record."""

SENT_MS = 1_782_223_200_000
"""Kafka's time of the bad records: 2026-06-23T14:00:00Z."""


@dataclass
class Stored:
    """A record of the topic as Kafka's client hands it out."""

    value: bytes | None
    offset: int = 17
    timestamp: int = 5_000
    topic: str = DEAD_LETTERS
    partition: int = 0


def read(content: Content) -> Letter:
    """Return a letter as it is read back."""
    return read_letter(Stored(content[1]))


def record_letter(
    raw: bytes = b"{",
    *,
    reason: str = "malformed",
    message: str = "expected a JSON object",
    topic: str = "prices",
    partition: int = 3,
    offset: int = 0,
    row: int = 0,
) -> Content:
    """Return the letter of a worker."""
    reject = Reject(reason, message, offset, row, SENT_MS, raw)
    letter = DeadLetter.of(topic, partition, reject)
    return letter.id.encode(), msgspec.json.encode(letter)


def row_letter(
    raw: bytes = b"SPY,x", *, reason: str = "bad_price", file: str = "spy.csv", line: int = 7
) -> Content:
    """Return the letter of a gateway."""
    return file_letter(FileReject.of(raw, reason=reason, file=file, line=line))


def put_letters(bootstrap: str, letters: Iterable[Content], *, prefix: str = "") -> None:
    """Append letters; returns once Kafka has them."""
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    try:
        for key, value in letters:
            producer.send(f"{prefix}{DEAD_LETTERS}", key=key, value=value, partition=0)
        producer.flush()
    finally:
        producer.close()
