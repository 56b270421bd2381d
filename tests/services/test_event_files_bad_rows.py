import csv
import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from services.event_files import PriceEvents, ReadOptions, read_flows, read_prices
from services.rejects import KEPT_BYTES, write_rejects

TIME = 1747056600000000000


def read(path: Path, content: bytes) -> PriceEvents:
    path.write_bytes(content)
    return read_prices([path], ReadOptions())


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (f"A,{TIME},,,,", "bad_price"),
        (f"A,{TIME},0,,,", "bad_price"),
        (f"A,{TIME},-1,,,", "bad_price"),
        (f"A,{TIME},nan,,,", "bad_price"),
        (f"A,{TIME},inf,,,", "bad_price"),
        (f"A,{TIME},1e999,,,", "bad_price"),
        (f"A,{TIME},0x10,,,", "bad_price"),
        (f"A,{TIME},1 000,,,", "bad_price"),
        (f'A,{TIME},"1,000",,,', "bad_price"),
        (f"A,{TIME},1,000,,,", "malformed"),
        (f"A,{TIME},1", "malformed"),
        (f'A,{TIME},1,,"open,', "malformed"),
        (f",{TIME},1,,,", "bad_symbol"),
        (f"   ,{TIME},1,,,", "bad_symbol"),
        ("A,,1,,,", "bad_event_time"),
        ("A,noon,1,,,", "bad_event_time"),
        ("A,2025-05-12 09:30:00,1,,,", "naive_time"),
        (f"A,{TIME},1,-5,,", "bad_volume"),
        (f"A,{TIME},1,n/a,,", "bad_volume"),
        (f"A,{TIME},1,,1.5,", "bad_sequence"),
        (f"A,{TIME},1,,,cancel", "bad_kind"),
    ],
)
def test_a_bad_row_of_csv_is_kept_and_the_others_are_read(
    tmp_path: Path, row: str, reason: str
) -> None:
    good = f"B,{TIME},2,,,"
    content = f"symbol,event_time,price,volume,sequence,kind\n{good}\n{row}\n{good}\n"

    events = read(tmp_path / "a.csv", content.encode())

    assert events.line.tolist() == [2, 4]
    assert [(bad.reason, bad.line, bad.raw) for bad in events.rejects] == [
        (reason, 3, row.encode())
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("{", "malformed"),
        ("[]", "malformed"),
        ("[" * 5000, "malformed"),
        ('{"symbol": "A", "event_time": 1747056600000000000}', "bad_price"),
        ('{"symbol": "A", "event_time": 1747056600000000000, "price": null}', "bad_price"),
        ('{"symbol": "A", "event_time": 1747056600000000000, "price": "2"}', "bad_price"),
        ('{"symbol": "A", "event_time": 1747056600000000000, "price": true}', "bad_price"),
        ('{"symbol": "A", "event_time": 1747056600000000000, "price": NaN}', "malformed"),
        ('{"symbol": "A", "event_time": 1747056600000000000, "price": 1e999}', "bad_price"),
        ('{"symbol": "A", "event_time": 1.5, "price": 1}', "bad_event_time"),
        ('{"symbol": "A", "event_time": 99999999999999999999, "price": 1}', "bad_event_time"),
        ('{"symbol": 5, "event_time": 1747056600000000000, "price": 1}', "bad_symbol"),
        ('{"symbol": "", "event_time": 1747056600000000000, "price": 1}', "bad_symbol"),
        ('{"event_time": 1747056600000000000, "price": 1}', "bad_symbol"),
        (
            '{"symbol": "A", "event_time": 1747056600000000000, "price": 1, "kind": "bid"}',
            "bad_kind",
        ),
    ],
)
def test_a_bad_row_of_json_is_kept_and_the_others_are_read(
    tmp_path: Path, row: str, reason: str
) -> None:
    good = json.dumps({"symbol": "B", "event_time": TIME, "price": 2})

    events = read(tmp_path / "a.jsonl", f"{good}\n{row}\n{good}".encode())

    assert events.line.tolist() == [1, 3]
    assert [(bad.reason, bad.line, bad.raw) for bad in events.rejects] == [
        (reason, 2, row.encode())
    ]


@pytest.mark.parametrize(
    ("name", "first", "row"),
    [
        ("a.csv", b"symbol,event_time,price", b"\xff\xfe,1,1"),
        (
            "a.jsonl",
            b'{"symbol": "B", "event_time": 1747056600000000000, "price": 2}',
            b'{"note": "\xff"}',
        ),
    ],
)
def test_a_row_that_is_not_utf8(tmp_path: Path, name: str, first: bytes, row: bytes) -> None:
    events = read(tmp_path / name, b"\n".join([first, row, b""]))

    assert [(bad.reason, bad.line, bad.raw) for bad in events.rejects] == [("not_utf8", 2, row)]


def test_other_languages_are_no_bad_rows_beside_one(tmp_path: Path) -> None:
    rows = ["symbol,event_time,price", f"東電,{TIME},1", f"삼성,{TIME},1"]

    events = read(tmp_path / "a.csv", "\n".join(rows).encode() + b"\n\xff,1,1\n")

    assert events.symbols == ("東電", "삼성")
    assert [bad.line for bad in events.rejects] == [4]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_row_over_64_kib_is_kept_in_part(tmp_path: Path, name: str) -> None:
    first = b"symbol,event_time,price\n" if name == "a.csv" else b""
    row = b"x" * 100_000

    events = read(tmp_path / name, first + row)

    bad = events.rejects[0]
    assert (bad.reason, bad.raw, bad.length) == ("too_long", row[:KEPT_BYTES], 100_000)
    assert bad.sha256 == hashlib.sha256(row).hexdigest()


def test_a_bad_row_of_parquet_has_its_number(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    table = {"symbol": ["A", None, "B"], "event_time": [TIME, TIME, None], "price": [1.5, 2.5, 3.5]}
    pq.write_table(pa.table(table), path)

    events = read_prices([path], ReadOptions())

    assert events.price.tolist() == [1.5]
    assert [(bad.reason, bad.line) for bad in events.rejects] == [
        ("bad_symbol", 2),
        ("bad_event_time", 3),
    ]
    assert json.loads(events.rejects[0].raw) == {"symbol": None, "event_time": TIME, "price": 2.5}


def test_a_column_of_another_type_is_bad_in_every_row(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    table = {"symbol": [100, 200], "event_time": [TIME, TIME], "price": [True, False]}
    pq.write_table(pa.table(table), path)

    assert [bad.reason for bad in read_prices([path], ReadOptions()).rejects] == ["bad_price"] * 2


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (f"T,{TIME},,", "bad_net_creation_usd"),
        (f"T,{TIME},inf,", "bad_net_creation_usd"),
        (f"T,{TIME},1,05/12/2025", "bad_session"),
        (f"T,{TIME},1,2025-02-30", "bad_session"),
        (f",{TIME},1,", "bad_fund"),
    ],
)
def test_a_bad_creation(tmp_path: Path, row: str, reason: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"fund,event_time,net_creation_usd,session\n{row}\n")

    events = read_flows([path], ReadOptions())

    assert len(events) == 0
    assert [(bad.reason, bad.line) for bad in events.rejects] == [(reason, 2)]


def test_the_file_of_bad_rows(tmp_path: Path) -> None:
    events = read(tmp_path / "a.csv", b'symbol,event_time,price\n"A\n\xff,1\n')

    write_rejects(tmp_path / "bad.csv", events.rejects)

    with (tmp_path / "bad.csv").open(newline="") as stream:
        written = list(csv.reader(stream))
    assert written[0] == ["reason", "file", "line", "raw", "length", "sha256"]
    assert [row[:5] for row in written[1:]] == [
        ["malformed", str(tmp_path / "a.csv"), "2", '"A', "2"],
        ["not_utf8", str(tmp_path / "a.csv"), "3", r"\xff,1", "3"],
    ]
