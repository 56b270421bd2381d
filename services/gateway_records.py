"""What the gateway writes: events and heartbeats as JSON objects, events as Arrow frames too."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import pyarrow as pa

from services.option_records import SCHEMA, OpenInterestRecord


class PriceRecord(msgspec.Struct, omit_defaults=True, gc=False):
    """A price under the public contract's keys; ``event_time`` ns UTC."""

    symbol: str
    event_time: int
    price: float
    source: str
    volume: float | None = None
    sequence: int = 0
    kind: str = "trade"


class FlowRecord(msgspec.Struct, omit_defaults=True, gc=False):
    """A cumulative net creation; ``session`` is a date, None for the last session opened."""

    fund: str
    event_time: int
    net_creation_usd: float
    source: str
    session: str | None = None
    sequence: int = 0


Record = PriceRecord | FlowRecord | OpenInterestRecord


class Outgoing(NamedTuple):
    """A record, where it goes, and where it was read."""

    topic: str
    partition: int
    key: bytes
    record: Record
    file: str
    line: int


def heartbeat(source: str, event_ns: int) -> bytes:
    """Return "all that `source` has up to `event_ns` has been sent"."""
    return msgspec.json.encode({"heartbeat": source, "event_time": event_ns})


def frame(records: Sequence[Record]) -> bytes:
    """Return records of one topic as one Arrow IPC stream of one batch."""
    columns = {
        name: [getattr(record, name) for record in records]
        for name in type(records[0]).__struct_fields__
    }
    batch = pa.RecordBatch.from_pydict(columns, schema=_SCHEMAS[type(records[0])])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    content: bytes = sink.getvalue().to_pybytes()
    return content


_SCHEMAS = {
    PriceRecord: pa.schema(
        {
            "symbol": pa.string(),
            "event_time": pa.int64(),
            "price": pa.float64(),
            "source": pa.string(),
            "volume": pa.float64(),
            "sequence": pa.int64(),
            "kind": pa.string(),
        }
    ),
    FlowRecord: pa.schema(
        {
            "fund": pa.string(),
            "event_time": pa.int64(),
            "net_creation_usd": pa.float64(),
            "source": pa.string(),
            "session": pa.string(),
            "sequence": pa.int64(),
        }
    ),
    OpenInterestRecord: SCHEMA,
}
