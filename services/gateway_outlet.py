"""The gateway's way out: records, heartbeats and dead letters, in order for each partition."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from services.gateway_events import Speakers, TopicNames
from services.gateway_letters import letter
from services.gateway_records import Outgoing, frame, heartbeat
from services.rejects import Reject
from streams.topics import MAX_EVENT_BYTES


class Producer(Protocol):
    """What takes records to Kafka, in order for each partition."""

    def send(self, topic: str, *, value: bytes, key: bytes | None, partition: int) -> None:
        """Hand over one record; it may leave later."""
        ...

    def flush(self) -> None:
        """Return when all that was handed over is acknowledged."""
        ...


@dataclass
class Counts:
    """What the gateway has done, in rows.

    ``heartbeats`` of prices and creations are counted by times, not partitions.
    """

    rows: int = 0
    skipped: int = 0
    unused: int = 0
    heartbeats: int = 0
    rejected: Counter[str] = field(default_factory=Counter)

    def summary(self) -> str:
        """Return the closing line."""
        return (
            f"{self.rows} rows sent, {self.skipped} skipped, {self.unused} unused, "
            f"{self.rejected.total()} rejected, {self.heartbeats} heartbeats"
        )


class Outlet:
    """Sends everything, and counts it.

    ``beat_ns`` is the event time of the last heartbeat of prices and creations; where there is
    neither, of open interest.

    Parameters
    ----------
    partitions : int     of each topic of events
    frame_rows : int     > 0: at most so many rows of a partition share an Arrow frame, which
        leaves when it is full and before each heartbeat; 0: each row is a JSON object
    """

    def __init__(
        self,
        producer: Producer,
        *,
        partitions: int,
        frame_rows: int = 0,
        topics: TopicNames | None = None,
    ) -> None:
        self.counts = Counts()
        self.beat_ns = 0
        self._producer = producer
        self._partitions = partitions
        self._frame_rows = frame_rows
        self._topics = topics or TopicNames()
        self._frames: dict[tuple[str, int], list[Outgoing]] = {}

    def send(self, outgoing: Outgoing) -> None:
        """Send a record, or keep it until its frame is full."""
        if not self._frame_rows:
            self._deliver([outgoing], msgspec.json.encode(outgoing.record))
            return
        waiting = self._frames.setdefault((outgoing.topic, outgoing.partition), [])
        waiting.append(outgoing)
        if len(waiting) >= self._frame_rows:
            self._send_frame(self._frames.pop((outgoing.topic, outgoing.partition)))

    def heartbeat(self, speakers: Speakers, event_ns: int) -> None:
        """Tell every partition of topics that all of their sources up to a time has been sent."""
        self.close_frames()
        for topic, sources in speakers.items():
            for source in sorted(sources):
                value = heartbeat(source, event_ns)
                for partition in range(self._partitions):
                    self._producer.send(topic, value=value, key=None, partition=partition)
        # Open interest comes once a day: nobody waits for what is said of it.
        is_of_market = any(speakers.get(each) for each in (self._topics.prices, self._topics.flows))
        self.counts.heartbeats += is_of_market
        if is_of_market or not self.counts.heartbeats:
            self.beat_ns = event_ns

    def reject(self, reject: Reject) -> None:
        """Count a bad row and send it to the dead letters."""
        self.counts.rejected[reject.reason] += 1
        name, value = letter(reject)
        self._producer.send(self._topics.dead_letters, value=value, key=name, partition=0)

    def close_frames(self) -> None:
        """Send the rows that wait for their frame to fill."""
        frames, self._frames = self._frames, {}
        for waiting in frames.values():
            self._send_frame(waiting)

    def flush(self) -> None:
        """Send all that waits and return when Kafka has acknowledged it."""
        self.close_frames()
        self._producer.flush()

    def _send_frame(self, rows: list[Outgoing]) -> None:
        value = frame([row.record for row in rows])
        if len(value) > MAX_EVENT_BYTES and len(rows) > 1:
            half = len(rows) // 2
            self._send_frame(rows[:half])
            self._send_frame(rows[half:])
        else:
            self._deliver(rows, value)

    def _deliver(self, rows: list[Outgoing], value: bytes) -> None:
        first = rows[0]
        if len(value) > MAX_EVENT_BYTES:
            self.reject(Reject.of(value, reason="too_long", file=first.file, line=first.line))
            return
        # Rows of one partition may have different references; the key only informs.
        self._producer.send(first.topic, value=value, key=first.key, partition=first.partition)
        self.counts.rows += len(rows)
