"""What somebody asks for: of which alerts, from when, until when."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from core.errors import BadInputError, ConfigError
from services.durations import parse_duration_ns
from services.silences import Matcher
from streams.event_times import parse_time

ACKNOWLEDGED = "ACK"
"""What the comment of an acknowledgement begins with."""
WORD_LABELS = ("alertname", "symbol", "side", "severity", "family", "scope")
"""Labels that a bare word may be a value of."""

_MATCHER = re.compile(r"([a-zA-Z_][a-zA-Z0-9_]*)(=~|!~|!=|=)(.*)", re.DOTALL)
_EXAMPLE = "such as family=forced-flow, symbol!=NVDA or alertname=~'ForcedFlow.*'"


@dataclass(frozen=True)
class Window:
    """From when until when, host time in ns."""

    starts_ns: int
    ends_ns: int


def parse_matcher(text: str) -> Matcher:
    """Return the condition on a label: NAME=VALUE, NAME!=VALUE, NAME=~REGEX or NAME!~REGEX.

    Raises
    ------
    ConfigError
        If it is none.
    """
    match = _MATCHER.fullmatch(text)
    if match is None:
        raise ConfigError(f"expected a condition on a label, {_EXAMPLE}, it was {text!r}")
    name, operator, value = match.groups()
    is_regex = operator.endswith("~")
    if is_regex:
        _check_pattern(text, value)
    return Matcher(name, value, is_regex=is_regex, is_equal=not operator.startswith("!"))


def _check_pattern(text: str, pattern: str) -> None:
    try:
        pc.match_substring_regex(pa.array([""]), pattern=f"^(?:{pattern})$")
    except pa.ArrowInvalid as error:
        raise ConfigError(f"{text!r}: expected a regular expression (RE2): {error}") from error


def parse_matchers(texts: Iterable[str]) -> tuple[Matcher, ...]:
    """Return the conditions, all of which an alert has to meet.

    Raises
    ------
    ConfigError
        If one is none, or an alert without any label would meet them all.
    """
    matchers = tuple(parse_matcher(text) for text in texts)
    if all(matcher.matches({}) for matcher in matchers):
        raise ConfigError(
            "expected a condition that not every alert meets, " + _EXAMPLE.removeprefix("such as ")
        )
    return matchers


def has_words(labels: Mapping[str, str], words: Iterable[str]) -> bool:
    """Return whether labels meet all words: conditions, or values of ``WORD_LABELS``.

    Raises
    ------
    ConfigError
        If a word with an operator in it is no condition.
    """
    values = {labels.get(name) for name in WORD_LABELS}
    return all(
        parse_matcher(word).matches(labels) if re.search("[=~]", word) else word in values
        for word in words
    )


def window(
    *, now_ns: int, begins: str | None, until: str | None, lasts: str | None, longest: str
) -> Window:
    """Return the time that is meant by --from, --until and --for; without --from it begins now.

    Raises
    ------
    ConfigError
        If there is not exactly one end, one is no time with an offset or no duration, it lies in
        the past, or it lasts longer than `longest`.
    """
    if (until is None) == (lasts is None):
        raise ConfigError("expected its end: either --until T or --for DURATION")
    starts_ns = now_ns if begins is None else _time("--from", begins)
    if starts_ns < now_ns:
        raise ConfigError(f"--from: expected a time to come, or nothing for now, it was {begins}")
    ends_ns = _time("--until", until) if until else starts_ns + parse_duration_ns(lasts or "")
    if ends_ns <= starts_ns:
        raise ConfigError(f"expected an end after its start, it was {until or lasts}")
    if ends_ns - starts_ns > parse_duration_ns(longest):
        raise ConfigError(
            f"expected at most {longest}, for a silence that was forgotten has to end by itself, "
            f"it was {until or lasts}"
        )
    return Window(starts_ns, ends_ns)


def _time(option: str, text: str) -> int:
    try:
        return parse_time(text)
    except BadInputError as error:
        raise ConfigError(
            f"{option}: expected a time with its offset, such as 2026-06-23T15:10:00-04:00, it was "
            f"{text!r}"
        ) from error
