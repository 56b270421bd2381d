"""Part ``latency``: from the call that produces an event to the row that it projects."""

import asyncio
import json
import os
import sys
from pathlib import Path
from time import monotonic_ns

import numpy as np
import redis
from aiokafka import AIOKafkaProducer

from bench.feed import STEP_SECONDS, WARM_SECONDS, Feed
from bench.figures import Figure
from bench.servers import Servers, send
from bench.worker_process import wait_in_session
from bench.workload import Market
from core.sessions import NANOS_PER_SECOND
from services.child_process import ChildProcess
from services.topics_admin import create_topics
from services.universe_files import load_universe
from streams.topics import PRICES

PART = "latency"
_PREFIX = "latency-"
_SECONDS = 15.0
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
        feed = Feed(producer, topic)
        while feed.seconds < WARM_SECONDS + _SECONDS:
            await asyncio.sleep(STEP_SECONDS)
            await feed.send_due()
        return feed.sent / feed.seconds
    finally:
        await producer.stop()


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
