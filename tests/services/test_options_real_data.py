"""Recorded chains through the command, none edited, against figures computed apart."""

import csv
import json
import math
import shutil
import statistics
import zipfile
from collections import defaultdict
from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from click.testing import CliRunner

from services.cli import main
from tests.support.naive_gamma import Contract, contracts, exposure, vendor_exposure
from tests.support.real_data import FOLDER, needs_real_data

pytestmark = needs_real_data

NEW_YORK = ZoneInfo("America/New_York")
CHAINS = FOLDER / "chains"
LEAN = FOLDER / "lean/Data/option/usa"
SPX = CHAINS / "SPX_2024-01-07.csv"
MORNING, EVENING = (
    CHAINS / "SPY_2025-May-1_8-28AM_5ea1c59.csv",
    CHAINS / "SPY_2025-May-1_4-49PM_98acd4e.csv",
)
FRIDAY, STALE = (
    CHAINS / "SPY_2025-May-2_6-47PM_9bf5229.csv",
    CHAINS / "SPY_2025-May-6_9-13AM_597fc0c.csv",
)
GOOG, AAPL = LEAN / "universes/goog/20151223.csv", LEAN / "universes/aapl/20140605.csv"
HALF_DAYS = {"20151224", "20140703"}
GOOG_LEVELS = LEAN / "minute/goog/20151223_openinterest_american.zip"


def profile(folder: Path, *arguments: object) -> dict[str, Any]:
    output = folder / "out.jsonl"
    result = CliRunner().invoke(main, ["options", *map(str, arguments), "--output", str(output)])
    assert result.exit_code == 0, result.output
    [line] = output.read_text(encoding="utf-8").splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def settled(root: str, day: datetime) -> datetime:
    """Return when a contract settles: SPX at the open of third Fridays, all else at the close."""
    is_third_friday = day.weekday() == 4 and 15 <= day.day <= 21
    opens = time(9, 30) if root == "SPX" and is_third_friday else time(16)
    return datetime.combine(day, opens, NEW_YORK)


def rows_of(path: Path, found: dict[str, Any]) -> tuple[list[Contract], list[Contract]]:
    """Return the contracts of a file that live at the profile's time, and those that do not."""
    every = list(contracts(path, datetime.fromisoformat(found["as_of"]), settled))
    return [c for c in every if c.seconds >= 0], [c for c in every if c.seconds < 0]


@pytest.mark.parametrize("path", sorted(CHAINS.glob("*.csv")), ids=lambda path: str(path.stem)[:20])
def test_every_recorded_chain_is_counted_to_the_contract(tmp_path: Path, path: Path) -> None:
    found = profile(tmp_path, path)

    living, expired = rows_of(path, found)
    calls = sum(c.open_interest for c in living if c.is_call)
    puts = sum(c.open_interest for c in living if not c.is_call)
    unpriced = sum(c.open_interest > 0 and c.volatility == 0 for c in living)
    expected = {"expired": len(expired), "no_implied_volatility": unpriced}
    assert found["rejected"] == {reason: count for reason, count in expected.items() if count}
    assert found["contracts"] == len(living)
    assert found["open_interest"] == calls + puts
    assert found["put_call_open_interest"] == pytest.approx(puts / calls)
    assert found["vendor_gamma_exposure_usd_per_1pct"] == pytest.approx(
        vendor_exposure(living, found["spot"])
    )


@pytest.mark.parametrize("path", sorted(CHAINS.glob("*.csv")), ids=lambda path: str(path.stem)[:20])
def test_our_greeks_see_the_gamma_that_the_vendor_sees(tmp_path: Path, path: Path) -> None:
    """Where the options were quoted; the head's spot may be of another hour."""
    gap = profile(tmp_path, path)["method"]["quotes_gap"]
    head = profile(tmp_path, path)["spot"]

    found = profile(tmp_path, path, "--spot", head / (1.0 + gap))

    living, _ = rows_of(path, found)
    gross = sum(c.gamma * c.open_interest for c in living) * found["spot"] ** 2
    ours = found["gamma_exposure_usd_per_1pct"]
    assert -ours["customers_long"] == pytest.approx(gross, rel=0.05)
    vendor = found["vendor_gamma_exposure_usd_per_1pct"]
    # Quotes of the evening before have the next day's time in their gamma, ours has the morning's.
    assert abs(ours["index_convention"] - vendor) < 0.1 * gross
    assert found["coverage"] > 0.85
    assert 0.0 <= found["share_0dte"] < 0.5
    assert found["call_wall"] > 0.9 * head
    assert found["put_wall"] < 1.1 * head
    assert math.isfinite(found["risk_reversal_25d_30d"])


def test_the_published_exposure_of_an_index_chain_and_what_carry_does_to_it(
    tmp_path: Path,
) -> None:
    found = profile(tmp_path, SPX)

    # Published by somebody else from the same file: -11.00 bn by the vendor's gamma, and a flip at
    # 4734 with neither rates nor dividends, time in business days of 262 a year.
    assert found["vendor_gamma_exposure_usd_per_1pct"] == pytest.approx(-10.9987e9, rel=1e-5)
    every = rows_of(SPX, found)[0]
    published = [published_time(c, found["as_of"]) for c in every]
    spot = found["spot"]
    grid = [spot * (0.8 + 0.4 * step / 59) for step in range(60)]
    profile_ = [exposure(published, at, rate=0, dividend_yield=0) for at in grid]
    turn = next(i for i in range(59) if profile_[i] < 0 < profile_[i + 1])
    share = profile_[turn] / (profile_[turn] - profile_[turn + 1])
    assert grid[turn] + share * (grid[turn + 1] - grid[turn]) == pytest.approx(4734.478, abs=0.01)
    # Ours prices each expiry on the forward that its quotes imply, moved by as much as the spot at
    # the head stands off the quotes: with them the slow sum gives our figure and our level, without
    # them nearly twice the vendor's.
    gap = found["method"]["quotes_gap"]
    forwards = {at: f * (1.0 + gap) for at, f in parity_forwards(every, spot).items()}
    ours = found["gamma_exposure_usd_per_1pct"]["index_convention"]
    assert on_forwards(every, forwards, spot, at=spot) == pytest.approx(ours, rel=0.02)
    assert (
        exposure(every, spot, rate=0, dividend_yield=0)
        < 1.8 * found["vendor_gamma_exposure_usd_per_1pct"]
    )
    [level] = found["zero_gamma"]
    assert level["level"] == pytest.approx(4734.478, rel=0.005)
    below, above = (
        on_forwards(every, forwards, spot, at=level["level"] + step) for step in (-3.0, 3.0)
    )
    assert below < 0.0 < above


def published_time(contract: Contract, as_of: str) -> Contract:
    """Return a contract with its time in business days of 262 a year, at least one."""
    day = f"20{contract.symbol[-15:-13]}-{contract.symbol[-13:-11]}-{contract.symbol[-11:-9]}"
    days = int(np.busday_count(datetime.fromisoformat(as_of).date(), day))
    return replace(contract, years=max(days, 1) / 262)


def parity_forwards(found: list[Contract], spot: float) -> dict[float, float]:
    """Return seconds to settlement -> median of strike + call - put near the money."""
    pairs: defaultdict[tuple[float, str, float], dict[bool, float]] = defaultdict(dict)
    for c in found:
        if c.bid > 0 and abs(c.strike / spot - 1) < 0.03:
            pairs[c.seconds, c.symbol[:-15], c.strike][c.is_call] = (c.bid + c.ask) / 2
    implied: defaultdict[float, list[float]] = defaultdict(list)
    for (seconds, _, strike), mids in pairs.items():
        if len(mids) == 2:
            implied[seconds].append(strike + mids[True] - mids[False])
    return {seconds: statistics.median(each) for seconds, each in implied.items()}


def on_forwards(
    found: list[Contract], forwards: dict[float, float], spot: float, *, at: float
) -> float:
    """Return the slow exposure with each expiry on its forward; spot where none is implied."""
    by_time: defaultdict[float, list[Contract]] = defaultdict(list)
    for c in found:
        by_time[c.seconds].append(c)
    return sum(
        exposure(
            own,
            at,
            rate=0.0,
            dividend_yield=-math.log(forwards.get(seconds, spot) / spot) / own[0].years,
        )
        for seconds, own in by_time.items()
    )


def test_morning_and_evening_hold_the_same_inventory(tmp_path: Path) -> None:
    """Open interest is of the morning: what moves in a day is its price."""
    morning = profile(tmp_path, MORNING)
    evening = profile(tmp_path, EVENING, "--as-of", "2025-05-01T15:59:00-04:00")
    after = profile(tmp_path, EVENING)

    assert morning["open_interest"] == evening["open_interest"] == 2_138_709 + 5_071_426
    assert morning["put_call_open_interest"] == evening["put_call_open_interest"]
    assert morning["open_interest_session"] == evening["open_interest_session"] == "2025-05-01"
    assert [evening["spot"], morning["spot"]] == [557.65, 560.36]
    moved = [each["vendor_gamma_exposure_usd_per_1pct"] / 1e9 for each in (morning, evening, after)]
    assert moved == pytest.approx([-0.055, 1.563, -0.628], abs=5e-4)
    assert evening["notes"]["stated_later"]
    # The head's spot is of before the open, the options' quotes of the evening before.
    assert "0.71 % below" in morning["notes"]["quotes_off_spot"]
    assert after["rejected"]["expired"] == 386


def test_the_same_table_under_a_fresh_head_is_not_believed(tmp_path: Path) -> None:
    found = profile(tmp_path, STALE, FRIDAY)
    alone = profile(tmp_path, STALE)

    assert found["as_of"] == "2025-05-02T18:47:00-04:00"
    assert found["rejected"]["stale_body"] == 4708
    assert [each["verdict"] for each in found["files"]] == ["used", "stale_body"]
    # Without its older twin its expiries give it away.
    assert "2025-05-02" in alone["notes"]["older_than_its_head"]
    assert alone["rejected"]["expired"] == 866


def test_a_chain_cut_short_is_not_believed(tmp_path: Path) -> None:
    lines = FRIDAY.read_text(encoding="utf-8").splitlines()
    short = tmp_path / "SPY.csv"
    short.write_text("\n".join(lines[:82]).replace("6:47 PM", "6:42 PM"), encoding="utf-8")

    found = profile(tmp_path, short, FRIDAY)

    assert [each["verdict"] for each in found["files"]] == ["truncated", "used"]
    assert found["rejected"]["truncated"] == 2 * 78
    assert found["as_of"] == "2025-05-02T18:47:00-04:00"


def test_a_rightly_named_file_with_another_underlying_is_not_believed(tmp_path: Path) -> None:
    wrong = tmp_path / "spx_quotedata.csv"
    shutil.copy(CHAINS / "NVDA_2025-01-06.csv", wrong)
    output = tmp_path / "out.jsonl"

    result = CliRunner().invoke(main, ["options", str(wrong), "--output", str(output)])

    assert result.exit_code == 3
    found = json.loads(output.read_text(encoding="utf-8"))
    assert (found["underlying"], found["contracts"]) == ("NVDA", 0)
    assert found["rejected"] == {"wrong_symbol": 1086}


def lean_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        names = stream.readline().lstrip("#").strip().split(",")
        return [row for row in csv.DictReader(stream, names) if row["expiry"]]


@pytest.mark.parametrize(
    ("path", "usable", "close"), [(GOOG, 1105, 748.54), (AAPL, 878, 649.56)], ids=["GOOG", "AAPL"]
)
def test_lean_universes_are_counted_to_the_contract(
    tmp_path: Path, path: Path, usable: int, close: float
) -> None:
    found = profile(tmp_path, path)

    rows = lean_rows(path)
    stated = [row for row in rows if row["open_interest"]]
    level = {True: 0.0, False: 0.0}
    for row in stated:
        level[row["right"] == "C"] += float(row["open_interest"])
    priced = [row for row in stated if float(row["implied_volatility"]) > 0]
    open_ = [row for row in stated if float(row["open_interest"]) > 0]
    assert sum(float(row["open_interest"]) > 0 for row in priced) == usable
    assert found["spot"] == close
    assert found["as_of"][11:] in {"16:00:00-05:00", "16:00:00-04:00"}
    assert found["contracts"] == len(rows)
    assert found["open_interest"] == level[True] + level[False]
    assert found["put_call_open_interest"] == pytest.approx(level[False] / level[True])
    assert found["rejected"] == {
        "no_open_interest": len(rows) - len(stated),
        "no_implied_volatility": len(open_) - usable,
    }
    vendor = sum(
        (1 if row["right"] == "C" else -1) * float(row["gamma"]) * float(row["open_interest"])
        for row in priced
    )
    assert found["vendor_gamma_exposure_usd_per_1pct"] == pytest.approx(vendor * close**2)
    gross = sum(float(row["gamma"]) * float(row["open_interest"]) for row in priced) * close**2
    assert -found["gamma_exposure_usd_per_1pct"]["customers_long"] == pytest.approx(gross, rel=0.1)
    assert found["zero_gamma"] or found["zero_gamma_reason"]


def test_a_session_s_own_open_interest_takes_its_place(tmp_path: Path) -> None:
    """GOOG on 2015-12-23 with the levels published that morning."""
    found = profile(tmp_path, GOOG, GOOG_LEVELS)

    levels = {}
    with zipfile.ZipFile(GOOG_LEVELS) as archive:
        for name in archive.namelist():
            parts = name.removesuffix(".csv").split("_")
            level = float(archive.read(name).decode().split(",")[1])
            levels[parts[7], parts[5][0].upper(), int(parts[6]) / 10_000] = level
    for row in lean_rows(GOOG):
        key = (row["expiry"], row["right"], float(row["strike"]))
        levels.setdefault(key, float(row["open_interest"] or 0))
    assert found["open_interest"] == sum(levels.values())
    assert found["contracts"] == len(levels)
    own = next(each for each in found["by_expiry"] if each["expiry"] == "2015-12-24")
    assert own["call_open_interest"] + own["put_open_interest"] == sum(
        level for (expiry, _, _), level in levels.items() if expiry == "20151224"
    )
    assert [each["verdict"] for each in found["files"]] == ["used", "used"]
    assert found["as_of"] == "2015-12-23T16:00:00-05:00"


def minutes(path: Path) -> dict[time, float]:
    """Return New York's time of day -> price at the end of the minute before."""
    with zipfile.ZipFile(path) as archive:
        text = archive.read(archive.namelist()[0]).decode()
    found = {}
    for line in text.split():
        milliseconds, _, _, _, close, _ = line.split(",")
        after = int(milliseconds) // 60_000 + 1
        found[time(after // 60, after % 60)] = float(close) / 10_000
    return found


@pytest.mark.parametrize(
    ("path", "trades"),
    [
        (GOOG, "equity/usa/minute/goog/20151223_trade.zip"),
        (AAPL, "equity/usa/minute/aapl/20140605_trade.zip"),
    ],
    ids=["GOOG", "AAPL"],
)
def test_through_a_day_the_inventory_stands_and_is_repriced(
    tmp_path: Path, path: Path, trades: str
) -> None:
    """Minute trades of the same day at several times, one open interest."""
    day = datetime.strptime(path.stem, "%Y%m%d").replace(tzinfo=NEW_YORK)
    prices = minutes(FOLDER / "lean/Data" / trades)
    seen = []
    for clock in (time(10), time(12, 30), time(15, 30), time(16)):
        moment = datetime.combine(day, clock, NEW_YORK)
        found = profile(tmp_path, path, "--as-of", moment.isoformat(), "--spot", prices[clock])
        # Without quotes there is no parity: the slow sum on the spot is the whole story.
        rows = [
            Contract(
                row["expiry"], float(row["strike"]), row["right"] == "C",
                max(seconds, 3600) / (365 * 86400), seconds, float(row["implied_volatility"]),
                0.0, float(row["open_interest"] or 0), 0.0, 0.0,
            )
            for row in lean_rows(path)
            if (seconds := lean_settlement(row["expiry"]).timestamp() - moment.timestamp()) >= 0
        ]  # fmt: skip
        expected = exposure(rows, prices[clock], rate=0, dividend_yield=0)
        ours = found["gamma_exposure_usd_per_1pct"]["index_convention"]
        assert ours == pytest.approx(expected, rel=1e-6)
        assert found["method"]["forwards"] == {"configured": len({r.symbol for r in rows})}
        seen.append((found["open_interest"], ours))
    assert len({inventory for inventory, _ in seen}) == 1
    assert len({exposure_ for _, exposure_ in seen}) == 4


def lean_settlement(expiry: str) -> datetime:
    """Return when shares' options settle: the close, on a half day and for Saturdays too."""
    day = datetime.strptime(expiry, "%Y%m%d").replace(tzinfo=NEW_YORK)
    friday = day - timedelta(days=1) if day.weekday() == 5 else day
    return datetime.combine(friday, time(13 if expiry in HALF_DAYS else 16), NEW_YORK)


def test_a_split_moves_strikes_and_leaves_the_exposure(tmp_path: Path) -> None:
    """AAPL split seven for one on 2014-06-09: the strike of 645 became 92.14."""
    before = profile(tmp_path, AAPL)
    after = profile(tmp_path, AAPL, "--split", "AAPL=7:1")

    assert after["spot"] == pytest.approx(649.56 / 7)
    assert 92.14 in {row["strike"] for row in after["by_strike"]}
    assert after["open_interest"] == 7 * before["open_interest"]
    for name in ("index_convention", "customers_long"):
        assert after["gamma_exposure_usd_per_1pct"][name] == pytest.approx(
            before["gamma_exposure_usd_per_1pct"][name], rel=1e-3
        )
    assert after["vendor_gamma_exposure_usd_per_1pct"] == pytest.approx(
        before["vendor_gamma_exposure_usd_per_1pct"]
    )
    # Without it the price of after the split refuses the chain.
    unaware = CliRunner().invoke(
        main, ["options", str(AAPL), "--spot", "92.79", "--output", str(tmp_path / "out.jsonl")]
    )
    assert unaware.exit_code == 3
    assert "spot_out_of_proportion" in unaware.stderr


def test_all_files_at_once_give_one_object_an_underlying(tmp_path: Path) -> None:
    output, page = tmp_path / "out.jsonl", tmp_path / "page.html"
    files = [*sorted(CHAINS.glob("*.csv")), AAPL, GOOG, GOOG_LEVELS]

    result = CliRunner().invoke(
        main, ["options", *map(str, files), "--output", str(output), "--plot", str(page)]
    )

    assert result.exit_code == 0, result.output
    found = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    assert [each["underlying"] for each in found] == ["NVDA", "SPX", "SPY", "AAPL", "GOOG"]
    assert found[2]["as_of"] == "2025-05-06T18:14:00-04:00"
    assert page.read_text(encoding="utf-8").count("<svg") == 15
