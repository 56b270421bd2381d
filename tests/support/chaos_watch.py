"""What someone who looks at Redis all the time gets to see: how old, from whom, and ever wrong."""

import threading
import time
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import redis

from core.columns import Partial
from core.sessions import NANOS_PER_SECOND, NO_TIME
from core.universe import Universe
from streams.fencing import STALE_SECONDS, partial_key, partition_key
from streams.partials import decode_partial
from streams.snapshots import read_fields
from streams.topics import PARTITIONS
from tests.support.chaos_oracle import Expected

LOOK_SECONDS = 0.025
CURRENT_SECONDS = 0.5
"""How far a partition may be behind Kafka that is as current as any."""


@dataclass(frozen=True, eq=False)
class Seen:
    """A partial as it lay in Redis at a moment; ``age_seconds`` of the write, by Redis' clock."""

    token: int
    written_ms: int
    age_seconds: float
    partial: Partial

    @property
    def is_fresh(self) -> bool:
        """Whether readers may use it."""
        return self.age_seconds <= STALE_SECONDS

    @property
    def market_ns(self) -> int:
        """The newest market time of a row, ``NO_TIME`` without any."""
        return int(self.partial.market_ns.max(initial=NO_TIME))

    @property
    def beat_ns(self) -> int:
        """When Kafka got the newest heartbeat in it, ``NO_TIME`` without any."""
        return int(self.partial.beat_ns.max(initial=NO_TIME))


@dataclass(frozen=True)
class Look:
    """One look at a partition: host times in ns, ``NO_TIME`` where nothing could be seen."""

    at_ns: int
    token: int = 0
    written_ms: int = 0
    market_ns: int = NO_TIME
    beat_ns: int = NO_TIME
    is_fresh: bool = False

    @property
    def behind_seconds(self) -> float:
        """How far its figures were behind Kafka."""
        return (self.at_ns - self.beat_ns) / NANOS_PER_SECOND


@dataclass
class Watch:
    """Looks from a thread of its own; ``looks`` are all of each partition, in order.

    ``faults`` are things that must never be seen: an older token after a newer one, market time
    that goes back, a partial at a mark without all the prices before it.
    """

    url: str
    universe: Universe
    looks: list[list[Look]] = field(default_factory=lambda: [[] for _ in range(PARTITIONS)])
    faults: list[str] = field(default_factory=list)
    expected: Mapping[int, Expected] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._newest: dict[int, Look] = {}
        self._client = redis.Redis.from_url(self.url, socket_timeout=1, socket_connect_timeout=1)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()
        self._client.close()

    def seen(self) -> Sequence[Seen | None]:
        """Return what lies in Redis now, None where there is none; raises `RedisError`."""
        return read_partials(self._client, self.universe)

    def is_current(self) -> bool:
        """Say whether readers may use every partition, and none is far behind Kafka."""
        return all(
            looks and looks[-1].is_fresh and looks[-1].behind_seconds <= CURRENT_SECONDS
            for looks in self.looks
        )

    def has_all_since(self, at_ns: int) -> bool:
        """Say whether every partition shows what Kafka got after a host time."""
        return all(looks and looks[-1].beat_ns >= at_ns for looks in self.looks)

    def longest(
        self, since_ns: int, until_ns: int = 2**62, *, of: Sequence[int] = range(PARTITIONS)
    ) -> float:
        """Return the most seconds that some partitions were behind Kafka in a stretch of time."""
        return max(
            (
                look.behind_seconds
                for partition in of
                for look in self.looks[partition]
                if since_ns <= look.at_ns <= until_ns and look.beat_ns != NO_TIME
            ),
            default=0.0,
        )

    def moved(self, since_ns: int, until_ns: int = 2**62) -> set[int]:
        """Return the partitions whose token changed in a stretch of time.

        The last look before it counts: there may be none between its begin and the change.
        """
        return {
            partition
            for partition, looks in enumerate(self.looks)
            if _has_changed([look for look in looks if look.token], since_ns, until_ns)
        }

    def _run(self) -> None:
        while not self._ending.wait(LOOK_SECONDS):
            try:
                seen = self.seen()
            except (redis.RedisError, OSError):
                seen = [None] * PARTITIONS
            now_ns = time.time_ns()
            for partition, each in enumerate(seen):
                self._note(partition, each, now_ns)

    def _note(self, partition: int, seen: Seen | None, now_ns: int) -> None:
        looks = self.looks[partition]
        if seen is None:
            looks.append(Look(now_ns))
            return
        look = Look(
            now_ns,
            seen.token,
            seen.written_ms,
            seen.market_ns,
            seen.beat_ns,
            is_fresh=seen.is_fresh,
        )
        last = self._newest.get(partition, Look(now_ns))
        # A Redis that was set back shows older partials; none is written.
        if look.written_ms > last.written_ms:
            self._newest[partition] = look
            shown = self._went_back(last, look) or self._wrong_prices(seen)
            if shown:
                self.faults.append(f"partition {partition}: {shown}")
        looks.append(look)

    @staticmethod
    def _went_back(last: Look, look: Look) -> str:
        if look.token < last.token:
            return f"token {look.token} wrote after {last.token}"
        if look.market_ns < last.market_ns:
            return f"market time went back from {last.market_ns} to {look.market_ns}"
        return ""

    def _wrong_prices(self, seen: Seen) -> str:
        """Say which price is not that of a mark, where market time says that all is there."""
        expected = self.expected.get(seen.market_ns)
        if expected is None:
            return ""
        partial = seen.partial
        wanted = expected.partial.price[partial.reference]
        # Until the next heartbeat newer prices may show; older ones may not.
        is_due = partial.as_of_ns <= seen.market_ns
        is_wrong = (
            is_due & (partial.price != wanted) & ~(np.isnan(partial.price) & np.isnan(wanted))
        )
        if not is_wrong.any():
            return ""
        row = int(np.argmax(is_wrong))
        return f"at mark {seen.market_ns} row {row} was {partial.price[row]}, not {wanted[row]}"


def _has_changed(looks: Sequence[Look], since_ns: int, until_ns: int) -> bool:
    times = [look.at_ns for look in looks]
    first = max(bisect_left(times, since_ns) - 1, 0)
    return len({look.token for look in looks[first : bisect_right(times, until_ns)]}) > 1


def read_partials(client: redis.Redis, universe: Universe) -> list[Seen | None]:
    """Return all partials, None where there is none."""
    pipeline = client.pipeline(transaction=False)
    for partition in range(PARTITIONS):
        pipeline.hmget(partial_key(partition), ["token", "time_ms", "content"])
    pipeline.time()
    *rows, (seconds, micros) = pipeline.execute()
    now_ms = seconds * 1000 + micros / 1000
    return [
        None
        if row[2] is None
        else Seen(
            int(row[0]),
            int(row[1]),
            (now_ms - int(row[1])) / 1000,
            decode_partial(row[2], universe=universe.version, partition=partition),
        )
        for partition, row in enumerate(rows)
    ]


def snapshot_counts(client: redis.Redis) -> dict[tuple[str, int], tuple[int, int]]:
    """Return next offset and applied records by topic and partition, as snapshots say."""
    counts = {}
    for partition in range(PARTITIONS):
        fields: dict[Any, Any] = client.hgetall(partition_key(partition))
        named = {name.decode(): content for name, content in fields.items()}
        for topic, found in read_fields(named).items():
            if found.head is not None:
                counts[topic, partition] = (found.head.next, found.head.applied)
    return counts
