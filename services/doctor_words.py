"""How the doctor says numbers and spans of time."""

from collections.abc import Iterable

_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR


def span(seconds: float) -> str:
    """Return a length of time as people say it: "0.4 s", "12 s", "3 min", "2.5 h", "4 days"."""
    if seconds < 10:  # noqa: PLR2004 (tenths matter below)
        return f"{seconds:.1f} s"
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    if seconds < 2 * _DAY:
        return f"{seconds / _HOUR:.1f} h"
    return f"{seconds / _DAY:.0f} days"


def these(what: str, numbers: Iterable[int]) -> str:
    """Return numbers as people list them: "partition 3", "partitions 0–2, 7"."""
    found = sorted(numbers)
    runs: list[list[int]] = []
    for number in found:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    texts = [str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs]
    return f"{what}{'' if len(found) == 1 else 's'} {', '.join(texts)}"


def count(number: int, what: str) -> str:
    """Return a number of things: "1 record", "1,204 records"."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"
