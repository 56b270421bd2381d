"""Input that cannot be used: what is said of it, and what of it is kept."""

import hashlib
from base64 import b64encode
from dataclasses import dataclass
from typing import Protocol

import msgspec

from core.errors import BadInputError
from streams.topics import MAX_EVENT_BYTES


class Record(Protocol):
    """A Kafka record as the clients hand it out; ``timestamp`` is Kafka's, ms since 1970."""

    @property
    def value(self) -> bytes | None:
        """The payload; None is a tombstone."""

    @property
    def offset(self) -> int:
        """Position in its partition."""

    @property
    def timestamp(self) -> int:
        """When the broker appended it."""


@dataclass(frozen=True)
class Reject:
    """An event or record that cannot be used.

    Attributes
    ----------
    reason, message : str    short name in counters; what was expected and what it was
    offset, row : int        of the record; of the event in its frame, else 0
    timestamp : int          Kafka's, ms since 1970
    raw : bytes              the record; of a row in a frame, a frame of that row alone
    """

    reason: str
    message: str
    offset: int
    row: int
    timestamp: int
    raw: bytes

    @classmethod
    def of(
        cls, record: Record, error: BadInputError, *, row: int = 0, raw: bytes | None = None
    ) -> "Reject":
        """Describe a record, or one row of it, by the error it caused."""
        kept = record.value or b"" if raw is None else raw
        return cls(error.reason, str(error), record.offset, row, record.timestamp, kept)


class DeadLetter(msgspec.Struct, frozen=True):
    """What lies in the topic ``dead-letters``, as JSON.

    ``id`` is topic/partition/offset/row: two letters of one id are the same letter. ``raw`` holds
    the first 64 KiB in base64, ``length`` and ``sha256`` are of all of it.
    """

    id: str
    reason: str
    message: str
    topic: str
    partition: int
    offset: int
    row: int
    timestamp_ms: int
    raw: str
    length: int
    sha256: str

    @classmethod
    def of(cls, topic: str, partition: int, reject: Reject) -> "DeadLetter":
        """Put a reject of a topic's partition into a letter."""
        return cls(
            id=f"{topic}/{partition}/{reject.offset}/{reject.row}",
            reason=reject.reason,
            message=reject.message,
            topic=topic,
            partition=partition,
            offset=reject.offset,
            row=reject.row,
            timestamp_ms=reject.timestamp,
            raw=b64encode(reject.raw[:MAX_EVENT_BYTES]).decode(),
            length=len(reject.raw),
            sha256=hashlib.sha256(reject.raw).hexdigest(),
        )
