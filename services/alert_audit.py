"""Every transition, appended to the topic `alerts` in order, before it is told to Alertmanager.

The promise: a transition is in Kafka before its first POST whenever Kafka acknowledges within a
second. If it does not, the alert is sent all the same, counted as ``unaudited``, and its record
stays in the ledger's outbox until Kafka takes it: at least once, in order, up to 2,000 records.
Nothing but that one first sending waits; evaluation, resends and other alerts go on.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import msgspec
import structlog
from kafka import KafkaProducer
from kafka.errors import KafkaError

from core.alerts import AlertKey
from core.errors import FlowError
from services.alert_history import read_transitions
from services.alert_ledger import Ledger, TransitionRecord
from services.alert_messages import host_time_text
from services.clock import Clock
from services.kafka_admin import KafkaUnreachableError, check_accepts
from services.kafka_closing import close_producer

log = structlog.get_logger(__name__)

WAIT_SECONDS = 1.0
"""How long a first sending waits for Kafka: little beside the ten seconds promised for a page."""
RETRY_SECONDS = 1.0
APPEND_SECONDS = 3.0
"""Longest that one append may take before it counts as failed and is tried again."""
APPENDED_AT_ONCE = 500


class AuditError(FlowError):
    """Kafka did not acknowledge the records in time."""


class AuditLog(Protocol):
    """Where transitions are appended."""

    async def append(self, records: Sequence[TransitionRecord]) -> None:
        """Return once all are acknowledged; raise `AuditError` if any may be missing."""
        ...


class ReadableAuditLog(AuditLog, Protocol):
    """Where transitions are also found again."""

    async def read(self) -> list[TransitionRecord]:
        """Return all there are, in order, each at least once; raises `HistoryError`."""
        ...


def audit_key(key: AlertKey) -> bytes:
    """Return the record key of an alert: its labels in their order, joined by ``|``."""
    return "|".join(key).encode()


def audit_value(record: TransitionRecord) -> bytes:
    """Return the JSON of one record; besides the exact ns it tells host times for a reader."""
    return msgspec.json.encode(
        {
            **msgspec.to_builtins(record),
            "key": record.key._asdict(),
            "starts_at": host_time_text(record.starts_ns),
            "at": host_time_text(record.at_ns),
            "host_time": host_time_text(record.host_ns),
        }
    )


class KafkaAudit:
    """Appends with all in-sync replicas' acknowledgement, in order, off the event loop.

    A record that is tried again may be in the topic twice; its sequence tells.
    """

    def __init__(self, bootstrap: str, topic: str, clock: Clock) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._clock = clock
        self._producer: KafkaProducer | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="alert-audit")

    async def append(self, records: Sequence[TransitionRecord]) -> None:
        """Append in order and wait for the acknowledgements; bounded in time."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._append, records)

    async def read(self) -> list[TransitionRecord]:
        """Return all transitions in the topic, in its order; bounded in time."""
        return await asyncio.to_thread(read_transitions, self._bootstrap, self._topic, self._clock)

    def _append(self, records: Sequence[TransitionRecord]) -> None:
        try:
            if self._producer is None:
                self._producer = self._connected()
            sent = [
                self._producer.send(self._topic, key=audit_key(one.key), value=audit_value(one))
                for one in records
            ]
            for future in sent:
                # The producer's own time runs out first, so that it holds nothing afterwards.
                future.get(timeout=2.0 * APPEND_SECONDS)
        except (KafkaError, KafkaUnreachableError) as error:
            raise AuditError(
                f"topic {self._topic} at {self._bootstrap}: expected an acknowledgement,"
                f" it was {type(error).__name__}: {error}"
            ) from error

    def _connected(self) -> KafkaProducer:
        # A client that gives up its first attempt leaves its sockets open.
        check_accepts(self._bootstrap)
        wait_ms = int(APPEND_SECONDS * 1000)
        return KafkaProducer(
            bootstrap_servers=self._bootstrap,
            client_id="forcedflow-alerter",
            acks="all",
            # Not idempotent: a producer of that kind may not go on after a record ran out of time.
            enable_idempotence=False,
            max_in_flight_requests_per_connection=1,
            allow_auto_create_topics=False,
            bootstrap_timeout_ms=wait_ms,
            max_block_ms=wait_ms,
            request_timeout_ms=wait_ms,
            delivery_timeout_ms=wait_ms,
        )

    async def close(self) -> None:
        """Let go of the producer; an append under way ends first."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    def _close(self) -> None:
        if self._producer is not None:
            close_producer(self._producer, timeout_seconds=APPEND_SECONDS)


class AuditTrail:
    """Which transitions may be sent: those Kafka has, and those that waited long enough for it.

    Attributes
    ----------
    acknowledged : int    sequence up to which Kafka has every transition
    released : int        sequence up to which transitions may be told to Alertmanager
    """

    def __init__(
        self,
        audit_log: AuditLog,
        *,
        clock: Clock,
        on_released: Callable[[], None],
        on_outcome: Callable[[str, int], None],
    ) -> None:
        self.acknowledged = 0
        self.released = 0
        self._log = audit_log
        self._clock = clock
        self._on_released = on_released
        self._on_outcome = on_outcome
        self._append: asyncio.Task[None] | None = None
        self._is_failing = False
        self._next_try = clock.monotonic()
        self._waiting: list[tuple[int, float]] = []

    def begin(self, ledger: Ledger) -> None:
        """Go on from a loaded ledger: only what lies in its outbox may lack in Kafka."""
        first = ledger.outbox[0].sequence if ledger.outbox else ledger.sequence + 1
        self.acknowledged = self.released = first - 1
        self.follow(ledger)

    def follow(self, ledger: Ledger) -> None:
        """Take over the transitions of a written ledger: wait for them, and append them."""
        newest = self._waiting[-1][0] if self._waiting else self.released
        until = self._clock.monotonic() + WAIT_SECONDS
        self._waiting += [
            (record.sequence, until) for record in ledger.outbox if record.sequence > newest
        ]
        self._release()
        is_free = self._append is None or self._append.done()
        rest = [record for record in ledger.outbox if record.sequence > self.acknowledged]
        if rest and is_free and self._clock.monotonic() >= self._next_try:
            self._append = asyncio.create_task(self._try(rest[:APPENDED_AT_ONCE]))

    async def settle(self) -> None:
        """Wait until an append under way has ended."""
        if self._append is not None:
            await self._append

    async def _try(self, records: Sequence[TransitionRecord]) -> None:
        try:
            await self._log.append(records)
        except Exception:
            # Whatever the client stumbled over, these records are not known to be in Kafka.
            self._on_outcome("failed", len(records))
            if not self._is_failing:
                log.exception("alert_audit_failed", records=len(records))
            self._is_failing = True
            self._next_try = self._clock.monotonic() + RETRY_SECONDS
            return
        self._is_failing = False
        self.acknowledged = records[-1].sequence
        self._on_outcome("acknowledged", len(records))
        self._release()

    def _release(self) -> None:
        now = self._clock.monotonic()
        before = self.released
        unaudited = 0
        while self._waiting:
            sequence, until = self._waiting[0]
            if sequence > self.acknowledged and now < until:
                break
            unaudited += sequence > self.acknowledged
            self.released = sequence
            del self._waiting[0]
        if unaudited:
            self._on_outcome("unaudited", unaudited)
            log.error("alerts_sent_before_audit", transitions=unaudited)
        if self.released > before:
            self._on_released()
