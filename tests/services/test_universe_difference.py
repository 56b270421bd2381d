"""What an import would change, in the words of a risk desk."""

from collections.abc import Sequence
from typing import Any

import pytest

from services.universe_difference import changed_rows, difference
from tests.support.universes import Cells, fund, reference, universe_from

REFERENCES = [reference("ACME", previous_close=100, adv_usd=1e9), reference("BOLT")]
FUNDS = [
    fund("ACMU", "ACME", 2, assets_usd=8e8),
    fund("ACMD", "ACME", -1, assets_usd=1e8),
    fund("BOLU", "BOLT", 3, assets_usd=5e7),
]


def told(after: dict[str, Sequence[Any]], **before: Sequence[Any]) -> list[str]:
    """The difference of two universes of these rows, as lines."""
    common: dict[str, Sequence[Any]] = {"references": REFERENCES, "funds": FUNDS}
    old, new = universe_from(**(common | before)), universe_from(**(common | before | after))
    return [line for block in difference(old, new) for line in block.lines()]


def test_funds_that_come_and_go() -> None:
    lines = told({"funds": [*FUNDS[:2], fund("NEWU", "BOLT", 2, assets_usd=7e7, vehicle="note")]})

    assert lines == [
        "funds              1 added, 1 removed",
        "  + NEWU: +2 on BOLT, assets 70 m, daily note",
        "  − BOLU: +3 on BOLT, assets 50 m, daily swap",
        "assets             0 funds changed; all funds 950 m → 970 m (+20 m)",
        "due per 1 % move   1 reference changed; all 21 m → 19 m (-2 m)",
        "  BOLT: 3 m → 1 m (-2 m)",
    ]


def test_a_leverage_factor_that_changes_from_a_session_on() -> None:
    changed = fund("ACMD", "ACME", -2, assets_usd=1e8, effective_at="2026-06-24")

    assert told({"funds": [*FUNDS, changed]}) == [
        "leverage           1 fund changed",
        "  ACMD: -1 → -2 from 2026-06-24, assets 100 m",
        "due per 1 % move   1 reference changed; all 21 m → 25 m (+4 m)",
        "  ACME: 18 m → 22 m (+4 m)",
    ]


def test_assets_that_change_the_largest_first() -> None:
    newer = [
        fund("BOLU", "BOLT", 3, assets_usd=6e7, effective_at="2026-06-24"),
        fund("ACMU", "ACME", 2, assets_usd=9e8, effective_at="2026-06-24"),
    ]

    assert told({"funds": [*FUNDS, *newer]})[:3] == [
        "assets             2 funds changed; all funds 950 m → 1.06 bn (+110 m)",
        "  ACMU: 800 m → 900 m (+100 m) from 2026-06-24",
        "  BOLU: 50 m → 60 m (+10 m) from 2026-06-24",
    ]


def test_assets_that_become_known_or_unknown() -> None:
    unknown = [*FUNDS[:2], fund("BOLU", "BOLT", 3)]

    lines = told({"funds": FUNDS}, funds=unknown)

    assert "  BOLU: – → 50 m from 2026-06-23" in lines
    assert "  BOLT: 0 → 3 m (+3 m)" in lines
    assert "  BOLU: 50 m → – from 2026-06-23" in told({"funds": unknown})


def test_a_corrected_figure_that_arrives_late() -> None:
    late = fund("ACMU", "ACME", 2, assets_usd=9e8, known_at="2026-06-23T15:30:00-04:00")
    early = fund("BOLU", "BOLT", 3, assets_usd=6e7, effective_at="2026-06-24")

    lines = told({"funds": [*FUNDS, late, early]})

    assert lines[-2:] == [
        "known late         1 figure",
        "  ACMU: +2, assets 900 m for 2026-06-23, known from 2026-06-23T15:30:00-04:00",
    ]


def test_figures_of_the_past_that_are_rewritten() -> None:
    newer = [each | {"assets_usd": "", "effective_at": "2026-06-24"} for each in FUNDS]
    rewritten = [
        fund("ACMU", "ACME", 2, assets_usd=7e8),
        fund("ACMD", "ACME", -1, assets_usd=4e8),
        fund("BOLU", "BOLT", 3, assets_usd=5e7),
    ]

    lines = told({"funds": [*rewritten, *newer[:2]]}, funds=[*FUNDS, *newer])

    assert lines[-3:] == [
        "past figures       2 changed as if always known so, 1 no longer stated",
        "  ACMD 2026-06-23: -1 100 m → -1 400 m",
        "  ACMU 2026-06-23: +2 800 m → +2 700 m",
    ]


def test_terms_of_funds_that_change() -> None:
    moved = fund("BOLU", "ACME", 3, assets_usd=5e7, reset="weekly")

    lines = told({"funds": [*FUNDS[:2], moved]})

    assert "  BOLU: reference BOLT → ACME" in lines
    assert "  BOLU: reset daily → weekly" in lines
    assert "  BOLT: 3 m → 0 (-3 m)" in lines


def test_references_and_what_is_said_of_them() -> None:
    references = [
        reference("ACME", previous_close=110, adv_usd=1e9, venue="XNYS"),
        reference("BOLT", adv_usd=2e9),
        reference("CORP"),
    ]

    assert told({"references": references}) == [
        "references         1 added, 0 removed",
        "  + CORP",
        "reference terms    2 changed",
        "  ACME: venue XNAS → XNYS",
        "  ACME: sessions XNAS → XNYS",
        "their figures      changed: previous close of 1, ADV of 1",
    ]


def test_splits_rooms_and_listings() -> None:
    split = {"symbol": "ACME", "effective_at": "2026-06-25", "price_factor": 0.1}
    rooms: list[Cells] = [{"room": "ai", "symbol": "ACME"}, {"room": "old", "symbol": "ACME"}]
    listing = {"symbol": "ACME.X", "reference": "ACME", "kind": "price", "factor": 0.5}
    options = {"symbol": "ACMX", "reference": "ACME", "kind": "option", "factor": 10}

    lines = told(
        {
            "corporate_actions": [split | {"known_at": "2026-06-24T17:00:00-04:00"}],
            "rooms": [{"room": "ai", "symbol": "BOLT"}, {"room": "new", "symbol": "ACME"}],
            "listings": [listing | {"factor": 0.25}, options],
        },
        rooms=rooms,
        listings=[listing],
    )

    assert lines == [
        "splits             1 added, 0 removed",
        "  + ACME: closes before 2026-06-25 × 0.1, known from 2026-06-24T17:00:00-04:00",
        "rooms              1 added, 1 removed",
        "  + new",
        "  − old",
        "room members       1 changed",
        "  ai: +BOLT −ACME",
        "price listings     1 changed",
        "  ACME.X: 0.5 × price of ACME → 0.25 × price of ACME",
        "option listings    1 changed",
        "  + ACMX: 10 × price of ACME",
    ]


def test_of_many_the_first_are_shown_and_the_others_counted() -> None:
    many = [fund(f"F{number:02}", "ACME", 2, assets_usd=1e6) for number in range(30)]

    lines = told({"funds": [*FUNDS, *many]})

    assert lines[0] == "funds              30 added, 0 removed"
    assert lines[11] == "  … and 20 more"


def test_what_moves_no_figure_is_still_counted_by_rows() -> None:
    before = {"funds.csv": [b"fund", b"A", b"B"], "fx.csv": [b"currency", b"KRW"]}
    after = {"funds.csv": [b"fund", b"B", b"A"], "fx.csv": [b"currency", b"JPY", b"KRW"]}

    assert changed_rows(before, after).lines() == [
        "rows of files      funds.csv in another order, fx.csv +1 −0"
    ]
    assert changed_rows(before, before).summary == "all the same"


@pytest.mark.parametrize("rows", [FUNDS, FUNDS[:1]])
def test_the_same_has_no_difference(rows: list[Cells]) -> None:
    assert told({"funds": rows}, funds=rows) == []
