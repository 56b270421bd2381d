"""What the alerter reads from Redis and writes to it: partials in, view and ledger out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from core.columns import Partial
from core.live_positioning import PositioningRows
from core.renumber import renumbered
from core.universe import Universe
from services.alert_ledger import Ledger, decode, encode
from services.alerter_lease import Lease
from services.store_errors import answering
from streams.fencing import STALE_SECONDS, PartitionStore, StoredPartial, positioning_key
from streams.partials import PartialError, decode_partial
from streams.positioning_publisher import EVERY_SECONDS as POSITIONING_SECONDS
from streams.state_format import StateError, decode_state
from streams.topics import PARTITIONS

log = structlog.get_logger(__name__)

VIEW_KEY = "forcedflow:view"
LEDGER_KEY = "forcedflow:alerts"
ANSWER_SECONDS = 1.0
"""Longest wait for Redis: a server that hangs makes an evaluation late, not endless."""


@dataclass(frozen=True)
class PartialsRead:
    """The partials of all partitions, None where unknown; ``unknown`` says why for each.

    ``versions`` are the versions of the universe that the known ones were computed by.
    """

    partials: tuple[Partial | None, ...]
    unknown: Mapping[int, str]
    versions: frozenset[str]


@dataclass(frozen=True)
class _Decoded:
    """What became of some bytes: a partial numbered by `target`, or why there is none."""

    content: bytes
    target: str
    version: str = ""
    partial: Partial | None = None
    fault: str = ""


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
    redis : Redis    a client with bounded calls, see `connect`
    lease : Lease    guards what is written
    """

    def __init__(self, redis: Redis, lease: Lease) -> None:
        self.lease = lease
        self._redis = redis
        self._partitions = PartitionStore(redis)
        self._decoded: dict[int, _Decoded] = {}
        self._unknown: dict[int, str] = {}

    async def read_partials(
        self, universe: Universe, coming: Universe | None = None
    ) -> PartialsRead:
        """Read all partials in one round trip; bytes that did not change are not decoded again.

        Rows are numbered by `universe`, also those of partials that were computed by the version
        that is `coming`; partials of any other version are unknown.
        """
        with answering("reading partials"):
            stored = await self._partitions.read(range(PARTITIONS))
        found = [
            self._decode(partition, stored[partition], universe=universe, coming=coming)
            for partition in range(PARTITIONS)
        ]
        unknown = {at: one.fault for at, one in enumerate(found) if one.partial is None}
        self._report(unknown)
        return PartialsRead(
            partials=tuple(one.partial for one in found),
            unknown=unknown,
            versions=frozenset(one.version for one in found if one.partial is not None),
        )

    async def read_positioning(self) -> tuple[PositioningRows | None, ...]:
        """Return the positioning of each partition's options, None where unknown.

        Of a worker that lives it is written every few seconds, so that what is older is unknown.
        """
        with answering("reading positioning"):
            stored = await self._partitions.read(range(PARTITIONS), key=positioning_key)
        return tuple(_positioning(number, stored[number]) for number in range(PARTITIONS))

    async def read_ledger(self) -> Ledger | None:
        """Return the stored ledger, None where there is none; raises `LedgerError`."""
        with answering(f"reading {LEDGER_KEY}"):
            stored = await self._redis.get(LEDGER_KEY)
        return None if stored is None else decode(cast("bytes", stored))

    async def write(self, ledger: Ledger, document: bytes | None) -> None:
        """Write the ledger and, where there is one, the view document: both or neither.

        Raises
        ------
        LeaseLostError
            If another alerter has taken the lease; nothing was written.
        """
        values = {LEDGER_KEY: encode(ledger)}
        if document is not None:
            values[VIEW_KEY] = document
        await self.lease.write(values)

    def _decode(
        self,
        partition: int,
        stored: StoredPartial | None,
        *,
        universe: Universe,
        coming: Universe | None,
    ) -> _Decoded:
        if stored is None:
            return _Decoded(b"", universe.version, fault="missing")
        if stored.age_seconds > STALE_SECONDS:
            return _Decoded(b"", universe.version, fault="too old")
        before = self._decoded.get(partition)
        is_same = before is not None and before.content == stored.content
        # What could not be read may be of a version that was announced only now.
        if before is None or not is_same or before.target != universe.version or before.fault:
            before = _decoded(partition, stored.content, universe=universe, coming=coming)
            self._decoded[partition] = before
        return before

    def _report(self, unknown: dict[int, str]) -> None:
        if unknown != self._unknown:
            log.warning("partitions_unknown", partitions=unknown)
            self._unknown = unknown


def _decoded(
    partition: int, content: bytes, *, universe: Universe, coming: Universe | None
) -> _Decoded:
    fault = ""
    for version in (universe, coming):
        if version is None:
            continue
        try:
            partial = decode_partial(content, universe=version.version, partition=partition)
        except PartialError as error:
            fault = fault or str(error)
            continue
        if version is not universe:
            partial = renumbered(partial, target=universe, source=version)
        return _Decoded(content, universe.version, version.version, partial)
    return _Decoded(content, universe.version, fault=fault)


def _positioning(number: int, stored: StoredPartial | None) -> PositioningRows | None:
    if stored is None or stored.age_seconds > STALE_SECONDS + 2.0 * POSITIONING_SECONDS:
        return None
    try:
        return decode_state(PositioningRows, stored.content)
    except StateError as error:
        log.warning("positioning_not_read", partition=number, error=str(error))
        return None
