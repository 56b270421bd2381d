"""The worked example through gateway, Kafka, worker, Redis and alerter, as `replay` has it."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from core.columns import NUMERIC_COLUMNS
from services.cli import main
from streams.event_times import parse_time
from streams.topics import ALERTS
from tests.support.service_processes import ServiceProcesses
from tests.support.universes import EXAMPLE
from tests.support.waiting import eventually

# At 600 times its speed the two events that follow each other most closely, and both count, are
# three seconds apart: thirty evaluations of the alerter.
SPEED = "600"
BEFORE_THE_FIRST_ALERT = "2026-06-16T12:50:00+09:00"
LAST_CLOSE = "2026-06-16T16:00:00-04:00"
PLAY_SECONDS = 150.0
IDENTITY = ("alertname", "severity", "family", "side", "scope", "symbol")

Row = dict[str, Any]


def last_rows_of_replay(folder: Path) -> dict[str, Row]:
    """Return the last row of every reference, by symbol."""
    output = folder / "rows.jsonl"
    words = {
        "--universe": EXAMPLE / "universe",
        "--prices": EXAMPLE / "prices.jsonl",
        "--flows": EXAMPLE / "etf-flows.jsonl",
        "--rules": EXAMPLE / "rules.yaml",
        "--output": output,
    }
    result = CliRunner().invoke(main, ["replay", *(str(w) for pair in words.items() for w in pair)])
    assert result.exit_code == 0, result.output
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    return {row["symbol"]: row for row in rows if row["seconds_to_close"] == 0}


def expected_alerts() -> list[dict[str, str]]:
    with (EXAMPLE / "expected_alerts.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def in_order(alerts: list[dict[str, str]]) -> list[dict[str, str]]:
    return sorted(alerts, key=lambda alert: [alert[name] for name in IDENTITY])


def assert_same_row(streamed: Row, replayed: Row) -> None:
    assert streamed["session"] == replayed["session"]
    assert streamed["as_of"] == replayed["as_of"]
    assert streamed["stale"] == replayed["stale"]
    # A stream's row goes on to the last heartbeat; what it says is as of the close all the same.
    assert parse_time(streamed["event_time"]) > parse_time(replayed["event_time"])
    terms = abs(replayed["leveraged_rebalance_usd"]) + abs(replayed["creation_redemption_usd"] or 0)
    scale = {
        "creation_redemption_usd": terms,
        "forced_flow_usd": terms,
        "forced_flow_lower_usd": terms,
        "forced_flow_upper_usd": terms,
    }
    for name in NUMERIC_COLUMNS:
        known = replayed[name]
        if known is None:
            assert streamed[name] is None, name
        else:
            assert abs(streamed[name] - known) <= 1e-9 * scale.get(name, abs(known)), name


@pytest.mark.timeout(300)
def test_the_stream_ends_as_the_replay_and_alerts_as_expected(
    service_on: Callable[[Path], ServiceProcesses], tmp_path: Path
) -> None:
    service = service_on(EXAMPLE / "universe")
    service.worker()
    service.alerter(EXAMPLE / "rules.yaml")
    service.until_judged()
    gateway = service.gateway(
        *("--prices", str(EXAMPLE / "prices.jsonl"), "--flows", str(EXAMPLE / "etf-flows.jsonl")),
        *("--speed", SPEED, "--start-at", BEFORE_THE_FIRST_ALERT),
    )

    def rows() -> list[Row]:
        document = service.document()
        return [] if document is None else document["rows"]

    last_ns = parse_time(LAST_CLOSE) + 30 * 60 * 10**9
    eventually(
        lambda: (
            {row["event_time"] and parse_time(row["event_time"]) for row in rows()} == {last_ns}
        ),
        seconds=PLAY_SECONDS,
    )
    eventually(lambda: gateway.returncode == 0)

    replayed = last_rows_of_replay(tmp_path)
    assert {row["symbol"] for row in rows()} == replayed.keys()
    for row in rows():
        assert_same_row(row, replayed[row["symbol"]])
    document = service.document()
    assert document is not None
    shown = [{name: alert[name] for name in expected_alerts()[0]} for alert in document["alerts"]]
    assert in_order(shown) == in_order(expected_alerts())
    assert_audited(service)


def assert_audited(service: ServiceProcesses) -> None:
    """Hold the topic `alerts` to the expected episodes: a firing and a resolve of each."""
    expected = {
        (change, *(alert[name] for name in IDENTITY)): (parse_time(alert[at]), reason)
        for alert in expected_alerts()
        for change, at, reason in (
            ("firing", "fires_at", ""),
            ("resolved", "resolves_at", alert["reason"]),
        )
    }
    eventually(lambda: len(service.events(ALERTS)) >= len(expected))
    found = {
        (event["change"], *(event["key"][name] for name in IDENTITY)): (
            event["at_ns"],
            event["reason"],
        )
        for event in service.events(ALERTS)
    }
    assert found == expected
    assert len(service.events(ALERTS)) == len(expected)
