"""``forcedflow replay`` as a user calls it: the worked example, options, faults, no look-ahead."""

import csv
import json
import math
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from core.columns import COLUMNS
from services.cli import main

EXAMPLE = Path(__file__).parent.parent / "data" / "example"
Row = dict[str, str]


def replay(*words: str | Path, output: Path, universe: Path = EXAMPLE / "universe") -> Result:
    arguments = ["replay", "--universe", universe, *words, "--output", output]
    return CliRunner().invoke(main, [str(word) for word in arguments])


def read(path: Path) -> list[Row]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def example_inputs() -> list[str | Path]:
    return ["--prices", EXAMPLE / "prices.jsonl", "--flows", EXAMPLE / "etf-flows.jsonl"]


def assert_cell(found: str, expected: str, column: str) -> None:
    try:
        assert math.isclose(float(found), float(expected), rel_tol=1e-9, abs_tol=1e-9), column
    except ValueError:
        assert found == expected, column


def test_the_worked_example_comes_out_as_stated(tmp_path: Path) -> None:
    output, alerts, rejects = (tmp_path / name for name in ("out.csv", "alerts.csv", "bad.csv"))
    rules: list[str | Path] = [
        "--rules",
        EXAMPLE / "rules.yaml",
        "--alerts",
        alerts,
        "--rejects",
        rejects,
    ]

    result = replay(*example_inputs(), *rules, "--every", "30m", output=output)

    assert result.exit_code == 0, result.output
    found, expected = read(output), read(EXAMPLE / "expected.csv")
    assert list(found[0]) == list(COLUMNS)
    assert len(found) == len(expected)
    for row, wanted in zip(found, expected, strict=True):
        for column, cell in wanted.items():
            assert_cell(row[column], cell, column)
    assert read(alerts) == read(EXAMPLE / "expected_alerts.csv")
    assert [(bad["reason"], bad["line"]) for bad in read(rejects)] == [("bad_price", "13")]
    assert "1 outside the universe; 1 bad rows" in result.output


def test_levels_follow_the_alerts(tmp_path: Path) -> None:
    output = tmp_path / "out.csv"

    replay(*example_inputs(), "--rules", EXAMPLE / "rules.yaml", "--every", "1h", output=output)

    levels = {row["event_time"]: row["level"] for row in read(output) if row["symbol"] == "TARN"}
    assert levels["2026-06-16T10:30:00-04:00"] == "0"
    assert levels["2026-06-16T11:30:00-04:00"] == "2"
    assert levels["2026-06-16T14:30:00-04:00"] == "3"
    assert levels["2026-06-16T16:00:00-04:00"] == "0"


def test_the_three_formats_say_the_same(tmp_path: Path) -> None:
    for suffix in ("csv", "jsonl", "parquet"):
        result = replay(*example_inputs(), "--every", "1h", output=tmp_path / f"out.{suffix}")
        assert result.exit_code == 0, result.output

    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    table = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert lines == table
    assert list(lines[0]) == list(COLUMNS)
    first = read(tmp_path / "out.csv")[0]
    assert first["price"] == str(lines[0]["price"])
    assert first["creation_redemption_usd"] == ""
    assert lines[0]["creation_redemption_usd"] is None


def test_from_and_until_limit_the_rows_and_not_what_is_read(tmp_path: Path) -> None:
    whole, part = tmp_path / "whole.csv", tmp_path / "part.csv"
    replay(*example_inputs(), "--every", "30m", output=whole)

    window = ("2026-06-16T13:00:00-04:00", "2026-06-16T14:00:00-04:00")
    replay(
        *example_inputs(), "--every", "30m", "--from", window[0], "--until", window[1], output=part
    )

    expected = [
        row
        for row in read(whole)
        if row["symbol"] != "099999" and window[0] <= row["event_time"] <= window[1]
    ]
    assert read(part) == expected
    assert len(expected) == 6


def test_strict_ends_with_status_three_after_writing_everything(tmp_path: Path) -> None:
    output = tmp_path / "out.csv"

    result = replay(*example_inputs(), "--strict", "--every", "30m", output=output)

    assert result.exit_code == 3
    assert len(read(output)) == 42


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--every", "half an hour"], "--every: expected a duration"),
        (["--every", "0s"], "--every: expected a duration above 0"),
        (["--bar", "0s"], "--bar: expected a duration above 0"),
        (["--from", "2026-06-16T13:00:00"], "--from"),
        (["--alerts", "a.csv"], "expected --rules"),
        (["--column", "price"], "NAME=HEADER"),
        (["--column", "cost=Close"], "--column"),
        (["--timezone", "Mars/Olympus"], "--timezone"),
    ],
)
def test_a_wrong_option_ends_with_status_two_and_says_what_was_expected(
    tmp_path: Path, words: list[str], said: str
) -> None:
    result = replay(*example_inputs(), *words, output=tmp_path / "out.csv")

    assert result.exit_code == 2
    assert said in result.output


def test_a_missing_column_and_a_broken_universe_end_with_status_two(tmp_path: Path) -> None:
    prices = tmp_path / "prices.csv"
    prices.write_text("symbol,when,price\nQUIL,2026-06-16T10:00:00-04:00,1\n")
    no_column = replay("--prices", prices, output=tmp_path / "out.csv")
    broken = tmp_path / "universe"
    broken.mkdir()
    (broken / "references.csv").write_text("symbol\nQUIL\n")
    no_universe = replay(*example_inputs(), output=tmp_path / "out.csv", universe=broken)

    assert (no_column.exit_code, no_universe.exit_code) == (2, 2)
    assert "event_time" in no_column.output
    assert "funds.csv" in no_universe.output


@pytest.mark.parametrize("hour", ["08", "20"])
def test_prices_of_no_session_are_counted_though_nothing_else_is(hour: str, tmp_path: Path) -> None:
    prices = tmp_path / "prices.csv"
    times = (f"2026-06-16T{hour}:00:00-04:00", f"2026-06-17T{hour}:00:00-04:00")
    rows = "".join(f"QUIL,{time},150\n" for time in times)
    prices.write_text(f"symbol,event_time,price\n{rows}")
    result = replay("--prices", prices, output=tmp_path / "out.csv")
    assert result.stderr == (
        "0 rows; 2 events outside every session; 0 outside the universe; 0 bad rows\n"
    )


def test_a_universe_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    absent = tmp_path / "absent"
    result = replay(*example_inputs(), output=tmp_path / "out.csv", universe=absent)
    assert result.exit_code == 2
    assert result.stderr == f"{absent}: expected a universe folder, was missing\n"


def test_vendor_bars_count_when_they_are_known(tmp_path: Path) -> None:
    prices = tmp_path / "QUIL.csv"
    stamps = {"09:25": 150, "09:30": 149, "12:55": 190, "15:55": 180, "16:00": 170}
    lines = [f"2026-06-16 {stamp}:00,{close}" for stamp, close in stamps.items()]
    prices.write_text("Datetime,Close\n" + "\r\n".join(lines) + "\n")
    headers = ["--column", "event_time=Datetime", "--column", "price=Close"]
    zone = ["--timezone", "America/New_York", "--bar", "5m"]

    result = replay("--prices", prices, *headers, *zone, "--every", "5m", output=tmp_path / "o.csv")

    assert result.exit_code == 0, result.output
    rows = {row["event_time"][11:16]: row["price"] for row in read(tmp_path / "o.csv")}
    assert "09:30" not in rows
    assert (rows["09:35"], rows["12:55"], rows["13:00"]) == ("149.0", "149.0", "190.0")
    assert (rows["15:55"], rows["16:00"]) == ("190.0", "180.0")
    assert "2 events outside every session" in result.output


PRICE = st.tuples(st.integers(0, 23_400), st.sampled_from(["QUIL", "TARN"]), st.integers(30, 220))


@settings(max_examples=15)
@given(before=st.lists(PRICE, min_size=1, max_size=12), after=st.lists(PRICE, max_size=6))
def test_no_row_looks_ahead(
    tmp_path_factory: pytest.TempPathFactory,
    before: list[tuple[int, str, int]],
    after: list[tuple[int, str, int]],
) -> None:
    folder = tmp_path_factory.mktemp("ahead")
    noon = 9_000
    past = [event for event in before if event[0] <= noon] or [(noon, "QUIL", 140)]
    rows = {}
    for name, events in (("past", past), ("all", past + [e for e in after if e[0] > noon])):
        seconds = 1_781_616_600  # 2026-06-16 09:30 in New York
        (folder / f"{name}.jsonl").write_text(
            "".join(
                json.dumps({"symbol": s, "event_time": (seconds + t) * 10**9, "price": p}) + "\n"
                for t, s, p in events
            )
        )
        result = replay(
            "--prices", folder / f"{name}.jsonl", "--every", "30m", output=folder / f"{name}.csv"
        )
        assert result.exit_code == 0, result.output
        rows[name] = [
            row
            for row in read(folder / f"{name}.csv")
            if row["event_time"] <= "2026-06-16T12:00:00-04:00"
        ]

    assert rows["past"] == rows["all"]
