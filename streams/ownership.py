"""Taking over the partitions that Kafka assigns, and letting go of those it takes away."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import structlog
from aiokafka.errors import KafkaError
from faust.types import TP
from redis.exceptions import RedisError

from core.universe import Universe
from streams.fencing import PartitionStore
from streams.intake import Intake
from streams.metric_registry import Metrics
from streams.partition import Log, Partition

if TYPE_CHECKING:
    # The consumer is handed its sink, which is made of this.
    from streams.batch_transport import BatchConsumer

CLAIM_SECONDS = 3.0
"""How long a rebalance waits for Redis; after that the group goes on without these partitions."""
_SHORTEST_RETRY_SECONDS = 0.25
_LONGEST_RETRY_SECONDS = 2.0
_UNREACHABLE = (RedisError, KafkaError, OSError, TimeoutError)

log = structlog.get_logger(__name__)


class Ownership:
    """Keeps the intake's partitions equal to what is assigned and claimed.

    A new partition gets a token, an empty book, and the earliest record of every topic; one kept
    across a rebalance keeps its book and goes on where it was. While Redis does not answer, new
    partitions stay paused and are claimed in the background.

    Parameters
    ----------
    on_failure : callable    called with the reason why no more partitions can be claimed
    """

    def __init__(
        self,
        universe: Universe,
        store: PartitionStore,
        intake: Intake,
        metrics: Metrics,
        *,
        on_failure: Callable[[str], None],
    ) -> None:
        self._universe = universe
        self._store = store
        self._intake = intake
        self._metrics = metrics
        self._on_failure = on_failure
        self._unclaimed: set[int] = set()
        self._committed: Mapping[TP, int | None] = {}
        self._retry: asyncio.Task[None] | None = None

    async def assigned(
        self, consumer: "BatchConsumer", committed: Mapping[TP, int | None]
    ) -> dict[TP, int]:
        """Take over an assignment; return the position of every partition that is served."""
        await self.revoked()
        self._metrics.counter("forcedflow_rebalances").inc()
        self._committed = committed
        assigned = self._whole(consumer.assignment())
        partitions = self._intake.partitions
        for number in partitions.keys() - assigned:
            self.drop(number)
        await consumer.seek_wait(self._positions(partitions))
        self._unclaimed = assigned - partitions.keys()
        log.info("assigned", kept=sorted(partitions), new=sorted(self._unclaimed))
        try:
            async with asyncio.timeout(CLAIM_SECONDS):
                await self._claim(consumer)
        except (RedisError, OSError, TimeoutError) as error:
            self._failed(error)
            consumer.pause_partitions(self._tps(self._unclaimed))
            self._retry = asyncio.create_task(self._claim_later(consumer))
            self._retry.add_done_callback(self._claim_ended)
        return self._positions(partitions)

    def drop(self, number: int) -> None:
        """Stop serving a partition."""
        del self._intake.partitions[number]
        self._metrics.forget("forcedflow_partition_warming", str(number))
        for topic in self._intake.topic_of.values():
            self._metrics.forget("forcedflow_consumer_lag_records", topic, str(number))
        log.info("dropped", partition=number)

    async def revoked(self) -> None:
        """Stop claiming: a token taken now could be that of the next owner's partition."""
        if self._retry is not None:
            self._retry.cancel()
            await asyncio.gather(self._retry, return_exceptions=True)
            self._retry = None

    def _whole(self, assignment: Iterable[TP]) -> set[int]:
        """Return the partitions of which every input topic is assigned."""
        topics = self._intake.topic_of
        held = {(tp.topic, tp.partition) for tp in assignment if tp.topic in topics}
        numbers = {number for _, number in held}
        whole = {number for number in numbers if all((name, number) in held for name in topics)}
        if numbers != whole:
            log.error("assignment_not_copartitioned", partitions=sorted(numbers - whole))
        return whole

    def _tps(self, numbers: Iterable[int]) -> list[TP]:
        return [TP(name, number) for number in numbers for name in self._intake.topic_of]

    def _positions(self, numbers: Iterable[int]) -> dict[TP, int]:
        partitions, topic_of = self._intake.partitions, self._intake.topic_of
        return {
            tp: partitions[tp.partition].logs[topic_of[tp.topic]].next for tp in self._tps(numbers)
        }

    async def _claim(self, consumer: "BatchConsumer") -> None:
        """Take tokens, make empty books and seek to the earliest records."""
        wanted = sorted(self._unclaimed)
        if not wanted:
            return
        tps = self._tps(wanted)
        tokens = await self._store.acquire(wanted)
        earliest = await consumer.earliest_offsets(*tps)
        ends = await consumer.highwaters(*tps)
        for number in wanted:
            self._intake.partitions[number] = Partition(
                self._universe,
                number,
                token=tokens[number],
                logs={
                    topic: Log(
                        next=earliest[TP(name, number)],
                        end=ends[TP(name, number)],
                        reported=self._committed.get(TP(name, number)) or 0,
                    )
                    for name, topic in self._intake.topic_of.items()
                },
            )
            self._metrics.gauge("forcedflow_partition_warming", str(number)).set(1)
        await consumer.seek_wait(self._positions(wanted))
        self._unclaimed.difference_update(wanted)
        log.info("claimed", partitions=wanted)

    async def _claim_later(self, consumer: "BatchConsumer") -> None:
        delay = _SHORTEST_RETRY_SECONDS
        while self._unclaimed:
            await asyncio.sleep(delay)
            delay = min(delay * 2, _LONGEST_RETRY_SECONDS)
            numbers = set(self._unclaimed)
            try:
                await self._claim(consumer)
                consumer.resume_partitions(self._tps(numbers))
            except _UNREACHABLE as error:
                self._failed(error)

    def _claim_ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._on_failure(f"claiming partitions failed: {error!r}")

    def _failed(self, error: Exception) -> None:
        self._metrics.counter("forcedflow_claim_failures").inc()
        log.warning("not_claimed", partitions=sorted(self._unclaimed), error=repr(error))
