"""Rows of the projection on their way to the topic `projections`; nothing waits for them.

They are encoded and sent in a thread of their own. What Kafka does not take in time is given up
and counted: the history then has a gap, and nothing else is the worse for it.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import msgspec
import structlog
from kafka import KafkaProducer
from kafka.errors import KafkaError

from core.universe import Universe
from services.kafka_admin import check_accepts
from services.kafka_closing import close_producer
from services.rows import Rows, row_dicts
from streams.topics import partition_of

log = structlog.get_logger(__name__)

ANSWER_SECONDS = 3.0
DELIVERY_SECONDS = 5.0
"""How long rows are tried before they are given up."""
MAX_WAITING_ROWS = 20_000
"""Rows that may wait for the thread; more are given up at once."""

OnOutcome = Callable[[str, int], None]
"""Told how many rows came to what: acknowledged, failed or dropped."""


class KafkaProjections:
    """Appends one JSON record a row, keyed and partitioned by its symbol.

    A row is in the topic once at most: the producer is idempotent, and after a failure another
    one takes its place, which is not given the row again.
    """

    def __init__(self, bootstrap: str, topic: str, on_outcome: OnOutcome) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._on_outcome = on_outcome
        self._producer: KafkaProducer | None = None
        self._waiting = 0
        self._is_failing = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="projections")

    def put(self, rows: Rows, universe: Universe) -> None:
        """Take some rows over, or give them up where too many wait already."""
        count = len(rows)
        if self._waiting + count > MAX_WAITING_ROWS:
            self._on_outcome("dropped", count)
            return
        self._waiting += count
        loop = asyncio.get_running_loop()
        sending = self._thread.submit(self._send, rows, universe)
        sending.add_done_callback(lambda done: loop.call_soon_threadsafe(self._note, count, done))

    async def close(self) -> None:
        """Give up what waits, and let go of the producer; what is being sent ends first."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(self._thread.shutdown)
        await asyncio.to_thread(self._drop_producer)

    def _note(self, count: int, sending: "Future[tuple[int, Exception | None]]") -> None:
        self._waiting -= count
        if sending.cancelled():
            self._on_outcome("dropped", count)
            return
        taken, error = sending.result()
        self._on_outcome("acknowledged", taken)
        if error is not None:
            self._on_outcome("failed", count - taken)
            if not self._is_failing:
                log.error("projections_not_written", topic=self._topic, error=repr(error))
        self._is_failing = error is not None

    def _send(self, rows: Rows, universe: Universe) -> tuple[int, Exception | None]:
        """Return how many rows Kafka has taken, and why it has not taken the others."""
        sent: list[Any] = []
        error: Exception | None = None
        try:
            self._hand_over(rows, universe, sent)
        except Exception as stumble:  # noqa: BLE001  whatever it is, the history has a gap
            error = stumble
        for future in sent:
            # All of them, or the producer could not be closed.
            try:
                future.get(timeout=2.0 * DELIVERY_SECONDS)
            except KafkaError as late:
                error = error or late
        if error is not None:
            self._drop_producer()
        return sum(future.succeeded() for future in sent), error

    def _hand_over(self, rows: Rows, universe: Universe, sent: list[Any]) -> None:
        if self._producer is None:
            self._producer = self._connected()
        for row in row_dicts(rows, universe):
            symbol = str(row["symbol"])
            sent.append(
                self._producer.send(
                    self._topic,
                    key=symbol.encode(),
                    value=msgspec.json.encode(row),
                    partition=partition_of(symbol),
                )
            )

    def _connected(self) -> KafkaProducer:
        # A client that gives up its first attempt leaves its sockets open.
        check_accepts(self._bootstrap)
        wait_ms = int(ANSWER_SECONDS * 1000)
        return KafkaProducer(
            bootstrap_servers=self._bootstrap,
            client_id="forcedflow-projections",
            acks="all",
            enable_idempotence=True,
            allow_auto_create_topics=False,
            bootstrap_timeout_ms=wait_ms,
            max_block_ms=wait_ms,
            request_timeout_ms=wait_ms,
            delivery_timeout_ms=int(DELIVERY_SECONDS * 1000),
        )

    def _drop_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            close_producer(producer, timeout_seconds=ANSWER_SECONDS)
