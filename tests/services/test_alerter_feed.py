"""The alerter as a process that is given no folder: it follows what is imported."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis

from services.topics_admin import create_topics
from services.universe_files import load_universe
from services.view_store import VIEW_KEY
from tests.support.alerter_fleet import FIGURES, OPEN_NS, RULES, START_SECONDS, AlerterProcess
from tests.support.alerter_world import market_in
from tests.support.imported_universes import import_universe
from tests.support.kafka_litter import KAFKA_LITTER
from tests.support.live_market import LiveMarket, live_market_in
from tests.support.universes import fund, reference, write_universe
from tests.support.waiting import eventually

pytestmark = KAFKA_LITTER

WAIT_SECONDS = 30.0


class Service:
    """One alerter without a folder, and the versions that a test imports."""

    def __init__(self, directory: Path, bootstrap: str, redis_url: str, prefix: str) -> None:
        self._directory = directory
        self._bootstrap = bootstrap
        self._redis_url = redis_url
        self._prefix = prefix
        self._markets = ExitStack()
        self.store = redis.Redis.from_url(redis_url)
        create_topics(bootstrap, prefix=prefix)
        rules = directory / "rules.yaml"
        rules.write_text(RULES)
        self.process = AlerterProcess(
            "alerter",
            (
                *("--rules", str(rules)),
                *("--redis-url", redis_url, "--kafka-bootstrap", bootstrap),
            ),
            directory=directory,
            prefix=prefix,
        )

    def bring(self, *symbols: str) -> LiveMarket:
        """Import a universe of these references; its market, that alone lives from here on."""
        folder = write_universe(
            self._directory / "-".join(symbols),
            references=[reference(symbol, **FIGURES) for symbol in symbols],
            funds=[fund(f"{symbol}U", symbol, 2, assets_usd=1e9) for symbol in symbols],
        )
        import_universe(self._bootstrap, folder, prefix=self._prefix)
        universe = load_universe(folder)
        self._markets.close()
        return self._markets.enter_context(
            live_market_in(self._redis_url, universe, open_ns=OPEN_NS)
        )

    def symbols(self) -> list[str]:
        """Return the references of the view."""
        if not self.store.exists(VIEW_KEY):
            return []
        with market_in(self._redis_url) as market:
            return [row["symbol"] for row in market.view()["rows"]]

    def close(self) -> None:
        self.process.child.stop()
        self._markets.close()
        self.store.close()


@pytest.fixture
def service(tmp_path: Path, kafka: str, redis_url: str, topic_suffix: str) -> Iterator[Service]:
    running = Service(tmp_path, kafka, redis_url, f"{topic_suffix}-")
    running.process.child.start()
    yield running
    running.close()


def test_it_waits_for_the_first_import_and_follows_every_later_one(service: Service) -> None:
    eventually(service.process.stands_by, seconds=START_SECONDS)
    market = service.bring("ACME", "BOLT")
    market.go(1.0, ACME=99.0)
    eventually(lambda: service.symbols() == ["ACME", "BOLT"], seconds=WAIT_SECONDS)
    eventually(lambda: len(market.view()["alerts"]) == 1, seconds=WAIT_SECONDS)
    [fired] = market.view()["alerts"]

    later = service.bring("CORE", "ACME", "BOLT")
    later.go(1.1, ACME=99.0)
    eventually(lambda: service.symbols() == ["CORE", "ACME", "BOLT"], seconds=WAIT_SECONDS)
    [alert] = later.view()["alerts"]
    assert (alert["starts_at"], alert["state"]) == (fired["starts_at"], "firing")

    last = service.bring("CORE", "BOLT")
    last.go(1.2, CORE=100.0)
    eventually(lambda: service.symbols() == ["CORE", "BOLT"], seconds=WAIT_SECONDS)
    eventually(lambda: last.view()["alerts"][0]["state"] == "resolved", seconds=WAIT_SECONDS)
    assert last.view()["alerts"][0]["reason"] == "withdrawn"


def test_it_ends_with_a_signal_while_it_waits_for_an_import(service: Service) -> None:
    eventually(service.process.stands_by, seconds=START_SECONDS)
    service.process.child.stop(grace_seconds=START_SECONDS)

    assert service.process.child.returncode == 0
    assert not service.store.exists(VIEW_KEY)
