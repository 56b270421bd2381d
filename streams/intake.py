"""The handler of batches: decode, apply, count; nothing that a batch holds escapes it."""

from collections.abc import Callable, Sequence

import structlog
from faust.types import TP

from core.errors import BadInputError
from streams.dead_letters import DeadLetters
from streams.metric_registry import Metrics
from streams.partition import Partition, Taken
from streams.rejects import Record, Reject
from streams.topics import CLOSES, INPUTS

_NS_PER_SECOND = 1_000_000_000
_MS_PER_SECOND = 1_000

log = structlog.get_logger(__name__)


class Intake:
    """Feeds batches to the partitions that are owned.

    Parameters
    ----------
    topics_prefix : str    what the names of this deployment's topics begin with
    now_ns, monotonic      host time, and seconds for durations
    on_touch : callable    called after a batch that changed a partial

    Attributes
    ----------
    partitions : dict        number -> Partition, the owned ones
    last_batch_at : float    when a batch was last handled, by `monotonic`
    """

    def __init__(
        self,
        letters: DeadLetters,
        metrics: Metrics,
        *,
        topics_prefix: str,
        now_ns: Callable[[], int],
        monotonic: Callable[[], float],
        on_touch: Callable[[], None],
    ) -> None:
        self.partitions: dict[int, Partition] = {}
        self.last_batch_at = monotonic()
        self.topic_of = {f"{topics_prefix}{topic}": topic for topic in INPUTS}
        self._letters = letters
        self._metrics = metrics
        self._now_ns = now_ns
        self._monotonic = monotonic
        self._on_touch = on_touch

    def next_offset(self, tp: TP) -> int | None:
        """Return the offset that a partition expects next; None where it is not served."""
        partition = self.partitions.get(tp.partition)
        if partition is None:
            return None
        offsets = partition.logs[self.topic_of[tp.topic]]
        return None if offsets.is_held else offsets.next

    def committable(self, tp: TP) -> int | None:
        """Return the offset up to which all is handled, saved, and its dead letters are in Kafka.

        None where that is not beyond what an owner before has committed.
        """
        partition = self.partitions.get(tp.partition)
        if partition is None:
            return None
        offsets = partition.logs[self.topic_of[tp.topic]]
        return offsets.saved if offsets.saved > offsets.reported else None

    def take(self, tp: TP, records: Sequence[Record]) -> None:
        """Handle a batch of consecutive records that starts where `next_offset` says."""
        partition = self.partitions[tp.partition]
        topic = self.topic_of[tp.topic]
        offsets = partition.logs[topic]
        started = self._monotonic()
        try:
            taken = partition.take(topic, records)
        except Exception as error:
            log.exception("batch_quarantined", topic=topic, partition=tp.partition)
            taken = _quarantined(records, error)
        offsets.next = records[-1].offset + 1
        offsets.applied += len(records)
        self.last_batch_at = started
        self._report(topic, tp.partition, taken.rejects, offsets.reported)
        self._count(topic, taken, records)
        self._metrics.histogram("forcedflow_apply_seconds").observe(self._monotonic() - started)
        if partition.is_touched:
            self._on_touch()

    def skipped(self, tp: TP, count: int) -> None:
        """Note that records were gone from Kafka before they were read."""
        topic = self.topic_of[tp.topic]
        if topic == CLOSES:
            # Compaction leaves holes where newer results have taken the place of older ones.
            return
        log.warning("records_gone", topic=topic, partition=tp.partition, count=count)
        self._metrics.counter("forcedflow_offset_gaps", topic).inc()

    def tails(self) -> list[TP]:
        """Return the logs of warming partitions that have not been read to their noted end."""
        return [
            TP(name, partition.number)
            for partition in self.partitions.values()
            for name, topic in self.topic_of.items()
            if not partition.logs[topic].is_held
            and partition.logs[topic].next < partition.logs[topic].end
        ]

    def reached(self, tp: TP, position: int) -> None:
        """Note that everything below a position was handed out, if there was anything."""
        partition = self.partitions.get(tp.partition)
        if partition is not None:
            offsets = partition.logs[self.topic_of[tp.topic]]
            offsets.next = max(offsets.next, min(position, offsets.end))

    async def ready(self) -> None:
        """Wait until there is room for dead letters."""
        await self._letters.room()

    def _report(self, topic: str, partition: int, rejects: Sequence[Reject], reported: int) -> None:
        # What an owner before has committed is in the dead letters already.
        fresh = [reject for reject in rejects if reject.offset >= reported]
        if fresh:
            fresh.sort(key=lambda reject: (reject.offset, reject.row))
            self._letters.put(topic, partition, fresh)

    def _count(self, topic: str, taken: Taken, records: Sequence[Record]) -> None:
        outcomes = {
            "applied": taken.applied,
            "unused": taken.unused,
            "unknown": taken.unknown,
            "rejected": len(taken.rejects),
        }
        for outcome, count in outcomes.items():
            if count:
                self._metrics.counter("forcedflow_events", topic, outcome).inc(count)
        if taken.heartbeats:
            self._metrics.counter("forcedflow_heartbeats", topic).inc(taken.heartbeats)
        now_seconds = self._now_ns() / _NS_PER_SECOND
        self._metrics.counter("forcedflow_batches", topic).inc()
        self._metrics.gauge("forcedflow_last_progress_timestamp_seconds").set(now_seconds)
        self._metrics.histogram("forcedflow_projection_latency_seconds").observe(
            max(now_seconds - records[0].timestamp / _MS_PER_SECOND, 0.0)
        )
        if taken.newest_ns:
            lag = records[-1].timestamp / _MS_PER_SECOND - taken.newest_ns / _NS_PER_SECOND
            self._metrics.gauge("forcedflow_event_lag_seconds", topic).set(lag)


def _quarantined(records: Sequence[Record], error: Exception) -> Taken:
    """Return a batch of which nothing could be used."""
    fault = BadInputError("internal", f"the batch of this record could not be handled: {error!r}")
    rejects = [Reject.of(record, fault) for record in records]
    return Taken(0, 0, 0, 0, newest_ns=0, rejects=rejects)
