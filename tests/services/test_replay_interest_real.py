"""Replay of recorded minutes with that day's open interest: the hedge is the sum over contracts."""

import csv
import io
import zipfile
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner

from services.cli import main
from streams.event_times import parse_time
from tests.support import naive_options
from tests.support.naive_options import Contract
from tests.support.option_lines import json_file
from tests.support.real_data import FOLDER, needs_real_data
from tests.support.universes import reference, write_universe

pytestmark = needs_real_data

NEW_YORK = ZoneInfo("America/New_York")
LEAN = FOLDER / "lean/Data"
HALF_DAYS = {"20151224", "20140703"}
OF_DELTAS, OF_CHANGES = 1e-6, 1e-4
"""Largest error, of the sizes of all deltas in USD before and after the move, and of their changes:
the curves' steps are of 16 minutes here, and rows of each quarter of an hour are up to 8 off."""

Row = dict[str, str]


@dataclass(frozen=True)
class Day:
    """A recorded session, and the close before it."""

    symbol: str
    date: str
    previous_close: float
    contracts: int

    @property
    def iso(self) -> str:
        return datetime.strptime(self.date, "%Y%m%d").replace(tzinfo=NEW_YORK).date().isoformat()

    @property
    def chain(self) -> Path:
        return LEAN / f"option/usa/universes/{self.symbol.lower()}/{self.date}.csv"

    @property
    def trades(self) -> Path:
        return LEAN / f"equity/usa/minute/{self.symbol.lower()}/{self.date}_trade.zip"


DAYS = [Day("GOOG", "20151223", 750.0, 1105), Day("AAPL", "20140605", 644.82, 878)]


@pytest.fixture(params=DAYS, ids=[day.symbol for day in DAYS])
def day(request: pytest.FixtureRequest) -> Day:
    found: Day = request.param
    return found


def chain_rows(day: Day) -> list[Row]:
    """Return the contracts of a file that can be priced."""
    with day.chain.open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["#expiry"]]
    return [
        row
        for row in rows
        if float(row["open_interest"] or 0) > 0 and float(row["implied_volatility"] or 0) > 0
    ]


def settled_ns(expiry: str) -> int:
    """Return when a contract settles: monthlies of then expire on the Saturday after."""
    day = datetime.strptime(expiry, "%Y%m%d").replace(tzinfo=NEW_YORK)
    day -= timedelta(days=max(day.weekday() - 4, 0))
    closes = time(13) if day.strftime("%Y%m%d") in HALF_DAYS else time(16)
    return int(datetime.combine(day.date(), closes, NEW_YORK).timestamp()) * 10**9


def deltas(day: Day, price: float, now_ns: int, *, many: int = 1) -> list[tuple[float, float]]:
    """Return each contract's delta before and after the move, of dealers long calls, short puts.

    USD at the price of now; each contract has been split into ``many`` since.
    """
    found = []
    for row in chain_rows(day):
        if settled_ns(row["#expiry"]) < now_ns:
            continue
        contract = Contract(
            is_call=row["right"] == "C",
            strike=round(float(row["strike"]) / many, 2),
            units=100.0 * float(row["open_interest"]) * many,
            settlement_ns=settled_ns(row["#expiry"]),
            is_cash_settled=False,
            log_carry=0.0,
            rate=0.0,
        )
        volatility = float(row["implied_volatility"])
        held_usd = (1.0 if contract.is_call else -1.0) * price * contract.units
        before = naive_options.delta(contract, day.previous_close, now_ns, volatility)
        after = naive_options.delta(contract, price, now_ns, volatility)
        found.append((held_usd * before, held_usd * after))
    return found


def replay(day: Day, folder: Path, open_interest: Path) -> dict[str, Row]:
    """Replay the minutes of a day; return the rows by their clock, four an hour."""
    stated = reference(day.symbol, previous_close=day.previous_close, effective_at=day.iso)
    write_universe(folder / "universe", references=[stated])
    midnight = datetime.strptime(day.date, "%Y%m%d").replace(tzinfo=NEW_YORK)
    start_ns = int(midnight.timestamp()) * 10**9
    with zipfile.ZipFile(day.trades) as archive:
        [name] = archive.namelist()
        minutes = csv.reader(io.TextIOWrapper(archive.open(name)))
        lines = [f"{start_ns + int(m[0]) * 10**6},{float(m[4]) / 1e4}" for m in minutes]
    (folder / f"{day.symbol}.csv").write_text("\n".join(["event_time,price", *lines, ""]))
    words = {
        "--universe": folder / "universe",
        "--prices": folder / f"{day.symbol}.csv",
        "--bar": "1m",
        "--open-interest": open_interest,
        "--every": "15m",
        "--output": folder / "out.csv",
    }
    result = CliRunner().invoke(main, ["replay", *(str(w) for pair in words.items() for w in pair)])
    assert result.exit_code == 0, result.output
    with (folder / "out.csv").open(newline="") as stream:
        return {row["event_time"][11:16]: row for row in csv.DictReader(stream)}


def assert_hedge(day: Day, row: Row, *, many: int = 1) -> None:
    found = deltas(day, float(row["price"]), parse_time(row["event_time"]), many=many)
    assert len(found) == day.contracts
    error = abs(float(row["dealer_hedge_usd"]) - sum(before - after for before, after in found))
    assert error <= OF_DELTAS * sum(abs(before) + abs(after) for before, after in found)
    assert error <= OF_CHANGES * sum(abs(before - after) for before, after in found)


def test_the_hedge_of_every_quarter_is_the_sum_over_all_contracts(day: Day, tmp_path: Path) -> None:
    # The file says what held in this session but is stamped with its close: said here before it.
    morning = datetime.fromisoformat(f"{day.iso}T06:31:00").replace(tzinfo=NEW_YORK)
    levels = [
        {
            "underlying": day.symbol,
            "expiry": f"{row['#expiry'][:4]}-{row['#expiry'][4:6]}-{row['#expiry'][6:]}",
            "strike": float(row["strike"]),
            "right": row["right"],
            "open_interest": float(row["open_interest"]),
            "implied_volatility": float(row["implied_volatility"]),
            "event_time": morning.isoformat(),
        }
        for row in chain_rows(day)
    ]

    found = replay(day, tmp_path, json_file(tmp_path / "levels.jsonl", levels))

    quarters = [f"{9 + m // 60:02}:{m % 60:02}" for m in range(45, 421, 15)]
    assert set(found) - {"09:30"} == set(quarters)
    for clock in quarters:
        assert_hedge(day, found[clock])


def test_a_file_stamped_with_the_close_says_nothing_before_it(day: Day, tmp_path: Path) -> None:
    found = replay(day, tmp_path, day.chain)

    assert {clock for clock, row in found.items() if row["dealer_hedge_usd"]} == {"16:00"}
    assert_hedge(day, found["16:00"])


def test_apples_levels_of_before_its_split_are_read_as_what_they_became(tmp_path: Path) -> None:
    """The levels of Thursday 2014-06-05, on the Monday on which 7 for 1 is in effect."""
    thursday = DAYS[1]
    split = {
        "symbol": "AAPL",
        "effective_at": "2014-06-09",
        "known_at": "2014-04-24",
        "price_factor": "0.142857142857",
    }
    stated = reference("AAPL", previous_close=647.35, effective_at="2014-06-06")
    write_universe(tmp_path / "universe", references=[stated], corporate_actions=[split])
    lines = [
        "event_time,price",
        "2014-06-06T16:00:00-04:00,645.57",
        "2014-06-09T09:30:00-04:00,92.70",
        "2014-06-09T12:30:00-04:00,93.50",
        "2014-06-09T16:00:00-04:00,93.70",
    ]
    (tmp_path / "AAPL.csv").write_text("\n".join([*lines, ""]))
    words = {
        "--universe": tmp_path / "universe",
        "--prices": tmp_path / "AAPL.csv",
        "--open-interest": thursday.chain,
        "--every": "60m",
        "--output": tmp_path / "out.csv",
    }
    result = CliRunner().invoke(main, ["replay", *(str(w) for pair in words.items() for w in pair)])
    assert result.exit_code == 0, result.output
    with (tmp_path / "out.csv").open(newline="") as stream:
        monday = {
            row["event_time"][11:16]: row
            for row in csv.DictReader(stream)
            if row["session"] == "2014-06-09"
        }

    after = replace(thursday, previous_close=645.57 / 7)
    for clock in ("12:30", "13:30", "16:00"):
        assert_hedge(after, monday[clock], many=7)
        assert monday[clock]["stale"] == "true"
