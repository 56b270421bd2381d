"""A market of two references in a real Redis, an alerter to judge it, and all it says.

Market time runs from 10:00 to 17:00 of one session; the adv_ratio of both is twice their return.
A partial published as fresh stays fresh, whatever the clock of the test does.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import redis
from redis.asyncio import Redis

from core.book import Book
from core.columns import Partial, PriceColumns
from core.thresholds import Level, Rule
from core.universe import Universe
from services.alert_audit import AuditError
from services.alert_history import HistoryError
from services.alert_ledger import TransitionRecord
from services.alerter import Alerter
from services.alerter_lease import LEASE_KEY, Lease
from services.alerter_metrics import AlerterMetrics
from services.alerter_orders import Orders
from services.alerter_turns import Turns
from services.alertmanager import Fleet, Peer
from services.alertmanager_http import Transport
from services.clock import Clock
from services.heartbeat import Pulse
from services.rows import Rows, row_dicts
from services.rules_in_force import RulesInForce
from services.universe_switch import UniverseSwitch
from services.view_store import LEDGER_KEY, VIEW_KEY, PartialsRead, ViewStore
from streams.fencing import partial_key
from streams.partials import encode_partial
from streams.topics import PARTITIONS, partition_of
from tests.support.core_universe import FIRST, HOUR_NS, Fund, Ref, at, core_universe

MINUTE_NS = 60 * 10**9
FRESH_MS = 2**50
STALE_MS = 0
FRESH_BEAT_NS = 2**61
"""A heartbeat that is of now, whenever it is read."""

UNIVERSE = core_universe(
    [Ref("ACME"), Ref("BOLT")],
    [Fund("ACMU", "ACME", [(FIRST, 1e9, 2.0)]), Fund("BOLD", "BOLT", [(FIRST, 1e9, -1.0)])],
)
LEVELS = (
    Level("watch", 0.02, 0.015),
    Level("warning", 0.05, 0.04, 30 * 10**9),
)
RULES_DIGEST = "0123456789ab"
RULE = Rule("forced-flow", "adv_ratio", "symbol", LEVELS)


class Market:
    """The books of all partitions, and what their owners publish."""

    def __init__(
        self, url: str, universe: Universe = UNIVERSE, *, open_ns: int = at(0, 0.0)
    ) -> None:
        self._redis = redis.Redis.from_url(url)
        self._open_ns = open_ns
        self._universe = universe
        self._books = {partition: self._book(partition) for partition in range(PARTITIONS)}

    def _book(self, partition: int) -> Book:
        owned = [
            row
            for row, symbol in enumerate(self._universe.symbol)
            if partition_of(symbol) == partition
        ]
        return Book(self._universe, np.array(owned, np.int32))

    def trade(
        self, hour: float, *, beat_ns: int = FRESH_BEAT_NS, only: str = "", **prices: float
    ) -> None:
        """Let references trade so many hours after the open.

        All partitions publish, or that of the symbol ``only``.
        """
        now_ns = self._open_ns + round(hour * HOUR_NS)
        for symbol, price in prices.items():
            book = self._books[partition_of(symbol)]
            row = list(book.references).index(self._universe.symbol.index(symbol))
            book.apply_prices(
                PriceColumns(
                    reference=np.array([row], np.int32),
                    event_ns=np.array([now_ns], np.int64),
                    price=np.array([price]),
                    sequence=np.zeros(1, np.int64),
                    source=np.array([book.source_index("feed")], np.int32),
                    official=np.zeros(1, np.bool_),
                )
            )
        self._beat(now_ns, beat_ns)
        self.publish(only=only)

    def _beat(self, event_ns: int, beat_ns: int) -> None:
        for book in self._books.values():
            book.market.beat(book.source_index("feed"), event_ns, beat_ns)

    def publish(
        self, *, time_ms: int = FRESH_MS, universe: str | None = None, only: str = ""
    ) -> None:
        """Write every partial, or that of one symbol, as fresh or stale by Redis' clock."""
        for partition, book in self._books.items():
            if only and partition != partition_of(only):
                continue
            content = encode_partial(
                book.partial(), universe=universe or self._universe.version, partition=partition
            )
            self._redis.hset(
                partial_key(partition),
                mapping={"token": 1, "time_ms": time_ms, "content": content},
            )

    def forget(self, symbol: str) -> None:
        """Lose the partial of a reference's partition."""
        self._redis.delete(partial_key(partition_of(symbol)))

    def ledger(self) -> dict[str, Any]:
        """Return the stored ledger as JSON."""
        return self._json(LEDGER_KEY)

    def view(self) -> dict[str, Any]:
        """Return the published view."""
        return self._json(VIEW_KEY)

    def store_ledger(self, stored: bytes) -> None:
        self._redis.set(LEDGER_KEY, stored)

    def end_lease(self) -> None:
        """Let the time of whoever has the lease run out."""
        if self._redis.exists(LEASE_KEY):
            self._redis.hset(LEASE_KEY, "until_ms", 0)

    def wipe(self) -> None:
        """Lose everything that lies in Redis."""
        self._redis.flushall()

    def _json(self, key: str) -> dict[str, Any]:
        stored = self._redis.get(key)
        assert isinstance(stored, bytes), f"nothing at {key}"
        found: dict[str, Any] = msgspec.json.decode(stored)
        return found

    def close(self) -> None:
        self._redis.close()


class RecordingAudit:
    """An audit log in memory that can be made to fail."""

    def __init__(self) -> None:
        self.records: list[TransitionRecord] = []
        self.is_up = True

    async def append(self, records: Sequence[TransitionRecord]) -> None:
        if not self.is_up:
            message = "no broker"
            raise AuditError(message)
        self.records += records

    async def read(self) -> list[TransitionRecord]:
        if not self.is_up:
            message = "no broker"
            raise HistoryError(message)
        return list(self.records)

    def changes(self) -> list[tuple[str, str, str]]:
        return [(one.key.symbol, one.key.severity, str(one.change)) for one in self.records]


class RecordingProjections:
    """Rows of the projection, in memory."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def put(self, rows: Rows, universe: Universe) -> None:
        self.rows += row_dicts(rows, universe)


class FreshStore(ViewStore):
    """Reads partials whose fresh heartbeats came this very moment."""

    def __init__(self, client: Redis, lease: Lease, clock: Clock) -> None:
        super().__init__(client, lease)
        self._clock = clock

    async def read_partials(
        self, universe: Universe, coming: Universe | None = None
    ) -> PartialsRead:
        read = await super().read_partials(universe, coming)
        return replace(read, partials=tuple(map(self._beating, read.partials)))

    def _beating(self, partial: Partial | None) -> Partial | None:
        if partial is None:
            return None
        is_fresh = partial.beat_ns == FRESH_BEAT_NS
        return replace(partial, beat_ns=np.where(is_fresh, self._clock.now_ns(), partial.beat_ns))


class AlerterPost:
    """What one alerter process has, and the alerters of its successive terms share."""

    def __init__(
        self,
        client: Redis,
        *,
        clock: Clock,
        transport: Transport,
        holder: str = "one",
        audit: RecordingAudit | None = None,
        peers: Sequence[str] = ("http://one",),
        rules: Sequence[Rule] = (RULE,),
        orders: Mapping[str, Any] | None = None,
    ) -> None:
        self.clock = clock
        self.metrics = AlerterMetrics(peers, clock)
        self.store: ViewStore = FreshStore(client, Lease(client, holder), clock)
        self.switch = UniverseSwitch(UNIVERSE, clock)
        self.audit = audit or RecordingAudit()
        self.projections = RecordingProjections()
        self._transport = transport
        self._peers = peers
        self.rules = RulesInForce(tuple(rules), RULES_DIGEST)
        self._orders = replace(Orders(self.rules, Pulse(clock)), **(orders or {}))

    def appoint(self) -> Alerter:
        """Return the alerter of a new term; it has not the lease, and has not begun."""
        fleet = Fleet(
            Peer(
                url,
                transport=self._transport,
                clock=self.clock,
                jitter=lambda: 0.5,
                observer=self.metrics.observer(),
            )
            for url in self._peers
        )
        return Alerter(
            self._orders,
            switch=self.switch,
            store=self.store,
            fleet=fleet,
            audit_log=self.audit,
            projections=self.projections,
            clock=self.clock,
            metrics=self.metrics,
        )

    def turns(self) -> Turns:
        """Return what this post's process runs."""
        return Turns(self.store, self.appoint, clock=self.clock, metrics=self.metrics)


@contextmanager
def market_in(
    url: str, universe: Universe = UNIVERSE, *, open_ns: int = at(0, 0.0)
) -> Iterator[Market]:
    """Yield a market whose partials lie in this Redis; its session opens at `open_ns`."""
    market = Market(url, universe, open_ns=open_ns)
    try:
        yield market
    finally:
        market.close()
