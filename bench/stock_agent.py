"""What Faust's documentation would have one write: an agent with one event at a time.

It decodes JSON to dictionaries and applies each price to the same book as the worker; it writes
no partials and no dead letters, so it does less.
"""

import asyncio
import json
import tempfile
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import click
import faust
import numpy as np

from core.book import Book
from core.columns import PriceColumns
from core.universe import Universe
from services.universe_files import load_universe
from streams.routes import price_routes, references_of
from streams.topics import PARTITIONS, PRICES

_UNTIMED_EVENTS = 1_000


class _Projection:
    """The book of one partition, fed event by event."""

    def __init__(self, universe: Universe, partition: int) -> None:
        self._book = Book(universe, references_of(universe, partition, PARTITIONS))
        self._routes = price_routes(universe, self._book.references)

    def take(self, event: dict[str, Any], beat_ns: int) -> None:
        book = self._book
        if "heartbeat" in event:
            book.market.beat(book.source_index(event["heartbeat"]), event["event_time"], beat_ns)
            book.partial()
            return
        row = self._routes.row[self._routes.code_of[event["symbol"]]]
        book.apply_prices(
            PriceColumns(
                reference=np.array([row], np.int32),
                event_ns=np.array([event["event_time"]], np.int64),
                price=np.array([event["price"]], np.float64),
                sequence=np.array([event.get("sequence", 0)], np.int64),
                source=np.array([book.source_index(event["source"])], np.int32),
                official=np.array([event.get("kind") == "official_close"], np.bool_),
            )
        )


def _app(bootstrap: str, directory: Path) -> faust.App:
    return faust.App(
        "bench-stock-agent",
        broker=f"kafka://{bootstrap}",
        consumer_auto_offset_reset="earliest",
        key_serializer="raw",
        value_serializer="json",
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        datadir=directory,
    )


async def _run(bootstrap: str, universe: Universe, seconds: float) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="forcedflow-bench-") as directory:
        app = _app(bootstrap, Path(directory))
        projections = [_Projection(universe, partition) for partition in range(PARTITIONS)]
        taken = 0
        warm = asyncio.Event()

        @app.agent(app.topic(PRICES, key_serializer="raw", value_serializer="json"))
        async def project(stream: Any) -> None:  # noqa: ANN401 (Faust's streams are untyped)
            nonlocal taken
            async for event in stream.events():
                message = event.message
                projections[message.partition].take(event.value, int(message.timestamp * 1e9))
                taken += 1
                if taken == _UNTIMED_EVENTS:
                    warm.set()

        await app.start()
        try:
            await warm.wait()
            first, started, used = taken, perf_counter(), process_time()
            await asyncio.sleep(seconds)
            return {
                "per_second": (taken - first) / (perf_counter() - started),
                "processor_seconds": (process_time() - used) / (taken - first),
            }
        finally:
            await app.stop()


@click.command()
@click.option("--bootstrap", required=True)
@click.option("--universe", required=True, type=click.Path(path_type=Path))
@click.option("--seconds", required=True, type=float)
def main(bootstrap: str, universe: Path, seconds: float) -> None:
    """Read prices for a while; print the pace as JSON."""
    click.echo(json.dumps(asyncio.run(_run(bootstrap, load_universe(universe), seconds))))


if __name__ == "__main__":
    main()
