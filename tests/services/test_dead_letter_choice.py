import pytest
from click.testing import CliRunner

from core.errors import ConfigError
from services.cli import main
from services.dead_letter_choice import Choice, Once, time_or_ago_ms
from services.dead_letter_records import Letter, read_letter
from tests.support.dead_letters import Stored, record_letter, row_letter

NOW_NS = 1_782_223_200_000_000_000


def letter(offset: int = 0, *, reason: str = "malformed", written_ms: int = 0) -> Letter:
    return read_letter(Stored(record_letter(offset=offset, reason=reason)[1], timestamp=written_ms))


def test_a_choice_takes_what_is_like_all_that_it_names() -> None:
    here = letter(4, reason="future", written_ms=1000)

    assert Choice().takes(here)
    assert Choice(reasons={"future"}, topics={"prices"}, ids={"prices/3/4/0"}).takes(here)
    assert not Choice(reasons={"misrouted"}).takes(here)
    assert not Choice(topics={"etf-flows"}).takes(here)
    assert not Choice(ids={"prices/3/5/0"}).takes(here)
    assert not Choice(topics={"prices"}).takes(read_letter(Stored(row_letter()[1])))


def test_times_of_writing_are_included_at_both_ends() -> None:
    here = letter(written_ms=1000)

    assert Choice(since_ms=1000, until_ms=1000).takes(here)
    assert not Choice(since_ms=1001).takes(here)
    assert not Choice(until_ms=999).takes(here)


def test_a_letter_that_was_written_twice_passes_once() -> None:
    once = Once()

    passed = list(once.pass_on([letter(1), letter(2), letter(1), letter(2), letter(3)]))

    assert [each.offset for each in passed] == [1, 2, 3]
    assert once.copies == 2


def test_what_is_remembered_of_ids_is_bounded() -> None:
    once = Once(remembered=10)

    passed = list(once.pass_on(letter(offset % 50) for offset in range(200)))
    near = list(once.pass_on(letter(offset // 5) for offset in range(1000, 1100)))

    assert len(passed) == 200
    assert len(near) == 20


def test_times_are_given_as_such_or_as_how_long_ago() -> None:
    assert time_or_ago_ms("--since", None, now_ns=NOW_NS) is None
    assert time_or_ago_ms("--since", "2h", now_ns=NOW_NS) == (NOW_NS // 10**6) - 7_200_000
    assert time_or_ago_ms("--since", "2026-06-23T10:00:00-04:00", now_ns=NOW_NS) == NOW_NS // 10**6
    with pytest.raises(ConfigError, match=r"--since: expected a time like .*'yesterday'"):
        time_or_ago_ms("--since", "yesterday", now_ns=NOW_NS)


def test_letters_from_after_their_end_are_refused_before_kafka_is_asked() -> None:
    words = ["dead-letters", "list", "--kafka-bootstrap", "127.0.0.1:1"]
    result = CliRunner().invoke(main, [*words, "--since", "1h", "--until", "2h"])
    assert result.exit_code == 2
    assert result.stderr == "--since: expected a time up to --until, 2h, it was 1h\n"
