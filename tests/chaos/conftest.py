"""Fixtures of tests that break things: one seed, the market it makes, and the run that is hurt."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest

from services.topics_admin import create_topics
from tests.support.chaos_figures import FIGURE
from tests.support.chaos_market import make_market
from tests.support.chaos_run import RATE, ChaosRun
from tests.support.chaos_script import Script, plain_script

SEED = int(os.environ.get("FORCEDFLOW_SEED", "20260623"))
"""What all randomness of these tests follows from; `make soak` sets others."""
KAFKA_LITTER = "ignore:unclosed <socket.socket:ResourceWarning"
"""See tests/e2e/conftest.py."""

CHAOS_SECONDS = 300
"""Longest a test may take on a machine that has other things to do."""

Figure = Callable[[str, float], None]


def is_soak() -> bool:
    """Say whether faults shall last as long as they would outside of tests (`make soak`)."""
    return os.environ.get("FORCEDFLOW_SOAK") == "1"


class MakeRun(Protocol):
    """Makes the run of a test, all of which ends with the test."""

    def __call__(
        self,
        script: Script,
        *,
        bootstrap: str = "",
        redis_url: str = "",
        rate: float = RATE,
        replication: int = 1,
    ) -> ChaosRun:
        """Return a run on the shared servers, or on those given."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.filterwarnings(KAFKA_LITTER))
            item.add_marker(pytest.mark.timeout(CHAOS_SECONDS))


@pytest.fixture(autouse=True)
def _say_the_seed(request: pytest.FixtureRequest) -> None:
    """Every report of these tests says how to have the same faults again."""
    request.node.user_properties.append(("seed", SEED))
    print(f"FORCEDFLOW_SEED={SEED}")  # noqa: T201 (pytest shows it with a failure)


@pytest.fixture
def seed() -> int:
    return SEED


@pytest.fixture
def random(seed: int) -> np.random.Generator:
    """What chooses victims and moments."""
    return np.random.default_rng([seed, 1])


@pytest.fixture
def script(seed: int, tmp_path: Path) -> Script:
    """Two days, eight seconds at the usual rate, without a fault of their own."""
    return plain_script(make_market(tmp_path / "universe", seed=seed, events=160_000))


@pytest.fixture
def short_script(seed: int, tmp_path: Path) -> Script:
    """Two days in three seconds, for faults that are over soon."""
    return plain_script(make_market(tmp_path / "universe", seed=seed, events=60_000))


@pytest.fixture
def make_run(
    request: pytest.FixtureRequest, topic_suffix: str, tmp_path: Path
) -> Iterator[MakeRun]:
    with ExitStack() as stack:

        def make(
            script: Script,
            *,
            bootstrap: str = "",
            redis_url: str = "",
            rate: float = RATE,
            replication: int = 1,
        ) -> ChaosRun:
            bootstrap = bootstrap or request.getfixturevalue("kafka")
            prefix = f"{topic_suffix}-"
            create_topics(bootstrap, prefix=prefix, replication=replication)
            return stack.enter_context(
                ChaosRun(
                    script,
                    bootstrap=bootstrap,
                    redis_url=redis_url or request.getfixturevalue("redis_url"),
                    directory=tmp_path / "workers",
                    prefix=prefix,
                    rate=rate,
                )
            )

        yield make


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Figure:
    """Reports a figure of the run, asserted or not: ``figure("stall_seconds", 0.3)``."""

    def note(name: str, value: float) -> None:
        request.node.user_properties.append((f"{FIGURE}{name}", round(value, 4)))

    return note
