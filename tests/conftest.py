"""What every test of this project shares: hypothesis profiles and the real servers."""

import os

import pytest
from hypothesis import HealthCheck, settings

from tests.support import debian

settings.register_profile("dev", deadline=None)
settings.register_profile(
    "ci", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "dev")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    debian.deselect(config, items)


def pytest_runtest_setup(item: pytest.Item) -> None:
    debian.fail_if_lacking(item)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in debian.untested():
        terminalreporter.write_line(line, yellow=True)
