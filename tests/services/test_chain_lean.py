"""QuantConnect LEAN's universes and open interest: contracts, levels and times."""

import zipfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from core.errors import ConfigError
from services.chain_layouts import layout_of
from services.chain_lean import read_lean_universe
from services.chain_lean_levels import read_lean_levels
from services.chain_rows import ChainFile
from services.option_calendar import option_calendar
from services.rows import session_text, time_text
from tests.support.chain_texts import lean_row, lean_text, write

NEW_YORK = "America/New_York"
ENTRY = "20151223_goog_minute_openinterest_american_call_6125000_20151224.csv"


def universe(folder: Path, *rows: str, name: str = "universes/goog/20151223.csv") -> ChainFile:
    path = write(folder / name, lean_text(rows))
    assert layout_of(path) == "lean"
    return read_lean_universe(path, option_calendar())


def levels(folder: Path, entries: Mapping[str, str]) -> list[ChainFile]:
    path = folder / "levels.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return read_lean_levels(path, option_calendar())


def reasons(file: ChainFile) -> dict[str, int]:
    return dict(Counter(reject.reason for reject in file.rejects))


def test_a_universe_is_known_at_its_session_s_close(tmp_path: Path) -> None:
    rows = [
        lean_row("20151224", "612.5", "C"),
        lean_row("20160115", "600", "P", open_interest="", implied_volatility="0", gamma="0"),
    ]

    file = universe(tmp_path, *rows)

    chain = file.chain
    assert (chain.underlying, chain.spot, chain.roots) == ("GOOG", 100.5, ("GOOG",))
    assert time_text(chain.as_of_ns, NEW_YORK) == "2015-12-23T16:00:00-05:00"
    assert not file.has_time
    assert chain.strike.tolist() == [612.5, 600.0]
    assert chain.is_call.tolist() == [True, False]
    np.testing.assert_equal(chain.open_interest, [10.0, np.nan])
    np.testing.assert_equal(chain.implied_volatility, [0.2, np.nan])
    # Greeks beside a volatility of 0 were never computed.
    np.testing.assert_equal(chain.vendor_gamma, [0.01, np.nan])
    assert np.isnan(chain.mid).all()
    assert [time_text(ns, NEW_YORK) for ns in chain.settlement_ns.tolist()] == [
        "2015-12-24T13:00:00-05:00",
        "2016-01-15T16:00:00-05:00",
    ]
    assert file.rejects == []


def test_older_universes_name_contracts_by_their_symbols(tmp_path: Path) -> None:
    header = (
        "#symbol_id,symbol_value,open,high,low,close,volume,open_interest,implied_volatility,"
        "delta,gamma,vega,theta,rho"
    )
    rows = [
        "SPX 31,SPX,3700.65,3700.65,3700.65,3700.65,60,,,,,,,",
        "XL8|SPX 31,SPXW  210115C03200000,518,537,499,530,6,11755,0.444,0.97,0.0002,0.3,0.5,0.8",
        "XL9|SPX 31,nothing 7,518,537,499,530,6,11755,0.444,0.97,0.0002,0.3,0.5,0.8",
    ]
    path = write(tmp_path / "spxw/20210104.csv", "\n".join([header, *rows, ""]))

    file = read_lean_universe(path, option_calendar())

    chain = file.chain
    assert (chain.underlying, chain.roots, chain.spot) == ("SPX", ("SPXW",), 3700.65)
    assert (chain.strike.tolist(), chain.open_interest.tolist()) == ([3200.0], [11755.0])
    assert session_text(int(chain.expiry[0])) == "2021-01-15"
    assert reasons(file) == {"bad_contract": 1}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (lean_row("20151324", "600", "C"), "bad_contract"),
        (lean_row("20151224", "0", "C"), "bad_contract"),
        (lean_row("20151224", "600", "X"), "bad_contract"),
        (lean_row("", "600", "C"), "bad_contract"),
        (lean_row("20151224", "600", "C") + ",1", "malformed"),
        ("20151224,600,C,1", "malformed"),
        (lean_row("20151224", "600", "C", open_interest="-1"), "bad_open_interest"),
        (lean_row("20151224", "600", "C", implied_volatility="nan"), "bad_implied_volatility"),
    ],
)
def test_rows_that_are_no_contracts_are_refused(tmp_path: Path, row: str, reason: str) -> None:
    file = universe(tmp_path, lean_row("20160115", "600", "C"), row)

    assert reasons(file) == {reason: 1}
    assert (len(file.chain), file.rows) == (1, 2)
    assert (file.rejects[0].line, file.rejects[0].raw.decode()) == (4, row)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("universes/goog/latest.csv", "neither underlying nor date"),
        ("my universes/20151223.csv", "neither underlying nor date"),
        ("universes/goog/20151225.csv", "the date of a session"),
    ],
)
def test_a_universe_has_to_say_of_what_and_when(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        universe(tmp_path, lean_row("20151224", "600", "C"), name=name)


def test_a_universe_may_be_named_after_its_underlying(tmp_path: Path) -> None:
    file = universe(tmp_path, lean_row("20151224", "600", "C"), name="a b/GOOG_20151223.csv")

    assert file.chain.underlying == "GOOG"


def test_levels_of_a_minute_zip_are_those_of_the_morning(tmp_path: Path) -> None:
    put = ENTRY.replace("call", "put").replace("6125000", "921400")

    [file] = levels(tmp_path, {ENTRY: "23400000,15\n", put: "23460000,0\n23520000,7\n"})

    chain = file.chain
    assert file.is_levels
    assert (chain.underlying, chain.strike.tolist()) == ("GOOG", [612.5, 92.14])
    assert chain.is_call.tolist() == [True, False]
    assert chain.open_interest.tolist() == [15.0, 7.0]
    assert np.isnan(chain.implied_volatility).all()
    assert np.isnan(chain.spot)
    assert time_text(chain.as_of_ns, NEW_YORK) == "2015-12-23T06:32:00-05:00"
    assert [session_text(day) for day in chain.effective_label.tolist()] == ["2015-12-23"] * 2


def test_a_daily_zip_has_a_chain_for_each_session(tmp_path: Path) -> None:
    name = ENTRY.removeprefix("20151223_").replace("_minute", "")

    files = levels(tmp_path, {name: "20151222 00:00,4\n20151223 00:00,5\n"})

    stated = [
        (session_text(int(f.chain.effective_label[0])), f.chain.open_interest[0]) for f in files
    ]
    assert stated == [("2015-12-22", 4.0), ("2015-12-23", 5.0)]
    assert files[0].digest != files[1].digest


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("readme.txt", "", "bad_contract"),
        (ENTRY.replace("20151224", "20151332"), "23400000,1", "bad_contract"),
        (ENTRY.replace("6125000", "0"), "23400000,1", "bad_contract"),
        (ENTRY.replace("612", "613"), "", "malformed"),
        (ENTRY.replace("612", "613"), "noon,1", "bad_event_time"),
        (ENTRY.replace("612", "613"), "86400000,1", "bad_event_time"),
        (ENTRY.replace("612", "613"), "23400000,-1", "bad_open_interest"),
        (ENTRY.replace("612", "613"), "23400000,", "bad_open_interest"),
    ],
)
def test_files_of_a_zip_that_are_no_levels_are_refused(
    tmp_path: Path, name: str, content: str, reason: str
) -> None:
    [file] = levels(tmp_path, {ENTRY: "23400000,15\n", name: content})

    assert len(file.chain) == 1
    assert reasons(file) == {reason: 1}
    assert file.rejects[0].raw.decode() == f"{name}: {content}"


def test_what_is_no_zip_of_levels_says_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="files of contracts such as"):
        levels(tmp_path, {"readme.txt": "hello"})
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK\x03\x04 not really")
    with pytest.raises(ConfigError, match="a zip of open interest"):
        read_lean_levels(broken, option_calendar())


def test_a_damaged_zip_is_an_error_that_says_so(tmp_path: Path) -> None:
    path = tmp_path / "levels.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(ENTRY, "23400000,7\n" * 40)
    sound = path.read_bytes()
    refused = 0

    for place in range(len(sound)):
        for wrong in (b"\x00", b"\x63", b"\xff"):
            path.write_bytes(sound[:place] + wrong + sound[place + 1 :])
            try:
                layout_of(path)
                read_lean_levels(path, option_calendar())
            except ConfigError:
                refused += 1

    assert refused > len(sound)
