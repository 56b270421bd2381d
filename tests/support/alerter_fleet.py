"""Alerter processes of one service, a market to judge, and what each process says of itself."""

import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
import redis

from services.alerter_lease import LEASE_KEY
from services.child_process import ChildProcess, free_port
from services.topics_admin import create_topics
from services.universe_files import load_universe
from streams.event_times import parse_time
from streams.topics import ALERTS
from tests.support.kafka_reader import records_of
from tests.support.live_market import LiveMarket, live_market_in
from tests.support.metric_samples import samples_at, values
from tests.support.universes import fund, reference, write_universe
from tests.support.waiting import eventually

START_SECONDS = 60.0
OPEN_NS = parse_time("2026-06-23T09:30:00-04:00")
RULES = """\
version: 1
rules:
  - name: forced-flow
    measure: adv_ratio
    scope: symbol
    levels:
      watch: {raise: 0.02, clear: 0.015}
"""
FIGURES = {
    "previous_close": 100,
    "adv_usd": 1e9,
    "auction_usd": 1e8,
    "daily_volatility": 0.02,
}


class AlerterProcess:
    """One alerter as an operator starts it."""

    def __init__(self, name: str, words: Sequence[str], *, directory: Path, prefix: str) -> None:
        self._port = free_port()
        self.child = ChildProcess(
            name,
            [
                *(sys.executable, "-m", "services", "alerter", *words),
                *("--metrics-port", str(self._port)),
            ],
            directory=directory,
            environment=os.environ | {"FORCEDFLOW_KAFKA__TOPICS_PREFIX": prefix},
        )

    def metric(self, name: str, **labels: str) -> float | None:
        """Return a sample on its /metrics, None where there is none, or no answer."""
        found = values(samples_at(self._port), f"forcedflow_{name}", labels)
        return found[0] if found else None

    def is_active(self) -> bool:
        return self.metric("alerter_active") == 1.0

    def stands_by(self) -> bool:
        return self.metric("alerter_active") == 0.0


class AlerterFleet:
    """Starts alerters over one market of some symbols; all end with the block.

    The adv_ratio of each is twice its return; all sessions open at ``OPEN_NS``.
    """

    def __init__(
        self,
        directory: Path,
        *,
        bootstrap: str,
        redis_url: str,
        prefix: str,
        peers: Sequence[str],
        symbols: Sequence[str] = ("ACME", "BOLT"),
    ) -> None:
        universe = write_universe(
            directory / "universe",
            references=[reference(symbol, **FIGURES) for symbol in symbols],
            funds=[
                fund(f"{symbol}F", symbol, leverage_factor, assets_usd=1e9)
                for symbol, leverage_factor in zip(symbols, cycle((2, -1)))
            ],
        )
        rules = directory / "rules.yaml"
        rules.write_text(RULES)
        self.market: LiveMarket
        self._market = live_market_in(redis_url, load_universe(universe), open_ns=OPEN_NS)
        self.store = redis.Redis.from_url(redis_url)
        self._directory = directory
        self._prefix = prefix
        self._bootstrap = bootstrap
        self._words = (
            *("--universe", str(universe), "--rules", str(rules)),
            *("--redis-url", redis_url, "--kafka-bootstrap", bootstrap),
            *(word for url in peers for word in ("--alertmanager", url)),
        )
        self._children = ExitStack()

    def candidate(self, name: str) -> AlerterProcess:
        """Return an alerter that somebody else will start and end."""
        return AlerterProcess(name, self._words, directory=self._directory, prefix=self._prefix)

    def alerter(self, name: str) -> AlerterProcess:
        """Start an alerter; it takes a second or more until it does anything."""
        process = self.candidate(name)
        self._children.enter_context(process.child)
        return process

    def pair(self) -> tuple[AlerterProcess, AlerterProcess]:
        """Start two alerters; return them once the first is active and the second stands by."""
        one = self.alerter("one")
        eventually(one.is_active, seconds=START_SECONDS)
        two = self.alerter("two")
        eventually(two.stands_by, seconds=START_SECONDS)
        return one, two

    def holder(self) -> str:
        """Return who has the lease, "" where there is none."""
        held = self.store.hget(LEASE_KEY, "holder")
        return held.decode() if isinstance(held, bytes) else ""

    def audited(self) -> set[str]:
        """Return the symbols of which Kafka has an alert."""
        records = records_of(self._bootstrap, f"{self._prefix}{ALERTS}")
        return {msgspec.json.decode(record.value)["key"]["symbol"] for record in records}

    def __enter__(self) -> Self:
        create_topics(self._bootstrap, prefix=self._prefix)
        self.market = self._children.enter_context(self._market)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._children.close()
        self.store.close()
