"""What the alerter reads from Redis and writes to it: partials in, view and ledger out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from core.columns import Partial
from core.errors import FlowError
from core.universe import Universe
from services.alert_ledger import Ledger, decode, encode
from streams.fencing import STALE_SECONDS, PartitionStore, StoredPartial
from streams.partials import PartialError, decode_partial
from streams.topics import PARTITIONS

log = structlog.get_logger(__name__)

VIEW_KEY = "forcedflow:view"
LEDGER_KEY = "forcedflow:alerts"
ANSWER_SECONDS = 1.0
"""Longest wait for Redis: a server that hangs makes an evaluation late, not endless."""


class StoreError(FlowError):
    """Redis did not answer, or refused."""


@dataclass(frozen=True)
class PartialsRead:
    """The partials of all partitions, None where unknown; ``unknown`` says why for each."""

    partials: tuple[Partial | None, ...]
    unknown: Mapping[int, str]


def connect(url: str, *, password: str | None = None) -> Redis:
    """Return a client whose calls are bounded in time; the next evaluation is its retry."""
    return Redis.from_url(
        url,
        password=password,
        socket_timeout=ANSWER_SECONDS,
        socket_connect_timeout=ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


class ViewStore:
    """Redis as the alerter sees it; every method raises `StoreError` when it cannot be asked.

    Parameters
    ----------
    redis : Redis           a client with bounded calls, see `connect`
    universe : Universe     partials of any other version are unknown
    """

    def __init__(self, redis: Redis, universe: Universe) -> None:
        self._redis = redis
        self._partitions = PartitionStore(redis)
        self._universe = universe
        self._decoded: dict[int, tuple[bytes, Partial | str]] = {}
        self._unknown: dict[int, str] = {}

    async def read_partials(self) -> PartialsRead:
        """Read all partials in one round trip; bytes that did not change are not decoded again."""
        try:
            stored = await self._partitions.read(range(PARTITIONS))
        except (RedisError, OSError) as error:
            raise StoreError(f"reading partials: {type(error).__name__}: {error}") from error
        found = [self._known(partition, stored[partition]) for partition in range(PARTITIONS)]
        unknown = {at: why for at, why in enumerate(found) if isinstance(why, str)}
        self._report(unknown)
        partials = tuple(None if isinstance(one, str) else one for one in found)
        return PartialsRead(partials, unknown)

    async def read_ledger(self) -> Ledger:
        """Return the stored ledger, an empty one where there is none; raises `LedgerError`."""
        try:
            stored = await self._redis.get(LEDGER_KEY)
        except (RedisError, OSError) as error:
            raise StoreError(f"reading {LEDGER_KEY}: {type(error).__name__}: {error}") from error
        if stored is None:
            log.warning("ledger_missing", key=LEDGER_KEY)
            return Ledger()
        return decode(cast("bytes", stored))

    async def write(self, ledger: Ledger, document: bytes | None) -> None:
        """Write the ledger and, where there is one, the view document: both or neither."""
        try:
            async with self._redis.pipeline(transaction=True) as pipeline:
                pipeline.set(LEDGER_KEY, encode(ledger))
                if document is not None:
                    pipeline.set(VIEW_KEY, document)
                await pipeline.execute()
        except (RedisError, OSError) as error:
            raise StoreError(f"writing {LEDGER_KEY}: {type(error).__name__}: {error}") from error

    def _known(self, partition: int, stored: StoredPartial | None) -> Partial | str:
        """Return a partial, or why it is unknown."""
        if stored is None:
            return "missing"
        if stored.age_seconds > STALE_SECONDS:
            return "too old"
        content, decoded = self._decoded.get(partition, (b"", ""))
        if content != stored.content:
            decoded = self._decode(partition, stored.content)
            self._decoded[partition] = (stored.content, decoded)
        return decoded

    def _decode(self, partition: int, content: bytes) -> Partial | str:
        try:
            return decode_partial(content, universe=self._universe.version, partition=partition)
        except PartialError as error:
            return str(error)

    def _report(self, unknown: dict[int, str]) -> None:
        if unknown != self._unknown:
            log.warning("partitions_unknown", partitions=unknown)
            self._unknown = unknown
