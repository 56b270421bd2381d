"""An owner of partitions with a real Redis, whose consumer does as a test says."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

from faust.types import TP
from redis.asyncio import Redis

from core.dealer_assumptions import DealerAssumptions
from streams.batch_transport import BatchConsumer
from streams.dead_letters import DeadLetters
from streams.fencing import PartitionStore
from streams.intake import Intake
from streams.logs import LogIdentities, LogIdentity
from streams.metric_catalogue import WORKER
from streams.metric_registry import Metrics
from streams.ownership import Ownership
from streams.saver import Saver
from streams.topics import INPUTS
from tests.support.decoders import small_universe

UNIVERSE = small_universe()


def tps(number: int) -> list[TP]:
    return [TP(topic, number) for topic in INPUTS]


class Consumer:
    """The part of the consumer that ownership uses; every log holds offsets 10 to 20."""

    def __init__(self) -> None:
        self.assigned: set[TP] = set()
        self.sought: dict[TP, int] = {}
        self.paused: set[TP] = set()
        self.resumed = asyncio.Event()
        self.earliest = 10
        self.asked: dict[TP, int] = {}

    async def offsets_at(self, times_ms: Mapping[TP, int]) -> dict[TP, int]:
        self.asked |= times_ms
        return dict.fromkeys(times_ms, 18)

    def assignment(self) -> set[TP]:
        return self.assigned

    async def earliest_offsets(self, *tps: TP) -> dict[TP, int]:
        return dict.fromkeys(tps, self.earliest)

    async def highwaters(self, *tps: TP) -> dict[TP, int]:
        return dict.fromkeys(tps, 20)

    async def seek_wait(self, positions: Mapping[TP, int]) -> None:
        self.sought |= positions

    def pause_partitions(self, tps: Iterable[TP]) -> None:
        self.paused |= set(tps)

    def resume_partitions(self, tps: Iterable[TP]) -> None:
        self.paused -= set(tps)
        self.resumed.set()


class OwnerWorld:
    def __init__(self, client: Redis) -> None:
        self.client = client
        self.store = PartitionStore(client)
        self.metrics = Metrics(WORKER)
        self.consumer = Consumer()
        self.failures: list[str] = []
        self.refused: list[int] = []
        letters = DeadLetters(self._send, self.metrics)
        self.intake = Intake(
            letters,
            self.metrics,
            topics_prefix="",
            now_ns=lambda: 0,
            monotonic=lambda: 0.0,
            on_touch=lambda: None,
        )
        self.cluster = "one"
        self.now_ns = 0
        logs = LogIdentities(self._identify)
        self.saver = Saver(
            self.store,
            self.intake.partitions,
            logs,
            letters=letters,
            metrics=self.metrics,
            monotonic=lambda: 0.0,
            on_refused=self.refused.append,
        )
        self.ownership = Ownership(
            UNIVERSE,
            self.store,
            self.intake,
            saver=self.saver,
            metrics=self.metrics,
            logs=logs,
            now_ns=lambda: self.now_ns,
            on_failure=self.failures.append,
            dealers=DealerAssumptions(),
        )

    async def _identify(self) -> dict[str, LogIdentity]:
        return {topic: LogIdentity(self.cluster, topic, 12) for topic in INPUTS}

    async def _send(self, key: bytes, value: bytes) -> Any:  # noqa: ANN401
        raise AssertionError((key, value))

    async def assign(
        self, *numbers: int, committed: Mapping[TP, int | None] | None = None
    ) -> dict[TP, int]:
        self.consumer.assigned = {TP(topic, number) for topic in INPUTS for number in numbers}
        return await self.ownership.assigned(cast("BatchConsumer", self.consumer), committed or {})

    def value(self, name: str, labels: dict[str, str]) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0.0

    async def token(self, number: int) -> int:
        return int(await self.client.hget(f"forcedflow:{{{number}}}", "token") or 0)


@asynccontextmanager
async def owner_world(redis_url: str) -> AsyncIterator[OwnerWorld]:
    """Yield an owner, and have it let go of its partitions."""
    client = Redis.from_url(redis_url)
    made = OwnerWorld(client)
    yield made
    await made.ownership.revoked()
    await client.aclose()
