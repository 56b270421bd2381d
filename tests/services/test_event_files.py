import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import ConfigError
from core.sessions import NO_SESSION
from services.event_fields import column_pairs
from services.event_files import FlowEvents, PriceEvents, ReadOptions, read_flows, read_prices
from streams.event_times import EARLIEST_NS, LATEST_NS

START = 1747056600000000000
MINUTE = 60_000_000_000

rows = st.lists(
    st.fixed_dictionaries(
        {
            "symbol": st.sampled_from(["ACME", "BOLT", "000100", 'A,"B"', "東電"]),
            "event_time": st.integers(EARLIEST_NS, LATEST_NS - 1),
            "price": st.floats(1e-6, 1e12),
            "volume": st.none() | st.floats(0, 1e12),
            "source": st.none() | st.sampled_from(["tape", "vendor"]),
            "sequence": st.none() | st.integers(-(10**15), 10**15),
            "kind": st.none() | st.sampled_from(["trade", "official_close"]),
        }
    ),
    max_size=30,
)
NAMES = ("symbol", "event_time", "price", "volume", "source", "sequence", "kind")
TYPES = (
    pa.string(),
    pa.timestamp("ns", tz="UTC"),
    pa.float64(),
    pa.float64(),
    pa.dictionary(pa.int32(), pa.string()),
    pa.int64(),
    pa.string(),
)


def rfc3339(ns: int) -> str:
    whole = datetime.fromtimestamp(ns // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{ns % 10**9:09d}Z"


def quoted(value: object) -> str:
    text = "" if value is None else str(value)
    return '"' + text.replace('"', '""') + '"' if "," in text else text


def write_csv(path: Path, drawn: list[dict[str, object]]) -> None:
    lines = [",".join(NAMES)] + [",".join(quoted(row[name]) for name in NAMES) for row in drawn]
    path.write_text("\n".join(lines) + "\n")


def columns(events: PriceEvents) -> dict[str, list[object]]:
    return {
        "symbol": [events.symbols[code] for code in events.symbol],
        "source": [events.sources[code] for code in events.source],
        "volume": [None if np.isnan(volume) else volume for volume in events.volume],
        "event_ns": events.event_ns.tolist(),
        "price": events.price.tolist(),
        "sequence": events.sequence.tolist(),
        "official": events.official.tolist(),
    }


def text(tmp_path: Path, content: str, *, name: str = "QQQ.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode())
    return path


def prices(path: Path, **options: object) -> PriceEvents:
    return read_prices([path], ReadOptions(**options))  # type: ignore[arg-type]


def flows(path: Path, **options: object) -> FlowEvents:
    return read_flows([path], ReadOptions(**options))  # type: ignore[arg-type]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows)
def test_three_formats_hold_the_same_prices(tmp_path: Path, drawn: list[dict[str, object]]) -> None:
    write_csv(tmp_path / "a.csv", drawn)
    texts = [row | {"event_time": rfc3339(int(str(row["event_time"])))} for row in drawn]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in texts))
    schema = pa.schema(zip(NAMES, TYPES, strict=True))
    pq.write_table(pa.Table.from_pylist(drawn, schema), tmp_path / "a.parquet")
    expected = {
        "symbol": [row["symbol"] for row in drawn],
        "source": [row["source"] or "" for row in drawn],
        "volume": [row["volume"] for row in drawn],
        "event_ns": [row["event_time"] for row in drawn],
        "price": [row["price"] for row in drawn],
        "sequence": [row["sequence"] or 0 for row in drawn],
        "official": [row["kind"] == "official_close" for row in drawn],
    }

    for name in ("a.csv", "a.jsonl", "a.parquet"):
        events = prices(tmp_path / name)

        assert events.rejects == []
        assert columns(events) == expected
        assert events.start_ns.tolist() == events.event_ns.tolist()


def test_several_files_follow_each_other(tmp_path: Path) -> None:
    one = text(tmp_path, f"event_time,price\n{START},1\n{START + 1},2\n", name="ACME.csv")
    two = text(tmp_path, f'{{"event_time": {START}, "price": 3}}\n', name="BOLT.jsonl")

    events = read_prices([one, two], ReadOptions())

    assert columns(events)["symbol"] == ["ACME", "ACME", "BOLT"]
    assert events.price.tolist() == [1, 2, 3]
    assert events.file.tolist() == [0, 0, 1]
    assert events.line.tolist() == [2, 3, 1]
    assert events.files == (str(one), str(two))


def test_no_files_hold_no_events() -> None:
    assert len(read_flows([], ReadOptions())) == 0
    assert read_flows([], ReadOptions()).label.dtype == np.int64


def test_a_vendors_headers_are_named_once_for_all_files(tmp_path: Path) -> None:
    one = text(tmp_path, f"Time,Close,price\n{START},1,9\n", name="ACME.csv")
    two = text(tmp_path, f"event_time,price\n{START},2\n", name="BOLT.csv")
    pairs = column_pairs(["event_time=Time", "price=Close"])

    events = read_prices([one, two], ReadOptions(columns=pairs))

    assert events.price.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("symbols", "expected"),
    [((), ["A", "B"]), (("ACME",), ["ACME", "ACME"]), (("ACME", "BOLT"), ["ACME", "BOLT"])],
)
def test_symbols_of_files_without_a_symbol_column(
    tmp_path: Path, symbols: tuple[str, ...], expected: list[str]
) -> None:
    paths = [
        text(tmp_path, f"event_time,price\n{START},1\n", name=name) for name in ("A.csv", "B.csv")
    ]

    events = read_prices(paths, ReadOptions(symbols=symbols))

    assert columns(events)["symbol"] == expected


def test_a_symbol_column_wins_over_the_option(tmp_path: Path) -> None:
    path = text(tmp_path, f"symbol,event_time,price\nACME,{START},1\n")

    assert prices(path, symbols=("BOLT",)).symbols == ("ACME",)


def test_bars_are_known_at_their_end(tmp_path: Path) -> None:
    path = text(
        tmp_path,
        "event_time,price,kind\n2025-05-12 09:30:00,500,\n2025-05-12 16:00:20,501,official_close\n",
    )

    events = prices(path, bar_ns=5 * MINUTE, timezone="America/New_York")

    closed = START + 6 * 3600 * 10**9 + 30 * MINUTE + 20 * 10**9
    assert events.event_ns.tolist() == [START + 5 * MINUTE, closed]
    assert events.start_ns.tolist() == [START, closed]


def test_an_event_after_the_clock_at_the_start_is_refused(tmp_path: Path) -> None:
    path = text(tmp_path, f"event_time,price\n{START},1\n{START + 1},2\n")

    events = prices(path, now_ns=START)

    assert events.price.tolist() == [1]
    assert [(reject.reason, reject.line) for reject in events.rejects] == [("future", 3)]


def test_a_bar_that_ends_after_the_clock_at_the_start_is_refused(tmp_path: Path) -> None:
    path = text(tmp_path, f"event_time,price\n{START},1\n")

    assert prices(path, now_ns=START, bar_ns=MINUTE).rejects[0].reason == "future"


@pytest.mark.parametrize("separator", ["\n", "\r\n", "\r"])
def test_any_line_end_and_a_byte_order_mark(tmp_path: Path, separator: str) -> None:
    lines = ["﻿event_time,price", f"{START},1", "", f"{START},2"]

    events = prices(text(tmp_path, separator.join(lines)))

    assert events.price.tolist() == [1, 2]
    assert events.line.tolist() == [2, 4]


def test_mixed_line_ends(tmp_path: Path) -> None:
    path = text(tmp_path, f"event_time,price\r\n{START},1\n{START},2\r{START},3\r\n")

    assert prices(path).line.tolist() == [2, 3, 4]


def test_creations_with_and_without_a_session(tmp_path: Path) -> None:
    path = text(
        tmp_path,
        f"fund,event_time,net_creation_usd,session\nTQQQ,{START},-2.5e6,2025-05-12\nTQQQ,{START},0,\n",
    )

    events = flows(path)

    assert events.funds == ("TQQQ",)
    assert events.net_creation_usd.tolist() == [-2.5e6, 0]
    assert events.label.tolist() == [20220, NO_SESSION]


def test_creations_for_a_typed_session(tmp_path: Path) -> None:
    path = tmp_path / "flows.parquet"
    day = pa.array([20220, None], pa.date32())
    table = {
        "fund": ["A", "B"],
        "event_time": [START] * 2,
        "net_creation_usd": [1, 2],
        "session": day,
    }
    pq.write_table(pa.table(table), path)

    assert flows(path).label.tolist() == [20220, NO_SESSION]


def test_heartbeats_in_a_recorded_stream_are_no_prices(tmp_path: Path) -> None:
    path = text(
        tmp_path,
        f'{{"heartbeat": "tape", "event_time": {START}}}\n'
        f'{{"symbol": "ACME", "event_time": {START}, "price": 1}}\n',
        name="prices.jsonl",
    )

    events = prices(path)

    assert (len(events), events.rejects, events.line.tolist()) == (1, [], [2])


@pytest.mark.parametrize("name", ["prices.csv", "prices.jsonl"])
def test_a_file_without_rows(tmp_path: Path, name: str) -> None:
    header = "symbol,event_time,price\n" if name.endswith("csv") else ""

    assert len(prices(text(tmp_path, header, name=name))) == 0


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        ("", "a.csv", "the file is empty"),
        ("\n\n", "a.csv", "the file is empty"),
        ("time,price\n1,2\n", "a.csv", "expected a column event_time, its columns are 'time'"),
        ("event_time;price\n", "a.csv", "'event_time;price'"),
        ("event_time,price,price\n", "a.csv", "more than one column for price"),
        ('{"event_time": 1, "last": 2}\n', "a.jsonl", "--column price=HEADER"),
        ("not parquet", "a.parquet", "expected a Parquet file"),
        ("event_time,price\n", "a.txt", "expected a suffix"),
    ],
)
def test_unusable_files(tmp_path: Path, content: str, name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        prices(text(tmp_path, content, name=name))


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"a\.csv: expected a readable file: No such file"):
        prices(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"timezone": "Mars/Olympus"}, "--timezone: expected an IANA name"),
        ({"symbols": ("A", "B")}, "one for each of 1 files of prices, there were 2"),
        ({"columns": (("prize", "Close"),)}, "--column: expected one of .*price.*'prize'"),
    ],
)
def test_unusable_options(tmp_path: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        prices(text(tmp_path, "event_time,price\n"), **options)


@pytest.mark.parametrize("option", ["price", "=Close", "price="])
def test_unusable_column_options(option: str) -> None:
    with pytest.raises(ConfigError, match="expected NAME=HEADER"):
        column_pairs([option])
