"""Records of open interest: what is written is what any reader of our own layout reads again."""

from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from services.event_files import ReadOptions
from services.option_events import OpenInterestEvents, read_open_interest
from services.option_records import SCHEMA, OpenInterestRecord, open_interest_records
from tests.support.chain_texts import Row, Side, cboe_text, write
from tests.support.option_lines import json_file, level

EVERYTHING = (
    "expiry", "strike", "is_call", "open_interest", "implied_volatility", "event_ns",
    "settlement_ns", "multiplier", "deliverable", "is_cash_settled", "is_american", "forward",
    "label", "dealer_sign",
)  # fmt: skip


def some_events(folder: Path) -> OpenInterestEvents:
    rows = [Row("2026-07-17", 6000.0, Side("7", "0"), root=root) for root in ("SPX", "SPXW")]
    chain = write(folder / "SPX_2026.csv", cboe_text(rows, last="Last: 6001"))
    stated = level(root="ACME1", deliverable=70, multiplier=10, forward=101, source="vendor",
                   settlement="cash", style="european", effective_at="2026-06-22",
                   dealer_sign=-0.5)  # fmt: skip
    return read_open_interest(
        [chain, json_file(folder / "oi.jsonl", [level(), stated])], ReadOptions()
    )


def records_of(events: OpenInterestEvents) -> list[OpenInterestRecord]:
    return list(open_interest_records(events, np.arange(len(events)), source="desk"))


def assert_same(found: OpenInterestEvents, expected: OpenInterestEvents) -> None:
    assert found.rejects == []
    for name in EVERYTHING:
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), name)
    for names, code in (("underlyings", "underlying"), ("roots", "root")):
        read, written = (
            [getattr(events, names)[place] for place in getattr(events, code)]
            for events in (found, expected)
        )
        assert read == written
    assert [found.sources[code] for code in found.source] == [
        expected.sources[code] or "desk" for code in expected.source
    ]


def test_json_records_are_read_as_the_events_they_were_made_of(tmp_path: Path) -> None:
    events = some_events(tmp_path)
    path = tmp_path / "again.jsonl"
    path.write_bytes(b"".join(msgspec.json.encode(r) + b"\n" for r in records_of(events)))

    assert len(events) == 6
    assert_same(read_open_interest([path], ReadOptions()), events)


def test_frames_hold_the_same_columns(tmp_path: Path) -> None:
    events = some_events(tmp_path)
    names = OpenInterestRecord.__struct_fields__
    records = records_of(events)
    columns = {name: [getattr(record, name) for record in records] for name in names}
    pq.write_table(pa.table(columns, schema=SCHEMA), tmp_path / "again.parquet")

    assert set(SCHEMA.names) == set(names)
    assert_same(read_open_interest([tmp_path / "again.parquet"], ReadOptions()), events)
