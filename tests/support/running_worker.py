"""Workers as processes, on topics of a test's own, and what can be seen of them from outside."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
import redis
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from core.columns import Partial
from core.universe import Universe
from services.child_process import ChildProcess, free_port
from services.topics_admin import create_topics
from services.universe_files import load_universe
from streams.fencing import partial_key, partition_key
from streams.partials import PartialError, decode_partial
from streams.rejects import DeadLetter
from streams.topics import DEAD_LETTERS, PARTITIONS, TOPICS
from tests.support.metric_samples import Samples, samples_at
from tests.support.waiting import eventually

START_SECONDS = 60.0
"""Longest wait for a worker on a machine that is busy with other tests."""
ROOT = Path(__file__).parents[2]


class RunningWorker(ChildProcess):
    """One worker; ``metric`` and ``total`` read its /metrics."""

    def __init__(self, name: str, words: Sequence[str], *, directory: Path) -> None:
        self.port = free_port()
        command = [sys.executable, "-m", "services", "worker", *words]
        super().__init__(name, [*command, "--metrics-port", str(self.port)], directory=directory)

    def metrics(self) -> Samples:
        """Return every sample of /metrics, nothing while it does not answer."""
        return samples_at(self.port)

    def metric(self, name: str, **labels: str) -> float:
        return self.metrics().get((name, frozenset(labels.items())), 0.0)

    def log(self, event: str) -> bool:
        """Say whether it has logged an event of this name."""
        # Its last character may be half written.
        return f'"event": "{event}"' in self.log_file.read_text(errors="replace")

    def warming(self) -> dict[int, bool]:
        """Return the owned partitions and whether each is warming."""
        return {
            int(dict(labels)["partition"]): value == 1
            for (name, labels), value in self.metrics().items()
            if name == "forcedflow_partition_warming"
        }

    def serves(self, partitions: int = PARTITIONS) -> bool:
        """Say whether it owns that many partitions and has caught up on all of them."""
        warming = self.warming()
        return len(warming) == partitions and not any(warming.values())


class Deployment:
    """Topics, a Redis and a universe of a test's own, and the workers on them.

    ``redis`` is for the test to look with.
    """

    def __init__(
        self, *, bootstrap: str, redis_url: str, universe: Path, directory: Path, prefix: str
    ) -> None:
        self.bootstrap = bootstrap
        self.prefix = prefix
        self.universe: Universe = load_universe(universe)
        self.redis = redis.Redis.from_url(redis_url)
        self._directory = directory
        self._pinned = ("--universe", str(universe))
        self._words = (
            *("--kafka-bootstrap", bootstrap),
            *("--redis-url", redis_url),
            *("--topics-prefix", prefix),
            *("--group-id", f"{prefix}group"),
        )
        create_topics(bootstrap, prefix=prefix)
        self.connect()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.disconnect()
        self.redis.close()

    def connect(self) -> None:
        """Connect the test's own producer."""
        self._producer = KafkaProducer(bootstrap_servers=self.bootstrap)

    def disconnect(self) -> None:
        """Close the test's own producer."""
        self._producer.close()

    def worker(self, name: str = "worker", *words: str, is_pinned: bool = True) -> RunningWorker:
        """Return a worker of this deployment, to be started; pinned to its folder, or not."""
        own = (*self._words, *(self._pinned if is_pinned else ()))
        return RunningWorker(name, (*own, *words), directory=self._directory)

    @contextmanager
    def serving(
        self, name: str = "worker", *words: str, is_pinned: bool = True
    ) -> Iterator[RunningWorker]:
        """Run a worker that owns every partition and has caught up."""
        with self.worker(name, *words, is_pinned=is_pinned) as worker:
            worker.wait_until(worker.serves, timeout_seconds=START_SECONDS)
            yield worker

    def send(self, topic: str, *values: bytes, partition: int) -> int:
        """Append records; return the offset of the last once Kafka has them all."""
        sent = [
            self._producer.send(f"{self.prefix}{topic}", value, partition=partition)
            for value in values
        ]
        self._producer.flush()
        return int(sent[-1].get(timeout=30).offset)

    def remake_topics(self) -> None:
        """Delete all topics and make them anew, empty."""
        self.disconnect()
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        names = [f"{self.prefix}{spec.name}" for spec in TOPICS]
        admin.delete_topics(names)
        eventually(lambda: not set(names) & set(admin.list_topics()), seconds=20)
        admin.close()
        create_topics(self.bootstrap, prefix=self.prefix)
        self.connect()

    def members(self) -> list[str]:
        """Return the static members of the workers' group."""
        group = f"{self.prefix}group"
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        found = admin.describe_groups([group])[group]["members"]
        admin.close()
        return [member["group_instance_id"] for member in found]

    def follow(self, universe: Path) -> None:
        """Read partials by another universe from now on."""
        self.universe = load_universe(universe)

    def partial(self, partition: int) -> Partial | None:
        """Return the partial of a partition as it lies in Redis."""
        content = self.redis.hget(partial_key(partition), "content")
        if not isinstance(content, bytes):
            return None
        try:
            return decode_partial(content, universe=self.universe.version, partition=partition)
        except PartialError:
            # Of the universe before.
            return None

    def token(self, partition: int) -> int:
        """Return the stored token of a partition, 0 without one."""
        return int(self.redis.hget(partition_key(partition), "token") or 0)

    def letters(self) -> list[DeadLetter]:
        """Return all dead letters there are now."""
        topic = TopicPartition(f"{self.prefix}{DEAD_LETTERS}", 0)
        consumer = KafkaConsumer(bootstrap_servers=self.bootstrap)
        consumer.assign([topic])
        consumer.seek_to_beginning(topic)
        end = consumer.end_offsets([topic])[topic]
        found: list[DeadLetter] = []
        while consumer.position(topic) < end:
            for batch in consumer.poll(1000).values():
                found += [msgspec.json.decode(record.value, type=DeadLetter) for record in batch]
        consumer.close()
        return found

    def wait_for_letters(self, count: int) -> list[DeadLetter]:
        """Return the dead letters once there are so many."""
        eventually(lambda: len(self.letters()) >= count, seconds=START_SECONDS)
        return self.letters()

    def committed(self, topic: str, partition: int) -> int:
        """Return the group's committed offset, 0 without one."""
        consumer = KafkaConsumer(
            bootstrap_servers=self.bootstrap,
            group_id=f"{self.prefix}group",
            enable_auto_commit=False,
        )
        try:
            return consumer.committed(TopicPartition(f"{self.prefix}{topic}", partition)) or 0
        finally:
            consumer.close()


Deploy = Callable[..., Deployment]
"""Makes the deployment of a test: ``deploy(bootstrap, redis_url)``."""
