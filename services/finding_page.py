"""Findings for a person: one line each, and under it what it means and how to mend it."""

from collections.abc import Iterable

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from services.dead_letter_text import printable
from services.findings import Finding, Verdict

_STYLES = {Verdict.OK: "green", Verdict.NOTE: "yellow", Verdict.PROBLEM: "bold red"}
_INDENT = 9
"""Columns of the verdict and the blank after it."""


def show_findings(console: Console, findings: Iterable[Finding]) -> None:
    """Print findings in their order; a pipe gets unbroken lines, a terminal wrapped ones."""
    for finding in findings:
        verdict = f"{finding.verdict:<{_INDENT - 1}} "
        style = "" if finding.verdict is Verdict.OK else "bold"
        head = Text.assemble((_shown(finding.subject), style), ": ", _shown(finding.found))
        _print(console, Text(verdict, _STYLES[finding.verdict]), head)
        margin = Text(" " * _INDENT)
        if finding.means:
            _print(console, margin, Text(_shown(finding.means), "dim"))
        if finding.mend:
            _print(console, margin, Text(f"mend: {_shown(finding.mend)}"))


def _shown(text: str) -> str:
    """Return what others may have worded, such as a silence's comment, safe on a terminal."""
    return "\n".join(map(printable, text.split("\n")))


def _print(console: Console, margin: Text, text: Text) -> None:
    if not console.is_terminal:
        console.print(margin + text, soft_wrap=True, highlight=False)
        return
    console.print(margin, end="")
    wrapped = text.wrap(console, max(console.width - _INDENT, _INDENT))
    console.print(wrapped[0], highlight=False)
    for line in wrapped[1:]:
        console.print(Padding(line, (0, 0, 0, _INDENT)), highlight=False)
