"""Fixtures of tests that run the service's processes on real servers."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.service_processes import ServiceProcesses

# A client of kafka-python that is closed while its own thread opens or writes to a connection now
# and then leaves that to the garbage, which is collected in whichever test comes next.
KAFKA_LITTER = "ignore:unclosed <socket.socket:ResourceWarning"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.filterwarnings(KAFKA_LITTER))


@pytest.fixture
def service_on(
    kafka: str, redis_url: str, topic_suffix: str, tmp_path: Path
) -> Iterator[Callable[[Path], ServiceProcesses]]:
    """Makes a service over a universe, with topics of its own: ``service_on(folder)``."""
    with ExitStack() as stack:

        def make(universe: Path) -> ServiceProcesses:
            return stack.enter_context(
                ServiceProcesses(
                    tmp_path / "service",
                    bootstrap=kafka,
                    redis_url=redis_url,
                    universe=universe,
                    prefix=f"{topic_suffix}-",
                )
            )

        yield make
