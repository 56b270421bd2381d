"""What the alerts are worth on recorded bars and on the simulated week (run by `make evidence`)."""

import json
from collections.abc import Sequence
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from services import scenario_tables as tables
from services.cli import main
from tests.support.real_data import FOLDER, needs_real_data

BARS = FOLDER / "intraday" / "5min"
RECORDED = {"QQQ": "QQQ", "SPY": "SPY", "SMH": "SOXX", "NVDA": "NVDA", "TSLA": "TSLA"}
RECORDED |= {"MSTR": "MSTR", "COIN": "COIN"}
"""Recorded symbols, and the reference of the simulated market whose funds and volumes are taken."""
FIRST_CLOSES = {"QQQ": 488.3, "SPY": 564.3, "SMH": 223.7, "NVDA": 116.65, "TSLA": 298.26}
FIRST_CLOSES |= {"MSTR": 416.0, "COIN": 199.3}
"""Near the closes of 2025-05-09; only the first session hangs on them."""
STATED = ("2025-05-12", *(f"2025-{month:02}-03" for month in range(6, 13)))
"""The same round assets are stated anew each month, so that they do not run away."""


def quality(folder: Path, market: Sequence[str]) -> list[dict[str, float | str | None]]:
    """Replay a market with its rules, print the table, and return it."""
    command = ["replay", *market, "--every", "5m", "--report", str(folder / "quality.json")]
    result = CliRunner().invoke(main, [*command, "--output", str(folder / "rows.parquet")])
    assert result.exit_code == 0, result.output
    click.echo(f"\n{result.stderr}")
    found: list[dict[str, float | str | None]] = json.loads((folder / "quality.json").read_text())[
        "quality"
    ]
    return found


def symbol_levels(
    found: Sequence[dict[str, float | str | None]],
) -> dict[str, dict[str, float]]:
    """Return the levels of the rule on symbols that fired."""
    return {
        str(each["level"]): {k: v for k, v in each.items() if isinstance(v, int | float)}
        for each in found
        if each["rule"] == "forced-flow" and each["alerts"]
    }


@needs_real_data
@pytest.mark.timeout(600)
def test_alerts_on_recorded_bars(tmp_path: Path) -> None:
    universe = tmp_path / "universe"
    write_recorded_universe(universe)
    words = ["--universe", str(universe), "--rules", str(tables.MARKET / "rules.yaml")]
    for symbol in RECORDED:
        words += ["--prices", str(BARS / f"{symbol}.csv")]
    words += ["--bar", "5m", "--timezone", "America/New_York"]
    words += ["--column", "event_time=datetime", "--column", "price=close"]

    levels = symbol_levels(quality(tmp_path, words))

    assert levels.keys() == {"watch", "warning", "critical"}
    # An alert nobody has time for, or that the close denies as often as not, is none.
    assert all(found["lead_median_minutes"] >= 60.0 for found in levels.values())
    assert all(levels[level]["confirmed"] >= 0.5 for level in ("watch", "warning"))
    # Of the gravest there are too few to tell.
    assert levels["critical"]["alerts"] <= 20


@pytest.mark.timeout(600)
def test_alerts_on_the_simulated_week(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["scenario", "--output", str(tmp_path)])
    assert result.exit_code == 0, result.output
    words = ["--universe", str(tmp_path / "universe"), "--rules", str(tmp_path / "rules.yaml")]
    words += [
        "--prices",
        str(tmp_path / "prices.jsonl"),
        "--flows",
        str(tmp_path / "etf-flows.jsonl"),
    ]

    levels = symbol_levels(quality(tmp_path, words))

    assert levels.keys() == {"watch", "warning", "critical"}
    assert all(found["lead_median_minutes"] >= 30.0 for found in levels.values())


def write_recorded_universe(folder: Path) -> None:
    """Write the recorded references with funds and volumes of the simulated market."""
    stated = {row["symbol"]: row for row in tables.table("references")}
    references = ["symbol,name,venue,currency,previous_close,adv_usd,auction_usd,daily_volatility"]
    funds = [
        (
            "fund,name,issuer,venue,reference,leverage_factor,reset,vehicle,assets_usd,"
            "effective_at,known_at,listed_on"
        )
    ]
    for symbol, known_as in RECORDED.items():
        row = stated[known_as]
        references.append(
            f"{symbol},{symbol},{row['venue']},USD,{FIRST_CLOSES[symbol]},{row['adv_usd']},"
            f"{row['auction_usd']},{row['daily_volatility']}"
        )
        funds += [
            f"{fund['fund']},{fund['fund']},issuer,{row['venue']},{symbol},"
            f"{fund['leverage_factor']},daily,swap,{fund['assets_usd']},{day},,2020-01-02"
            for fund in tables.table("funds")
            if fund["reference"] == known_as and fund["reset"] == "daily"
            for day in STATED
        ]
    folder.mkdir()
    (folder / "references.csv").write_text("\n".join(references) + "\n")
    (folder / "funds.csv").write_text("\n".join(funds) + "\n")
