from datetime import date, datetime
from pathlib import Path

import numpy as np
import pytest

from core.sessions import NANOS_PER_SECOND, NO_SESSION
from core.universe import Universe
from services.universe_files import load_universe, universe_summary
from services.universe_tables import read_folder
from services.venues import EPOCH_ORDINAL
from tests.support.universes import (
    EXAMPLE,
    fund,
    reference,
    sessions,
    universe_from,
    write_universe,
)


def label(day: str) -> int:
    return date.fromisoformat(day).toordinal() - EPOCH_ORDINAL


def instant(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp()) * NANOS_PER_SECOND


def test_the_worked_example_loads() -> None:
    universe = load_universe(EXAMPLE / "universe", sessions=sessions)

    assert universe.symbol == ("QUIL", "TARN", "099999")
    assert universe.currency == ("USD", "USD", "KRW")
    assert universe.fund == ("QUIU", "QUID", "QUI3", "TARU", "TARZ", "7888")
    assert universe.fund_reference.tolist() == [0, 0, 0, 1, 1, 2]
    assert universe.fund_figures.leverage_factor.tolist() == [2, -1, 3, 2, -2, 2]
    assert universe.fund_figures.assets_usd.tolist() == [6e8, 2e8, 9e7, 7.5e7, 2.5e7, 3e8]
    assert universe.reference_figures.adv_usd.tolist() == [2.4e9, 4e8, 6e8]
    assert np.isnan(universe.reference_figures.auction_usd[2])
    assert universe.reference_figures.effective_label.tolist() == [NO_SESSION] * 3


def test_a_hong_kong_fund_on_a_korean_share_has_the_korean_sessions() -> None:
    universe = load_universe(EXAMPLE / "universe", sessions=sessions)
    fund_index = universe.fund.index("7888")

    schedule = universe.schedules[universe.schedule[universe.fund_reference[fund_index]]]

    assert universe.fund_venue[fund_index] == "XHKG"
    assert schedule.name == "XKRX"
    at = schedule.label.tolist().index(label("2026-06-16"))
    assert schedule.close_ns[at] == instant("2026-06-16T15:30:00+09:00")
    assert universe.fund_figures.known_ns[fund_index] == instant("2026-06-16T09:00:00+09:00")


def test_a_bitcoin_reference_ends_at_four_in_new_york() -> None:
    universe = universe_from(
        references=[
            reference("BTC", calendar="24/7", strike_time="16:00", strike_zone="America/New_York"),
            "ACME",
        ],
        funds=[fund("BTCU", "BTC", 2, effective_at="2026-06-21")],
    )

    table = universe.schedules[universe.schedule[0]]

    assert universe.fund_figures.effective_label.tolist() == [label("2026-06-21")]
    at = table.label.tolist().index(label("2026-06-21"))
    assert table.close_ns[at] == instant("2026-06-21T16:00:00-04:00")
    assert len(universe.schedules) == 2


def test_references_of_one_schedule_share_its_table() -> None:
    universe = universe_from(references=["A", reference("B", venue="XNYS"), "C"])

    assert universe.schedule.tolist() == [0, 1, 0]
    assert [table.name for table in universe.schedules] == ["XNAS", "XNYS"]


def dated(effective_at: str, known_at: str = "", venue: str = "XNAS") -> tuple[int, int]:
    """Return the effective label and the known time that two cells of a fund mean."""
    row = fund("ACMU", "ACME", 2, effective_at=effective_at, known_at=known_at)
    universe = universe_from(references=[reference("ACME", venue=venue)], funds=[row])
    figures = universe.fund_figures
    return int(figures.effective_label[0]), int(figures.known_ns[0])


@pytest.mark.parametrize(
    ("effective_at", "day"),
    [
        ("2026-06-23", "2026-06-23"),
        ("2026-06-20", "2026-06-22"),
        ("2026-06-19", "2026-06-22"),
        ("2026-06-23T09:30:00-04:00", "2026-06-23"),
        ("2026-06-23T09:30:00.000000001-04:00", "2026-06-24"),
        ("2026-06-22T16:00:00-04:00", "2026-06-23"),
        ("2026-06-23T13:30:00Z", "2026-06-23"),
        ("1999-01-01", "2005-01-03"),
    ],
)
def test_effective_at_is_the_first_session_on_or_after_it(effective_at: str, day: str) -> None:
    opening = sessions("XNAS").open_ns[sessions("XNAS").label == label(day)]

    assert dated(effective_at) == (label(day), opening[0])


@pytest.mark.parametrize(
    ("known_at", "instant_known"),
    [
        ("", "2026-06-23T09:30:00-04:00"),
        ("2026-06-23", "2026-06-23T09:30:00-04:00"),
        ("2026-06-20", "2026-06-22T09:30:00-04:00"),
        ("2026-06-26", "2026-06-26T09:30:00-04:00"),
        ("2026-06-23T20:15:00-04:00", "2026-06-23T20:15:00-04:00"),
    ],
)
def test_known_at_is_an_instant_or_before_a_sessions_open(
    known_at: str, instant_known: str
) -> None:
    assert dated("2026-06-23", known_at) == (label("2026-06-23"), instant(instant_known))


def test_a_date_is_the_sessions_of_the_reference_own_venue() -> None:
    effective, known_ns = dated("2026-06-03", venue="XKRX")

    assert effective == label("2026-06-04")
    assert known_ns == instant("2026-06-04T09:00:00+09:00")


def test_several_rows_of_a_fund_are_its_history_and_the_newest_names_it() -> None:
    universe = universe_from(
        references=["ACME"],
        funds=[
            fund("ACMU", "ACME", 2, effective_at="2024-03-01", name="2x", vehicle="swap"),
            fund("ACMU", "ACME", 1.5, effective_at="2022-08-09", name="1.5x", vehicle="physical"),
            fund("ACMD", "ACME", -1, assets_usd=5),
            fund("ACMU", "ACME", 2.5, effective_at="2024-03-01", known_at="2024-02-29", name="x"),
        ],
    )

    figures = universe.fund_figures
    assert figures.fund.tolist() == [0, 0, 0, 1]
    assert figures.leverage_factor.tolist() == [1.5, 2.5, 2, -1]
    assert figures.effective_label[:3].tolist() == [
        label("2022-08-09"),
        label("2024-03-01"),
        label("2024-03-01"),
    ]
    assert np.isnan(figures.assets_usd[:3]).all()
    assert universe.fund_name == ("2x", "ACMD Fund")
    assert universe.fund_is_physical.tolist() == [False, False]


def test_several_rows_of_a_reference_are_its_history() -> None:
    universe = universe_from(
        references=[
            reference("ACME", previous_close=210, effective_at="2026-06-24"),
            reference("BOLT", adv_usd=7),
            reference("ACME", previous_close=200, effective_at="2026-06-23"),
            reference("ACME", daily_volatility=0.02),
        ]
    )

    figures = universe.reference_figures
    assert universe.symbol == ("ACME", "BOLT")
    assert figures.reference.tolist() == [0, 0, 0, 1]
    assert figures.effective_label.tolist() == [
        NO_SESSION,
        label("2026-06-23"),
        label("2026-06-24"),
        NO_SESSION,
    ]
    assert figures.previous_close[1:3].tolist() == [200, 210]


def test_leverage_is_any_real_number() -> None:
    factors = [-3.0, -0.5, 0.0, 1.0, 1.25, 2.0]
    universe = universe_from(
        references=["ACME"],
        funds=[fund(f"F{i}", "ACME", factor) for i, factor in enumerate(factors)],
    )

    assert universe.fund_figures.leverage_factor.tolist() == factors


def test_rooms_listings_and_splits_are_bound_to_references() -> None:
    universe = universe_from(
        references=["ACME", "BOLT", "TQQQ"],
        funds=[fund("TQQQ", "ACME", 3), fund("BOLU", "BOLT", 2)],
        rooms=[
            {"room": "ai-chips", "symbol": "BOLT"},
            {"room": "ai-chips", "symbol": "ACME"},
            {"room": "Korea semis", "symbol": "ACME"},
        ],
        listings=[
            {"symbol": "ACM.L", "reference": "ACME", "kind": "price", "factor": 0.1},
            {"symbol": "XACM", "reference": "ACME", "kind": "option", "factor": 100},
        ],
        corporate_actions=[
            {"symbol": "BOLT", "effective_at": "2026-06-24", "price_factor": 0.5},
            {"symbol": "BOLT", "effective_at": "2025-06-24", "price_factor": 0.1},
            {"symbol": "BOLU", "effective_at": "2025-06-24", "price_factor": 0.2},
            {
                "symbol": "ACME",
                "effective_at": "2026-06-24",
                "known_at": "2026-05-01T12:00:00Z",
                "price_factor": 10,
            },
        ],
        fx=[{"currency": "KRW", "usd": 0.00073, "effective_at": "2026-06-23"}],
    )

    assert {room: members.tolist() for room, members in universe.rooms.items()} == {
        "ai-chips": [1, 0],
        "Korea semis": [0],
    }
    assert universe.price_listings == {"ACM.L": (0, 0.1)}
    factors = universe.price_factors
    assert factors.reference.tolist() == [0, 1, 1]
    assert factors.factor.tolist() == [10, 0.1, 0.5]
    assert factors.known_ns[0] == instant("2026-05-01T12:00:00Z")
    assert factors.effective_label[1:].tolist() == [label("2025-06-24"), label("2026-06-24")]


def test_the_summary_counts_what_is_not_covered_or_not_known() -> None:
    universe = universe_from(
        references=["ACME", reference("BOLT", venue="XNYS"), "CORE"],
        funds=[
            fund("A", "ACME", 2, assets_usd=1),
            fund("B", "ACME", 2, reset="weekly"),
            fund("C", "ACME", 2, reset="weekly", assets_usd=1),
            fund("D", "BOLT", 2, reset="none"),
            fund("D", "BOLT", 2, reset="none", effective_at="2026-06-24", assets_usd=0),
        ],
        rooms=[{"room": "ai", "symbol": "ACME"}],
    )

    summary = universe_summary(universe)

    assert summary.references == 3
    assert summary.venues == {"XNAS": 2, "XNYS": 1}
    assert (summary.funds, summary.fund_figures) == (4, 5)
    assert summary.uncovered_funds == {"none": 1, "weekly": 2}
    assert summary.unknown_assets == 1
    assert summary.rooms == 1
    assert summary.version == universe.version


def rewritten(universe: Path, directory: Path, *, order: int, end: str) -> Path:
    """Write a universe's files again with other line ends and column order, and a column more."""
    directory.mkdir()
    for file in universe.iterdir():
        lines = [line.split(",") for line in file.read_text().splitlines()]
        texts = [",".join(f" {cell} " for cell in (*line, "more")[::order]) for line in lines]
        (directory / file.name).write_bytes(b"\xef\xbb\xbf" + end.join(texts).encode())
    return directory


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\n\n \n"])
def test_the_version_is_of_the_content_not_of_its_writing(tmp_path: Path, end: str) -> None:
    again = rewritten(EXAMPLE / "universe", tmp_path / "again", order=-1, end=end)

    one, other = (load_universe(d, sessions=sessions) for d in (EXAMPLE / "universe", again))

    assert other.version == one.version
    assert other.symbol == one.symbol


def test_any_cell_changes_the_version() -> None:
    def version(**cells: object) -> str:
        return universe_from(references=[reference("ACME", **cells), "BOLT"]).version

    versions = {
        version(),
        version(adv_usd=1),
        version(auction_usd=1),
        version(name="Other"),
        universe_from(references=["BOLT", "ACME"]).version,
    }

    assert len(versions) == 5


def test_notes_tell_what_is_not_used(tmp_path: Path) -> None:
    folder = write_universe(tmp_path, references=["ACME"])
    (folder / "baskets.csv").write_text("basket,symbol,weight,effective_at\n")
    (folder / "fund.csv").write_text("")
    (folder / "funds.csv").write_text(
        "fund,name,issuer,venue,reference,leverage_factor,reset,vehicle,assets_usd,effective_at,"
        "known_at,listed_on,fee\n"
    )

    assert read_folder(folder).notes == [
        "funds.csv: the column 'fee' is not used",
        "baskets.csv: not used yet",
        "fund.csv: not a file of a universe",
    ]


def test_a_universe_is_made_of_arrays_of_the_documented_types() -> None:
    def check(universe: Universe) -> None:
        assert universe.schedule.dtype == np.int32
        assert universe.fund_reference.dtype == np.int32
        assert universe.fund_is_physical.dtype == np.bool_
        for name, kind in (("fund", np.int32), ("effective_label", np.int64)):
            assert getattr(universe.fund_figures, name).dtype == kind
        for name, kind in (("reference", np.int32), ("effective_label", np.int64)):
            assert getattr(universe.reference_figures, name).dtype == kind
            assert getattr(universe.price_factors, name).dtype == kind

    check(universe_from(references=["ACME"]))
    check(universe_from(references=["ACME"], funds=[fund("ACMU", "ACME", 2)]))
