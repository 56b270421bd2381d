"""Dead letters as they lie in Kafka: those of workers and those of gateways, read alike."""

import binascii
import hashlib
from base64 import b64decode
from dataclasses import dataclass
from typing import Protocol

import msgspec

UNREADABLE = "unreadable_letter"
"""Reason given to a record of the topic that is no letter."""


class StoredRecord(Protocol):
    """A record of the topic as Kafka's client hands it out."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    value: bytes | None


@dataclass(frozen=True)
class Letter:
    """One dead letter.

    Attributes
    ----------
    id : str                   letters of one id are the same letter
    reason, message : str      short name; what was expected and what it was, "" if not told
    topic : str                where the bad record lies, without prefix; "" for a row of a file
    partition, offset, row     of the bad record; of the event in its frame, else 0
    file, line                 of a bad row of a file or feed; "", 0 for a record
    timestamp_ms : int         Kafka's, of the bad record; 0 where there is none
    raw : bytes                its first 64 KiB; ``length`` and ``sha256`` are of all of it
    written_ms : int           when Kafka took the letter, ms since 1970
    place : str                where the letter lies: topic/partition/offset
    """

    id: str
    reason: str
    message: str
    topic: str
    partition: int
    offset: int
    row: int
    file: str
    line: int
    timestamp_ms: int
    raw: bytes
    length: int
    sha256: str
    written_ms: int
    place: str

    @property
    def is_cut(self) -> bool:
        """Whether the letter lacks the end of what it is about."""
        return len(self.raw) < self.length


class _Stored(msgspec.Struct):
    """Keys of both kinds of letters; keys of a later release are passed over."""

    id: str
    reason: str
    raw: str
    length: int
    sha256: str
    message: str = ""
    topic: str = ""
    partition: int = -1
    offset: int = -1
    row: int = 0
    file: str = ""
    line: int = 0
    timestamp_ms: int = 0


_decoder = msgspec.json.Decoder(_Stored)


def read_letter(record: StoredRecord) -> Letter:
    """Return the letter of a record; one that is none is told as a letter of its own."""
    place = f"{record.topic}/{record.partition}/{record.offset}"
    value = record.value or b""
    try:
        stored = _decoder.decode(value)
        raw = b64decode(stored.raw, validate=True)
    except (msgspec.DecodeError, UnicodeDecodeError, binascii.Error) as error:
        return _unreadable(record, value, place, error)
    return Letter(
        id=stored.id,
        reason=stored.reason,
        message=stored.message,
        topic=stored.topic,
        partition=stored.partition,
        offset=stored.offset,
        row=stored.row,
        file=stored.file,
        line=stored.line,
        timestamp_ms=stored.timestamp_ms,
        raw=raw,
        length=stored.length,
        sha256=stored.sha256,
        written_ms=record.timestamp,
        place=place,
    )


def _unreadable(record: StoredRecord, value: bytes, place: str, error: Exception) -> Letter:
    return Letter(
        id=place,
        reason=UNREADABLE,
        message=f"expected a dead letter in JSON: {error}",
        topic="",
        partition=-1,
        offset=-1,
        row=0,
        file="",
        line=0,
        timestamp_ms=0,
        raw=value,
        length=len(value),
        sha256=hashlib.sha256(value).hexdigest(),
        written_ms=record.timestamp,
        place=place,
    )
