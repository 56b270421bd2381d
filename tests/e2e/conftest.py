"""Fixtures of tests that run the service's processes on real servers."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.service_processes import ServiceProcesses


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
