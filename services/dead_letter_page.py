"""One dead letter in words, with what it is about."""

from collections.abc import Sequence

from services.dead_letter_records import UNREADABLE, Letter
from services.dead_letter_text import content_lines, printable, time_text
from streams.frames import is_frame
from streams.topics import MAX_EVENT_BYTES


def page(letter: Letter, places: Sequence[str]) -> list[str]:
    """Return the lines to show; `places` are where the letter and its copies lie."""
    return [
        printable(letter.id),
        f"  why      {printable(letter.reason)}{_message(letter)}",
        f"  where    {_where(letter)}",
        *([f"  sent     {time_text(letter.timestamp_ms)}"] if letter.timestamp_ms else []),
        f"  written  {time_text(letter.written_ms)}, {_lies(places)}",
        f"  content  {_content(letter)}",
        f"           SHA-256 {printable(letter.sha256)}",
        f"  next     {_advice(letter)}",
        "",
        *content_lines(letter.raw),
    ]


def _message(letter: Letter) -> str:
    return f": {printable(letter.message)}" if letter.message else ""


def _where(letter: Letter) -> str:
    if letter.topic:
        row = f", row {letter.row} of its frame" if is_frame(letter.raw) else ""
        topic = printable(letter.topic)
        return f"topic {topic}, partition {letter.partition}, offset {letter.offset:,}{row}"
    if letter.file:
        return f"file {printable(letter.file)}, line {letter.line:,}"
    return "it is not known: what lies in the topic is no letter"


def _lies(places: Sequence[str]) -> str:
    first, *copies = places
    if not copies:
        return f"as {first}"
    return f"as {first}; again as {', '.join(copies)}: the same letter"


def _content(letter: Letter) -> str:
    whole = f"{letter.length:,} byte{'' if letter.length == 1 else 's'}"
    if letter.is_cut:
        return (
            f"{whole}, cut: the letter keeps the first {len(letter.raw):,} "
            f"(at most {MAX_EVENT_BYTES:,})"
        )
    return whole


def _advice(letter: Letter) -> str:
    if letter.reason == UNREADABLE:
        return "find out who writes to this topic; nothing of ours does so"
    if not letter.topic:
        return "mend the row in its file and have the gateway send it, or a file with it alone"
    if letter.is_cut:
        return "have its source send it again: the letter does not hold all of it"
    return f"forcedflow dead-letters replay {printable(letter.id)} sends it again"
