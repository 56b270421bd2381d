"""A broker and a Redis of the benchmark's own, and records into the broker as fast as it takes."""

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer

from bench.workload import Records, write_market
from services.embedded_kafka import EmbeddedKafka
from services.embedded_redis import EmbeddedRedis
from services.kafka_nodes import FULL_SPEED

_BATCH_BYTES = 65_536


@dataclass(frozen=True)
class Servers:
    """Where the servers of a run are, and its folder; ``universe`` is the market's folder."""

    bootstrap: str
    redis_url: str
    directory: Path
    universe: Path


@contextmanager
def servers() -> Iterator[Servers]:
    """Start both servers with empty folders; they end with the block."""
    with tempfile.TemporaryDirectory(prefix="forcedflow-bench-") as name:
        directory = Path(name)
        kafka = EmbeddedKafka(directory / "kafka", java_flags=FULL_SPEED)
        redis = EmbeddedRedis(directory / "redis")
        with kafka, redis:
            yield Servers(
                bootstrap=kafka.bootstrap,
                redis_url=redis.url,
                directory=directory,
                universe=write_market(directory / "universe"),
            )


def send(
    bootstrap: str, topic: str, records: Records, *, before: Callable[[], None] = lambda: None
) -> None:
    """Send records in batches of 64 KiB; `before` is called when they are ready to leave."""
    asyncio.run(_send(bootstrap, topic, records, before))


async def _send(bootstrap: str, topic: str, records: Records, before: Callable[[], None]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_batch_size=_BATCH_BYTES)
    await producer.start()
    try:
        batches = [_batches(producer, partition) for partition in records]
        before()
        await asyncio.gather(
            *(
                _send_in_order(producer, topic, partition, each)
                for partition, each in enumerate(batches)
            )
        )
    finally:
        await producer.stop()


def _batches(producer: AIOKafkaProducer, records: list[tuple[bytes, bytes]]) -> list[Any]:
    batches = [producer.create_batch()]
    for key, value in records:
        if batches[-1].append(key=key, value=value, timestamp=None) is None:
            batches.append(producer.create_batch())
            batches[-1].append(key=key, value=value, timestamp=None)
    return batches


async def _send_in_order(
    producer: AIOKafkaProducer, topic: str, partition: int, batches: list[Any]
) -> None:
    for batch in batches:
        await (await producer.send_batch(batch, topic, partition=partition))
