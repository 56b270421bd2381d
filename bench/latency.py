"""Part ``latency``: from the call that produces an event to the row that it projects."""

import asyncio
import json
import os
import random
import sys
from pathlib import Path
from time import monotonic_ns

import numpy as np
import redis
from aiokafka import AIOKafkaProducer

from bench.figures import Figure
from bench.servers import Servers, send
from bench.worker_process import wait_in_session
from bench.workload import REFERENCES, Market, symbols
from core.sessions import NANOS_PER_SECOND
from services.child_process import ChildProcess
from services.topics_admin import create_topics
from services.universe_files import load_universe
from streams.topics import PARTITIONS, PRICES, partition_of

PART = "latency"
_PREFIX = "latency-"
_EVENTS_A_SECOND = 20_000
_SECONDS = 15.0
_WARM_SECONDS = 3.0
_STEP_SECONDS = 0.002
_EVENT_STEP_NS = NANOS_PER_SECOND // _EVENTS_A_SECOND
_BOOK_AIMS_MS = {50.0: None, 99.0: 15.0, 99.9: None}
_REDIS_AIMS_MS = {50.0: None, 99.0: None, 99.9: None}


def measure(servers: Servers) -> list[Figure]:
    """Return quantiles of the latency at a steady rate."""
    create_topics(servers.bootstrap, prefix=_PREFIX)
    topic = f"{_PREFIX}{PRICES}"
    send(servers.bootstrap, topic, Market().opening())
    output = servers.directory / "latency.json"
    options = {
        "--universe": str(servers.universe),
        "--bootstrap": servers.bootstrap,
        "--topics-prefix": _PREFIX,
        "--redis-url": servers.redis_url,
        "--output": str(output),
    }
    worker = ChildProcess(
        "latency_worker",
        [sys.executable, "-m", "bench.latency_worker", *(w for o in options.items() for w in o)],
        directory=servers.directory,
        environment=dict(os.environ) | {"PYTHONPATH": str(Path(__file__).parents[1])},
    )
    with redis.Redis.from_url(servers.redis_url) as store:
        store.flushall()
        with worker:
            wait_in_session(worker, store, load_universe(servers.universe).version)
            before, started = _processor_seconds(worker.pid), monotonic_ns()
            rate = asyncio.run(_produce(servers.bootstrap, topic))
            used = _processor_seconds(worker.pid) - before
            share = used * NANOS_PER_SECOND / (monotonic_ns() - started)
    return [
        Figure(PART, "events produced", rate, "events/s"),
        Figure(PART, "processors that the worker keeps busy", share),
        *_quantiles(json.loads(output.read_text())),
    ]


def _processor_seconds(pid: int) -> float:
    """Return the processor time of a process so far: fields 14 and 15 of its stat."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _produce(bootstrap: str, topic: str) -> float:
    """Send events at the rate; return the rate reached."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        feed = _Feed(producer, topic)
        while feed.seconds < _WARM_SECONDS + _SECONDS:
            await asyncio.sleep(_STEP_SECONDS)
            await feed.send_due()
        return feed.sent / feed.seconds
    finally:
        await producer.stop()


class _Feed:
    """Events at a steady rate from now on; event time passes like time itself.

    What has fallen due is sent at once, a record batch for each partition. After the warm-up,
    each event carries the moment it fell due, so that no wait for the feed itself is left out.
    """

    def __init__(self, producer: AIOKafkaProducer, topic: str) -> None:
        self._producer = producer
        self._topic = topic
        self._market = Market()
        self._opened_ns = self._market.event_ns
        self._partitions = [partition_of(symbol) for symbol in symbols()]
        self._started_ns = monotonic_ns()
        self._beats = 0
        self.sent = 0

    @property
    def seconds(self) -> float:
        """How long it has run."""
        return (monotonic_ns() - self._started_ns) / NANOS_PER_SECOND

    async def send_due(self) -> None:
        """Send what has fallen due since the last time."""
        seconds = self.seconds
        values: list[list[bytes]] = [[] for _ in range(PARTITIONS)]
        for place in range(self.sent, int(seconds * _EVENTS_A_SECOND)):
            number = random.randrange(REFERENCES)  # noqa: S311  only spreads the events
            values[self._partitions[number]].append(self._event(number, place * _EVENT_STEP_NS))
            self.sent = place + 1
        if seconds >= self._beats:
            self._beats += 1
            for each in values:
                each.append(self._market.heartbeat())
        for partition, each in enumerate(values):
            if each:
                batch = self._producer.create_batch()
                for value in each:
                    batch.append(key=None, value=value, timestamp=None)
                await self._producer.send_batch(batch, self._topic, partition=partition)

    def _event(self, number: int, due_ns: int) -> bytes:
        self._market.event_ns = self._opened_ns + due_ns
        is_warm = due_ns >= _WARM_SECONDS * NANOS_PER_SECOND
        stamp = self._started_ns + due_ns if is_warm else 0
        return self._market.price_event(number, 100.0 + number % 5, stamp)


def _quantiles(latencies: dict[str, list[int]]) -> list[Figure]:
    return [
        Figure(
            PART,
            f"due to be produced to {what}, p{percentile:g}",
            float(np.percentile(latencies[key], percentile)) / 1e6,
            "ms",
            below=aim,
        )
        for key, what, aims in (
            ("to_book_ns", "projected row", _BOOK_AIMS_MS),
            ("to_redis_ns", "partial in Redis", _REDIS_AIMS_MS),
        )
        for percentile, aim in aims.items()
    ]
