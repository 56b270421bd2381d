from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.universe import Universe
from services.universe_cells import Finding, UniverseError
from services.universe_files import build_universe, load_universe
from services.universe_layouts import FUNDS, LAYOUTS, REFERENCES
from services.universe_tables import read_contents
from tests.support.universes import sessions

TIME = "a date, or a time with offset like 2026-06-23T09:30:00-04:00"
VENUE = "a MIC that services/venues.toml lists (others can be added there)"
SYMBOL = "a symbol of 1 to 16 characters A-Z, 0-9, '.', '_', '-'"
LISTED = "a symbol that references.csv lists"
CALENDAR = "24/7, or a MIC or calendar that services/venues.toml lists"
AFTER_OPEN = "a time after the open on every day of XNYS, 2005-01-03 included"
UP_TO_LAST = "a time up to 2035-12-31, the last session of XNAS"

HEADS = {file: ",".join(layout.columns) for file, layout in LAYOUTS.items()}
ACME = "ACME,Acme,XNAS,USD,200,3e9,2.5e8,0.02,,,,"
KNOWN = "BOLT,Bolt,XNAS,USD,40,,,,,24/7,16:00,America/New_York"
ACMU = "ACMU,2x Acme,Issuer,XNAS,ACME,2,daily,swap,8e8,2026-06-23,,2024-05-01,"


def findings(contents: dict[str, str]) -> list[str]:
    """Return the findings of files given as the lines below their full headers."""
    full = {REFERENCES: ACME, FUNDS: ACMU} | contents
    data: dict[str, bytes | OSError] = {
        file: f"{HEADS[file]}\n{lines}".encode() for file, lines in full.items()
    }
    return raw_findings(data)


def raw_findings(data: Mapping[str, bytes | OSError]) -> list[str]:
    with pytest.raises(UniverseError) as caught:
        build_universe(read_contents(data), sessions=sessions)
    return [str(finding) for finding in caught.value.findings]


EVERYTHING_WRONG = {
    REFERENCES: f"""{ACME}
BOLT,Bolt,XNOW,USD,40,5e8,4e7,0.04,,,,
CORE,Core,XNYS,USD,-1,5e8,,,,,,
DUST,Dust,XNYS,dollar,,,,,2026-06-23T09:30:00,,,
""",
    FUNDS: """ACMU,2x,I,XNAS,ACME,two,daily,swap,8e8,2026-06-23,,2024-05-01,
ACMD,"1x
short",I,XNAS,ACME,-1,hourly,swap,1e8,2026-06-23,,2024-05-01,
LOST,2x,I,XNAS,NONE,2,daily,swap,1e8,2026-06-23,,,
ACM3,3x,I,ARCX,ACME,3,daily,swap,1e8,,,,
""",
    "rooms.csv": "ai,BOLT\nai,NONE",
    "listings.csv": "ACM2,ACME,price,",
    "fx.csv": "KRW,0,2026-06-23,",
}


def test_every_fault_is_reported_at_once() -> None:
    assert findings(EVERYTHING_WRONG) == [
        f"references.csv:3: venue: expected {VENUE}, was 'XNOW'",
        "references.csv:4: previous_close: expected a number above 0, or nothing, was '-1'",
        "references.csv:5: currency: expected a currency of three letters A-Z, was 'dollar'",
        f"references.csv:5: effective_at: expected {TIME}, was '2026-06-23T09:30:00'",
        "funds.csv:2: leverage_factor: expected a number, was 'two'",
        "funds.csv:3: name: expected printable text, was '1x\\nshort'",
        "funds.csv:3: reset: expected one of daily, weekly, monthly, quarterly, none, was 'hourly'",
        f"funds.csv:5: reference: expected {LISTED}, was 'NONE'",
        f"funds.csv:6: effective_at: expected {TIME}, was ''",
        f"rooms.csv:3: symbol: expected {LISTED}, was 'NONE'",
        "listings.csv:2: factor: expected a number, was ''",
        "fx.csv:2: usd: expected a number above 0, was '0'",
    ]


def test_the_message_lists_every_finding_a_line() -> None:
    contents = {REFERENCES: b"symbol", FUNDS: b""}

    with pytest.raises(UniverseError) as caught:
        build_universe(read_contents(contents), sessions=sessions)

    assert str(caught.value).splitlines() == raw_findings(contents)


@pytest.mark.parametrize(
    ("row", "finding"),
    [
        ("acme,A,XNAS,USD,,,,,,,,", f"symbol: expected {SYMBOL}, was 'acme'"),
        (",A,XNAS,USD,,,,,,,,", f"symbol: expected {SYMBOL}, was ''"),
        ("B,A,,USD,,,,,,,,", f"venue: expected {VENUE}, was ''"),
        ("B,A,XNAS,USD,,,1_0,,,,,", "auction_usd: expected a number, was '1_0'"),
        ("B,A,XNAS,USD,,,,nan,,,,", "daily_volatility: expected a number, was 'nan'"),
        ("B,A,XNAS,USD,,1e999,,,,,,", "adv_usd: expected a number, was '1e999'"),
        ("B,A,XNAS,USD,,٣,,,,,,", "adv_usd: expected a number, was '٣'"),
        (
            "B,A,XNAS,USD,,,,,,25/7,,",
            f"calendar: expected {CALENDAR}, was '25/7'",
        ),
        ("B,A,XNAS,USD,,,,,,,4pm,", "strike_time: expected a time of day like 16:00, was '4pm'"),
        (
            "B,A,XNAS,USD,,,,,,,08:00,",
            f"strike_time: expected {AFTER_OPEN}, was '08:00'",
        ),
        (
            "B,A,XNAS,USD,,,,,,,16:00,Mars",
            "strike_zone: expected an IANA time zone like America/New_York, was 'Mars'",
        ),
        ("B,A,XNAS,USD,,,,,2026-02-30,,,", f"effective_at: expected {TIME}, was '2026-02-30'"),
        (
            "B,A,XNAS,USD,,,,,2036-01-01,,,",
            f"effective_at: expected {UP_TO_LAST}, was '2036-01-01'",
        ),
        (
            "ACME,Other,XNAS,USD,,,,,2026-06-23,,,",
            "name: expected 'Acme' as in line 2, was 'Other'",
        ),
        (
            "ACME,Acme,XNYS,USD,,,,,2026-06-23,,,",
            "venue: expected 'XNAS' as in line 2, was 'XNYS'",
        ),
        (
            "ACME,Acme,XNAS,USD,201,,,,,,,",
            "effective_at: expected another session than line 2 has, was ''",
        ),
        ("B,A,XNAS,USD,,,,,,,", "expected 12 cells, as in the header, was 11"),
        ("B,A,XNAS,USD,,,,,,,,,", "expected 12 cells, as in the header, was 13"),
        ('B,"A"x,XNAS,USD,,,,,,,,', "expected comma-separated values, was ',' expected after '\"'"),
    ],
)
def test_a_faulty_reference_is_found(row: str, finding: str) -> None:
    assert findings({REFERENCES: f"{ACME}\n{row}"}) == [f"references.csv:3: {finding}"]


@pytest.mark.parametrize(
    ("row", "finding"),
    [
        ("A,n", "expected 13 cells, as in the header, was 2"),
        ("A,n,I,XNOW,ACME,2,daily,swap,,2026-06-23,,,", f"venue: expected {VENUE}, was 'XNOW'"),
        (
            "A,n,I,XNAS,ACME,,daily,swap,,2026-06-23,,,",
            "leverage_factor: expected a number, was ''",
        ),
        (
            "A,n,I,XNAS,ACME,inf,daily,swap,,2026-06-23,,,",
            "leverage_factor: expected a number, was 'inf'",
        ),
        (
            "A,n,I,XNAS,ACME,2,daily,cash,,2026-06-23,,,",
            "vehicle: expected one of swap, futures, options, physical, note, was 'cash'",
        ),
        (
            "A,n,I,XNAS,ACME,2,daily,swap,-1,2026-06-23,,,",
            "assets_usd: expected 0 or more, or nothing, was '-1'",
        ),
        (
            "A,n,I,XNAS,ACME,2,daily,swap,,2026-06-23,2026-06-23 09:30,,",
            f"known_at: expected {TIME}, was '2026-06-23 09:30'",
        ),
        (
            "A,n,I,XNAS,ACME,2,daily,swap,,2026-06-23,2026-06-23T25:00:00Z,,",
            f"known_at: expected {TIME}, was '2026-06-23T25:00:00Z'",
        ),
        (
            "A,n,I,XNAS,ACME,2,daily,swap,,2026-06-23,2036-01-01,,",
            "known_at: expected a time within the sessions of XNAS, was '2036-01-01'",
        ),
        (
            "A,n,I,XNAS,ACME,2,daily,swap,,2026-06-23,9999-01-01T00:00:00Z,,",
            f"known_at: expected {TIME}, was '9999-01-01T00:00:00Z'",
        ),
        (
            "A,n,I,XNAS,ACME,2,daily,swap,,2026-06-23,,2024,",
            "listed_on: expected a date like 2026-06-23, or nothing, was '2024'",
        ),
        (
            "A,n,I,XNAS,ACME,2,weekly,swap,,2026-06-23,,,0",
            "reset_price: expected a number above 0, or nothing, was '0'",
        ),
        (
            "ACMU,2x Acme,Issuer,XNAS,BOLT,2,daily,swap,8e8,2026-06-24,,,",
            "reference: expected 'ACME' as in line 2, was 'BOLT'",
        ),
        (
            "ACMU,n,I,XNAS,ACME,2,daily,swap,,2026-06-23,2026-06-23T13:30:00Z,,",
            "effective_at: expected another session or known_at than line 2 has, was '2026-06-23'",
        ),
    ],
)
def test_a_faulty_fund_is_found(row: str, finding: str) -> None:
    found = findings({REFERENCES: f"{ACME}\n{KNOWN}", FUNDS: f"{ACMU}\n{row}"})

    assert found == [f"funds.csv:3: {finding}"]


@pytest.mark.parametrize(
    ("file", "row", "finding"),
    [
        ("rooms.csv", ",ACME", "room: expected a name of 1 to 64 characters, was ''"),
        ("rooms.csv", "ai,ACME\nai,ACME", "symbol: expected no repetition of line 2, was 'ACME'"),
        ("listings.csv", "acm,ACME,price,1", f"symbol: expected {SYMBOL}, was 'acm'"),
        ("listings.csv", "ACM,NONE,price,1", f"reference: expected {LISTED}, was 'NONE'"),
        (
            "listings.csv",
            "ACME,ACME,price,1",
            "symbol: expected an instrument that is no reference itself, was 'ACME'",
        ),
        (
            "listings.csv",
            "ACM,ACME,proxy,1",
            "kind: expected one of price, option, fund, was 'proxy'",
        ),
        ("listings.csv", "ACM,ACME,price,0", "factor: expected a number above 0, was '0'"),
        (
            "listings.csv",
            "ACM,ACME,price,1\nACM,ACME,price,2",
            "symbol: expected no repetition of line 2, was 'ACM'",
        ),
        ("corporate_actions.csv", "NONE,2026-06-23,,2", f"symbol: expected {LISTED}, was 'NONE'"),
        ("corporate_actions.csv", "ACME,,,2", f"effective_at: expected {TIME}, was ''"),
        (
            "corporate_actions.csv",
            "ACME,2026-06-23,,",
            "price_factor: expected a number, was ''",
        ),
        (
            "corporate_actions.csv",
            "ACME,2026-06-20,,2\nACME,2026-06-21,,2",
            "effective_at: expected no repetition of line 2, was '2026-06-21'",
        ),
        ("fx.csv", "krw,1,2026-06-23,", "currency: expected a currency of three letters A-Z,"),
        ("fx.csv", "KRW,1,,", f"effective_at: expected {TIME}, was ''"),
        (
            "fx.csv",
            "KRW,1,2026-06-23,\nKRW,2,2026-06-23,",
            "effective_at: expected no repetition of line 2, was '2026-06-23'",
        ),
    ],
)
def test_a_faulty_row_of_another_file_is_found(file: str, row: str, finding: str) -> None:
    (found,) = findings({file: row})

    assert found.startswith(f"{file}:{2 + row.count(chr(10))}: {finding}")


def test_files_that_cannot_be_used_are_found_and_nothing_is_judged_by_them() -> None:
    good = f"{HEADS[FUNDS]}\n{ACMU}".encode()

    assert raw_findings({FUNDS: good}) == ["references.csv: expected a file, was missing"]
    assert raw_findings({REFERENCES: b"", FUNDS: good}) == [
        "references.csv: expected a line of column names, was none"
    ]
    assert raw_findings({REFERENCES: b"symbol\nACM\xff\n", FUNDS: good}) == [
        "references.csv:2: expected text in UTF-8, was the byte 0xff"
    ]
    assert raw_findings({REFERENCES: OSError(5, "Input/output error"), FUNDS: good}) == [
        "references.csv: expected a readable file, was Input/output error"
    ]


def test_missing_and_doubled_columns_are_found_at_the_header() -> None:
    references = f"{HEADS[REFERENCES]}\n{ACME}".encode()
    funds = HEADS[FUNDS].replace("vehicle,", "").replace("name", "issuer")

    assert raw_findings({REFERENCES: references, FUNDS: f"\n{funds}\n".encode()}) == [
        "funds.csv:2: name: expected this column, was missing",
        "funds.csv:2: vehicle: expected this column, was missing",
        "funds.csv:2: issuer: expected one column of this name, was 2 of them",
    ]


def test_a_folder_without_files_is_found(tmp_path: Path) -> None:
    with pytest.raises(UniverseError, match=r"funds\.csv: expected a file, was missing"):
        load_universe(tmp_path, sessions=sessions)


def test_a_file_that_is_a_folder_is_found(tmp_path: Path) -> None:
    (tmp_path / "references.csv").mkdir()
    (tmp_path / "funds.csv").write_text(HEADS[FUNDS])

    with pytest.raises(UniverseError, match=r"references\.csv: expected a readable file, was Is a"):
        load_universe(tmp_path, sessions=sessions)


CELLS = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        [
            *("", "ACME", "0", "-1", "1e400", "9" * 400, "24/7", "16:00", "XKRX", "\0", '"'),
            *("2026-06-23", "0001-01-01", "9999-12-31"),
            *("2026-06-23T23:59:60Z", "0001-01-01T00:00:00+23:59"),
        ]
    ),
)
WHOLE = {
    REFERENCES: [ACME, KNOWN],
    FUNDS: [ACMU, ACMU.replace("2026-06-23", "2026-06-24")],
    "rooms.csv": ["ai,ACME"],
    "listings.csv": ["ACM,ACME,price,1"],
    "corporate_actions.csv": ["ACME,2026-06-23,,2", "ACMU,2026-06-23,,2"],
    "fx.csv": ["KRW,1,2026-06-23,"],
}
PLACES = [
    (file, line, column)
    for file, lines in WHOLE.items()
    for line in range(len(lines) + 1)
    for column in range(len(LAYOUTS[file].columns))
]


def spoilt(faults: dict[tuple[str, int, int], str]) -> dict[str, bytes]:
    contents = {}
    for file, lines in WHOLE.items():
        rows = [line.split(",") for line in (HEADS[file], *lines)]
        for (_, line, column), cell in ((k, v) for k, v in faults.items() if k[0] == file):
            rows[line][column] = cell
        contents[file] = "\n".join(",".join(row) for row in rows).encode("utf-8", "surrogatepass")
    return contents


def outcome(contents: dict[str, bytes]) -> Universe | tuple[Finding, ...]:
    """Return the universe, or the findings of its error; nothing else may be raised."""
    try:
        return build_universe(read_contents(contents), sessions=sessions)
    except UniverseError as error:
        return error.findings


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(PLACES), CELLS, max_size=6))
def test_spoilt_cells_end_in_a_universe_or_its_error(
    faults: dict[tuple[str, int, int], str],
) -> None:
    assert outcome(spoilt(faults))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(list(LAYOUTS)), st.binary(max_size=60))
def test_any_bytes_end_in_a_universe_or_its_error(file: str, content: bytes) -> None:
    assert outcome(spoilt({}) | {file: content})


def test_the_unspoilt_files_are_a_universe() -> None:
    assert isinstance(outcome(spoilt({})), Universe)
