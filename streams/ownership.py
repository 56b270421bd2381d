"""Taking over the partitions that Kafka assigns, and letting go of those it takes away."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import structlog
from aiokafka.errors import KafkaError
from faust.types import TP
from redis.exceptions import RedisError

from core.dealer_assumptions import DealerAssumptions
from core.errors import FlowError, described
from core.results import prices_begin
from core.universe import Universe
from streams.cancelling import end_tasks
from streams.fencing import PartitionStore
from streams.intake import Intake
from streams.logs import Log, LogIdentities
from streams.metric_registry import Metrics
from streams.partition import Partition
from streams.saver import Saver
from streams.snapshots import Found, read_fields
from streams.topics import CLOSES, INPUTS, PRICES

if TYPE_CHECKING:
    # The consumer is handed its sink, which is made of this.
    from streams.batch_transport import BatchConsumer

CLAIM_SECONDS = 3.0
"""How long a rebalance waits for Redis; after that the group goes on without these partitions."""
SAVE_SECONDS = 2.0
"""How long it waits for the last save of what may be taken away."""
_SHORTEST_RETRY_SECONDS = 0.25
_LONGEST_RETRY_SECONDS = 2.0
_HELD_POLL_SECONDS = 0.05
_NS_PER_MS = 1_000_000
_UNREACHABLE = (RedisError, KafkaError, FlowError, OSError, TimeoutError)

log = structlog.get_logger(__name__)


class Ownership:
    """Keeps the intake's partitions equal to what is assigned and claimed.

    A new partition gets a token, and state and offsets from its snapshot; a topic that has none is
    read from its earliest record. One kept across a rebalance keeps its book and goes on where it
    was. While Redis does not answer, new partitions stay paused and are claimed in the background.

    Parameters
    ----------
    logs : LogIdentities      which ones are read; looked at here
    now_ns : callable         host time
    on_failure : callable     called with the reason why the worker has to start anew
    dealers : DealerAssumptions     of every partition
    """

    def __init__(  # noqa: PLR0913 (the parts of a worker meet here, once)
        self,
        universe: Universe,
        store: PartitionStore,
        intake: Intake,
        *,
        saver: Saver,
        metrics: Metrics,
        logs: LogIdentities,
        now_ns: Callable[[], int],
        on_failure: Callable[[str], None],
        dealers: DealerAssumptions,
    ) -> None:
        self._universe = universe
        self._store = store
        self._intake = intake
        self._saver = saver
        self._metrics = metrics
        self._logs = logs
        self._now_ns = now_ns
        self._on_failure = on_failure
        self._dealers = dealers
        # What Kafka said last; nothing between a revocation and the next assignment.
        self._assigned: set[int] = set()
        self._unclaimed: set[int] = set()
        self._committed: Mapping[TP, int | None] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def assigned(
        self, consumer: "BatchConsumer", committed: Mapping[TP, int | None]
    ) -> dict[TP, int]:
        """Take over an assignment; return the position of every partition that is served."""
        assigned = self._assigned = self._whole(consumer.assignment())
        await self._stop_claiming()
        self._metrics.counter("forcedflow_rebalances").inc()
        self._committed = committed
        partitions = self._intake.partitions
        try:
            async with asyncio.timeout(CLAIM_SECONDS):
                await self._look_at_logs()
                await self._drop_replaced()
        except _UNREACHABLE as error:
            self._failed(error)
        for number in list(partitions):
            # What waits to know where prices begin is claimed anew.
            is_held = any(log.is_held for log in partitions[number].logs.values())
            if number not in assigned or is_held:
                self.drop(number)
        await consumer.seek_wait(self._positions(partitions))
        self._unclaimed = assigned - partitions.keys()
        log.info("assigned", kept=sorted(partitions), new=sorted(self._unclaimed))
        try:
            async with asyncio.timeout(CLAIM_SECONDS):
                await self._claim(consumer)
        except _UNREACHABLE as error:
            self._failed(error)
            consumer.pause_partitions(self._tps(self._unclaimed))
            self._start(self._claim_later(consumer))
        return self._positions(partitions)

    def switch(self, universe: Universe) -> Iterable[int]:
        """Go on with another version of the universe, one partition a step."""
        self._universe = universe
        for number, partition in list(self._intake.partitions.items()):
            if self._intake.partitions.get(number) is partition:
                partition.switch(universe)
                yield number

    def drop(self, number: int) -> None:
        """Stop serving a partition."""
        del self._intake.partitions[number]
        self._metrics.forget("forcedflow_partition_warming", str(number))
        for topic in self._intake.topic_of.values():
            self._metrics.forget("forcedflow_consumer_lag_records", topic, str(number))
        log.info("dropped", partition=number)

    def refused(self, number: int) -> None:
        """Stop serving a partition whose token another worker has replaced."""
        self.drop(number)
        if number in self._assigned:
            # Kafka and Redis disagree on who owns it: only a new start settles that.
            self._on_failure(f"partition {number} was taken over while Kafka says it is ours")

    async def revoked(self) -> None:
        """Save what may be taken away, and stop claiming.

        A token taken now could be that of the next owner's partition.
        """
        self._assigned = set()
        await self._stop_claiming()
        try:
            async with asyncio.timeout(SAVE_SECONDS):
                await self._saver.save_all()
        except _UNREACHABLE as error:
            log.warning("snapshots_not_written", error=described(error))

    async def _stop_claiming(self) -> None:
        await end_tasks(self._tasks)
        self._tasks.clear()

    async def _look_at_logs(self) -> None:
        """Ask Kafka for the identities; forget what was read from logs that are others now."""
        changed = await self._logs.look()
        if changed:
            log.warning("logs_are_others", topics=changed, dropped=sorted(self._intake.partitions))
            for number in list(self._intake.partitions):
                self.drop(number)

    async def _drop_replaced(self) -> None:
        """Forget what others have owned since: a rebalance that another overtook is not told."""
        partitions = self._intake.partitions
        tokens = await self._store.tokens(list(partitions)) if partitions else {}
        for number, token in tokens.items():
            if number in partitions and token > partitions[number].token:
                self.drop(number)

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
        """Take over what is not claimed yet; what was when this is interrupted stays claimed."""
        wanted = sorted(self._unclaimed)
        if not wanted:
            return
        if not self._logs.known.keys() >= set(INPUTS):
            await self._look_at_logs()
        tps = self._tps(wanted)
        earliest = await consumer.earliest_offsets(*tps)
        ends = await consumer.highwaters(*tps)
        bounds = {tp: (earliest[tp], ends[tp]) for tp in tps}
        for number in wanted:
            if number not in self._assigned:
                # Revoked while this went on, and perhaps another's by now.
                return
            await self._take_up(consumer, number, bounds)
            self._unclaimed.discard(number)
        log.info("claimed", partitions=wanted)

    async def _take_up(
        self, consumer: "BatchConsumer", number: int, bounds: Mapping[TP, tuple[int, int]]
    ) -> None:
        """Take the token of a partition, take up its snapshot and seek to its offsets."""
        acquired = (await self._store.acquire([number]))[number]
        found = await asyncio.to_thread(read_fields, acquired.fields)
        try:
            partition = self._restored(number, acquired.token, found=found, bounds=bounds)
        except Exception:
            # Whatever does not fit in it: raised, it would end one worker after the other.
            log.exception("snapshot_refused", partition=number)
            nothing = dict.fromkeys(found, Found(None, [], "refused"))
            partition = self._restored(number, acquired.token, found=nothing, bounds=bounds)
        self._intake.partitions[number] = partition
        self._metrics.gauge("forcedflow_partition_warming", str(number)).set(1)
        await consumer.seek_wait(self._positions([number]))
        held = [tp for tp in self._tps([number]) if self._held(tp)]
        if held:
            consumer.pause_partitions(held)
            self._start(self._release(consumer, held))

    def _restored(
        self,
        number: int,
        token: int,
        *,
        found: Mapping[str, Found],
        bounds: Mapping[TP, tuple[int, int]],
    ) -> Partition:
        """Return a partition that goes on from what its snapshot holds."""
        logs = {
            topic: self._log(TP(name, number), topic, found[topic], bounds=bounds[TP(name, number)])
            for name, topic in self._intake.topic_of.items()
        }
        partition = Partition(
            self._universe, number, token=token, logs=logs, found=found, dealers=self._dealers
        )
        if found[CLOSES].head is not None and not logs[CLOSES].applied:
            # What was read of the results was in another log.
            partition.forget_results()
        return partition

    def _log(self, tp: TP, topic: str, found: Found, *, bounds: tuple[int, int]) -> Log:
        """Return where to read a log from: where its snapshot ends, if it is of this log."""
        earliest, end = bounds
        offsets = Log(next=earliest, end=end, reported=self._committed.get(tp) or 0)
        if offsets.reported > end:
            # Of a log that was longer: those offsets are of other records by now.
            offsets.reported = 0
        head = found.head
        if head is None:
            reason = found.problem
        elif head.identity != self._logs.known[topic]:
            reason = "other_log"
        elif head.next > end:
            reason = "beyond_the_log"
        else:
            offsets.next, offsets.applied = max(head.next, earliest), head.applied
            if head.next < earliest:
                self._intake.skipped(tp, earliest - head.next)
            return offsets
        if head is not None or earliest < end:
            log.warning("read_from_the_start", topic=topic, partition=tp.partition, why=reason)
            self._metrics.counter("forcedflow_gates_dropped", topic, reason).inc()
        # Of prices without state only the session's are wanted, if results hold what was before.
        offsets.is_held = topic == PRICES and head is None and earliest < end
        return offsets

    async def _release(self, consumer: "BatchConsumer", held: list[TP]) -> None:
        """Once the results are read, have prices begin where they have to."""
        while held:
            await asyncio.sleep(_HELD_POLL_SECONDS)
            for tp in list(held):
                partition = self._intake.partitions.get(tp.partition)
                if partition is None:
                    held.remove(tp)
                elif partition.logs[CLOSES].next >= partition.logs[CLOSES].end:
                    try:
                        await self._begin(consumer, tp, partition)
                    except _UNREACHABLE as error:
                        self._metrics.counter("forcedflow_claim_failures").inc()
                        log.warning(
                            "prices_not_begun", partition=tp.partition, error=described(error)
                        )
                    else:
                        held.remove(tp)

    async def _begin(self, consumer: "BatchConsumer", tp: TP, partition: Partition) -> None:
        offsets = partition.logs[PRICES]
        begin_ns = prices_begin(partition.book, self._now_ns())
        if begin_ns is not None:
            found = await consumer.offsets_at({tp: begin_ns // _NS_PER_MS})
            offsets.next = max(offsets.next, found.get(tp, offsets.end))
            log.info("prices_from_the_open", partition=tp.partition, offset=offsets.next)
        await consumer.seek_wait({tp: offsets.next})
        offsets.is_held = False
        consumer.resume_partitions([tp])

    async def _claim_later(self, consumer: "BatchConsumer") -> None:
        delay = _SHORTEST_RETRY_SECONDS
        while self._unclaimed:
            await asyncio.sleep(delay)
            delay = min(delay * 2, _LONGEST_RETRY_SECONDS)
            wanted = set(self._unclaimed)
            try:
                await self._claim(consumer)
            except _UNREACHABLE as error:
                self._failed(error)
            # Of a round that failed too: what was claimed before is not in the next one.
            claimed = self._tps(wanted - self._unclaimed)
            consumer.resume_partitions([tp for tp in claimed if not self._held(tp)])

    def _held(self, tp: TP) -> bool:
        partition = self._intake.partitions.get(tp.partition)
        return partition is not None and partition.logs[self._intake.topic_of[tp.topic]].is_held

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._on_failure(f"claiming partitions failed: {error!r}")

    def _failed(self, error: Exception) -> None:
        for number in self._unclaimed & self._intake.partitions.keys():
            # Taken up, but the consumer was not told where to read.
            self.drop(number)
        self._metrics.counter("forcedflow_claim_failures").inc()
        log.warning("not_claimed", partitions=sorted(self._unclaimed), error=described(error))
