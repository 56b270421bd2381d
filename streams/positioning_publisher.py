"""Making the positioning of options every few seconds, and writing it for the alerter to read."""

import asyncio
from collections.abc import Mapping

import structlog
from redis.exceptions import RedisError

from core.errors import described
from core.live_positioning import due_rows, positioning_rows
from streams.fencing import PartitionStore, positioning_key
from streams.metric_registry import Metrics
from streams.partition import Partition
from streams.positioning_work import make_rows
from streams.state_format import encode_state

EVERY_SECONDS = 5.0

log = structlog.get_logger(__name__)


class PositioningPublisher:
    """Writes the positioning of partitions that are not warming; partials go before.

    Parameters
    ----------
    partitions : mapping      the owned ones, kept up to date by their owner
    """

    def __init__(
        self, store: PartitionStore, partitions: Mapping[int, Partition], metrics: Metrics
    ) -> None:
        self._store = store
        self._partitions = partitions
        self._metrics = metrics
        self._is_reachable = True

    async def run(self) -> None:
        """Make and write until cancelled; what fails is tried again the next time."""
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            try:
                await self.write()
            except (RedisError, OSError, TimeoutError) as error:
                self._metrics.counter("forcedflow_positioning_writes", "failed").inc()
                if self._is_reachable:
                    log.warning("positioning_not_written", error=described(error))
                self._is_reachable = False

    async def write(self) -> None:
        """Make what is due, and write all; raises `RedisError` if Redis does not take it."""
        contents = {}
        for number, partition in list(self._partitions.items()):
            if not partition.is_warming:
                book = partition.book
                await make_rows(book, due_rows(book).tolist(), self._metrics)
                contents[number] = (partition.token, self._encoded(partition))
        if not contents:
            return
        accepted = await self._store.publish(contents, key=positioning_key)
        self._is_reachable = True
        for is_accepted in accepted.values():
            # Who owns a partition is settled where its partial is refused.
            outcome = "accepted" if is_accepted else "refused"
            self._metrics.counter("forcedflow_positioning_writes", outcome).inc()

    @staticmethod
    def _encoded(partition: Partition) -> bytes:
        return encode_state(positioning_rows(partition.book))
