"""The market that the benchmarks play: its universe, and its events as records of Kafka."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from core.sessions import NANOS_PER_SECOND
from streams.event_times import parse_time
from streams.topics import PARTITIONS, partition_of
from tests.support.universes import SESSION, fund, reference, write_universe

REFERENCES = 2_000
PARTITION_REFERENCES = -(-REFERENCES // PARTITIONS)
"""References of a partition, as many as that of `REFERENCES` gives each."""
FRAME_ROWS = 1_000
SOURCE = "bench"

_START_NS = parse_time(f"{SESSION}T10:30:00-04:00")
_LEVERAGE_FACTORS = (2.0, -1.0)

Records = list[list[tuple[bytes, bytes]]]
"""Key and value of each record, in order, by partition."""


def symbols() -> list[str]:
    """Return the references of the market."""
    return [f"R{number:04}" for number in range(REFERENCES)]


def write_market(directory: Path) -> Path:
    """Write the universe's files into a folder; return it."""
    return write_universe(
        directory,
        references=[
            reference(symbol, previous_close=100, adv_usd=1e9, daily_volatility=0.02)
            for symbol in symbols()
        ],
        funds=[
            fund(f"{symbol}-{factor:g}", symbol, factor, assets_usd=1e8)
            for symbol in symbols()
            for factor in _LEVERAGE_FACTORS
        ],
    )


@dataclass
class Market:
    """Events of one source, in the order of their times; each call goes on from the one before.

    Any reference may have the next price. A heartbeat follows each second of event time.
    """

    event_ns: int = _START_NS
    _random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def __post_init__(self) -> None:
        names = symbols()
        self._keys = [name.encode() for name in names]
        self._partition = [partition_of(name) for name in names]
        self._members = [
            [name for name, its in zip(names, self._partition, strict=True) if its == partition]
            for partition in range(PARTITIONS)
        ]

    def opening(self) -> Records:
        """Return a price of every reference, and a heartbeat."""
        records: Records = [[] for _ in range(PARTITIONS)]
        for number in range(REFERENCES):
            records[self._partition[number]].append(
                (self._keys[number], self.price_event(number, 100.0))
            )
        self._beat(records)
        return records

    def prices(self, count: int, *, step_ns: int) -> Records:
        """Return so many events as JSON objects, `step_ns` apart."""
        records: Records = [[] for _ in range(PARTITIONS)]
        for size in _chunks(count, NANOS_PER_SECOND // step_ns):
            numbers = self._random.integers(0, REFERENCES, size).tolist()
            figures = self._random.uniform(95.0, 105.0, size).tolist()
            for number, price in zip(numbers, figures, strict=True):
                self.event_ns += step_ns
                records[self._partition[number]].append(
                    (self._keys[number], self.price_event(number, price))
                )
            self._beat(records)
        return records

    def price_event(self, number: int, price: float, sequence: int = 0) -> bytes:
        """Return a price of the present moment as a JSON object."""
        text = b'{"symbol":"%b","event_time":%d,"price":%.4f,"source":"bench"' % (
            self._keys[number],
            self.event_ns,
            price,
        )
        return text + (b',"sequence":%d}' % sequence if sequence else b"}")

    def frames(self, count: int, *, step_ns: int) -> Records:
        """Return so many frames of `FRAME_ROWS` rows, `step_ns` apart, partitions in turn."""
        records: Records = [[] for _ in range(PARTITIONS)]
        rows_a_beat = NANOS_PER_SECOND // step_ns
        for size in _chunks(count, max(rows_a_beat // FRAME_ROWS, 1)):
            for place in range(size):
                partition = place % PARTITIONS
                content = self._frame(self._members[partition], step_ns)
                records[partition].append((b"", content))
            self._beat(records)
        return records

    def _frame(self, members: list[str], step_ns: int) -> bytes:
        index = self._random.integers(0, len(members), FRAME_ROWS).astype(np.int16)
        columns = {
            "symbol": pa.DictionaryArray.from_arrays(pa.array(index), pa.array(members)),
            "event_time": pa.array(self.event_ns + step_ns * np.arange(1, FRAME_ROWS + 1)),
            "price": pa.array(self._random.uniform(95.0, 105.0, FRAME_ROWS)),
            "source": pa.DictionaryArray.from_arrays(
                pa.array(np.zeros(FRAME_ROWS, np.int8)), pa.array([SOURCE])
            ),
        }
        self.event_ns += step_ns * FRAME_ROWS
        batch = pa.RecordBatch.from_pydict(columns)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as writer:
            writer.write_batch(batch)
        content: bytes = sink.getvalue().to_pybytes()
        return content

    def _beat(self, records: Records) -> None:
        beat = self.heartbeat()
        for partition in records:
            partition.append((b"", beat))

    def heartbeat(self) -> bytes:
        """Return "all up to the present moment has been sent" as a JSON object."""
        return b'{"heartbeat":"bench","event_time":%d}' % self.event_ns


def _chunks(count: int, size: int) -> Iterator[int]:
    for start in range(0, count, size):
        yield min(size, count - start)
