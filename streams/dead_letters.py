"""Dead letters on their way to Kafka: bounded in memory, kept until they are acknowledged."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable

import msgspec
import structlog

from streams.metric_registry import Metrics
from streams.rejects import DeadLetter, Reject

Send = Callable[[bytes, bytes], Awaitable[Awaitable[object]]]
"""Hands key and value to Kafka's producer; the inner awaitable ends when Kafka has them."""

MAX_WAITING_BYTES = 16 * 1024 * 1024
"""Beyond this no more input is taken: it would otherwise end in memory, or be lost."""

_AT_ONCE = 200
_RETRY_SECONDS = 1.0

log = structlog.get_logger(__name__)


class DeadLetters:
    """Writes dead letters in the order they come, at least once each."""

    def __init__(self, send: Send, metrics: Metrics) -> None:
        self._send = send
        self._metrics = metrics
        self._waiting: deque[tuple[DeadLetter, bytes]] = deque()
        self._bytes = 0
        self._offsets: dict[tuple[str, int], deque[int]] = {}
        self._written = 0
        self._progressed = asyncio.Event()
        self._arrived = asyncio.Event()
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._flushing = asyncio.Lock()

    def put(self, topic: str, partition: int, rejects: Iterable[Reject]) -> None:
        """Take the rejects of a topic's partition, in the order of their offsets."""
        for reject in rejects:
            letter = DeadLetter.of(topic, partition, reject)
            content = msgspec.json.encode(letter)
            self._waiting.append((letter, content))
            self._bytes += len(content)
            self._offsets.setdefault((topic, partition), deque()).append(letter.offset)
            self._metrics.counter("forcedflow_dead_letters", letter.reason).inc()
        self._show()
        self._arrived.set()

    def first_waiting(self, topic: str, partition: int) -> int | None:
        """Return the lowest offset of a partition whose letter Kafka has not acknowledged."""
        offsets = self._offsets.get((topic, partition))
        return offsets[0] if offsets else None

    @property
    def mark(self) -> int:
        """How many letters were put so far, for `written` to wait for."""
        return self._written + len(self._waiting)

    async def written(self, mark: int) -> None:
        """Wait until Kafka has as many letters as were put when `mark` was taken."""
        while self._written < mark:
            self._progressed.clear()
            await self._progressed.wait()

    @property
    def has_room(self) -> bool:
        """Whether more letters may be put."""
        return self._has_room.is_set()

    async def room(self) -> None:
        """Wait until more letters may be put."""
        await self._has_room.wait()

    async def run(self) -> None:
        """Write letters until cancelled; while Kafka does not take them, try again."""
        while True:
            await self._arrived.wait()
            try:
                await self.flush()
            except Exception as error:  # noqa: BLE001 (whatever the client raises, letters stay)
                log.warning("dead_letters_not_written", error=repr(error), count=len(self._waiting))
                await asyncio.sleep(_RETRY_SECONDS)

    async def flush(self) -> None:
        """Write all letters that wait; whatever the producer raises is raised."""
        async with self._flushing:
            while self._waiting:
                chunk = [self._waiting[place] for place in range(min(_AT_ONCE, len(self._waiting)))]
                sent = [await self._send(letter.id.encode(), content) for letter, content in chunk]
                await asyncio.gather(*sent)
                for _ in chunk:
                    letter, content = self._waiting.popleft()
                    self._bytes -= len(content)
                    self._forget(letter)
                self._written += len(chunk)
                self._progressed.set()
                self._show()
            self._arrived.clear()

    def _forget(self, letter: DeadLetter) -> None:
        key = (letter.topic, letter.partition)
        self._offsets[key].popleft()
        if not self._offsets[key]:
            del self._offsets[key]

    def _show(self) -> None:
        self._metrics.gauge("forcedflow_dead_letters_waiting").set(len(self._waiting))
        if self._bytes > MAX_WAITING_BYTES:
            self._has_room.clear()
        else:
            self._has_room.set()
