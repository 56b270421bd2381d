"""Writing the partials: soon after a touch, and at least once a second."""

import asyncio
from collections.abc import Callable

import structlog
from redis.exceptions import RedisError

from core.errors import described
from streams.fencing import PartitionStore
from streams.metric_registry import Metrics
from streams.partials import encode_partial
from streams.partition import Partition

GATHER_SECONDS = 0.02
"""From a touch to the write, so that the touches in between share it; 50 ms are promised."""
LONGEST_SECONDS = 0.5
"""Between two writes of a partial that nothing touches; a second is promised."""
_RETRY_SECONDS = 0.25

log = structlog.get_logger(__name__)


class Publisher:
    """Writes the partials of partitions that are not warming.

    Parameters
    ----------
    partitions : dict         the owned ones, kept up to date by their owner
    monotonic : callable      seconds for durations
    on_refused : callable     called with each partition whose token was replaced
    """

    def __init__(
        self,
        store: PartitionStore,
        partitions: dict[int, Partition],
        metrics: Metrics,
        *,
        monotonic: Callable[[], float],
        on_refused: Callable[[int], None],
    ) -> None:
        self._store = store
        self._partitions = partitions
        self._metrics = metrics
        self._monotonic = monotonic
        self._on_refused = on_refused
        self._touched = asyncio.Event()
        self._is_reachable = True

    def touch(self) -> None:
        """Say that some partition's partial has changed."""
        self._touched.set()

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            try:
                async with asyncio.timeout(LONGEST_SECONDS / 2):
                    await self._touched.wait()
            except TimeoutError:
                pass
            else:
                await asyncio.sleep(GATHER_SECONDS)
            self._touched.clear()
            try:
                await self.write()
            except (RedisError, OSError, TimeoutError) as error:
                self._failed(error)
                await asyncio.sleep(_RETRY_SECONDS)

    async def write(self) -> None:
        """Write the partials that are due; raises `RedisError` if Redis does not take them."""
        now = self._monotonic()
        due = {
            number: partition
            for number, partition in self._partitions.items()
            if self._is_due(partition, now)
        }
        if not due:
            return
        contents = {
            number: (partition.token, content)
            for number, partition in due.items()
            if (content := self._encoded(partition, now)) is not None
        }
        try:
            accepted = await self._store.publish(contents)
        except BaseException:
            for number in contents:
                due[number].is_touched = True
            raise
        self._is_reachable = True
        for number, is_accepted in accepted.items():
            self._note(due[number], is_accepted=is_accepted)

    def _is_due(self, partition: Partition, now: float) -> bool:
        is_warming = partition.is_warming
        gauge = self._metrics.gauge("forcedflow_partition_warming", str(partition.number))
        gauge.set(float(is_warming))
        since = now - partition.written_at
        return not is_warming and (partition.is_touched or since >= LONGEST_SECONDS)

    def _encoded(self, partition: Partition, now: float) -> bytes | None:
        partition.is_touched = False
        partition.written_at = now
        try:
            return encode_partial(
                partition.book.partial(),
                universe=partition.universe.version,
                partition=partition.number,
            )
        except Exception:
            # Its old partial ages into unknown; the other partitions must not.
            log.exception("partial_not_computed", partition=partition.number)
            self._metrics.counter("forcedflow_partial_writes", "not_computed").inc()
            return None

    def _note(self, partition: Partition, *, is_accepted: bool) -> None:
        outcome = "accepted" if is_accepted else "refused"
        self._metrics.counter("forcedflow_partial_writes", outcome).inc()
        if not is_accepted and self._partitions.get(partition.number) is partition:
            self._metrics.counter("forcedflow_fenced").inc()
            self._on_refused(partition.number)

    def _failed(self, error: Exception) -> None:
        self._metrics.counter("forcedflow_partial_writes", "failed").inc()
        if self._is_reachable:
            log.warning("partials_not_written", error=described(error))
        self._is_reachable = False
