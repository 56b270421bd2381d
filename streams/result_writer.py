"""Writing sessions' results to the topic ``closes``, once they are over and until they agree."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import numpy as np
import structlog

from core.book import Book
from core.book_state import names_of, result_state
from core.columns import Int64s
from core.day import Day
from core.live_positioning import due_rows as due_positioning
from core.results import due_rows, market_times
from streams.closes import EncodedResult, encode_results
from streams.metric_registry import Metrics
from streams.partition import Partition
from streams.positioning_work import make_rows

Send = Callable[[int, bytes, bytes], Awaitable[Awaitable[object]]]
"""Hands partition, key and value to Kafka's producer; the inner awaitable ends once it has them."""

EVERY_SECONDS = 1.0
AT_ONCE = 50
"""Results of a session looked at in one step: a few milliseconds."""
AGAIN_SECONDS = 10.0
"""After which a result that was sent and not read back is sent once more."""

log = structlog.get_logger(__name__)


class ResultWriter:
    """Writes the results of partitions that are not warming, and sees them come back."""

    def __init__(
        self,
        send: Send,
        partitions: Mapping[int, Partition],
        metrics: Metrics,
        *,
        monotonic: Callable[[], float],
    ) -> None:
        self._send = send
        self._partitions = partitions
        self._metrics = metrics
        self._monotonic = monotonic
        self._sent: dict[bytes, tuple[int, int, float]] = {}

    async def run(self) -> None:
        """Write until cancelled; what Kafka does not take is tried again."""
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            for partition in list(self._partitions.values()):
                if not partition.is_warming:
                    try:
                        await self.write(partition)
                    except Exception as error:  # noqa: BLE001 (whatever the client raises)
                        self._metrics.counter("forcedflow_results", "failed").inc()
                        log.warning("results_not_written", error=repr(error))
                await asyncio.sleep(0)

    async def write(self, partition: Partition) -> None:
        """Send the results of a partition that are due; raises what the client raises."""
        book = partition.book
        market_ns = market_times(book)
        for day in list(book.days.values()):
            rows = due_rows(book, day, market_ns)[:AT_ONCE]
            if not len(rows):
                continue
            await self._make_positioning(book, day, rows)
            state = result_state(book, day, rows)
            encoded = encode_results(state, names_of(book), fund_row=book.fund_row)
            agrees = [_agrees(one, day) for one in encoded]
            day.recorded.agree(state.row[agrees])
            due = []
            for one, is_settled in zip(encoded, agrees, strict=True):
                if is_settled:
                    self._sent.pop(one.key, None)
                elif self._is_due(one):
                    due.append(one)
            await self._send_all(partition.number, due)
            await asyncio.sleep(0)

    async def _make_positioning(self, book: Book, day: Day, rows: Int64s) -> None:
        """Bring what results say of options up to their close, where the session still stands."""
        if not book.options.has_contracts[rows].any():
            return
        # Rows stand where their last partial has moved them.
        book.partial()
        due = np.intersect1d(due_positioning(book), rows)
        is_of_day = book.options.targets.label[due] == day.label
        await make_rows(book, due[is_of_day].tolist(), self._metrics)

    def _is_due(self, one: EncodedResult) -> bool:
        figures, path, at = self._sent.get(one.key, (0, 0, 0.0))
        is_same = (figures, path) == (one.figures, one.path)
        return not is_same or self._monotonic() - at >= AGAIN_SECONDS

    async def _send_all(self, number: int, due: list[EncodedResult]) -> None:
        sent = [await self._send(number, one.key, one.value) for one in due]
        await asyncio.gather(*sent)
        now = self._monotonic()
        for one in due:
            self._sent[one.key] = (one.figures, one.path, now)
        if due:
            self._metrics.counter("forcedflow_results", "sent").inc(len(due))


def _agrees(one: EncodedResult, day: Day) -> bool:
    """Say whether a row's result is what was last read; of a past path only closes are left."""
    recorded = day.recorded
    is_same_path = day.buckets is None or one.path == recorded.path[one.row]
    return one.figures == recorded.figures[one.row] and bool(is_same_path)
