"""Dead letters in lines: a table on a terminal, tab-separated or JSON in a pipe, or a file."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console, OverflowMethod
from rich.table import Table
from rich.text import Text

from services.dead_letter_records import Letter
from services.dead_letter_text import gist, printable, raw_text, time_text
from services.table_files import Columns, open_table

COLUMNS: dict[str, type] = {
    "written_at": str,
    "id": str,
    "reason": str,
    "message": str,
    "topic": str,
    "partition": int,
    "offset": int,
    "row": int,
    "file": str,
    "line": int,
    "record_time": str,
    "raw": str,
    "length": int,
    "sha256": str,
}
"""Columns of a file of letters; those of records are null for rows of files, and the reverse."""
_AT_ONCE = 200
"""Letters that are in memory at once: 64 KiB each at most."""
_HEADERS = ("written (UTC)", "letter", "reason", "what")
_GAP = 3
"""Blanks between two columns of the table."""
_GAPS = 11
"""All blanks of a line."""
_LEAST_WIDTH = 20


@dataclass
class Summary:
    """How many letters there were of each reason, and how many of them were shown."""

    reasons: Counter[str] = field(default_factory=Counter)
    shown: int = 0

    def count(self, letters: Iterable[Letter]) -> Iterator[Letter]:
        """Pass letters on, counted."""
        for letter in letters:
            self.reasons[letter.reason] += 1
            yield letter

    def lines(self, copies: int) -> list[str]:
        """Return the summary; `copies` were not counted, as a letter is told once."""
        total = self.reasons.total()
        twice = f", {copies:,} of them written more than once" if copies else ""
        first = "no letters" if not total else f"{_letters(total)}{twice}"
        if self.shown < total:
            first += f"; the newest {self.shown} are shown, --limit shows more"
        width = max((len(reason) for reason in self.reasons), default=0)
        return [
            first,
            *(
                f"  {printable(reason):<{width}} {count:>9,}"
                for reason, count in self.reasons.most_common()
            ),
        ]


def newest(letters: Iterable[Letter], limit: int | None) -> Iterable[Letter]:
    """Return the last letters, newest last; all, as they come, without a limit."""
    return letters if limit is None else deque(letters, maxlen=limit)


def show_table(console: Console, letters: Sequence[Letter]) -> None:
    """Print letters as a table; what was wrong takes the room that is left."""
    if not letters:
        return
    rows = [
        (
            time_text(letter.written_ms)[:19].replace("T", " "),
            printable(letter.id),
            printable(letter.reason),
            gist(letter),
        )
        for letter in letters
    ]
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    widths = _widths(rows, console.width)
    for name, width in zip(_HEADERS, widths, strict=True):
        # An id is there to be copied: it is folded, never cut.
        overflow: OverflowMethod = "fold" if name == "letter" else "ellipsis"
        if width:
            table.add_column(name, width=width, no_wrap=name != "letter", overflow=overflow)
    for row in rows:
        table.add_row(*(Text(cell) for cell, width in zip(row, widths, strict=True) if width))
    console.print(table)


def _widths(rows: Sequence[Sequence[str]], screen: int) -> tuple[int, ...]:
    """Return the columns' widths; on a narrow screen the time, 0, is left out."""
    written, letter, reason = (max(len(row[place]) for row in rows) for place in range(3))
    letter = min(letter, screen // 3)
    rest = screen - written - letter - reason - _GAPS
    if rest >= _LEAST_WIDTH:
        return written, letter, reason, rest
    return 0, letter, reason, max(rest + written + _GAP, 1)


def tab_separated(letter: Letter) -> str:
    """Return a letter as one line: written, id, reason, length, what."""
    return "\t".join(
        (
            time_text(letter.written_ms),
            printable(letter.id),
            printable(letter.reason),
            str(letter.length),
            gist(letter),
        )
    )


def json_line(letter: Letter) -> str:
    """Return a letter as one JSON object with the keys of `COLUMNS`."""
    return msgspec.json.encode(_row(letter)).decode()


def write_letters(path: Path, letters: Iterable[Letter]) -> int:
    """Write letters to a file in the format of its suffix; return how many."""
    rest = iter(letters)
    count = 0
    with open_table(path, COLUMNS) as write:
        while part := list(islice(rest, _AT_ONCE)):
            write(_columns(part))
            count += len(part)
    return count


def write_lines(
    letters: Iterable[Letter], line: Callable[[Letter], str], echo: Callable[[str], None]
) -> int:
    """Hand a line of each letter to `echo`; return how many."""
    count = 0
    for letter in letters:
        echo(line(letter))
        count += 1
    return count


def _columns(letters: list[Letter]) -> Columns:
    rows = [_row(letter) for letter in letters]
    return {name: [row[name] for row in rows] for name in COLUMNS}


def _row(letter: Letter) -> dict[str, str | int | None]:
    is_record = bool(letter.topic)
    return {
        "written_at": time_text(letter.written_ms),
        "id": letter.id,
        "reason": letter.reason,
        "message": letter.message or None,
        "topic": letter.topic or None,
        "partition": letter.partition if is_record else None,
        "offset": letter.offset if is_record else None,
        "row": letter.row if is_record else None,
        "file": letter.file or None,
        "line": letter.line if letter.file else None,
        "record_time": time_text(letter.timestamp_ms) or None,
        "raw": raw_text(letter.raw),
        "length": letter.length,
        "sha256": letter.sha256,
    }


def _letters(count: int) -> str:
    return f"{count:,} letter{'' if count == 1 else 's'}"
