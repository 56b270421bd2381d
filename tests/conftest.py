"""What every test of this project shares: hypothesis profiles and the real servers."""

import gc
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from hypothesis import HealthCheck, settings

from services.embedded_kafka import EmbeddedKafka
from services.embedded_redis import EmbeddedRedis
from tests.support import debian
from tests.support.chaos_figures import figure_lines
from tests.support.kafka_on_demand import KafkaOnDemand, shared_bootstrap
from tests.support.topics import create_topic

settings.register_profile("dev", deadline=None)
settings.register_profile(
    "ci", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "dev")

_KAFKA = pytest.StashKey[KafkaOnDemand]()


def pytest_configure(config: pytest.Config) -> None:
    # No page of a test may depend on the hour at which it runs.
    os.environ["FORCEDFLOW_ALERTER__DRILL_MINUTES_BEFORE_OPEN"] = "0"
    # Markets of tests are storms.
    os.environ["FORCEDFLOW_ALERTER__STORM_CAP"] = "1000"
    # What always fires is looked at where it is tested.
    os.environ["FORCEDFLOW_ALERTER__HEARTBEAT"] = "false"
    if not hasattr(config, "workerinput"):
        config.stash[_KAFKA] = KafkaOnDemand()
        config.stash[_KAFKA].start()


def pytest_unconfigure(config: pytest.Config) -> None:
    if _KAFKA in config.stash:
        config.stash[_KAFKA].stop()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    debian.deselect(config, items)


def pytest_runtest_setup(item: pytest.Item) -> None:
    debian.fail_if_lacking(item)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in debian.untested():
        terminalreporter.write_line(line, yellow=True)
    for line in figure_lines(terminalreporter.getreports("passed")):
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def kafka() -> str:
    """The address of the run's one broker; its topics belong to whoever made them."""
    return shared_bootstrap()


@pytest.fixture
def kafka_litter() -> Iterator[None]:
    """Collects the garbage of this test before the next one; see `tests.support.kafka_litter`."""
    yield
    gc.collect()


@pytest.fixture
def topic_suffix() -> str:
    """A text no other test uses, for names on the shared broker."""
    return uuid.uuid4().hex[:12]


@pytest.fixture
def make_topic(kafka: str, topic_suffix: str) -> Callable[..., str]:
    """Makes a topic of this test's own: ``make_topic("prices", partitions=12, **configs)``."""

    def make(name: str = "topic", *, partitions: int = 1, **configs: str) -> str:
        topic = f"{name}-{topic_suffix}"
        create_topic(kafka, topic, partitions=partitions, **configs)
        return topic

    return make


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[EmbeddedKafka]:
    """A broker for this test alone, which may stop, kill, pause and restart it."""
    with EmbeddedKafka(tmp_path / "kafka") as broker:
        yield broker


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedRedis]:
    """One Redis for each test process."""
    with EmbeddedRedis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis_url(redis_server: EmbeddedRedis) -> str:
    """The address of an empty Redis that no other test uses meanwhile."""
    with redis.Redis.from_url(redis_server.url) as client:
        client.flushall()
    return redis_server.url


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    """A Redis for this test alone; it keeps its data when the test kills and restarts it."""
    with EmbeddedRedis(tmp_path / "redis", append_only=True) as server:
        yield server
