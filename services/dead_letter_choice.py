"""Which dead letters are meant, each told once."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from core.errors import BadInputError, ConfigError
from services.dead_letter_records import Letter
from services.durations import parse_duration_ns
from streams.event_times import parse_time

REMEMBERED = 250_000
"""Ids of the last so many letters, and up to as many before them, are told apart: 40 MB."""
_NS_PER_MS = 1_000_000


@dataclass(frozen=True)
class Choice:
    """What a letter has to be like; what is empty or None does not matter.

    Attributes
    ----------
    ids, reasons, topics    any of these
    since_ms, until_ms      when Kafka took the letter, both included, ms since 1970
    """

    ids: Collection[str] = ()
    reasons: Collection[str] = ()
    topics: Collection[str] = ()
    since_ms: int | None = None
    until_ms: int | None = None

    def takes(self, letter: Letter) -> bool:
        """Say whether a letter is meant."""
        return (
            (not self.ids or letter.id in self.ids)
            and (not self.reasons or letter.reason in self.reasons)
            and (not self.topics or letter.topic in self.topics)
            and (self.since_ms is None or letter.written_ms >= self.since_ms)
            and (self.until_ms is None or letter.written_ms <= self.until_ms)
        )


class Once:
    """Letters of one id are the same letter: only the first is passed on.

    ``copies`` counts those that were not. A copy more than `REMEMBERED` letters after the first
    may pass: what is remembered is bounded.
    """

    def __init__(self, *, remembered: int = REMEMBERED) -> None:
        self.copies = 0
        self._remembered = remembered
        self._recent: set[int] = set()
        self._before: set[int] = set()

    def pass_on(self, letters: Iterable[Letter]) -> Iterator[Letter]:
        """Yield the letters whose id is new."""
        for letter in letters:
            mark = hash(letter.id)
            if mark in self._recent or mark in self._before:
                self.copies += 1
                continue
            self._recent.add(mark)
            if len(self._recent) >= self._remembered:
                self._before, self._recent = self._recent, set()
            yield letter


def time_or_ago_ms(option: str, text: str | None, *, now_ns: int) -> int | None:
    """Return a time in ms since 1970 of a time with its offset, or of how long ago it was.

    Raises
    ------
    ConfigError
        If it is neither; None stays None.
    """
    if text is None:
        return None
    try:
        return (now_ns - parse_duration_ns(text)) // _NS_PER_MS
    except ConfigError:
        pass
    try:
        return parse_time(text) // _NS_PER_MS
    except BadInputError as error:
        raise ConfigError(
            f"{option}: expected a time like 2026-06-23T15:10:00-04:00, or a duration like 2h "
            f"for so long ago, it was {text!r}"
        ) from error
