"""Open interest through gateways, Kafka, worker, Redis and alerter: it ends as `replay` has it.

The figures are compared at the session's end, to 1e-6 of each. During the session they are those
of curves that stand for a step of market time (`core.curve_workshop`), and a stream makes
them when its worker has the time, so the two may stand a step apart; at the close both are made
anew from the same contracts for the very same instant. What is left is rounding: contracts are
added in the order in which they came.
"""

import csv
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from services.cli import main
from streams.event_times import parse_time
from tests.support.option_lines import json_file, level
from tests.support.service_processes import ServiceProcesses
from tests.support.universes import reference, write_universe
from tests.support.waiting import eventually

TOLERANCE = 1e-6
# Six and a half hours of market time in thirteen seconds; what alerts of one reference hang on
# lies an hour and a half apart: three seconds, thirty evaluations of the alerter.
SPEED = "1800"
DAY = "2026-06-23"
LAST_NS = parse_time(f"{DAY}T16:30:00-04:00")
SHARE = ("--dealer-close-share", "0.5")
DEALERS = (
    "dealer_hedge_usd",
    "dealer_hedge_low_usd",
    "dealer_hedge_high_usd",
    "dealer_decay_usd",
    "dealer_to_come_usd",
    "forced_flow_usd",
    "forced_flow_lower_usd",
    "forced_flow_upper_usd",
    "breach_probability",
)
PRICES = """\
symbol,event_time,price,kind
ACME,2026-06-23T09:30:00-04:00,100,
BOLT,2026-06-23T09:31:00-04:00,50,
DULL,2026-06-23T09:31:00-04:00,20,
ACME,2026-06-23T11:00:00-04:00,95,
BOLT,2026-06-23T12:00:00-04:00,54,
ACME,2026-06-23T14:30:00-04:00,99.9,
BOLT,2026-06-23T15:59:00-04:00,53,
ACME,2026-06-23T16:00:20-04:00,98.5,official_close
"""
RULES = """\
version: 1
rules:
  - name: dealers
    measure: dealer_hedge_usd
    scope: symbol
    levels:
      watch: {raise: 2.0e+7, clear: 1.5e+7}
  - name: due
    measure: forced_flow_usd
    scope: symbol
    levels:
      warning: {raise: 1.0e+7, clear: 8.0e+6}
"""

Row = dict[str, Any]


def chain(underlying: str, spot: float, **fields: object) -> list[Row]:
    """Return levels around a spot: calls above, puts below, of a week, a month and today."""
    return [
        level(
            underlying=underlying,
            strike=round(spot * (1.0 + step), 4),
            right=right,
            expiry=expiry,
            open_interest=round(9_000 / (1 + abs(100 * step - centre))),
            implied_volatility=round(0.3 + abs(step) - step / 5, 4),
            event_time=f"{DAY}T06:31:00-04:00",
            **fields,
        )
        for expiry in (DAY, "2026-06-26", "2026-07-17")
        for right, centre in (("call", 4), ("put", -6))
        for step in (-0.1, -0.06, -0.03, 0.0, 0.02, 0.04, 0.08)
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two references with options, one of them with an index beside it, and one without."""
    listing = {"symbol": "XACM", "reference": "ACME", "kind": "option", "factor": 0.1}
    closes = {"ACME": 100.0, "BOLT": 50.0, "DULL": 20.0}
    write_universe(
        tmp_path / "universe",
        references=[
            reference(symbol, previous_close=close, effective_at=DAY)
            for symbol, close in closes.items()
        ],
        listings=[listing],
    )
    (tmp_path / "prices.csv").write_text(PRICES)
    (tmp_path / "rules.yaml").write_text(RULES)
    index = chain("XACM", 1_000.0, settlement="cash", style="european", multiplier=10)
    outside = chain("ELSE", 10.0)
    morning = [*chain("ACME", 100.0), *index, *chain("BOLT", 50.0, forward=50.1), *outside]
    json_file(tmp_path / "morning.jsonl", [*morning, level(strike=-1.0)])
    fresh = {"event_time": f"{DAY}T13:00:00-04:00", "implied_volatility": 0.45}
    json_file(tmp_path / "noon.jsonl", [each | fresh for each in chain("ACME", 100.0)[::3]])
    return tmp_path


def replayed(folder: Path) -> tuple[dict[str, Row], list[dict[str, str]]]:
    """Return the last row of each reference, and the alerts."""
    words = {
        "--universe": folder / "universe",
        "--prices": folder / "prices.csv",
        "--rules": folder / "rules.yaml",
        "--alerts": folder / "alerts.csv",
        "--output": folder / "rows.jsonl",
    }
    files = ("--open-interest", folder / "noon.jsonl", "--open-interest", folder / "morning.jsonl")
    arguments = [*(word for pair in words.items() for word in pair), *files]
    result = CliRunner().invoke(main, ["replay", *map(str, arguments), *SHARE])
    assert result.exit_code == 0, result.output
    rows = [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]
    with (folder / "alerts.csv").open(newline="") as stream:
        alerts = list(csv.DictReader(stream))
    return {row["symbol"]: row for row in rows if row["seconds_to_close"] == 0}, alerts


def is_same(streamed: Row, known: Row) -> bool:
    """Say whether all that rests on dealers is the same; None = unknown."""
    pairs = [(streamed[name], known[name]) for name in DEALERS]
    return all(
        found is expected
        if found is None or expected is None
        else math.isclose(found, expected, rel_tol=TOLERANCE)
        for found, expected in pairs
    )


def assert_positioned(service: ServiceProcesses) -> None:
    """Wait until the view counts what is open, the index's contracts with those of ACME."""

    def counted() -> dict[str, Row]:
        document = service.document()
        entries = [] if document is None else document["positioning"]
        return {each["symbol"]: each for each in entries}

    held = {
        right: sum(each["open_interest"] for each in chain("ACME", 100.0) if each["right"] == right)
        for right in ("call", "put")
    }
    twice = 2.0 * sum(held.values())
    eventually(
        lambda: (
            {symbol: entry["open_interest_contracts"] for symbol, entry in counted().items()}
            == {"ACME": twice, "BOLT": twice / 2.0}
        ),
        seconds=30,
    )
    entry = counted()["ACME"]
    assert entry["put_call_open_interest"] == pytest.approx(held["put"] / held["call"])
    assert (entry["session"], entry["open_interest_session"]) == (DAY, DAY)
    assert (entry["open_interest_age_sessions"], entry["open_interest_coverage"]) == (0.0, 1.0)
    # No session before has left a figure.
    assert entry["put_call_open_interest_change"] is None


@pytest.mark.timeout(240)
def test_the_stream_of_open_interest_ends_as_the_replay(
    service_on: Callable[[Path], ServiceProcesses], folder: Path
) -> None:
    service = service_on(folder / "universe")
    service.worker(*SHARE)
    service.alerter(folder / "rules.yaml")
    service.until_judged()
    levels = service.gateway(
        *("--open-interest", str(folder / "morning.jsonl"), "--source", "levels"),
        *("--speed", "max", "--frames", "50"),
    )
    eventually(lambda: levels.returncode == 0, seconds=60)
    tape = service.gateway(
        *("--prices", str(folder / "prices.csv"), "--speed", SPEED),
        *("--open-interest", str(folder / "noon.jsonl")),
    )
    known, alerts = replayed(folder)

    def rows() -> list[Row]:
        document = service.document()
        return [] if document is None else document["rows"]

    eventually(
        lambda: (
            {row["event_time"] and parse_time(row["event_time"]) for row in rows()} == {LAST_NS}
        ),
        seconds=90,
    )
    eventually(lambda: tape.returncode == 0)
    # The last curves are made after the heartbeat that ended the session.
    eventually(lambda: all(is_same(row, known[row["symbol"]]) for row in rows()), seconds=20)

    assert known["ACME"]["dealer_hedge_usd"] is not None
    assert known["ACME"]["forced_flow_usd"] == 0.5 * known["ACME"]["dealer_hedge_usd"]
    assert known["BOLT"]["dealer_hedge_low_usd"] < known["BOLT"]["dealer_hedge_high_usd"]
    for row in rows():
        expected = known[row["symbol"]]
        for name in ("session", "price", "stale", "as_of"):
            assert row[name] == expected[name], (row["symbol"], name)
    assert [row["dealer_hedge_usd"] for row in rows() if row["symbol"] == "DULL"] == [None]
    document = service.document()
    assert document is not None
    assert_positioned(service)
    shown = [{name: alert[name] for name in alerts[0]} for alert in document["alerts"]]
    assert sorted(shown, key=repr) == sorted(alerts, key=repr)
    assert {alert["symbol"] for alert in alerts if alert["family"] == "dealers"} == {"ACME", "BOLT"}
    assert "due" in {alert["family"] for alert in alerts}
