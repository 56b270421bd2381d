"""A worker that notes when each event was in the book and when in Redis, as its own process."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import monotonic_ns

import click
from faust.types import TP

from services.clock import SystemClock
from services.universe_feed import PinnedUniverse
from services.worker_process import run_worker
from services.worker_settings import WorkerSettings
from streams.fencing import PartitionStore, partial_key
from streams.intake import Intake
from streams.rejects import Record

_STAMP = b'"sequence":'


class Stopwatch:
    """Times of what passed through a worker, by the monotonic clock that all processes share."""

    def __init__(self) -> None:
        self._taken: list[tuple[int, int, list[bytes]]] = []
        self._written: list[tuple[int, int, frozenset[int]]] = []

    def install(self) -> None:
        """Have every worker of this process watched from here on."""
        take, publish = Intake.take, PartitionStore.publish

        def timed_take(intake: Intake, tp: TP, records: Sequence[Record]) -> None:
            take(intake, tp, records)
            # Only bytes are kept: nothing that the garbage collector would have to look at.
            self._taken.append((monotonic_ns(), tp.partition, [r.value or b"" for r in records]))

        async def timed_publish(
            store: PartitionStore,
            contents: Mapping[int, tuple[int, bytes]],
            *,
            key: Callable[[int], str] = partial_key,
        ) -> dict[int, bool]:
            batches = len(self._taken)
            accepted = await publish(store, contents, key=key)
            if key is partial_key:
                self._written.append((monotonic_ns(), batches, frozenset(contents)))
            return accepted

        Intake.take = timed_take  # type: ignore[method-assign, assignment]
        PartitionStore.publish = timed_publish  # type: ignore[method-assign, assignment]

    def latencies(self) -> dict[str, list[int]]:
        """Return, for every stamped event, ns from its stamp to the book and to Redis."""
        to_book: list[int] = []
        to_redis: list[int] = []
        write = [0] * (1 + max((partition for _, partition, _ in self._taken), default=0))
        for batch, (taken_ns, partition, values) in enumerate(self._taken):
            # The first write that began after the batch and holds its partition shows it.
            at = write[partition]
            while at < len(self._written) and not (
                self._written[at][1] > batch and partition in self._written[at][2]
            ):
                at += 1
            write[partition] = at
            for value in values:
                _, found, stamp = value.partition(_STAMP)
                if found and at < len(self._written):
                    stamped_ns = int(stamp.rstrip(b"}"))
                    to_book.append(taken_ns - stamped_ns)
                    to_redis.append(self._written[at][0] - stamped_ns)
        return {"to_book_ns": to_book, "to_redis_ns": to_redis}


@click.command()
@click.option("--universe", required=True, type=click.Path(path_type=Path))
@click.option("--bootstrap", required=True)
@click.option("--topics-prefix", required=True)
@click.option("--redis-url", required=True)
@click.option("--output", required=True, type=click.Path(path_type=Path))
def main(universe: Path, bootstrap: str, topics_prefix: str, redis_url: str, output: Path) -> None:
    """Run a worker until it is told to end; then write the latencies as JSON."""
    settings = WorkerSettings.load(
        {
            "universe.directory": universe,
            "kafka.bootstrap": bootstrap,
            "kafka.topics_prefix": topics_prefix,
            "redis.url": redis_url,
            "worker.group_id": "bench-latency",
            "worker.metrics_port": 0,
        }
    )
    stopwatch = Stopwatch()
    stopwatch.install()
    asyncio.run(run_worker(settings, PinnedUniverse(universe), clock=SystemClock()))
    output.write_text(json.dumps(stopwatch.latencies()))


if __name__ == "__main__":
    main()
