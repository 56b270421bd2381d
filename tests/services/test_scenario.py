import csv
import json
import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from core.errors import ConfigError
from services.cli import main
from services.scenario import DEFAULT_DAY, write_scenario
from services.universe_files import load_universe

FILES = (
    "README.md",
    "etf-flows.jsonl",
    "open-interest.jsonl",
    "prices.jsonl",
    "rules.yaml",
    "universe/corporate_actions.csv",
    "universe/funds.csv",
    "universe/listings.csv",
    "universe/references.csv",
    "universe/rooms.csv",
)


@dataclass(frozen=True)
class Written:
    folder: Path
    references: Mapping[str, Mapping[str, str]]
    funds: Mapping[str, Mapping[str, str]]
    trading: Mapping[str, Mapping[str, str]]
    returns: Mapping[str, Mapping[str, str]]
    prices: tuple[dict[str, Any], ...]
    creations: tuple[dict[str, Any], ...]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp("market")
    write_scenario(folder)
    listings = keyed(folder / "universe/listings.csv", "symbol")
    prices = json_lines(folder / "prices.jsonl")
    for row in prices:
        row["reference"] = listings.get(row["symbol"], {}).get("reference", row["symbol"])
    return Written(
        folder=folder,
        references=keyed(folder / "universe/references.csv", "symbol"),
        funds=keyed(folder / "universe/funds.csv", "fund"),
        trading=keyed(tables_folder() / "trading.csv", "symbol"),
        returns=keyed(tables_folder() / "returns.csv", "symbol"),
        prices=tuple(prices),
        creations=tuple(json_lines(folder / "etf-flows.jsonl")),
    )


def tables_folder() -> Path:
    return Path(__file__).resolve().parents[2] / "services/data/scenario_market"


def keyed(path: Path, column: str) -> dict[str, dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return {row[column]: row for row in csv.DictReader(file)}


def json_lines(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def at(row: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(row["event_time"])


def close_of(reference: Mapping[str, str]) -> datetime:
    hour, zone = {
        "XKRX": ("15:30", "+09:00"),
        "XTKS": ("15:30", "+09:00"),
        "XHKG": ("16:00", "+08:00"),
    }.get(reference["venue"], ("16:00", "-04:00"))
    return datetime.fromisoformat(f"2026-06-23T{hour}:00{zone}")


def test_it_writes_the_files_of_a_market(written: Written) -> None:
    found = sorted(str(path.relative_to(written.folder)) for path in written.folder.rglob("*.*"))

    assert found == sorted(FILES)


def test_the_same_seed_writes_the_same_bytes(written: Written, tmp_path: Path) -> None:
    write_scenario(tmp_path)

    for name in FILES:
        assert (tmp_path / name).read_bytes() == (written.folder / name).read_bytes()


def test_another_seed_takes_another_way_to_the_same_close(written: Written, tmp_path: Path) -> None:
    write_scenario(tmp_path, seed=1)

    other = json_lines(tmp_path / "prices.jsonl")
    assert [row["price"] for row in other[:50]] != [row["price"] for row in written.prices[:50]]
    closes = {row["symbol"]: row["price"] for row in other if row.get("kind")}
    assert closes == {row["symbol"]: row["price"] for row in written.prices if row.get("kind")}
    assert_same_but_for_seed(written.folder / "README.md", tmp_path / "README.md")


def assert_same_but_for_seed(one: Path, other: Path) -> None:
    ours, theirs = one.read_text().splitlines(), other.read_text().splitlines()
    assert sum(a != b for a, b in zip(ours, theirs, strict=True)) <= 2


def test_the_universe_loads_and_is_broad(written: Written) -> None:
    universe = load_universe(written.folder / "universe")

    assert len(universe.symbol) >= 60
    assert len(universe.fund) >= 150
    assert {"XNAS", "ARCX", "XNYS", "XKRX", "XHKG", "XTKS"} <= set(universe.venue)
    assert {"XNAS", "ARCX", "BATS", "XKRX", "XHKG", "XTKS"} <= set(universe.fund_venue)
    assert {"ai-chips", "spacex", "bitcoin-treasury", "korea-semis"} <= set(universe.rooms)
    assert set(universe.price_listings) == {"BTC-USD", "ETH-USD", "SOL-USD", "XRP-USD"}


def test_every_stated_figure_is_round(written: Written) -> None:
    for fund in written.funds.values():
        assert float(fund["assets_usd"]) % 10_000_000 == 0, fund
    for reference in written.references.values():
        assert float(reference["adv_usd"]) % 100_000_000 == 0, reference


def test_closing_auctions_take_a_plausible_share_of_a_day(written: Written) -> None:
    shares = [
        float(reference["auction_usd"]) / float(reference["adv_usd"])
        for reference in written.references.values()
        if reference["auction_usd"]
    ]

    assert min(shares) >= 0.04
    assert max(shares) <= 0.11


def test_prices_come_by_event_time_but_for_a_few_late_and_repeated_ones(
    written: Written,
) -> None:
    seen: Counter[str] = Counter(json.dumps(row) for row in written.prices)
    repeated = sum(count - 1 for count in seen.values())
    late, newest = 0, datetime.min.replace(tzinfo=UTC)
    for row in written.prices:
        late += at(row) < newest
        newest = max(newest, at(row))

    count = len(written.prices)
    assert 100_000 < count < 200_000
    assert 0.0005 * count < repeated < 0.0015 * count
    assert repeated < late < 0.0025 * count


def test_some_symbols_are_in_no_universe(written: Written) -> None:
    outside = {
        row["reference"] for row in written.prices if row["reference"] not in written.references
    }

    assert 3 <= len(outside) <= 10


def test_every_reference_opens_trades_and_closes_where_the_table_says(written: Written) -> None:
    trades: dict[str, list[tuple[datetime, float]]] = defaultdict(list)
    closes = {}
    for row in written.prices:
        if row.get("kind") == "official_close":
            closes[row["reference"]] = row
        else:
            trades[row["reference"]].append((at(row), row["price"]))

    assert set(closes) == set(written.references)
    for symbol, reference in written.references.items():
        step = float(written.trading[symbol]["price_step"])
        previous = float(reference["previous_close"])
        expected = previous * (1 + float(written.returns[symbol]["tuesday"]))
        close = close_of(reference)
        in_session = sorted(trade for trade in trades[symbol] if trade[0] <= close)
        delay = (at(closes[symbol]) - close).total_seconds()
        assert abs(closes[symbol]["price"] - expected) <= 0.51 * step, symbol
        assert 30 <= delay <= 600, symbol
        assert close - in_session[-1][0] <= timedelta(seconds=1), symbol
        assert math.isclose(in_session[-1][1], expected, rel_tol=0.004), symbol


def test_seoul_stops_for_twenty_minutes_and_others_for_lunch(written: Written) -> None:
    for venue, minutes in (("XKRX", 20), ("XHKG", 60), ("XTKS", 60)):
        symbols = {s for s, reference in written.references.items() if reference["venue"] == venue}
        times = sorted(at(row) for row in written.prices if row["reference"] in symbols)
        longest = max(after - before for before, after in pairwise(times))
        assert timedelta(minutes=minutes - 1) < longest < timedelta(minutes=minutes + 2)


def test_bitcoin_trades_from_strike_to_strike(written: Written) -> None:
    times = sorted(at(row) for row in written.prices if row["reference"] == "BTC")

    assert times[0] >= datetime.fromisoformat("2026-06-22T16:00:00-04:00")
    assert times[0] < datetime.fromisoformat("2026-06-22T16:01:00-04:00")
    gaps = [after - before for before, after in pairwise(times)]
    assert max(gaps) < timedelta(minutes=10)


def test_creations_are_cumulative_and_end_with_the_closing_nav(written: Written) -> None:
    by_fund = defaultdict(list)
    for row in written.creations:
        by_fund[row["fund"]].append(row)

    assert {"TQQQ", "SOXL", "TSLL", "MSTU", "7709"} <= set(by_fund)
    assert any(rows[-1]["net_creation_usd"] > 0 for rows in by_fund.values())
    assert any(rows[-1]["net_creation_usd"] < 0 for rows in by_fund.values())
    for fund, rows in by_fund.items():
        close = close_of(written.references[written.funds[fund]["reference"]])
        assert [row["sequence"] for row in rows] == list(range(1, len(rows) + 1))
        assert rows[-1]["session"] == "2026-06-23"
        assert at(rows[-1]) == close + timedelta(minutes=15)
        assert all(at(row) < close for row in rows[:-1])
        assert abs(rows[-1]["net_creation_usd"]) < 0.2 * float(written.funds[fund]["assets_usd"])


def test_a_half_day_ends_at_its_own_close(tmp_path: Path) -> None:
    write_scenario(tmp_path, first=date(2026, 11, 27), last=date(2026, 11, 27))

    closes = {
        row["symbol"]: at(row) for row in json_lines(tmp_path / "prices.jsonl") if row.get("kind")
    }
    half_day = datetime.fromisoformat("2026-11-27T13:00:00-05:00")
    assert timedelta(0) < closes["QQQ"] - half_day < timedelta(minutes=11)
    assert closes["BTC-USD"] > half_day + timedelta(hours=3)


def test_a_day_without_a_session_in_one_of_the_markets_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="2026-07-03"):
        write_scenario(tmp_path, first=date(2026, 7, 3), last=date(2026, 7, 3))

    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_quietly_and_replaces_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text("old")

    result = CliRunner().invoke(
        main, ["scenario", "--output", str(tmp_path), "--seed", "3", "--date", "2026-06-23"]
    )

    assert (result.exit_code, result.output) == (0, "")
    assert (tmp_path / "rules.yaml").read_text().startswith("# Rules")
    assert "--seed 3" in (tmp_path / "README.md").read_text()


def test_the_command_refuses_a_holiday_with_status_2(tmp_path: Path) -> None:
    arguments = ["scenario", "--output", str(tmp_path), "--date", "2026-12-25"]
    result = CliRunner().invoke(main, arguments)

    assert result.exit_code == 2
    assert "2026-12-25" in result.output


def test_the_page_beside_the_market_says_that_it_is_simulated(written: Written) -> None:
    text = (written.folder / "README.md").read_text()

    assert "Simulated" in text
    assert "illustration" in text
    assert f"--seed 23 --date {DEFAULT_DAY}" in text
    assert text.count("| illustrative |") >= 20


def test_a_rout_of_years_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"expected fewer weeks.* costs nothing at the close of"):
        write_scenario(tmp_path, seed=1, first=date(2020, 1, 1), last=date(2026, 6, 26))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("at", ["universe", "prices.jsonl.part"])
def test_what_cannot_be_written_is_named_and_leaves_no_part(at: str, tmp_path: Path) -> None:
    (tmp_path / at).symlink_to("/dev/full")
    words = ["scenario", "--output", str(tmp_path), "--date", "2026-06-23"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == (2 if at == "universe" else 1)
    assert str(tmp_path) in result.stderr
    assert "expected" in result.stderr
    assert list(tmp_path.rglob("*.part")) == []


def test_the_command_takes_a_day_or_a_range(tmp_path: Path) -> None:
    days = ["--date", "2026-06-23", "--from", "2026-06-22"]
    result = CliRunner().invoke(main, ["scenario", "--output", str(tmp_path), *days])
    assert result.exit_code == 2
    assert result.stderr == "--from: expected either --date or a range, there were both\n"


def test_the_command_refuses_days_in_the_wrong_order(tmp_path: Path) -> None:
    arguments = ["scenario", "--output", str(tmp_path), "--until", "2026-06-21"]
    result = CliRunner().invoke(main, arguments)

    assert result.exit_code == 2
    assert "--until: expected 2026-06-22 or later, was 2026-06-21" in result.output
