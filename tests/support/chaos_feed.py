"""Plays a script into Kafka at its pace, and knows what Kafka has acknowledged."""

import asyncio
import itertools
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Self

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder

from tests.support.chaos_script import BadRecord
from tests.support.chaos_windows import WINDOW_SECONDS, Place, Values, Window, heartbeats

HOLD_BEAT_SECONDS = 0.25
"""Heartbeats repeat so often while the feed holds (at least one a second is promised)."""
BEAT_WINDOWS = 2
"""Heartbeats follow every so many windows."""
_BATCH_BYTES = 64 * 1024
_STOP_SECONDS = 2.0
_AWAY_MS = 240_000
"""Longest that a broker may be away: a record that waits longer without a leader is given up."""


class Feed:
    """Sends windows from a thread of its own; it holds at every mark until released.

    While it holds it repeats the heartbeat; at the last mark, with `lingers`, it also sends all
    events again at its pace, which must change nothing.

    Attributes
    ----------
    done : int          windows sent and released
    sent : dict         records acknowledged, by place
    bad : dict          id of the dead letter that is due -> its reason
    events, playing_seconds     what was sent, and how long that took without the holds
    behind_seconds      the furthest that it was behind its pace
    error               why it ended, if it failed
    """

    def __init__(self, bootstrap: str, prefix: str, windows: Sequence[Window]) -> None:
        self.windows = windows
        self.sent: dict[Place, int] = {}
        self.bad: dict[str, str] = {}
        self.behind_seconds = 0.0
        self.error: BaseException | None = None
        self.lingers = False
        self.events = 0
        self.playing_seconds = 0.0
        self._bootstrap = bootstrap
        self._prefix = prefix
        self.done = 0
        self._mark_ns: int | None = None
        self._released = threading.Event()
        self._is_over = False
        self._is_muted = False
        self._playing: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._released.set()
        if self._playing is not None and self._thread.is_alive():
            self._playing.get_loop().call_soon_threadsafe(self._playing.cancel)
        self._thread.join()

    @property
    def share(self) -> float:
        """How much of the script was sent, 0 to 1."""
        return self.done / len(self.windows)

    @property
    def mark_ns(self) -> int | None:
        """The mark it holds at now, None while it plays."""
        return self._mark_ns

    @property
    def has_ended(self) -> bool:
        """Whether all was sent, or it failed."""
        return not self._thread.is_alive()

    def release(self) -> None:
        """Go on from the mark."""
        self._mark_ns = None
        self._released.set()

    def end_at_mark(self) -> None:
        """End it at the mark it holds at, once Kafka has acknowledged all that was sent."""
        self._is_over = True
        self._released.set()
        self._thread.join()

    def mute(self, *, is_muted: bool) -> None:
        """Send no heartbeats from here on, or send them again."""
        self._is_muted = is_muted

    def _run(self) -> None:
        try:
            asyncio.run(self._play())
        except asyncio.CancelledError:
            pass
        except BaseException as error:  # noqa: BLE001 (whoever waits for the feed is told)
            self.error = error

    async def _play(self) -> None:
        # It has a line for each attempt to reach a broker that was killed on purpose.
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
        self._playing = asyncio.current_task()
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            acks="all",
            enable_idempotence=True,
            max_batch_size=_BATCH_BYTES,
            retry_backoff_ms=50,
            request_timeout_ms=_AWAY_MS,
        )
        await producer.start()
        try:
            await self._send_windows(producer)
        finally:
            # It would wait for what a broker that is away has not acknowledged.
            with suppress(TimeoutError):
                async with asyncio.timeout(_STOP_SECONDS):
                    await producer.stop()

    async def _send_windows(self, producer: AIOKafkaProducer) -> None:
        started = due = time.monotonic()
        for number, window in enumerate(self.windows):
            now = time.monotonic()
            self.behind_seconds = max(self.behind_seconds, now - due)
            await asyncio.sleep(max(due - now, 0))
            firsts = await self._send(producer, window.values)
            self._note_bad(window, firsts)
            self.events += window.events
            if window.mark_ns is not None:
                held = time.monotonic()
                await self._hold(producer, window.mark_ns)
                if self._is_over:
                    return
                held = time.monotonic() - held
                due += held
                started += held
            elif number % BEAT_WINDOWS == 0:
                await self._beat(producer, window.event_ns)
            self.done = number + 1
            due += WINDOW_SECONDS
            self.playing_seconds = time.monotonic() - started

    async def _hold(self, producer: AIOKafkaProducer, mark_ns: int) -> None:
        self._released.clear()
        await self._beat(producer, mark_ns)
        self._mark_ns = mark_ns
        again = itertools.cycle(self.windows)
        while not self._released.is_set():
            await self._beat(producer, mark_ns)
            if self.lingers and mark_ns == self.windows[-1].mark_ns:
                await self._send(producer, next(again).values)
                await asyncio.sleep(WINDOW_SECONDS)
            else:
                await asyncio.to_thread(self._released.wait, HOLD_BEAT_SECONDS)

    async def _beat(self, producer: AIOKafkaProducer, event_ns: int) -> None:
        if not self._is_muted:
            await self._send(producer, heartbeats(event_ns))

    async def _send(self, producer: AIOKafkaProducer, values: Values) -> Mapping[Place, list[int]]:
        """Send records; return the offsets they got, once Kafka has them all."""
        places = list(values)
        offsets = await asyncio.gather(
            *(self._send_to(producer, place, values[place]) for place in places)
        )
        return dict(zip(places, offsets, strict=True))

    async def _send_to(
        self, producer: AIOKafkaProducer, place: Place, values: Sequence[bytes]
    ) -> list[int]:
        topic, partition = place
        offsets: list[int] = []
        for batch in _batches(producer, values):
            count = batch.record_count()
            sent = await producer.send_batch(batch, f"{self._prefix}{topic}", partition=partition)
            first = (await sent).offset
            offsets += range(first, first + count)
        self.sent[place] = self.sent.get(place, 0) + len(values)
        return offsets

    def _note_bad(self, window: Window, offsets: Mapping[Place, list[int]]) -> None:
        for place, position, record in window.bad:
            self._note(place, offsets[place][position], record)

    def _note(self, place: Place, offset: int, record: BadRecord) -> None:
        topic, partition = place
        for row, reason in record.rows:
            self.bad[f"{topic}/{partition}/{offset}/{row}"] = reason


def _batches(producer: AIOKafkaProducer, values: Sequence[bytes]) -> list[BatchBuilder]:
    batches = [producer.create_batch()]
    for value in values:
        if batches[-1].append(key=None, value=value, timestamp=None) is None:
            batches.append(producer.create_batch())
            batches[-1].append(key=None, value=value, timestamp=None)
    return batches
