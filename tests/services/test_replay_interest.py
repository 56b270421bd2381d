"""``forcedflow replay --open-interest``: what dealers must trade, in event time."""

import csv
import json
import math
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from core.delta_curve import VALUE_ERROR
from services.cli import main
from streams.event_times import parse_time
from tests.support import naive_options
from tests.support.naive_options import Contract
from tests.support.option_lines import json_file, level
from tests.support.universes import reference, write_universe

Row = dict[str, str]

MORNING = "2026-06-23T06:31:00-04:00"
PREVIOUS_CLOSE = 100.0
PRICES = {"09:30": 99.0, "11:00": 97.0, "13:00": 104.0, "15:59": 93.0}
FIGURES = (
    "dealer_hedge_usd",
    "dealer_hedge_low_usd",
    "dealer_hedge_high_usd",
    "dealer_decay_usd",
    "dealer_to_come_usd",
)
CHAIN = [
    level(
        strike=strike,
        right=right,
        open_interest=held,
        implied_volatility=0.3,
        event_time=MORNING,
        expiry="2026-07-17",
    )
    for strike, calls, puts in (
        (90.0, 500, 4000),
        (95.0, 2000, 9000),
        (100.0, 7000, 6000),
        (105.0, 8000, 500),
    )
    for right, held in (("call", calls), ("put", puts))
]
"""Settles in more than three weeks."""
HALF_STEP = "32m"
"""Half of the curves' step, the largest power of two minutes within 0.25 % of the time left at the
close; they stand in its middle."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Prices of ACME on 23 June, and its universe with an index on it."""
    acme = reference(
        "ACME", previous_close=PREVIOUS_CLOSE, effective_at="2026-06-23", daily_volatility=0.02
    )
    listing = {"symbol": "XACM", "reference": "ACME", "kind": "option", "factor": 0.1}
    write_universe(tmp_path / "universe", references=[acme], listings=[listing])
    lines = [f"ACME,2026-06-23T{clock}:00-04:00,{price}" for clock, price in PRICES.items()]
    (tmp_path / "prices.csv").write_text("\n".join(["symbol,event_time,price", *lines, ""]))
    return tmp_path


def replay(folder: Path, *words: object, every: str = "60m", output: str = "out.csv") -> Result:
    own = ("--universe", folder / "universe", "--prices", folder / "prices.csv")
    wanted = ("--every", every, "--output", folder / output)
    return CliRunner().invoke(main, ["replay", *map(str, (*own, *words, *wanted))])


def rows(folder: Path, *files: Path, every: str = "60m") -> dict[str, Row]:
    """Replay with files of open interest; return the rows by their clock."""
    words = [word for file in files for word in ("--open-interest", file)]
    result = replay(folder, *words, every=every)
    assert result.exit_code == 0, result.output
    return read(folder)


def read(folder: Path) -> dict[str, Row]:
    with (folder / "out.csv").open(newline="") as stream:
        return {row["event_time"][11:16]: row for row in csv.DictReader(stream)}


def figures(row: Row) -> list[str]:
    return [row[name] for name in FIGURES]


def test_without_open_interest_nothing_is_said_of_dealers(folder: Path) -> None:
    for row in rows(folder).values():
        assert figures(row) == [""] * len(FIGURES)


def test_the_hedge_is_the_change_of_all_deltas_since_the_previous_close(folder: Path) -> None:
    found = rows(folder, json_file(folder / "oi.jsonl", CHAIN), every=HALF_STEP)

    middles = [found[clock] for clock in [*list(found)[1:-1:2], "16:00"]]
    assert len(middles) == 7
    for row in middles:
        price = float(row["price"])
        now_ns = parse_time(row["event_time"])
        terms = []
        for each in CHAIN:
            contract = Contract(
                is_call=each["right"] == "call",
                strike=float(str(each["strike"])),
                units=100.0 * float(str(each["open_interest"])),
                settlement_ns=parse_time("2026-07-17T16:00:00-04:00"),
                is_cash_settled=False,
                log_carry=0.0,
                rate=0.0,
            )
            moved = naive_options.delta(contract, price, now_ns, 0.3)
            moved -= naive_options.delta(contract, PREVIOUS_CLOSE, now_ns, 0.3)
            # Dealers are long calls and short puts, and hedge against what their deltas do.
            terms.append(-price * contract.units * moved * (1 if contract.is_call else -1))
        units = sum(100.0 * float(str(each["open_interest"])) for each in CHAIN)
        assert abs(float(row["dealer_hedge_usd"]) - sum(terms)) <= 3 * VALUE_ERROR * units * price
        assert abs(float(row["dealer_hedge_usd"]) - sum(terms)) <= 1e-4 * sum(map(abs, terms))
        low, high = float(row["dealer_hedge_low_usd"]), float(row["dealer_hedge_high_usd"])
        assert low <= float(row["dealer_hedge_usd"]) <= high
        assert row["stale"] == "false"


def test_a_share_of_the_hedge_is_forced_flow(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = json_file(folder / "oi.jsonl", CHAIN)
    plain = rows(folder, file)
    monkeypatch.setenv("FORCEDFLOW_OPTIONS__DEALER_CLOSE_SHARE", "0.25")
    quarter = rows(folder, file)

    result = replay(folder, "--open-interest", file, "--dealer-close-share", "0.5")

    assert result.exit_code == 0, result.output
    half = read(folder)
    for clock, row in plain.items():
        hedge = float(row["dealer_hedge_usd"])
        assert float(row["forced_flow_usd"]) == 0.0
        assert float(quarter[clock]["forced_flow_usd"]) == 0.25 * hedge
        assert float(half[clock]["forced_flow_usd"]) == 0.5 * hedge
        assert figures(half[clock]) == figures(row)
        low, high = (float(half[clock][f"forced_flow_{end}_usd"]) for end in ("lower", "upper"))
        if clock < "16:00":
            assert low < high
        else:
            assert low == high == 0.5 * hedge


def test_the_hedge_follows_sign_model_and_rate_and_its_range_the_rate_alone(folder: Path) -> None:
    file = json_file(folder / "oi.jsonl", CHAIN)
    plain = rows(folder, file)["11:30"]

    def row(*words: str) -> Row:
        result = replay(folder, "--open-interest", file, *words)
        assert result.exit_code == 0, result.output
        return read(folder)["11:30"]

    inverted = row("--sign-model", "inverted")
    assert float(inverted["dealer_hedge_usd"]) == -float(plain["dealer_hedge_usd"])
    for name in ("dealer_hedge_low_usd", "dealer_hedge_high_usd"):
        assert inverted[name] == plain[name]
    carried = row("--rate", "0.05", "--dividend-yield", "0.01")
    assert carried["dealer_hedge_usd"] != plain["dealer_hedge_usd"]
    assert row("--rate", "0.03", "--dividend-yield", "0.03") != plain
    assert row("--rate", "0", "--dividend-yield", "0") == plain


def test_the_user_s_own_signs_count_where_they_are_stated(folder: Path) -> None:
    plain = rows(folder, json_file(folder / "plain.jsonl", CHAIN))["11:30"]
    # As the index convention has it, but with half of the puts held by others.
    signed = [each | {"dealer_sign": 1.0 if each["right"] == "call" else -0.5} for each in CHAIN]
    halved = [
        each | {"open_interest": float(str(each["open_interest"])) / 2.0}
        if each["right"] == "put"
        else each
        for each in CHAIN
    ]
    expected = rows(folder, json_file(folder / "halved.jsonl", halved))["11:30"]

    def row(chain: list[dict[str, object]]) -> Row:
        file = json_file(folder / "signed.jsonl", chain)
        result = replay(folder, "--open-interest", file, "--sign-model", "user_signed")
        assert result.exit_code == 0, result.output
        return read(folder)["11:30"]

    found, unsigned = row(signed), row(CHAIN)

    for name in ("dealer_hedge_usd", "dealer_decay_usd", "dealer_to_come_usd"):
        assert float(found[name]) == pytest.approx(float(expected[name]), rel=1e-9), name
        assert unsigned[name] == ""
    assert unsigned["dealer_hedge_high_usd"] == plain["dealer_hedge_high_usd"]


def test_nothing_to_trade_is_never_minus_nothing(folder: Path) -> None:
    prices = "symbol,event_time,price\n"
    prices += "".join(f"ACME,2026-06-23T{clock}:00-04:00,100\n" for clock in ("09:30", "15:00"))
    (folder / "prices.csv").write_text(prices)
    file = json_file(folder / "oi.jsonl", CHAIN)

    for name in ("flat.csv", "flat.jsonl"):
        result = replay(folder, "--open-interest", file, output=name)

        assert result.exit_code == 0, result.output
        assert "-0.0" not in (folder / name).read_text()
    last = json.loads((folder / "flat.jsonl").read_text().splitlines()[-1])
    assert last["dealer_hedge_usd"] == last["dealer_to_come_usd"] == 0.0


def test_options_on_a_listing_count_for_its_reference(folder: Path) -> None:
    own = rows(folder, json_file(folder / "own.jsonl", CHAIN))
    # The index stands at ten times the price: a contract on it is worth ten on the reference.
    listed = [
        each
        | {"underlying": "XACM", "strike": 10.0 * float(str(each["strike"])), "multiplier": 10.0}
        for each in CHAIN
    ]

    found = rows(folder, json_file(folder / "index.jsonl", listed))

    for clock, row in found.items():
        for name in FIGURES:
            expected = float(own[clock][name])
            assert float(row[name]) == pytest.approx(expected, rel=1e-6, abs=1.0), (clock, name)


def test_a_level_counts_from_its_event_time_on(folder: Path) -> None:
    later = [each | {"event_time": "2026-06-23T12:00:00-04:00"} for each in CHAIN]

    found = rows(folder, json_file(folder / "oi.jsonl", later), every="30m")

    assert {clock for clock, row in found.items() if row["dealer_hedge_usd"]} == {
        clock for clock in found if clock >= "12:00"
    }
    assert found["12:00"]["as_of"] == "2026-06-23T12:00:00-04:00"


def test_the_order_of_files_and_lines_does_not_matter(folder: Path) -> None:
    newer = [each | {"event_time": "2026-06-23T07:00:00-04:00"} for each in CHAIN[::2]]
    first = json_file(folder / "a.jsonl", CHAIN)
    second = json_file(folder / "b.jsonl", [each | {"open_interest": 1} for each in newer])

    found = rows(folder, first, second)

    assert rows(folder, second, first) == found
    assert rows(folder, first) != found


def test_bad_rows_are_rejected_and_rows_outside_the_universe_are_counted(folder: Path) -> None:
    bad = level(strike=-5.0, event_time=MORNING)
    other = level(underlying="ELSE", event_time=MORNING)
    file = json_file(folder / "oi.jsonl", [*CHAIN, bad, other])

    result = replay(
        folder, "--open-interest", file, "--rejects", folder / "bad.csv", "--strict", every="60m"
    )

    assert result.exit_code == 3
    assert "1 outside the universe; 1 bad rows" in result.output
    with (folder / "bad.csv").open(newline="") as stream:
        rejects = [(row["reason"], row["line"], row["file"]) for row in csv.DictReader(stream)]
    assert rejects == [("bad_strike", str(len(CHAIN) + 1), str(file))]
    assert read(folder) == rows(folder, json_file(folder / "good.jsonl", CHAIN))


def test_rules_judge_what_dealers_must_trade(folder: Path) -> None:
    rule = {
        "name": "dealers",
        "measure": "dealer_hedge_usd",
        "scope": "symbol",
        "levels": {"watch": {"raise": 5e5, "clear": 4e5}},
    }
    (folder / "rules.yaml").write_text(json.dumps({"version": 1, "rules": [rule]}))
    file = json_file(folder / "oi.jsonl", CHAIN)

    result = replay(
        folder,
        *("--open-interest", file, "--rules", folder / "rules.yaml"),
        *("--alerts", folder / "alerts.csv"),
        every="1m",
    )

    assert result.exit_code == 0, result.output
    found = read(folder)
    above = [clock for clock, row in found.items() if abs(float(row["dealer_hedge_usd"])) >= 5e5]
    with (folder / "alerts.csv").open(newline="") as stream:
        episodes = list(csv.DictReader(stream))
    assert above
    assert episodes[0]["alertname"] == "DealersWatch"
    assert episodes[0]["fires_at"][11:16] == above[0]
    assert math.copysign(1, float(found[above[0]]["dealer_hedge_usd"])) == (
        1 if episodes[0]["side"] == "buy" else -1
    )


@pytest.mark.parametrize(("scope", "subject"), [("symbol", "ACME"), ("market", "market")])
def test_rules_judge_a_flow_that_moves_with_time_alone(
    folder: Path, scope: str, subject: str
) -> None:
    # Of what expires today the delta runs away from a price that stands still: 50 m at 15:00.
    prices = ["09:30:00-04:00,101", "15:30:00-04:00,100"]
    lines = ["symbol,event_time,price", *(f"ACME,2026-06-23T{each}" for each in prices), ""]
    (folder / "prices.csv").write_text("\n".join(lines))
    calls = level(strike=100.0, open_interest=10_000, implied_volatility=0.3, event_time=MORNING)
    file = json_file(folder / "oi.jsonl", [calls | {"expiry": "2026-06-23"}])
    levels = {"watch": {"raise": 4.9e7, "clear": 4.8e7}}
    rule = {"name": "flow", "measure": "forced_flow_usd", "scope": scope, "levels": levels}
    (folder / "rules.yaml").write_text(json.dumps({"version": 1, "rules": [rule]}))

    result = replay(
        folder,
        *("--open-interest", file, "--dealer-close-share", 1, "--rules", folder / "rules.yaml"),
        *("--alerts", folder / "alerts.csv"),
        every="6h",
    )

    assert result.exit_code == 0, result.output
    with (folder / "alerts.csv").open(newline="") as stream:
        [episode] = csv.DictReader(stream)
    assert (episode["symbol"], episode["side"], episode["reason"]) == (subject, "sell", "cleared")


def test_a_file_of_no_known_layout_ends_with_status_two(folder: Path) -> None:
    (folder / "oi.csv").write_text("a,b\n1,2\n")

    result = replay(folder, "--open-interest", folder / "oi.csv")

    assert result.exit_code == 2
    assert "expected the layout" in result.output
