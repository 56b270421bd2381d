import pytest

from services.dead_letter_records import UNREADABLE, read_letter
from streams.topics import MAX_EVENT_BYTES
from tests.support.dead_letters import SENT_MS, Stored, read, record_letter, row_letter


def test_a_workers_letter_is_read_as_it_was_written() -> None:
    letter = read(record_letter(b"\xff{", reason="not_utf8", offset=42, row=2))

    assert letter.id == "prices/3/42/2"
    assert (letter.topic, letter.partition, letter.offset, letter.row) == ("prices", 3, 42, 2)
    assert (letter.raw, letter.length, letter.is_cut) == (b"\xff{", 2, False)
    assert (letter.timestamp_ms, letter.written_ms) == (SENT_MS, 5_000)
    assert letter.place == "dead-letters/0/17"


def test_a_gateways_letter_names_file_and_line() -> None:
    letter = read(row_letter(file="/data/spy.csv", line=1234))

    assert (letter.id, letter.file, letter.line) == ("/data/spy.csv:1234", "/data/spy.csv", 1234)
    assert (letter.topic, letter.message) == ("", "")


def test_a_letter_knows_that_it_was_cut() -> None:
    letter = read(record_letter(b"x" * (MAX_EVENT_BYTES + 1)))

    assert letter.is_cut
    assert (len(letter.raw), letter.length) == (MAX_EVENT_BYTES, MAX_EVENT_BYTES + 1)


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"hello",
        b"\xff\xfe",
        b"{}",
        b'{"id": 1}',
        record_letter()[1].replace(b'"raw":"', b'"raw":"@'),
    ],
)
def test_what_is_no_letter_is_told_as_one(value: bytes | None) -> None:
    letter = read_letter(Stored(value))

    assert (letter.id, letter.reason) == ("dead-letters/0/17", UNREADABLE)
    assert letter.raw == (value or b"")


def test_keys_of_a_later_release_are_passed_over() -> None:
    _, value = record_letter(offset=9)

    assert read_letter(Stored(value.replace(b"{", b'{"colour":"red",', 1))).id == "prices/3/9/0"
