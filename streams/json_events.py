"""JSON events into columns: a clean batch in one call, anything else record by record."""

import json
from collections.abc import Mapping, Sequence
from itertools import repeat

import msgspec
import numpy as np

from core.columns import Floats, Int32s, Int64s
from core.errors import BadInputError
from streams.event_fields import Heartbeat, read_fields
from streams.event_kinds import BAD_NUMBER, EventKind, Row, shown
from streams.event_times import EARLIEST_NS, LATEST_NS
from streams.parts import Part, Sources
from streams.routes import UNKNOWN
from streams.topics import MAX_EVENT_BYTES

_UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class JsonEvents:
    """Decodes the JSON records of one topic and partition."""

    def __init__(self, kind: EventKind, code_of: Mapping[str, int], sources: Sources) -> None:
        decoder = msgspec.json.Decoder(kind.row)
        self._kind = kind
        self._code_of = code_of
        self._sources = sources
        self._decode = decoder.decode
        self._decode_lines = decoder.decode_lines

    def clean_batch(self, values: Sequence[bytes]) -> Part | None:
        """Return the events of a batch in which every record decodes; None for any other batch.

        Heartbeats are among them as events without a name.
        """
        try:
            if values[0][:1] != b"{":
                return None
            lines = b"\n".join(values)
            if not _is_one_object_a_line(lines, values):
                return None
            rows = self._decode_lines(lines)
            if len(rows) != len(values):
                return None
            return self.part(rows, np.arange(len(rows), dtype=np.int32))
        except (TypeError, OverflowError, *_UNDECODABLE):
            return None

    def one(self, value: bytes) -> Row | Heartbeat:
        """Return the event or heartbeat of one record; its values may still be out of range.

        Raises
        ------
        BadInputError
            If it is neither.
        """
        try:
            value.decode()
            row: Row = self._decode(value)
        except _UNDECODABLE:
            return self.judged(value)
        if EARLIEST_NS <= row.event_time < LATEST_NS and abs(row.sequence) < -BAD_NUMBER:
            return row
        return self.judged(value)

    def judged(self, value: bytes) -> Row | Heartbeat:
        """Return the event or heartbeat of one record whose every value is good.

        Raises
        ------
        BadInputError
            For the first thing that is wrong.
        """
        return read_fields(self._kind, parse_object(value), self._code_of)

    def part(self, rows: Sequence[Row], record: Int32s) -> Part:
        """Lay rows out as columns; ``record`` int32[n] says which record each came from."""
        size = len(rows)
        codes = map(self._code_of.get, [row.key for row in rows], repeat(UNKNOWN))
        return Part(
            record=record,
            code=np.fromiter(codes, np.int32, size),
            event_ns=np.array([row.event_time for row in rows], np.int64),
            figure=np.array([row.figure for row in rows], np.float64),
            sequence=np.array([row.sequence for row in rows], np.int64),
            source=self._source_column([row.source for row in rows]),
            extra=self._extra_column([row.extra for row in rows]),
            volume=_volumes([row.volume for row in rows]),
        )

    def _source_column(self, names: list[str]) -> Int32s:
        number = self._sources.number
        if names.count(names[0]) == len(names):
            return np.full(len(names), number(names[0]), np.int32)
        return np.fromiter(map(number, names), np.int32, len(names))

    def _extra_column(self, texts: list[str]) -> Int64s:
        if texts.count(texts[0]) == len(texts):
            return np.full(len(texts), self._extra(texts[0]), np.int64)
        return np.fromiter(map(self._extra, texts), np.int64, len(texts))

    def _extra(self, text: str) -> int:
        try:
            return self._kind.extra_code(text)
        except BadInputError:
            return BAD_NUMBER


def parse_object(value: bytes) -> object:
    """Return what a record's JSON text says.

    Raises
    ------
    BadInputError
        ``not_utf8``, or ``malformed`` where it is no JSON text.
    """
    try:
        text = value.decode()
    except UnicodeDecodeError as error:
        raise BadInputError(
            "not_utf8", f"expected UTF-8, byte {error.start} was {value[error.start]:#04x}"
        ) from error
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        try:
            # Takes NaN and Infinity, which are not JSON but which serializers write: the message
            # then names the price, not a byte.
            return json.loads(text)
        except (ValueError, RecursionError):
            raise BadInputError(
                "malformed", f"expected a JSON object, it was {shown(text)}: {error}"
            ) from error


def _is_one_object_a_line(lines: bytes, values: Sequence[bytes]) -> bool:
    """Say whether each record is bound to be exactly one of the objects in its line.

    Strings cannot hold a bare newline, and after "}" and a newline, "{" only continues a text
    whose object had ended: so an equal count of objects and records is one object a record.
    """
    breaks = len(values) - 1
    if not lines.isascii():
        lines.decode()
    return (
        lines.count(b"\n") == breaks
        and lines.count(b"}\n{") == breaks
        and lines.startswith(b"{")
        and lines.endswith(b"}")
        and (len(lines) <= MAX_EVENT_BYTES or max(map(len, values)) <= MAX_EVENT_BYTES)
    )


def _volumes(volumes: list[float]) -> Floats:
    if volumes.count(0.0) == len(volumes):
        return np.zeros(len(volumes))
    return np.array(volumes, np.float64)
