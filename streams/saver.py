"""Saving snapshots: every second, one partition after the other, encoded off the event loop."""

import asyncio
import math
from collections.abc import Callable, Mapping

import structlog
from redis.exceptions import RedisError

from core.errors import described
from streams.dead_letters import DeadLetters
from streams.fencing import PartitionStore
from streams.logs import LogIdentities
from streams.metric_registry import Metrics
from streams.partition import Partition
from streams.snapshots import copy_of

EVERY_SECONDS = 1.0
"""Between two saves of a partition; the partitions take turns."""
LETTERS_SECONDS = 1.0
"""How long a save waits for Kafka to have the dead letters of what it holds."""
_UNREACHABLE = (RedisError, OSError, TimeoutError)

log = structlog.get_logger(__name__)


class Saver:
    """Writes the snapshots of the owned partitions.

    Parameters
    ----------
    partitions : dict          the owned ones, kept up to date by their owner
    logs : LogIdentities       what the offsets are of, kept up to date by the owner
    letters : DeadLetters      no save passes a record whose letter Kafka does not have
    monotonic : callable       seconds for durations
    on_refused : callable      called with each partition whose token was replaced
    """

    def __init__(
        self,
        store: PartitionStore,
        partitions: Mapping[int, Partition],
        logs: LogIdentities,
        *,
        letters: DeadLetters,
        metrics: Metrics,
        monotonic: Callable[[], float],
        on_refused: Callable[[int], None],
    ) -> None:
        self._store = store
        self._partitions = partitions
        self._logs = logs
        self._letters = letters
        self._metrics = metrics
        self._monotonic = monotonic
        self._on_refused = on_refused
        # One save in flight: what is sent is bounded, and saves keep their order.
        self._saving = asyncio.Lock()
        self._is_reachable = True

    async def run(self) -> None:
        """Save until cancelled."""
        while True:
            numbers = sorted(self._partitions)
            for number in numbers:
                await asyncio.sleep(EVERY_SECONDS / len(numbers))
                await self._try(number)
            if not numbers:
                await asyncio.sleep(EVERY_SECONDS)

    async def save_all(self) -> None:
        """Save every partition that has changed; raises `RedisError` if Redis does not answer."""
        for number in sorted(self._partitions):
            await self.save(number, is_last=True)

    async def save(self, number: int, *, is_last: bool = False) -> None:
        """Save what has changed of one partition; the last time also what could wait."""
        async with self._saving:
            answer = "empty"
            while answer == "empty":
                partition = self._partitions.get(number)
                if partition is None:
                    return
                answer = await self._write(partition, is_last=is_last)
                if answer == "empty":
                    log.warning("snapshot_lost", partition=number)
                    partition.saved.forget()
            if answer == "refused" and self._partitions.get(number) is partition:
                self._metrics.counter("forcedflow_fenced").inc()
                self._on_refused(number)

    async def _try(self, number: int) -> None:
        try:
            await self.save(number)
        except _UNREACHABLE as error:
            self._metrics.counter("forcedflow_snapshots", "failed").inc()
            if self._is_reachable:
                log.warning("snapshot_not_written", partition=number, error=described(error))
            self._is_reachable = False

    async def _write(self, partition: Partition, *, is_last: bool) -> str:
        """Copy, encode and send what has changed; return Redis' answer, or ``waits``."""
        started = self._monotonic()
        book, saved = partition.book, partition.saved
        now = math.inf if is_last else started
        copy = copy_of(book, partition.logs, self._logs.known, saved, now=now)
        if copy is None:
            return "saved"
        # More may come at any time: only those of what was copied must be in Kafka.
        mark = self._letters.mark if self._letters_wait(partition) else 0
        fields = await asyncio.to_thread(copy.encoded)
        if not await self._are_written(mark):
            return "waits"
        saved.number += 1
        answer = await self._store.save(
            partition.number,
            partition.token,
            number=saved.number,
            after=copy.after,
            fields=fields,
            removed=copy.removed,
        )
        self._is_reachable = True
        self._metrics.counter("forcedflow_snapshots", answer).inc()
        self._metrics.histogram("forcedflow_snapshot_seconds").observe(self._monotonic() - started)
        if answer == "saved":
            size = sum(map(len, fields.values()))
            self._metrics.counter("forcedflow_snapshot_bytes").inc(size)
            for topic, offset in copy.next.items():
                partition.logs[topic].saved = offset
            # Of a universe left meanwhile, rows and versions say nothing of those there are now.
            if partition.book is book:
                saved.take(copy, started)
        return answer

    async def _are_written(self, mark: int) -> bool:
        try:
            async with asyncio.timeout(LETTERS_SECONDS):
                await self._letters.written(mark)
        except TimeoutError:
            return False
        return True

    def _letters_wait(self, partition: Partition) -> bool:
        return any(
            self._letters.first_waiting(topic, partition.number) is not None
            for topic in partition.logs
        )
