"""The service's own processes, as an operator starts them, on servers that tests share."""

import os
import sys
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
import redis

from services.child_process import ChildProcess, free_port
from services.topics_admin import create_topics
from services.view_store import LEDGER_KEY, VIEW_KEY
from tests.support.kafka_reader import records_of
from tests.support.metric_samples import samples_at, values
from tests.support.waiting import eventually

START_SECONDS = 60.0
"""Longest wait for a process on a machine that is busy with other tests."""

Document = dict[str, Any]


class ServiceProcesses:
    """Gateways, workers and alerters over one universe; all end with the block.

    Parameters
    ----------
    directory : logs
    prefix : what the names of the topics begin with, so that a broker may be shared
    """

    def __init__(
        self, directory: Path, *, bootstrap: str, redis_url: str, universe: Path, prefix: str
    ) -> None:
        self.bootstrap = bootstrap
        self.prefix = prefix
        self.store = redis.Redis.from_url(redis_url)
        self._directory = directory
        self._universe = universe
        self._kafka = ("--kafka-bootstrap", bootstrap)
        self._redis = ("--redis-url", redis_url)
        self._children = ExitStack()
        self._ports: dict[str, int] = {}

    def worker(self, *words: str) -> ChildProcess:
        """Start a worker."""
        own = ("--group-id", f"{self.prefix}workers")
        return self.start("worker", *self._redis, *own, *words)

    def gateway(self, *words: str) -> ChildProcess:
        """Start a gateway."""
        return self.start("gateway", *words)

    def alerter(self, rules: Path, *words: str) -> ChildProcess:
        """Start an alerter."""
        return self.start("alerter", *self._redis, "--rules", str(rules), *words)

    def start(self, name: str, *words: str) -> ChildProcess:
        """Start one of the commands with the universe and Kafka of this service."""
        port = self._ports[name] = free_port()
        common = ("--universe", str(self._universe), *self._kafka, "--metrics-port", str(port))
        child = ChildProcess(
            name,
            [sys.executable, "-m", "services", name, *common, *words],
            directory=self._directory,
            environment=os.environ | {"FORCEDFLOW_KAFKA__TOPICS_PREFIX": self.prefix},
        )
        return self._children.enter_context(child)

    def document(self) -> Document | None:
        """Return the view as the alerter published it, None before its first."""
        return self._json(VIEW_KEY)

    def ledger(self) -> Document | None:
        """Return the alerter's ledger, None before its first."""
        return self._json(LEDGER_KEY)

    def is_judged(self) -> bool:
        """Say whether the alerter sees every partition."""
        document = self.document()
        return document is not None and not document["unknown_partitions"]

    def until_judged(self) -> None:
        """Wait until workers and alerter are at work."""
        eventually(self.is_judged, seconds=START_SECONDS)

    def events(self, topic: str) -> list[Document]:
        """Return the JSON records of a topic so far, by partition and offset."""
        records = records_of(self.bootstrap, f"{self.prefix}{topic}")
        return [msgspec.json.decode(record.value, type=Document) for record in records]

    def metric(self, process: str, name: str, **labels: str) -> float:
        """Return a sample on a process' /metrics; 0 where there is none, or no answer."""
        return sum(values(samples_at(self._ports[process]), name, labels))

    def urls(self) -> list[str]:
        """Return where the /metrics of the processes are."""
        return [f"http://127.0.0.1:{port}" for port in self._ports.values()]

    def _json(self, key: str) -> Document | None:
        stored = self.store.get(key)
        return None if stored is None else msgspec.json.decode(stored, type=Document)

    def __enter__(self) -> Self:
        create_topics(self.bootstrap, prefix=self.prefix)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._children.close()
        self.store.close()
