"""Making the positioning of rows that are due, each in a turn of the event loop of its own."""

import asyncio
from collections.abc import Iterable

import structlog

from core.book import Book
from core.live_positioning import make
from streams.metric_registry import Metrics

log = structlog.get_logger(__name__)


async def make_rows(book: Book, rows: Iterable[int], metrics: Metrics) -> None:
    """Make some rows anew; one that cannot be made has no figures, and the others theirs."""
    for row in rows:
        try:
            make(book, row)
        except Exception:
            log.exception("positioning_not_computed", symbol=book.symbols[row])
            metrics.counter("forcedflow_positioning_writes", "not_computed").inc()
        await asyncio.sleep(0)
