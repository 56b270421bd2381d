"""Which files of an underlying are believed, and what they say together at a time."""

import zipfile
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from services.chain_choice import Choice, choose
from services.chain_files import read_chains
from services.chain_merge import chain_at
from services.chain_rows import ChainFile
from services.option_calendar import option_calendar
from streams.event_times import parse_time
from tests.support.chain_texts import Row, Side, cboe_text, lean_row, lean_text, write
from tests.support.option_lines import json_file, level

MORNING = "Date: June 22, 2026 at 10:30 AM EDT"
NOON = "Date: June 22, 2026 at 12:30 PM EDT"
ROWS = [Row("2026-07-17", strike) for strike in (90.0, 95.0, 100.0, 105.0)]


def other(rows: list[Row], open_interest: str = "11") -> list[Row]:
    """Return the same contracts with another level, so that the table is not the same."""
    return [replace(row, call=Side(open_interest)) for row in rows]


def choice_of(*paths: Path, as_of: str | None = None) -> Choice:
    as_of_ns = parse_time(as_of) if as_of else None
    files, _ = read_chains(paths, calendar=option_calendar(), as_of_ns=as_of_ns)
    [choice] = choose(files, as_of_ns=as_of_ns, calendar=option_calendar())
    return choice


def verdicts(choice: Choice) -> list[str]:
    return [each.verdict for each in choice.verdicts]


def living(choice: Choice, *, as_of: str | None = None, spot: float | None = None) -> ChainFile:
    file = chain_at(choice, as_of_ns=parse_time(as_of) if as_of else None, spot=spot)
    assert file is not None
    return file


def reasons(file: ChainFile) -> dict[str, int]:
    return dict(Counter(reject.reason for reject in file.rejects))


def chain(folder: Path, name: str, rows: list[Row], stated: str = MORNING) -> Path:
    return write(folder / name, cboe_text(rows, stated=stated))


def test_the_newest_chain_up_to_the_time_wanted_is_used(tmp_path: Path) -> None:
    paths = [chain(tmp_path, "b.csv", other(ROWS), NOON), chain(tmp_path, "a.csv", ROWS)]

    newest, then, before = (
        choice_of(*paths, as_of=as_of)
        for as_of in (None, "2026-06-22T12:00:00-04:00", "2026-06-22T09:00:00-04:00")
    )

    # By time, whatever the order of the arguments.
    assert verdicts(newest) == ["superseded", "used"]
    assert verdicts(then) == ["used", "superseded"]
    assert not then.is_later
    assert verdicts(before) == ["used", "superseded"]
    assert before.is_later


def test_the_same_table_under_a_fresh_head_is_refused(tmp_path: Path) -> None:
    choice = choice_of(chain(tmp_path, "a.csv", ROWS), chain(tmp_path, "b.csv", ROWS, NOON))

    assert verdicts(choice) == ["used", "stale_body"]
    assert Counter(reject.reason for reject in choice.rejects) == {"stale_body": 8}
    assert {reject.file for reject in choice.rejects} == {str(tmp_path / "b.csv")}
    assert living(choice).chain.as_of_ns == parse_time("2026-06-22T10:30:00-04:00")


def test_the_same_file_twice_is_used_once(tmp_path: Path) -> None:
    choice = choice_of(chain(tmp_path, "a.csv", ROWS), chain(tmp_path, "b.csv", ROWS))

    assert verdicts(choice) == ["used", "duplicate"]
    assert len(living(choice).chain) == 8


@pytest.mark.parametrize("times", [(MORNING, NOON), (NOON, MORNING)])
def test_a_chain_far_shorter_than_its_neighbour_is_refused(
    tmp_path: Path, times: tuple[str, str]
) -> None:
    short, long = other(ROWS[:1]), ROWS

    choice = choice_of(
        chain(tmp_path, "short.csv", short, times[0]), chain(tmp_path, "long.csv", long, times[1])
    )

    assert verdicts(choice) == (
        ["truncated", "used"] if times[0] == MORNING else ["used", "truncated"]
    )
    assert Counter(reject.reason for reject in choice.rejects) == {"truncated": 2}


def test_a_chain_that_lost_an_expiry_is_not_truncated(tmp_path: Path) -> None:
    choice = choice_of(
        chain(tmp_path, "a.csv", ROWS), chain(tmp_path, "b.csv", other(ROWS[:2]), NOON)
    )

    assert verdicts(choice) == ["superseded", "used"]


def test_files_of_one_time_are_parts_of_one_chain(tmp_path: Path) -> None:
    choice = choice_of(
        chain(tmp_path, "a.csv", ROWS[:1]),
        chain(tmp_path, "b.csv", [*ROWS, Row("2026-07-17", 20_000.0)]),
    )

    assert verdicts(choice) == ["used", "used"]
    file = living(choice)
    assert sorted(set(file.chain.strike.tolist())) == [90.0, 95.0, 100.0, 105.0]
    assert reasons(file) == {"duplicate": 2, "strike_out_of_proportion": 2}
    assert {reject.file for reject in file.rejects} == {str(tmp_path / "b.csv")}


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("SPX_2026-06-22.csv", "wrong_symbol"),
        ("spx_quotedata.csv", "wrong_symbol"),
        ("^SPX quotedata (3).csv", "wrong_symbol"),
        ("SPXW.csv", "wrong_symbol"),
        ("ACME_2026-06-22.csv", "used"),
        ("acme_quotedata.csv", "used"),
        ("ACME.csv", "used"),
        # These name no underlying.
        ("quotedata.csv", "used"),
        ("chain.csv", "used"),
        ("CHAIN.csv", "used"),
        ("my_chain_2026.csv", "used"),
        ("A.csv", "used"),
        ("TEST_1.csv", "used"),
        ("20260622.csv", "used"),
    ],
)
def test_a_file_named_after_another_underlying_is_refused(
    tmp_path: Path, name: str, verdict: str
) -> None:
    choice = choice_of(chain(tmp_path, name, ROWS))

    assert verdicts(choice) == [verdict]
    assert (chain_at(choice) is None) == (verdict != "used")


def test_weekly_roots_are_of_the_index_that_a_file_is_named_after(tmp_path: Path) -> None:
    rows = [replace(row, root="SPXW") for row in ROWS]

    for name in ("SPX_2026.csv", "SPXW_2026.csv"):
        assert verdicts(choice_of(chain(tmp_path, name, rows))) == ["used"]


def test_contracts_that_have_settled_are_refused(tmp_path: Path) -> None:
    rows = [Row("2026-06-22", 100.0), *ROWS]
    path = chain(tmp_path, "a.csv", rows)

    at_noon = living(choice_of(path))
    at_close, after = (
        living(choice_of(path), as_of=f"2026-06-22T{clock}-04:00")
        for clock in ("16:00:00", "16:00:01")
    )

    assert (len(at_noon.chain), len(at_close.chain), len(after.chain)) == (10, 10, 8)
    assert reasons(after) == {"expired": 2}


def test_a_file_of_a_day_without_a_session_keeps_its_next_session_s_expiries(
    tmp_path: Path,
) -> None:
    sunday = "Date: June 21, 2026 at 10:00 AM EDT"
    rows = [Row("2026-06-18", 100.0), Row("2026-06-22", 100.0), *ROWS]

    file = living(choice_of(chain(tmp_path, "a.csv", rows, sunday)))

    assert len(file.chain) == 10
    assert reasons(file) == {"expired": 2}


def test_repeated_rows_count_once_and_contradicting_ones_not_at_all(tmp_path: Path) -> None:
    rows = [*ROWS, ROWS[0], replace(ROWS[1], call=Side("99"))]

    file = living(choice_of(chain(tmp_path, "a.csv", rows)))

    assert reasons(file) == {"contradictory": 2, "duplicate": 3}
    assert len(file.chain) == 7
    calls = file.chain.strike[file.chain.is_call]
    assert calls.tolist() == [90.0, 100.0, 105.0]


def test_strikes_out_of_all_proportion_are_refused(tmp_path: Path) -> None:
    rows = [*ROWS, Row("2026-07-17", 10_100.0), Row("2026-07-17", 0.05)]

    file = living(choice_of(chain(tmp_path, "a.csv", rows)))

    assert reasons(file) == {"strike_out_of_proportion": 4}


QUOTED = [
    Row(
        "2026-07-17",
        strike,
        Side(bid=f"{max(100 - strike, 0) + 1.9:.2f}", ask=f"{max(100 - strike, 0) + 2.1:.2f}"),
        Side(bid=f"{max(strike - 100, 0) + 1.9:.2f}", ask=f"{max(strike - 100, 0) + 2.1:.2f}"),
    )
    for strike in (300.0, 310.0, 320.0, 330.0, 340.0)
]


@pytest.mark.parametrize("spot", [14.3, 60.0, 160.0, 700.0])
def test_a_spot_of_the_other_side_of_a_split_refuses_the_chain(tmp_path: Path, spot: float) -> None:
    """Quotes imply 100 although all strikes lie far above: a share that has lost two thirds."""
    path = chain(tmp_path, "a.csv", QUOTED)

    file = living(choice_of(path), spot=spot)

    assert len(file.chain) == 0
    assert reasons(file) == {"spot_out_of_proportion": 10}
    assert len(living(choice_of(path), spot=110.0).chain) == 10


@pytest.mark.parametrize(("spot", "left"), [(20.0, 0), (40.0, 2), (280.0, 2), (320.0, 0)])
def test_without_quotes_the_open_interest_tells_where_the_spot_may_be(
    tmp_path: Path, spot: float, left: int
) -> None:
    rows = [level(), level(strike=105.0, open_interest=1)]

    file = living(choice_of(json_file(tmp_path / "oi.jsonl", rows)), spot=spot)

    assert len(file.chain) == left


def test_open_interest_without_a_price_is_kept_and_named(tmp_path: Path) -> None:
    rows = [*ROWS, Row("2026-07-17", 110.0, call=Side("5", "0"), put=Side(""))]

    file = living(choice_of(chain(tmp_path, "a.csv", rows)))

    assert len(file.chain) == 10
    assert reasons(file) == {"no_implied_volatility": 1, "no_open_interest": 1}
    assert np.nansum(file.chain.open_interest) == 85.0


def test_levels_of_the_session_take_the_place_of_the_chain_s_own(tmp_path: Path) -> None:
    rows = [lean_row("20160115", "600", "C"), lean_row("20160115", "610", "C", open_interest="4")]
    universe = write(tmp_path / "goog/20151223.csv", lean_text(rows, underlying_close="605"))
    archive = tmp_path / "levels.zip"
    with zipfile.ZipFile(archive, "w") as stream:
        for right, strike, level_ in (("call", 600, 7), ("put", 590, 3)):
            name = f"20151223_goog_minute_openinterest_american_{right}_{strike}0000_20160115.csv"
            stream.writestr(name, f"23400000,{level_}\n")

    choice = choice_of(universe, archive)

    assert verdicts(choice) == ["used", "used"]
    file = living(choice)
    found = zip(file.chain.strike, file.chain.is_call, file.chain.open_interest, strict=True)
    assert sorted(found) == [(590.0, False, 3.0), (600.0, True, 7.0), (610.0, True, 4.0)]
    assert reasons(file) == {"no_implied_volatility": 1}
    assert file.chain.spot == 605.0


def test_levels_of_another_session_are_not_mixed_in(tmp_path: Path) -> None:
    rows = [lean_row("20160115", "600", "C")]
    universe = write(tmp_path / "goog/20151222.csv", lean_text(rows, underlying_close="605"))
    archive = tmp_path / "levels.zip"
    with zipfile.ZipFile(archive, "w") as stream:
        name = "20151223_goog_minute_openinterest_american_call_6000000_20160115.csv"
        stream.writestr(name, "23400000,7\n")

    choice = choice_of(universe, archive)

    assert verdicts(choice) == ["used", "superseded"]
    assert living(choice).chain.open_interest.tolist() == [10.0]


def test_a_date_alone_counts_from_its_first_instant(tmp_path: Path) -> None:
    rows = [lean_row("20160115", "600", "C")]
    paths = [
        write(tmp_path / f"goog/201512{day}.csv", lean_text([*rows, f"#{day}"])) for day in (22, 23)
    ]

    assert verdicts(choice_of(*paths, as_of="2015-12-23T09:30:00-05:00")) == ["superseded", "used"]
    assert verdicts(choice_of(*paths, as_of="2015-12-22T23:59:00-05:00")) == ["used", "superseded"]


def test_our_own_rows_stand_as_they_were_last_stated(tmp_path: Path) -> None:
    def at(day: int) -> str:
        return f"{date(2026, 6, 21) + timedelta(days=day)}T06:31:00-04:00"

    path = json_file(
        tmp_path / "oi.jsonl",
        [
            level(event_time=at(1), spot=99.0),
            level(event_time=at(2), open_interest=12, spot=101.0),
            level(event_time=at(1), strike=105.0, bid=1.0, ask=1.5, gamma=0.02),
            level(event_time=at(3), open_interest=15),
        ],
    )

    now, then = (living(choice_of(path, as_of=as_of)) for as_of in (None, at(2)))

    assert sorted(zip(now.chain.strike, now.chain.open_interest, strict=True)) == [
        (100, 15),
        (105, 10),
    ]
    assert sorted(zip(then.chain.strike, then.chain.open_interest, strict=True)) == [
        (100, 12),
        (105, 10),
    ]
    assert (now.chain.spot, then.chain.spot) == (101.0, 101.0)
    assert (now.chain.as_of_ns, then.chain.as_of_ns) == (parse_time(at(3)), parse_time(at(2)))
    np.testing.assert_equal(sorted(now.chain.mid), [1.25, np.nan])
    np.testing.assert_equal(sorted(now.chain.vendor_gamma), [0.02, np.nan])


def test_rows_of_one_time_that_differ_are_in_doubt(tmp_path: Path) -> None:
    path = json_file(
        tmp_path / "oi.jsonl",
        [level(), level(open_interest=11), level(strike=105.0), level(strike=105.0)],
    )

    file = living(choice_of(path))

    assert file.chain.strike.tolist() == [105.0]
    assert reasons(file) == {"contradictory": 2, "duplicate": 1}


def test_bad_rows_are_their_underlying_s_or_nobody_s(tmp_path: Path) -> None:
    path = json_file(
        tmp_path / "oi.jsonl",
        [
            level(),
            level(underlying="BETA"),
            level(underlying="BETA", strike=0),
            "?",
            level(right="x", underlying="NONE"),
        ],
    )

    files, unclaimed = read_chains([path], calendar=option_calendar())

    found = {file.chain.underlying: reasons(file) for file in files}
    assert found == {"ACME": {}, "BETA": {"bad_strike": 1}}
    assert sorted(reject.reason for reject in unclaimed) == ["bad_right", "malformed"]
