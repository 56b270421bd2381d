import pyarrow as pa
import pytest

from services.dead_letter_page import page
from services.dead_letter_text import content_lines, gist, printable, time_text
from streams.frames import encode_frame
from streams.topics import MAX_EVENT_BYTES
from tests.support.dead_letters import read, record_letter, row_letter

PLACE = "dead-letters/0/17"


def shown(raw: bytes, **cells: object) -> str:
    return "\n".join(page(read(record_letter(raw, **cells)), [PLACE]))  # type: ignore[arg-type]


def test_a_letter_is_told_in_words_with_what_to_do_next() -> None:
    text = shown(b'{"price": -4}', reason="bad_price", message="it was -4", offset=1882)

    assert "why      bad_price: it was -4" in text
    assert "where    topic prices, partition 3, offset 1,882\n" in text
    assert "sent     2026-06-23T14:00:00.000Z" in text
    assert "forcedflow dead-letters replay prices/3/1882/0 sends it again" in text
    assert text.endswith('\n\n{"price": -4}')


def test_copies_are_named_as_the_same_letter() -> None:
    text = "\n".join(page(read(record_letter()), [PLACE, "dead-letters/0/21"]))

    assert f"as {PLACE}; again as dead-letters/0/21: the same letter" in text


def test_what_was_cut_says_so_and_is_not_offered_again() -> None:
    text = shown(b'{"symbol": "' + b"A" * MAX_EVENT_BYTES, reason="too_long")

    assert "content  65,548 bytes, cut: the letter keeps the first 65,536" in text
    assert "have its source send it again" in text


def test_a_row_of_a_file_says_where_to_mend_it() -> None:
    text = "\n".join(page(read(row_letter(file="/data/spy.csv", line=1234)), [PLACE]))

    assert "file /data/spy.csv, line 1,234" in text
    assert "mend the row in its file" in text


def test_a_frame_is_shown_as_its_rows() -> None:
    frame = encode_frame(pa.record_batch({"symbol": ["SPY"], "price": [-1.0]}))

    assert content_lines(frame) == ["an Arrow frame of 1 row:", "symbol=SPY  price=-1.0"]


def test_a_long_frame_is_shown_by_its_first_rows() -> None:
    lines = content_lines(encode_frame(pa.record_batch({"price": [1.0] * 50})))

    assert len(lines) == 22
    assert lines[-1] == "… and 30 rows more"


@pytest.mark.parametrize("cut", range(0, 400, 7))
def test_a_damaged_frame_is_dumped(cut: int) -> None:
    frame = bytearray(encode_frame(pa.record_batch({"symbol": ["SPY"], "price": [-1.0]})))
    frame[cut] ^= 0xFF

    assert content_lines(bytes(frame))


def test_bytes_that_are_no_text_are_dumped_with_their_letters() -> None:
    assert content_lines(b"\xff\x01AB") == [
        f"000000  {'ff 01 41 42':<48} ..AB",
    ]
    assert content_lines(b"\x00\x01\x02AB")[0].startswith("000000  00 01 02 41 42")


def test_a_text_cut_within_a_character_is_still_text() -> None:
    assert content_lines(("é" * 10).encode()[:-1]) == ["é" * 9]


def test_nothing_reaches_the_terminal_that_it_would_act_on() -> None:
    assert printable("a\x1b[31m\u202eb") == "a\\x1b[31m\\u202eb"
    assert content_lines(b'{"symbol": "SPY\x1b[2J", "price": 1}')[0].isprintable()
    assert gist(read(row_letter(b"SPY\x1b]0;owned\x07,1"))).isprintable()


def test_a_time_that_is_none_is_empty() -> None:
    assert time_text(0) == ""
    assert time_text(1_782_223_200_250) == "2026-06-23T14:00:00.250Z"
