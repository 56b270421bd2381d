"""Gateways that follow the universe in Kafka, as processes."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from services.child_process import free_port
from services.topics_admin import create_topics
from streams.topics import PRICES
from tests.support.imported_universes import import_universe
from tests.support.kafka_litter import KAFKA_LITTER
from tests.support.kafka_reader import records_of
from tests.support.universes import write_universe
from tests.support.waiting import eventually

pytestmark = KAFKA_LITTER

START_SECONDS = 60.0
"""Longest wait for a gateway on a machine that is busy with other tests."""
MIDDAY = "2026-06-23T12:00:00-04:00"


class Market:
    """Topics of a test's own, and gateways on them."""

    def __init__(self, bootstrap: str, prefix: str, directory: Path) -> None:
        self.bootstrap = bootstrap
        self.prefix = prefix
        self._directory = directory
        create_topics(bootstrap, prefix=prefix)

    def put(self, *symbols: str) -> str:
        """Import a universe of these references; return its version."""
        folder = write_universe(self._directory / "-".join(symbols), references=symbols)
        return import_universe(self.bootstrap, folder, prefix=self.prefix).version

    def prices(self, symbol: str) -> list[float]:
        """Return the prices of a symbol so far."""
        found = [
            json.loads(each.value) for each in records_of(self.bootstrap, f"{self.prefix}{PRICES}")
        ]
        return [each["price"] for each in found if each.get("symbol") == symbol]

    @contextmanager
    def gateway(self, *words: str) -> Iterator[tuple[subprocess.Popen[str], Path]]:
        """Run a gateway; give it and its log."""
        command = [sys.executable, "-m", "services", "gateway", "--metrics-port", "0", *words]
        log = self._directory / "gateway.log"
        with log.open("w") as stream:
            process = subprocess.Popen(
                [*command, "--kafka-bootstrap", self.bootstrap],
                env=os.environ | {"FORCEDFLOW_KAFKA__TOPICS_PREFIX": self.prefix},
                stderr=stream,
                text=True,
            )
            try:
                yield process, log
            finally:
                process.kill()
                process.wait()


@pytest.fixture
def market(kafka: str, topic_suffix: str, tmp_path: Path) -> Market:
    return Market(kafka, f"{topic_suffix}-", tmp_path)


def line(symbol: str, price: float) -> bytes:
    return json.dumps({"symbol": symbol, "event_time": MIDDAY, "price": price}).encode() + b"\n"


def test_a_live_gateway_switches_while_it_runs(market: Market) -> None:
    market.put("ACME")
    port = free_port()
    with market.gateway("--listen", f"127.0.0.1:{port}") as (process, log):
        eventually(lambda: "listening" in log.read_text(), seconds=START_SECONDS)
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(line("ACME", 1) + line("BOLT", 2))
            eventually(lambda: market.prices("ACME") == [1], seconds=START_SECONDS)

            version = market.put("ACME", "BOLT")
            eventually(lambda: switched(log, version), seconds=START_SECONDS)
            client.sendall(line("BOLT", 3))
            eventually(lambda: market.prices("BOLT") == [3], seconds=START_SECONDS)

            version = market.put("BOLT")
            eventually(lambda: switched(log, version), seconds=START_SECONDS)
            client.sendall(line("ACME", 4) + line("BOLT", 5))
            eventually(lambda: market.prices("BOLT") == [3, 5], seconds=START_SECONDS)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=START_SECONDS) == 0

    assert market.prices("ACME") == [1]
    assert "3 rows sent, 2 skipped" in log.read_text()


def test_a_playing_gateway_switches_while_it_runs(market: Market, tmp_path: Path) -> None:
    market.put("ACME")
    # A minute of event time a second, so that there is more to come whenever the import is seen.
    rows = [
        f"{symbol},2026-06-23T{10 + minute // 60}:{minute % 60:02}:00-04:00,{minute + 1}"
        for minute in range(300)
        for symbol in ("ACME", "BOLT")
    ]
    (tmp_path / "p.csv").write_text("\n".join(["symbol,event_time,price", *rows, ""]))
    with market.gateway("--prices", str(tmp_path / "p.csv"), "--speed", "60") as (process, log):
        eventually(lambda: bool(market.prices("ACME")), seconds=START_SECONDS)
        version = market.put("ACME", "BOLT")
        eventually(lambda: switched(log, version), seconds=START_SECONDS)
        eventually(lambda: len(market.prices("BOLT")) > 1, seconds=START_SECONDS)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=START_SECONDS) == 0

    acme, bolt = market.prices("ACME"), market.prices("BOLT")
    assert acme == list(range(1, len(acme) + 1))
    assert bolt == acme[-len(bolt) :]
    assert len(bolt) < len(acme)


def test_a_gateway_waits_for_the_first_version_and_can_be_stopped(market: Market) -> None:
    port = free_port()
    with market.gateway("--listen", f"127.0.0.1:{port}") as (process, log):
        eventually(lambda: "universe_awaited" in log.read_text(), seconds=START_SECONDS)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=START_SECONDS) == 0

    assert "0 rows sent" in log.read_text()


def switched(log: Path, version: str) -> bool:
    return any(
        "universe_switched" in each and version in each for each in log.read_text().splitlines()
    )
