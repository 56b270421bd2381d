"""Open interest of files as events: our own rows in every format, and vendors' chains."""

import csv
import io
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.errors import ConfigError
from core.sessions import NO_SESSION
from services.event_files import ReadOptions
from services.option_events import OpenInterestEvents, read_open_interest
from services.rows import session_text, time_text
from tests.support.chain_texts import Row, Side, cboe_text, lean_row, lean_text, write
from tests.support.option_lines import json_file, level

NEW_YORK = "America/New_York"
BARE = ReadOptions()


def read(folder: Path, *rows: object) -> OpenInterestEvents:
    return read_open_interest([json_file(folder / "oi.jsonl", rows)], BARE)


def reasons(events: OpenInterestEvents) -> dict[str, int]:
    return dict(Counter(reject.reason for reject in events.rejects))


def test_a_level_of_a_contract_with_the_terms_of_its_root(tmp_path: Path) -> None:
    spxw = level(underlying="SPX", root="SPXW", right="P", strike=6000.5, implied_volatility=0)

    events = read(tmp_path, level(), spxw, {"heartbeat": "x", "event_time": 1}, level(root="ACME"))

    assert len(events) == 3
    assert [events.underlyings[code] for code in events.underlying] == ["ACME", "SPX", "ACME"]
    assert [events.roots[code] for code in events.root] == ["ACME", "SPXW", "ACME"]
    assert [session_text(day) for day in events.expiry.tolist()] == ["2026-07-17"] * 3
    assert events.strike.tolist() == [100.0, 6000.5, 100.0]
    assert events.is_call.tolist() == [True, False, True]
    assert events.open_interest.tolist() == [10.0] * 3
    np.testing.assert_equal(events.implied_volatility, [0.2, np.nan, 0.2])
    assert {time_text(ns, NEW_YORK) for ns in events.event_ns.tolist()} == {
        "2026-06-22T06:31:00-04:00"
    }
    assert {time_text(ns, NEW_YORK) for ns in events.settlement_ns.tolist()} == {
        "2026-07-17T16:00:00-04:00"
    }
    assert events.multiplier.tolist() == events.deliverable.tolist() == [100.0] * 3
    assert events.is_cash_settled.tolist() == [False, True, False]
    assert events.is_american.tolist() == [True, False, True]
    assert np.isnan(events.forward).all()
    assert events.label.tolist() == [NO_SESSION] * 3
    assert events.line.tolist() == [1, 2, 4]
    assert events.rejects == []


def test_terms_that_a_row_states_win(tmp_path: Path) -> None:
    stated = level(
        root="ACME1",
        settlement_time="2026-07-17T09:30:00-04:00",
        multiplier=10,
        deliverable=70,
        settlement="cash",
        style="european",
        forward=101.5,
        effective_at="2026-06-22",
        source="vendor",
        dealer_sign=-0.25,
    )

    events = read(tmp_path, stated, level(settlement_time="open"), level(settlement_time="PM"))

    assert [time_text(ns, NEW_YORK) for ns in events.settlement_ns.tolist()] == [
        "2026-07-17T09:30:00-04:00",
        "2026-07-17T09:30:00-04:00",
        "2026-07-17T16:00:00-04:00",
    ]
    assert events.multiplier.tolist() == [10.0, 100.0, 100.0]
    assert events.deliverable.tolist() == [70.0, 100.0, 100.0]
    assert events.is_cash_settled.tolist() == [True, False, False]
    assert events.is_american.tolist() == [False, True, True]
    np.testing.assert_equal(events.forward, [101.5, np.nan, np.nan])
    np.testing.assert_equal(events.dealer_sign, [-0.25, np.nan, np.nan])
    assert session_text(int(events.label[0])) == "2026-06-22"
    assert [events.sources[code] for code in events.source] == ["vendor", "", ""]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (level(underlying=""), "bad_underlying"),
        (level(expiry="soon"), "bad_expiry"),
        (level(expiry=None), "bad_expiry"),
        (level(expiry="2055-07-16"), "bad_expiry"),
        (level(strike=0), "bad_strike"),
        (level(strike=None), "bad_strike"),
        (level(right="straddle"), "bad_right"),
        (level(right=None), "bad_right"),
        (level(open_interest=-1), "bad_open_interest"),
        (level(open_interest=None), "bad_open_interest"),
        (level(open_interest="x"), "bad_open_interest"),
        (level(implied_volatility=-0.1), "bad_implied_volatility"),
        (level(implied_volatility=21.5), "bad_implied_volatility"),
        (level(event_time="2026-06-22 06:31"), "naive_time"),
        (level(event_time="later"), "bad_event_time"),
        (level(settlement_time="noon"), "bad_settlement_time"),
        (level(settlement_time="2026-08-17T09:30:00-04:00"), "bad_settlement_time"),
        (level(multiplier=0), "bad_multiplier"),
        (level(deliverable=-1), "bad_deliverable"),
        (level(settlement="gold"), "bad_settlement"),
        (level(style="bermudan"), "bad_style"),
        (level(forward=0), "bad_forward"),
        (level(effective_at="Monday"), "bad_effective_at"),
        (level(dealer_sign=-1.01), "bad_dealer_sign"),
        (level(dealer_sign="short"), "bad_dealer_sign"),
        (level(root="ACME1"), "adjusted_contract"),
        ("not json", "malformed"),
    ],
)
def test_a_row_that_cannot_be_used_is_kept_with_its_reason(
    tmp_path: Path, row: object, reason: str
) -> None:
    # All keys are seen somewhere: a key that no row has is a missing column.
    whole = level(
        settlement_time="close", multiplier=100, deliverable=100, settlement="cash",
        style="american", forward=100, effective_at="2026-06-22", root="ACME", dealer_sign=1,
    )  # fmt: skip

    events = read(tmp_path, whole, row)

    assert reasons(events) == {reason: 1}
    assert len(events) == 1
    assert events.rejects[0].line == 2


def test_a_row_of_the_future_is_refused(tmp_path: Path) -> None:
    path = json_file(tmp_path / "oi.jsonl", [level()])

    events = read_open_interest([path], ReadOptions(now_ns=10**18))

    assert reasons(events) == {"future": 1}


def test_the_same_rows_in_every_format_are_the_same_events(tmp_path: Path) -> None:
    rows = [level(), level(strike=105.0, right="put", open_interest=3)]
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "oi.parquet")
    paths = [
        json_file(tmp_path / "oi.jsonl", rows),
        write(tmp_path / "oi.csv", text.getvalue()),
        tmp_path / "oi.parquet",
    ]

    first, *others = [read_open_interest([path], BARE) for path in paths]

    for events in others:
        for name in ("strike", "is_call", "open_interest", "event_ns", "settlement_ns", "expiry"):
            np.testing.assert_array_equal(getattr(events, name), getattr(first, name), name)
    assert read_open_interest(paths, BARE).file.tolist() == [0, 0, 1, 1, 2, 2]


def test_columns_and_time_zones_of_other_vendors(tmp_path: Path) -> None:
    row = level(event_time="2026-06-22 06:31:00", strike=None) | {"K": 100.0}
    options = ReadOptions(columns=(("strike", "K"),), timezone=NEW_YORK)

    events = read_open_interest([json_file(tmp_path / "oi.jsonl", [row])], options)

    assert time_text(int(events.event_ns[0]), NEW_YORK) == "2026-06-22T06:31:00-04:00"
    assert events.strike.tolist() == [100.0]


def test_a_missing_column_is_an_error(tmp_path: Path) -> None:
    path = json_file(tmp_path / "oi.jsonl", [level(right=None)])

    with pytest.raises(ConfigError, match="expected a column right"):
        read_open_interest([path], BARE)


def test_vendors_chains_are_levels_at_the_time_they_state(tmp_path: Path) -> None:
    gone = Row("2026-06-19", 100.0)
    unpriced = Row("2026-07-17", 100.0, call=Side("7", "0"), put=Side(""))
    cboe = write(tmp_path / "ACME_2026-06-22.csv", cboe_text([gone, unpriced]))
    lean = write(tmp_path / "goog/20151223.csv", lean_text([lean_row("20160115", "600", "C")]))
    own = json_file(tmp_path / "oi.jsonl", [level()])

    events = read_open_interest([cboe, lean, own], BARE)

    rows = sorted(
        zip(
            events.file.tolist(),
            [events.underlyings[code] for code in events.underlying],
            [time_text(ns, NEW_YORK) for ns in events.event_ns.tolist()],
            events.open_interest.tolist(),
            [session_text(label) for label in events.label.tolist()],
            strict=True,
        )
    )
    assert rows == [
        (0, "ACME", "2026-06-22T10:30:00-04:00", 7.0, "2026-06-22"),
        (1, "GOOG", "2015-12-23T16:00:00-05:00", 10.0, "2015-12-23"),
        (2, "ACME", "2026-06-22T06:31:00-04:00", 10.0, None),
    ]
    # A level without a volatility is a level.
    assert reasons(events) == {"expired": 2, "no_open_interest": 1}


def test_a_chain_that_is_not_to_be_believed_gives_no_level(tmp_path: Path) -> None:
    table = [Row("2026-07-17", 100.0)]
    first = write(tmp_path / "a.csv", cboe_text(table))
    later = write(tmp_path / "b.csv", cboe_text(table, stated="Date: June 23, 2026 at 9:00 AM EDT"))

    events = read_open_interest([first, later], BARE)

    assert len(events) == 2
    assert reasons(events) == {"stale_body": 2}
    assert {reject.file for reject in events.rejects} == {str(later)}
