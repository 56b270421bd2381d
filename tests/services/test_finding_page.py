"""Findings on a terminal and in a pipe."""

from io import StringIO

import pytest
from rich.console import Console

from services.finding_page import show_findings
from services.findings import problem


@pytest.mark.parametrize("is_terminal", [True, False])
def test_what_others_worded_is_shown_and_never_obeyed(*, is_terminal: bool) -> None:
    """Whoever reaches an Alertmanager may word a silence as he likes."""
    shown = StringIO()
    hostile = "seen\x1b]0;mine\x07[red]\nsecond line"
    found = problem("Alertmanager \x9b2J", hostile, means=hostile, mend=hostile)

    show_findings(Console(file=shown, force_terminal=is_terminal, no_color=True), [found])

    assert "\x1b]0" not in shown.getvalue()
    assert not {"\x07", "\x9b"} & set(shown.getvalue())
    assert shown.getvalue().count("[red]") == shown.getvalue().count("second line") == 3
