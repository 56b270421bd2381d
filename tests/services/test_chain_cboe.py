"""Chains of Cboe's page: what is read of them, and what is refused with which reason."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.errors import ConfigError
from services.chain_cboe import read_cboe
from services.chain_rows import ChainFile
from services.option_calendar import option_calendar
from services.rows import session_text, time_text
from tests.support.chain_texts import Row, Side, cboe_text, write

ROW = Row("2026-07-17", 100.0)


def read(path: Path, text: str) -> ChainFile:
    return read_cboe(write(path / "ACME.csv", text), option_calendar())


def reasons(file: ChainFile) -> dict[str, int]:
    return dict(Counter(reject.reason for reject in file.rejects))


def test_a_row_is_a_call_and_a_put(tmp_path: Path) -> None:
    call = Side("1234", "0.25", "0.031", bid="2.4", ask="2.6")
    put = Side("0", "0", "0", bid="0", ask="0.05")

    file = read(tmp_path, cboe_text([replace(ROW, call=call, put=put)]))

    chain = file.chain
    assert (chain.underlying, chain.spot, chain.roots) == ("ACME", 100.0, ("ACME",))
    assert time_text(chain.as_of_ns, "America/New_York") == "2026-06-22T10:30:00-04:00"
    assert [session_text(day) for day in chain.expiry.tolist()] == ["2026-07-17"] * 2
    assert chain.strike.tolist() == [100.0, 100.0]
    assert chain.is_call.tolist() == [True, False]
    assert chain.open_interest.tolist() == [1234.0, 0.0]
    # A volatility of 0 is none, and a quote needs both sides.
    np.testing.assert_equal(chain.implied_volatility, [0.25, np.nan])
    np.testing.assert_equal(chain.mid, [2.5, np.nan])
    assert chain.vendor_gamma.tolist() == [0.031, 0.0]
    assert {time_text(ns, "America/New_York") for ns in chain.settlement_ns.tolist()} == {
        "2026-07-17T16:00:00-04:00"
    }
    assert [session_text(day) for day in chain.effective_label.tolist()] == ["2026-06-22"] * 2
    assert (file.rows, file.rejects) == (2, [])


def test_localised_heads_and_numbers_are_read(tmp_path: Path) -> None:
    side = Side("21.801", "0,25", "0,031", bid="2,4", ask="2,6")
    rows = [
        Row("2026-07-17", 1200.0, side, side, strike_cell="1.200,00", date_cell="vie 17 jul 2026")
    ]
    text = cboe_text(rows, stated="Date: 22 de junio de 2026, 16:30 GMT+2", last="Último: 1.201,5")

    file = read(tmp_path, text)

    chain = file.chain
    assert time_text(chain.as_of_ns, "America/New_York") == "2026-06-22T10:30:00-04:00"
    assert chain.spot == 1201.5
    assert chain.open_interest.tolist() == [21801.0] * 2
    assert chain.implied_volatility.tolist() == [0.25] * 2
    assert chain.mid.tolist() == [2.5] * 2
    assert file.rejects == []


def test_other_delimiters_and_thousands_are_read(tmp_path: Path) -> None:
    side = Side("12,345")

    semicolons, commas = (
        read(tmp_path, cboe_text([replace(ROW, call=side, put=side)], delimiter=mark))
        for mark in (";", ",")
    )

    assert semicolons.chain.open_interest.tolist() == [12345.0] * 2
    assert commas.chain.open_interest.tolist() == [12345.0] * 2


def test_roots_of_one_index_are_two_contracts(tmp_path: Path) -> None:
    rows = [Row("2026-07-17", 6000.0, root=root) for root in ("SPX", "SPXW")]

    chain = read_cboe(
        write(tmp_path / "spx.csv", cboe_text(rows, last="Last: 6001")), option_calendar()
    ).chain

    assert chain.underlying == "SPX"
    assert [chain.roots[code] for code in chain.root] == ["SPX", "SPX", "SPXW", "SPXW"]
    hours = [time_text(ns, "America/New_York") for ns in chain.settlement_ns.tolist()]
    assert [hour and hour[11:16] for hour in hours] == ["09:30", "09:30", "16:00", "16:00"]
    assert not chain.is_american.any()
    assert chain.is_cash_settled.all()


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (Side("-5"), "bad_open_interest"),
        (Side("NaN"), "bad_open_interest"),
        (Side("1.5"), "bad_open_interest"),
        (Side("many"), "bad_open_interest"),
        (Side(implied_volatility="-0.2"), "bad_implied_volatility"),
        # 21.5 % written as a percentage.
        (Side(implied_volatility="21.5"), "bad_implied_volatility"),
        (Side(gamma="-0.1"), "bad_gamma"),
        (Side(bid="?"), "bad_quote"),
    ],
)
def test_figures_that_cannot_be_right_cost_their_contract(
    tmp_path: Path, call: Side, reason: str
) -> None:
    rows = [replace(ROW, call=call), replace(ROW, strike=105.0)]

    file = read(tmp_path, cboe_text(rows))

    assert reasons(file) == {reason: 1}
    assert len(file.chain) == 3
    [bad] = file.rejects
    assert bad.line == 5
    assert bad.raw.decode() == cboe_text(rows).splitlines()[4]


def test_an_empty_level_is_unknown_and_not_zero(tmp_path: Path) -> None:
    file = read(tmp_path, cboe_text([replace(ROW, call=Side(""))]))

    np.testing.assert_equal(file.chain.open_interest, [np.nan, 10.0])
    assert file.rejects == []


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (replace(ROW, strike_cell="101.00"), {"contradictory": 2}),
        (replace(ROW, date_cell="Fri Jul 24 2026"), {"contradictory": 2}),
        (replace(ROW, root="OTHER"), {"other_underlying": 2}),
        (replace(ROW, root="ACME1"), {"adjusted_contract": 2}),
        (replace(ROW, expiry="2055-07-16"), {"bad_expiry": 2}),
        (replace(ROW, root="?"), {"bad_symbol": 2}),
    ],
)
def test_rows_whose_contract_is_in_doubt_are_refused(
    tmp_path: Path, row: Row, expected: dict[str, int]
) -> None:
    sound = [replace(ROW, strike=strike) for strike in (90.0, 95.0)]

    file = read(tmp_path, cboe_text([*sound, row]))

    assert reasons(file) == expected
    assert len(file.chain) == 4
    assert file.rows == 6


def test_lines_that_break_off_bear_two_contracts(tmp_path: Path) -> None:
    text = cboe_text([ROW, replace(ROW, strike=105.0)])

    file = read(tmp_path, text[:-40] + "\n\xff")

    assert reasons(file) == {"malformed": 4}
    assert len(file.chain) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "table of 22 columns"),
        ("a,b,c\n1,2,3\n", "table of 22 columns"),
        (cboe_text([]), "option contracts below its head"),
        (cboe_text([ROW], stated="Date: soon"), "a line with date and time"),
    ],
)
def test_what_is_no_chain_says_what_was_expected(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read(tmp_path, text)


def test_the_digest_is_of_the_table_alone(tmp_path: Path) -> None:
    first, later, other = (
        read(tmp_path, text).digest
        for text in (
            cboe_text([ROW]),
            cboe_text([ROW], stated="Date: June 23, 2026 at 9:00 AM EDT", last="Last: 101"),
            cboe_text([replace(ROW, call=Side("11"))]),
        )
    )

    assert first == later != other
