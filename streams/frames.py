"""Arrow frames into columns: an IPC stream of one batch, whole columns at a time."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from core.errors import BadInputError
from core.sessions import NO_TIME
from streams.event_fields import (
    HEARTBEAT,
    Heartbeat,
    keyless_error,
    missing_error,
    read_fields,
)
from streams.event_kinds import BAD_NUMBER, OPTIONAL, EventKind, Row
from streams.event_times import parse_time
from streams.frame_columns import (
    Reader,
    TextCodes,
    integer_reader,
    number_reader,
    session_reader,
    time_reader,
)
from streams.parts import Part, Sources
from streams.routes import UNKNOWN

FRAME_MARK = b"\xff\xff\xff\xff"
"""First bytes of an Arrow IPC stream; no JSON text begins with them."""

MAX_ROWS = 16_384
"""Rows of a frame; 64 KiB hold fewer unless they are compressed."""


class FrameEvents:
    """Decodes the frames of one topic and partition."""

    def __init__(self, kind: EventKind, code_of: Mapping[str, int], sources: Sources) -> None:
        self._kind = kind
        self._code_of = code_of
        self._sources = sources
        self._names = TextCodes(lambda name: code_of.get(name, UNKNOWN))
        self._source_texts = TextCodes(sources.number)
        self._extras = TextCodes(self._extra, absent=kind.no_extra)
        self._times = TextCodes(_time_or_none)
        # The frames of a feed have one schema: how it is read is decided when it changes.
        self._schema: pa.Schema | None = None
        self._readers: list[tuple[str, int, Reader]] = []

    def part(self, batch: pa.RecordBatch, record: int) -> Part | list[Heartbeat]:
        """Lay a batch out as columns, or return its heartbeats.

        Raises
        ------
        BadInputError
            If a column is missing or has a type that none of its values could have, or if a
            heartbeat is bad.
        """
        if self._schema is None or not batch.schema.equals(self._schema):
            if self._kind.key not in batch.schema.names:
                return self._heartbeats(batch)
            self._readers = self._choose_readers(batch.schema)
            self._schema = batch.schema
        kind, size, columns = self._kind, batch.num_rows, batch.columns
        found = {name: read(columns[place]) for name, place, read in self._readers}
        if "source" not in found:
            found["source"] = np.full(size, self._sources.number(""), np.int32)
        if kind.extra not in found:
            found[kind.extra] = np.full(size, self._extra(kind.no_extra), np.int64)
        return Part(
            record=np.full(size, record, np.int32),
            code=found[kind.key].astype(np.int32),
            event_ns=found["event_time"],
            figure=found[kind.figure],
            sequence=found.get("sequence", np.zeros(size, np.int64)),
            source=found["source"].astype(np.int32, copy=False),
            extra=found[kind.extra],
            volume=found.get("volume", np.zeros(size)),
        )

    def judged(self, batch: pa.RecordBatch, row: int, event_ns: int) -> Row | Heartbeat:
        """Return one row, of which `event_ns` was read, as an event whose every value is good.

        Raises
        ------
        BadInputError
            For the first thing that is wrong.
        """
        kind = self._kind
        fields: dict[str, Any] = {}
        for name in (kind.key, kind.figure, kind.extra, "event_time", *OPTIONAL):
            if name in batch.schema.names:
                fields[name] = _scalar(batch.column(name), row, event_ns)
        return read_fields(kind, fields, self._code_of)

    def _choose_readers(self, schema: pa.Schema) -> list[tuple[str, int, Reader]]:
        """Return name, place and reader of each column of events that a schema has."""
        kind = self._kind
        for name in ("event_time", kind.figure):
            if name not in schema.names:
                raise missing_error(name, schema.names)
        choices: dict[str, Callable[[pa.DataType], Reader]] = {
            kind.key: lambda t: self._names.reader(kind.key, t),
            "event_time": lambda t: time_reader(t, self._times),
            kind.figure: lambda t: number_reader(kind.figure, t),
            kind.extra: lambda t: session_reader(kind.extra, t, self._extras),
            "sequence": lambda t: integer_reader("sequence", t, absent=0),
            "source": lambda t: self._source_texts.reader("source", t),
            "volume": lambda t: number_reader("volume", t),
        }
        return [
            (name, place, choices[name](column_type))
            for place, (name, column_type) in enumerate(
                zip(schema.names, schema.types, strict=True)
            )
            if name in choices
        ]

    def _heartbeats(self, batch: pa.RecordBatch) -> list[Heartbeat]:
        names = batch.schema.names
        if HEARTBEAT not in names:
            raise keyless_error(self._kind, names)
        if "event_time" not in names:
            raise missing_error("event_time", names)
        column = batch.column("event_time")
        times = time_reader(column.type, self._times)(column).tolist()
        found = [
            read_fields(self._kind, {HEARTBEAT: source, "event_time": time_ns}, {})
            for source, time_ns in zip(batch.column(HEARTBEAT).to_pylist(), times, strict=True)
        ]
        return [beat for beat in found if isinstance(beat, Heartbeat)]

    def _extra(self, text: str) -> int:
        try:
            return self._kind.extra_code(text)
        except BadInputError:
            return BAD_NUMBER


def is_frame(value: bytes) -> bool:
    """Say whether a record is an Arrow frame, by its first bytes."""
    return value[:4] == FRAME_MARK


def read_frame(value: bytes) -> pa.RecordBatch:
    """Return the batch of a frame, checked so far that its values can be looked at.

    Raises
    ------
    BadInputError
        ``bad_frame`` if it is not an IPC stream of exactly one sound batch.
    """
    try:
        batches = list(pa.ipc.open_stream(value))
        for batch in batches:
            # Offsets and indices of a damaged frame would lead out of its buffers, and the
            # names of its columns need not be texts.
            batch.validate(full=True)
            _ = batch.schema.names
    except (pa.ArrowException, OSError, MemoryError, ValueError, OverflowError) as error:
        raise BadInputError(
            "bad_frame", f"expected an Arrow IPC stream of one batch: {error}"
        ) from error
    if len(batches) != 1:
        raise BadInputError("bad_frame", f"expected one record batch, there were {len(batches)}")
    if batches[0].num_rows > MAX_ROWS:
        raise BadInputError(
            "bad_frame", f"expected at most {MAX_ROWS} rows, it had {batches[0].num_rows}"
        )
    return batches[0]


def row_frame(batch: pa.RecordBatch, row: int) -> bytes:
    """Return a frame that holds one row of a batch and nothing of the others."""
    columns = [
        column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
        for column in batch.slice(row, 1).columns
    ]
    return encode_frame(pa.record_batch(columns, names=batch.schema.names))


def encode_frame(batch: pa.RecordBatch) -> bytes:
    """Return a batch as one record."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _time_or_none(text: str) -> int:
    try:
        return parse_time(text)
    except BadInputError:
        return NO_TIME


def _scalar(column: pa.Array, row: int, event_ns: int) -> object:
    if pa.types.is_timestamp(column.type):
        return None if event_ns == NO_TIME else event_ns
    value = column[row].as_py()
    return value.isoformat() if isinstance(value, date) else value
