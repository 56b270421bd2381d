"""Faust's aiokafka transport, handing whole record batches of a partition to one function.

Faust keeps what it is good at: membership, assignor, rebalances, the commit timer. What it spends
on each event (80 to 180 us) is replaced by what a batch costs. The names overridden here are
private in part; tests/contract/test_faust_private_names.py pins them.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, cast

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import ConsumerStoppedError, KafkaError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streams.rejects import Record

FETCH_WAIT_MS = 200
"""How long the broker may hold an empty fetch. After a seek nothing is read until the fetch under
way ends: Faust's 1500 ms would be added to every takeover of a partition."""

_COMMIT_SECONDS = 3.0
_TAKEOVER_SECONDS = 15.0
"""Shorter than the request timeout, after which Faust would stop waiting and read nothing more:
the process has to end then, for its supervisor."""
_POLL_SECONDS = 1.0
_ASK_SECONDS = 0.2

log = structlog.get_logger(__name__)


class Sink(Protocol):
    """Takes the batches; the only one to know how far each partition has been handled."""

    def next_offset(self, tp: TP) -> int | None:
        """Return the offset that a partition expects next; None where it is not served."""

    def take(self, tp: TP, records: Sequence[Record]) -> None:
        """Handle records of one partition, the first of them the expected one; never raises."""

    def skipped(self, tp: TP, count: int) -> None:
        """Note that so many offsets of a partition do not exist any more."""

    def committable(self, tp: TP) -> int | None:
        """Return the offset to commit to Kafka; None for nothing new."""

    def tails(self) -> Iterable[TP]:
        """Return partitions that may end in offsets without records, to ask positions of."""

    def reached(self, tp: TP, position: int) -> None:
        """Note that everything below a position was handed out."""

    async def ready(self) -> None:
        """Wait until another batch may be taken."""


class Owner(Protocol):
    """Takes partitions over and lets go of them."""

    async def assigned(
        self, consumer: "BatchConsumer", committed: Mapping[TP, int | None]
    ) -> dict[TP, int]:
        """Take over what the consumer is assigned; return the positions to go on from."""

    async def revoked(self) -> None:
        """Take over nothing more until the next assignment."""


class _ConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread, which outlives a commit that Kafka does not take."""

    mundane_level = "debug"

    def _create_worker_consumer(self, transport: driver.Transport) -> Any:  # noqa: ANN401
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS  # noqa: SLF001
        return consumer

    async def offsets_at(self, times_ms: Mapping[TP, int]) -> dict[TP, int]:
        """Return the first offset appended at or after a time, of the logs that have one."""
        return cast("dict[TP, int]", await self.call_thread(self._offsets_at, times_ms))

    async def _offsets_at(self, times_ms: Mapping[TP, int]) -> dict[TP, int]:
        wanted = {TopicPartition(*tp): at for tp, at in times_ms.items()}
        found = await self._ensure_consumer().offsets_for_times(wanted)
        return {TP(tp.topic, tp.partition): at.offset for tp, at in found.items() if at is not None}

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        assignment = self.assignment()
        mine = {TopicPartition(*tp): offset for tp, offset in offsets.items() if tp in assignment}
        try:
            # A committed offset is a copy for dashboards: state is rebuilt without it.
            await self._ensure_consumer().commit(mine)
        except KafkaError as error:
            log.warning("offsets_not_committed", error=repr(error))
            return False
        return True


class BatchConsumer(driver.Consumer):
    """Reads batches for the transport's sink and commits what the sink says is done."""

    mundane_level = "debug"

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 (Faust's own signature)
        super().__init__(*args, **kwargs)
        transport = cast("BatchTransport", self.transport)
        self.sink, self.owner = transport.sink, transport.owner
        self._sought: dict[TP, int] = {}
        self._let_go: set[TP] = set()
        self._ask_at = 0.0

    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return _ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def _drain_messages(self, fetcher: Any) -> None:  # noqa: ANN401 (as above)
        """Read until stopped; Faust's fetcher service runs this."""
        try:
            while not (self.should_stop or fetcher.should_stop):
                # Before a fetch: a batch that comes after a seek begins there, or records are gone.
                await self._fetch_again()
                records, _ = await self._wait_next_records(_POLL_SECONDS)
                for tp, batch in (records or {}).items():
                    if not self.flow_active:
                        # A rebalance is on, and what is ours after it is not known yet.
                        self._let_go.add(TP(tp.topic, tp.partition))
                        continue
                    await self.sink.ready()
                    await self._hand_over(TP(tp.topic, tp.partition), batch)
                    # Timers and the writer of partials have their turn after each batch.
                    await asyncio.sleep(0)
                await self._ask_positions()
        except (asyncio.CancelledError, ConsumerStoppedError):
            if not self.app.should_stop:
                raise

    async def _fetch_again(self) -> None:
        """Seek to what was let go during a rebalance.

        The rebalance has sought to where the sink was, but the fetch may have come after that: with
        no later record on the same partition nobody would miss it.
        """
        if not self.flow_active:
            return
        let_go, self._let_go = self._let_go, set()
        for tp in let_go:
            expected = self.sink.next_offset(tp)
            if expected is not None and tp in self.assignment():
                await self._seek_back(tp, expected)
                if self._sought.get(tp) != expected:
                    self._let_go.add(tp)

    async def _hand_over(self, tp: TP, batch: Sequence[Record]) -> None:
        expected = self.sink.next_offset(tp)
        if expected is None:
            return
        if batch[0].offset < expected:
            batch = [record for record in batch if record.offset >= expected]
        if not batch:
            return
        missing = batch[0].offset - expected
        if missing and self._sought.get(tp) != expected:
            # Read before a seek or a rebalance took effect, unless it comes again.
            await self._seek_back(tp, expected)
            return
        if missing:
            self.sink.skipped(tp, missing)
        self._sought.pop(tp, None)
        self.sink.take(tp, batch)

    async def _seek_back(self, tp: TP, offset: int) -> None:
        try:
            await self.seek_wait({tp: offset})
        except (KafkaError, TimeoutError) as error:
            # Either it is not ours any more, or the next batch leads here again.
            log.info("seek_failed", topic=tp.topic, partition=tp.partition, error=repr(error))
        else:
            self._sought[tp] = offset

    async def _ask_positions(self) -> None:
        """Tell the sink how far tails without records have been read.

        Between two polls every record handed out has been handled, so a position says that too,
        once it has been sought: records that were fetched while a rebalance went on are let go.
        Each question crosses into the consumer's thread, so they are not asked at every poll.
        """
        now = self.loop.time()
        if now < self._ask_at:
            return
        self._ask_at = now + _ASK_SECONDS
        for tp in self.sink.tails():
            if not self.flow_active or tp not in self.assignment():
                return
            try:
                position = await self.position(tp)
            except KafkaError as error:
                log.info(
                    "position_unknown", topic=tp.topic, partition=tp.partition, error=repr(error)
                )
                return
            expected = self.sink.next_offset(tp)
            if position is None or expected is None or position <= expected:
                continue
            if self._sought.get(tp) == expected:
                self.sink.reached(tp, position)
            else:
                await self._seek_back(tp, expected)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Take over the partitions assigned; Faust calls this before it resumes reading."""
        if not self.assignment():
            return {}
        self._sought.clear()
        async with asyncio.timeout(_TAKEOVER_SECONDS):
            committed = await super().seek_to_committed()
            return await self.owner.assigned(
                self, {TP(tp.topic, tp.partition): offset for tp, offset in committed.items()}
            )

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Commit first: Faust forgets what is not committed when partitions are revoked."""
        await self.owner.revoked()
        try:
            async with asyncio.timeout(_COMMIT_SECONDS):
                await self.commit()
        except TimeoutError:
            log.warning("offsets_not_committed", error="Kafka did not answer before revocation")
        await super().on_partitions_revoked(revoked)

    async def offsets_at(self, times_ms: Mapping[TP, int]) -> dict[TP, int]:
        """Return the first offset appended at or after a time (ms), of the logs that have one."""
        return await cast("_ConsumerThread", self._thread).offsets_at(times_ms)

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:  # noqa: ANN401
        return (
            tp for tp in self.assignment() if topics is None or tp in topics or tp.topic in topics
        )

    def _new_offset(self, tp: TP) -> int | None:
        return self.sink.committable(tp)

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Watch nothing: Faust looks at events of streams, and there are none."""


class BatchTransport(driver.Transport):
    """The transport of an app whose batches go to `sink`, for partitions that `owner` took."""

    Consumer = BatchConsumer

    def __init__(self, *args: Any, sink: Sink, owner: Owner, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        self.sink = sink
        self.owner = owner
