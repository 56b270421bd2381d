import io
import json
from pathlib import Path

import pyarrow.parquet as pq
from rich.console import Console

from services.dead_letter_table import (
    COLUMNS,
    Summary,
    json_line,
    newest,
    show_table,
    tab_separated,
    write_letters,
)
from tests.support.dead_letters import read, record_letter, row_letter

LETTERS = [
    read(record_letter(b'{"price": -4}', reason="bad_price", message="it was -4", offset=5)),
    read(row_letter(b"SPY\t\x1b[1mx", file="a b.csv", line=3)),
]


def test_a_line_has_its_fields_between_tabs_and_no_others() -> None:
    assert [tab_separated(each).split("\t") for each in LETTERS] == [
        ["1970-01-01T00:00:05.000Z", "prices/3/5/0", "bad_price", "13", "it was -4"],
        ["1970-01-01T00:00:05.000Z", "a b.csv:3", "bad_price", "9", "SPY\\t\\x1b[1mx"],
    ]


def test_json_says_everything_and_null_where_there_is_nothing() -> None:
    record, row = (json.loads(json_line(each)) for each in LETTERS)

    assert list(record) == list(COLUMNS)
    assert (record["topic"], record["partition"], record["offset"]) == ("prices", 3, 5)
    assert (record["record_time"], record["file"]) == ("2026-06-23T14:00:00.000Z", None)
    assert (row["topic"], row["partition"], row["record_time"]) == (None, None, None)
    assert (row["file"], row["line"], row["raw"]) == ("a b.csv", 3, "SPY\t\x1b[1mx")


def test_a_file_holds_all_letters_whatever_their_kind(tmp_path: Path) -> None:
    path = tmp_path / "letters.parquet"

    count = write_letters(path, LETTERS * 300)

    assert count == 600
    assert pq.read_table(path).to_pylist()[:2] == [json.loads(json_line(one)) for one in LETTERS]


def test_only_the_newest_are_kept_with_a_limit() -> None:
    assert list(newest(iter(LETTERS), 1)) == LETTERS[-1:]
    assert list(newest(iter(LETTERS), None)) == LETTERS


def test_the_summary_counts_by_reason_what_was_chosen() -> None:
    summary = Summary()
    list(summary.count([*LETTERS, read(record_letter())]))
    summary.shown = 1

    assert summary.lines(copies=2) == [
        "3 letters, 2 of them written more than once; the newest 1 are shown, --limit shows more",
        "  bad_price         2",
        "  malformed         1",
    ]
    assert Summary().lines(copies=0) == ["no letters"]


def test_a_table_keeps_whole_ids_at_any_width() -> None:
    for width in (50, 60, 80, 200):
        page = io.StringIO()
        show_table(Console(file=page, width=width), LETTERS)

        assert "prices/3/5/0" in page.getvalue()
        assert "\x1b" not in page.getvalue()
        assert max(len(line) for line in page.getvalue().splitlines()) <= width


def test_no_letters_are_no_table() -> None:
    page = io.StringIO()

    show_table(Console(file=page), [])

    assert page.getvalue() == ""
