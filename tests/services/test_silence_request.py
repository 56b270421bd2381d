"""What the words of a silence mean, and which are refused."""

import pytest

from core.errors import ConfigError
from services.silence_request import Window, has_words, parse_matchers, window
from services.silences import Matcher
from streams.event_times import parse_time
from tests.support.alert_samples import key

NOW = "2026-11-22T10:00:00Z"
NOW_NS = parse_time(NOW)
LABELS = key()._asdict()
HOUR_NS = 3_600_000_000_000


def meant(
    *, begins: str | None = None, until: str | None = None, lasts: str | None = None
) -> Window:
    return window(now_ns=NOW_NS, begins=begins, until=until, lasts=lasts, longest="7d")


def test_a_window_is_from_now_or_a_time_until_a_time_or_for_a_while() -> None:
    end_ns = NOW_NS + 2 * HOUR_NS
    later_ns = NOW_NS + HOUR_NS

    assert meant(lasts="2h") == Window(NOW_NS, end_ns)
    assert meant(until="2026-11-22T07:00:00-05:00") == Window(NOW_NS, end_ns)
    assert meant(begins="2026-11-22T11:00:00Z", lasts="1h") == Window(later_ns, end_ns)
    assert meant(lasts="7d") == Window(NOW_NS, NOW_NS + 168 * HOUR_NS)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "either --until T or --for"),
        ({"until": "2026-11-22T11:00:00Z", "lasts": "1h"}, "either --until T or --for"),
        ({"until": "2026-11-22T11:00:00"}, "--until: expected a time with its offset"),
        ({"until": "tomorrow"}, "--until: expected a time with its offset"),
        ({"until": "2026-11-22T09:59:59Z"}, "an end after its start"),
        ({"lasts": "0s"}, "an end after its start"),
        ({"lasts": "7d1s"}, "at most 7d"),
        ({"lasts": "soon"}, "expected a duration"),
        ({"lasts": "1h", "begins": "2026-11-22T09:00:00Z"}, "--from: expected a time to come"),
        ({"lasts": "1h", "begins": "2026-11-22T11:00:00"}, "--from: expected a time with its"),
    ],
)
def test_a_window_that_is_none_is_refused(given: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        meant(**given)


def test_conditions_are_those_of_amtool() -> None:
    assert parse_matchers(["a=b", "c!=d", "e=~f.*", "g!~h|i", "url=x=y"]) == (
        Matcher("a", "b"),
        Matcher("c", "d", is_equal=False),
        Matcher("e", "f.*", is_regex=True),
        Matcher("g", "h|i", is_regex=True, is_equal=False),
        Matcher("url", "x=y"),
    )


@pytest.mark.parametrize(
    "texts", [["NVDA"], ["not-a-name=x"], ["=x"], ["a!=b"], ["a=~.*"], ["a=", "b!~c"]]
)
def test_conditions_that_every_alert_meets_or_that_are_none_are_refused(texts: list[str]) -> None:
    with pytest.raises(ConfigError, match="expected a condition"):
        parse_matchers(texts)


def test_a_pattern_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="expected a regular expression"):
        parse_matchers(["symbol=~("])


@pytest.mark.parametrize(
    ("words", "means_it"),
    [
        (["ACME"], True),
        (["ACME", "sell", "ForcedFlowWatch"], True),
        (["ACME", "buy"], False),
        (["symbol=ACME", "side!=buy"], True),
        (["symbol=~AC.*", "BOLT"], False),
        (["ACM"], False),
    ],
)
def test_words_name_an_alert(words: list[str], *, means_it: bool) -> None:
    assert has_words(LABELS, words) is means_it


def test_a_condition_without_a_label_is_refused() -> None:
    with pytest.raises(ConfigError, match="expected a condition on a label"):
        has_words(LABELS, ["=~x"])
