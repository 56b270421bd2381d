"""Bad input on the running service: what a vendor's live feed and a broken universe do to it.

Where each kind is held on real servers:

- NaN, negative, zero and non-numeric price, dated after its own record, wrong topic, wrong
  partition, invalid UTF-8, truncated Arrow frame, tombstone and a record over 64 KiB, all sent
  past the gateway: services/test_worker.py, test_a_bad_record_is_counted_and_kept_...
- NaN, negative, zero and non-numeric price, a time that cannot be known yet, invalid UTF-8, ragged
  rows, and a row above the topic's limit, in a vendor's file: here.
- duplicate, out of order, outside the universe: services/test_worker.py, and here.
- empty file, missing column, header only: services/test_gateway_kafka.py.
- mixed line ends: services/test_gateway_kafka.py, and here.
- a fund whose reference is not listed: here; a folder without the columns:
  services/test_worker_ownership.py; every other fault: services/test_universe_faults.py.
"""

import hashlib
import time
from base64 import b64decode
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.child_process import ChildProcess
from streams.event_times import parse_time
from streams.topics import ALERTS, DEAD_LETTERS, MAX_EVENT_BYTES, PRICES
from tests.support.service_processes import START_SECONDS, ServiceProcesses
from tests.support.universes import fund, reference, write_universe
from tests.support.waiting import eventually

OPEN_NS = parse_time("2026-06-23T10:00:00-04:00")
SECOND_NS = 10**9
RULES = """\
version: 1
rules:
  - name: swing
    measure: underlying_return
    scope: symbol
    levels: {watch: {raise: 0.2, clear: 0.1}}
"""


def at(seconds: int) -> int:
    return OPEN_NS + seconds * SECOND_NS


def tomorrow() -> str:
    return datetime.fromtimestamp(time.time() + 24 * 3600, UTC).isoformat()


BAD = {
    "not a number": (b"ACME,%d,nan" % at(0), "bad_price"),
    "infinite": (b"ACME,%d,inf" % at(0), "bad_price"),
    "negative": (b"ACME,%d,-1" % at(0), "bad_price"),
    "zero": (b"ACME,%d,0" % at(0), "bad_price"),
    "text": (b"ACME,%d,high" % at(0), "bad_price"),
    "no price": (b"ACME,%d," % at(0), "bad_price"),
    "later than it can be known": (f"ACME,{tomorrow()},1".encode(), "future"),
    "naive time": (b"ACME,2026-06-23 10:00:00,1", "naive_time"),
    "seconds for nanoseconds": (b"ACME,%d,1" % (at(0) // SECOND_NS), "bad_event_time"),
    "no symbol": (b",%d,1" % at(0), "bad_symbol"),
    "too many cells": (b"ACME,%d,1,000" % at(0), "malformed"),
    "invalid utf-8": (b"AC\xffME,%d,1" % at(0), "not_utf8"),
    "above every limit": (b"ACME,%d,%s" % (at(0), b"1" * 200_000), "too_long"),
}
HARMLESS = {
    "outside the universe": b"ZZZZ,%d,1" % at(0),
    "first": b"ACME,%d,99" % at(0),
    "duplicate": b"ACME,%d,99" % at(0),
}


class Feed:
    """A vendor's file that grows; each good price is later than all before."""

    def __init__(self, path: Path, service: ServiceProcesses) -> None:
        self.path = path
        self.lines = 1
        self.steps = 0
        self._service = service
        path.write_bytes(b"symbol,event_time,price\n")

    def add(self, row: bytes) -> int:
        """Append a row and a good one, and wait until the view shows that; return its line."""
        self.steps += 1
        price = 100.0 + self.steps / 64
        end = b"\r\n" if self.steps % 2 else b"\n"
        with self.path.open("ab") as file:
            file.write(row + end + b"ACME,%d,%a" % (at(self.steps), price) + b"\n")
        eventually(lambda: self.shown() == price, seconds=START_SECONDS)
        self.lines += 2
        return self.lines - 1

    def shown(self) -> float | None:
        """Return the price of ACME in the view."""
        document = self._service.document()
        rows = [] if document is None else document["rows"]
        return next((row["price"] for row in rows if row["symbol"] == "ACME"), None)


@pytest.fixture
def universe(tmp_path: Path) -> Path:
    return write_universe(
        tmp_path / "universe",
        references=[reference("ACME", previous_close=100, adv_usd=1e9, daily_volatility=0.02)],
        funds=[fund("ACMU", "ACME", 2, assets_usd=8e8)],
    )


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES)
    return path


@pytest.mark.timeout(300)
def test_a_feed_of_bad_rows_is_told_row_by_row_and_moves_nothing(
    service_on: Callable[[Path], ServiceProcesses], universe: Path, rules: Path, tmp_path: Path
) -> None:
    service = service_on(universe)
    worker = service.worker()
    service.alerter(rules)
    feed = Feed(tmp_path / "vendor.csv", service)
    gateway = service.gateway("--prices", str(feed.path), "--follow")
    service.until_judged()

    for row in HARMLESS.values():
        feed.add(row)
    line_of = {name: feed.add(row) for name, (row, _) in BAD.items()}
    # Its time has long passed, so it is sent and wins no slot.
    feed.add(b"ACME,%d,50" % at(1))

    # No view waits for them.
    eventually(lambda: len(service.events(DEAD_LETTERS)) >= len(BAD))
    letters = {letter["line"]: letter for letter in service.events(DEAD_LETTERS)}
    assert sorted(letters) == sorted(line_of.values())
    for name, (row, reason) in BAD.items():
        letter = letters[line_of[name]]
        assert (letter["reason"], letter["length"]) == (reason, len(row))
        assert letter["id"] == f"{feed.path}:{line_of[name]}"
        assert b64decode(letter["raw"]) == row[:MAX_EVENT_BYTES]
        assert letter["sha256"] == hashlib.sha256(row).hexdigest()
    for reason, count in Counter(reason for _, reason in BAD.values()).items():
        assert service.metric("gateway", "forcedflow_gateway_rejects_total", reason=reason) == count
    assert service.metric("gateway", "forcedflow_gateway_rows_total", outcome="skipped") == 1
    applied = service.metric("worker", "forcedflow_events_total", topic=PRICES, outcome="applied")
    # One good row a step; the harmless ones, but for the symbol outside; and the late one.
    assert applied == feed.steps + (len(HARMLESS) - 1) + 1
    assert service.metric("worker", "forcedflow_dead_letters_total") == 0
    assert service.metric("gateway", "forcedflow_gateway_event_timestamp_seconds") < at(3600) / 1e9
    assert service.events(ALERTS) == []
    assert [worker.returncode, gateway.returncode] == [None, None]


@pytest.mark.parametrize("process", ["gateway", "worker", "alerter"])
def test_a_fund_whose_reference_is_not_listed_starts_nothing(
    service_on: Callable[[Path], ServiceProcesses],
    rules: Path,
    tmp_path: Path,
    process: str,
) -> None:
    broken = write_universe(
        tmp_path / "broken", references=["ACME"], funds=[fund("ACMU", "ACNE", 2, assets_usd=8e8)]
    )
    service = service_on(broken)
    start: dict[str, Callable[[], ChildProcess]] = {
        "gateway": lambda: service.gateway("--listen", "127.0.0.1:0"),
        "worker": service.worker,
        "alerter": lambda: service.alerter(rules),
    }

    child = start[process]()

    eventually(lambda: child.returncode is not None, seconds=START_SECONDS)
    assert child.returncode == 2
    said = child.log_file.read_text()
    assert "funds.csv:2: reference:" in said
    assert "ACNE" in said
    assert "Traceback" not in said
    assert service.store.keys("forcedflow:*") == []
