import csv
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from core.errors import ConfigError
from services.table_files import open_table, write_table

TYPES: dict[str, type] = {"name": str, "count": int, "is_new": bool}
PARTS: list[dict[str, list[str | float | int | bool | None]]] = [
    {"name": ["a\nb", None], "count": [None, None], "is_new": [True, False]},
    {"name": ["c"], "count": [3], "is_new": [None]},
]
ROWS = [
    {"name": "a\nb", "count": None, "is_new": True},
    {"name": None, "count": None, "is_new": False},
    {"name": "c", "count": 3, "is_new": None},
]


def written(path: Path) -> Path:
    with open_table(path, TYPES) as write:
        for part in PARTS:
            write(part)
    return path


def test_parts_become_one_table_in_parquet(tmp_path: Path) -> None:
    assert pq.read_table(written(tmp_path / "t.parquet")).to_pylist() == ROWS


def test_parts_become_one_table_in_json_lines(tmp_path: Path) -> None:
    lines = written(tmp_path / "t.jsonl").read_text().splitlines()

    assert [json.loads(line) for line in lines] == ROWS


def test_parts_become_one_table_in_csv(tmp_path: Path) -> None:
    with written(tmp_path / "t.csv").open(newline="") as stream:
        rows = list(csv.reader(stream))

    assert rows == [[*TYPES], ["a\nb", "", "true"], ["", "", "false"], ["c", "3", ""]]


def test_a_table_without_rows_has_its_header(tmp_path: Path) -> None:
    for suffix in (".csv", ".parquet"):
        with open_table(tmp_path / f"none{suffix}", TYPES):
            pass

    assert (tmp_path / "none.csv").read_text() == "name,count,is_new\n"
    assert pq.read_table(tmp_path / "none.parquet").column_names == [*TYPES]


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"expected a suffix of \.jsonl, \.csv, \.parquet"):
        write_table(tmp_path / "t.xlsx", {"name": ["a"]})
