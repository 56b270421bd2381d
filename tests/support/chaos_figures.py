"""Figures that the chaos tests report beside passing: stalls, takeovers, rates."""

from collections.abc import Iterable, Iterator

import pytest

FIGURE = "figure:"
"""What the names of these figures begin with among the properties of a report."""


def figure_lines(reports: Iterable[pytest.TestReport]) -> Iterator[str]:
    """Yield a line for each test that reported figures."""
    for report in reports:
        found = [
            f"{name.removeprefix(FIGURE)} {value:g}"
            for name, value in report.user_properties
            if name.startswith(FIGURE) and isinstance(value, int | float)
        ]
        if found and report.when == "call":
            yield f"{report.nodeid.rpartition('::')[2]}: {', '.join(found)}"
