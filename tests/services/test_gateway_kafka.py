"""The gateway as a process, on a real Kafka."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from kafka import KafkaConsumer, TopicPartition

from services.child_process import free_port
from streams.event_times import parse_time
from streams.topics import DEAD_LETTERS, FLOWS, OPEN_INTEREST, PRICES, partition_of
from tests.support.topics import create_topic
from tests.support.universes import fund, reference, write_universe
from tests.support.waiting import eventually

PRICE_LINES = """\
symbol,event_time,price,kind
000100,2026-06-23T09:00:00+09:00,49500,
ACME,2026-06-23T09:30:00-04:00,199,
ZZZZ,2026-06-23T11:00:00-04:00,10,
ACME,2026-06-23T13:00:00-04:00,188,
ACME,2026-06-23T12:30:00-04:00,192,
BOLT,2026-06-23T14:30:00-04:00,-1,
ACME,2026-06-23T16:00:20-04:00,182.5,official_close
ACME,2026-06-23T16:20:00-04:00,170,
"""
FLOW_LINES = """\
fund,event_time,net_creation_usd
ACMU,2026-06-23T15:10:00-04:00,25000000
ACMU,2026-06-23T13:30:00-04:00,10000000
"""
START_SECONDS = 60.0
"""Longest wait for a gateway on a machine that is busy with other tests."""
MIDDAY = "2026-06-23T12:00:00-04:00"
Record = tuple[bytes | None, bytes]


class Topics:
    """Topics of a test's own, on the shared broker."""

    def __init__(self, bootstrap: str, prefix: str, universe: Path) -> None:
        self.bootstrap = bootstrap
        self.prefix = prefix
        self.universe = universe

    def create(self) -> None:
        bootstrap, prefix = self.bootstrap, self.prefix
        for name in (PRICES, FLOWS, OPEN_INTEREST):
            create_topic(bootstrap, prefix + name, partitions=12)
        create_topic(bootstrap, prefix + DEAD_LETTERS)

    def records(self, name: str) -> dict[int, list[Record]]:
        """Return key and value of all records so far, by partition."""
        consumer = KafkaConsumer(bootstrap_servers=self.bootstrap)
        topic = self.prefix + name
        count = 1 if name == DEAD_LETTERS else 12
        partitions = [TopicPartition(topic, number) for number in range(count)]
        consumer.assign(partitions)
        consumer.seek_to_beginning()
        ends = consumer.end_offsets(partitions)
        found: dict[int, list[Record]] = {number: [] for number in range(count)}
        while any(consumer.position(each) < ends[each] for each in partitions):
            for each, records in consumer.poll(timeout_ms=200).items():
                found[each.partition] += [(record.key, record.value) for record in records]
        consumer.close()
        return found

    def letters(self) -> list[dict[str, Any]]:
        return [json.loads(value) for _, value in self.records(DEAD_LETTERS)[0]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Prices, creations, and their universe."""
    (tmp_path / "prices.csv").write_text(PRICE_LINES)
    (tmp_path / "flows.csv").write_text(FLOW_LINES)
    korea = reference("000100", venue="XKRX", currency="KRW")
    write_universe(
        tmp_path / "universe",
        references=["ACME", "BOLT", korea],
        funds=[fund("ACMU", "ACME", 2, assets_usd=8e8)],
        fx=[{"currency": "KRW", "usd": 0.00075, "effective_at": "2026-06-01"}],
    )
    return tmp_path


@pytest.fixture
def topics(kafka: str, topic_suffix: str, folder: Path) -> Topics:
    topics = Topics(kafka, f"{topic_suffix}-", folder / "universe")
    topics.create()
    return topics


def command(topics: Topics, *words: str) -> list[str]:
    program = [sys.executable, "-m", "services", "gateway", "--universe", str(topics.universe)]
    return [*program, "--kafka-bootstrap", topics.bootstrap, "--metrics-port", "0", *words]


def environment(topics: Topics) -> dict[str, str]:
    return os.environ | {"FORCEDFLOW_KAFKA__TOPICS_PREFIX": topics.prefix}


def run(topics: Topics, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(topics, *words),
        env=environment(topics),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@contextmanager
def running(topics: Topics, *words: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command(topics, *words),
        env=environment(topics),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def events(records: list[Record]) -> list[dict[str, Any]]:
    return [json.loads(value) for _, value in records]


def test_rows_arrive_on_their_reference_partition_in_event_order_with_heartbeats(
    topics: Topics, folder: Path
) -> None:
    files = ("--prices", str(folder / "prices.csv"), "--flows", str(folder / "flows.csv"))

    ended = run(topics, *files, "--speed", "max")

    assert ended.returncode == 0
    assert "8 rows sent, 1 skipped, 0 unused, 1 rejected" in ended.stderr
    prices = topics.records(PRICES)
    acme = partition_of("ACME")
    rows = [json.loads(value) for key, value in prices[acme] if key == b"ACME"]
    assert [row["price"] for row in rows] == [199, 192, 188, 182.5, 170]
    assert rows[3] == {
        "symbol": "ACME",
        "event_time": parse_time("2026-06-23T16:00:20-04:00"),
        "price": 182.5,
        "source": "gateway",
        "kind": "official_close",
    }
    korea = prices[partition_of("000100")]
    assert [json.loads(value)["price"] for key, value in korea if key == b"000100"] == [49500]
    for topic in (PRICES, FLOWS):
        heard = [
            [event["event_time"] for event in events(records) if "heartbeat" in event]
            for records in topics.records(topic).values()
        ]
        assert all(beats == heard[0] for beats in heard)
        assert heard[0] == sorted(heard[0])
        # Half an hour after New York's close, the last of the two.
        assert heard[0][-1] == parse_time("2026-06-23T16:30:00-04:00")
    flows = [event for event in events(topics.records(FLOWS)[acme]) if "fund" in event]
    assert [flow["net_creation_usd"] for flow in flows] == [1e7, 2.5e7]
    letter = topics.letters()[0]
    assert (letter["reason"], letter["line"]) == ("bad_price", 7)


def test_no_heartbeat_is_ahead_of_its_partition(topics: Topics, folder: Path) -> None:
    run(topics, "--prices", str(folder / "prices.csv"), "--speed", "max")

    for records in topics.records(PRICES).values():
        promised = 0
        for event in events(records):
            if "heartbeat" in event:
                promised = event["event_time"]
            else:
                assert event["event_time"] > promised


def test_frames_hold_the_same_rows(topics: Topics, folder: Path) -> None:
    prices = ("--prices", str(folder / "prices.csv"), "--speed", "max")

    ended = run(topics, *prices, "--frames", "100")

    assert "6 rows sent" in ended.stderr
    rows = []
    for key, value in topics.records(PRICES)[partition_of("ACME")]:
        if key == b"ACME":
            assert value.startswith(b"\xff\xff\xff\xff")
            with pa.ipc.open_stream(value) as stream:
                rows += stream.read_all().to_pylist()
    assert [row["price"] for row in rows] == [199, 192, 188, 182.5, 170]
    assert rows[0] == {
        "symbol": "ACME",
        "event_time": parse_time("2026-06-23T09:30:00-04:00"),
        "price": 199,
        "source": "gateway",
        "volume": None,
        "sequence": 0,
        "kind": "trade",
    }


@pytest.mark.parametrize(
    ("content", "words", "message"),
    [
        ("", (), "expected a column event_time"),
        ("symbol,time,price\n", (), "--column event_time=HEADER"),
        ("symbol,event_time,price\n", ("--speed", "0"), "--speed: expected a number above 0"),
        ("symbol,event_time,price\n", ("--bar", "soon"), "expected a duration"),
        ("symbol,event_time,price\n", ("--start-at", "noon"), "--start-at: expected"),
        ("symbol,event_time,price\n", ("--follow", "--speed", "max"), "--speed max"),
        ("symbol,event_time,price\n", ("--listen", "here"), "--listen: expected HOST:PORT"),
        ("symbol,event_time,price\n", ("--timezone", "Mars"), "--timezone: expected"),
    ],
)
def test_what_cannot_be_used_ends_with_status_2(
    topics: Topics, tmp_path: Path, content: str, words: tuple[str, ...], message: str
) -> None:
    path = tmp_path / "own.csv"
    path.write_text(content)

    ended = run(topics, "--prices", str(path), *words)

    assert ended.returncode == 2
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_missing_topic_ends_with_status_2(kafka: str, folder: Path) -> None:
    nowhere = Topics(kafka, "nobody-made-these-", folder / "universe")

    ended = run(nowhere, "--prices", str(folder / "prices.csv"))

    assert ended.returncode == 2
    assert "expected the topic nobody-made-these-prices" in ended.stderr


def test_a_header_alone_is_no_fault(topics: Topics, tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("symbol,event_time,price\n")

    ended = run(topics, "--prices", str(path), "--strict")

    assert ended.returncode == 0
    assert "0 rows sent, 0 skipped, 0 unused, 0 rejected, 0 heartbeats" in ended.stderr


def test_bad_rows_end_a_strict_run_with_status_3(topics: Topics, tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    good = f"ACME,{MIDDAY},200"
    long = f"{'x' * 70_000},{MIDDAY},1"
    rows = [good, f"ZZZZ,{MIDDAY},1", long, f"ACME,{MIDDAY},-1", good]
    path.write_bytes("\r\n".join(["symbol,event_time,price", *rows[:3]]).encode() + b"\n")
    with path.open("ab") as stream:
        stream.write("\r".join(rows[3:]).encode())

    ended = run(topics, "--prices", str(path), "--speed", "max", "--strict")

    assert ended.returncode == 3
    assert "2 rows sent, 1 skipped, 0 unused, 2 rejected" in ended.stderr
    letters = topics.letters()
    assert [(letter["reason"], letter["line"]) for letter in letters] == [
        ("too_long", 4),
        ("bad_price", 5),
    ]
    assert letters[0]["length"] == len(long)
    assert letters[0]["id"] == f"{path}:4"


def test_a_growing_file_is_relayed_until_the_signal(topics: Topics, tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("symbol,event_time,price\n")
    acme = partition_of("ACME")

    def sent() -> list[float]:
        return [
            event["price"]
            for event in events(topics.records(PRICES)[acme])
            if event.get("symbol") == "ACME"
        ]

    with running(topics, "--prices", str(path), "--follow") as process:
        with path.open("a") as stream:
            stream.write(f"ACME,{MIDDAY},200\nACME,{MIDDAY},2")
        eventually(lambda: sent() == [200], seconds=START_SECONDS)
        with path.open("a") as stream:
            stream.write("01\n")
        eventually(lambda: sent() == [200, 201], seconds=START_SECONDS)
        eventually(lambda: any("heartbeat" in event for event in events(topics.records(FLOWS)[0])))
        process.send_signal(signal.SIGTERM)
        _, messages = process.communicate(timeout=START_SECONDS)

    assert process.returncode == 0
    assert "2 rows sent" in messages


def test_a_socket_takes_prices_and_creations(topics: Topics) -> None:
    port = free_port()
    lines = [
        {"symbol": "ACME", "event_time": MIDDAY, "price": 200},
        {"fund": "ACMU", "event_time": MIDDAY, "net_creation_usd": 1e6, "session": "2026-06-23"},
        {"symbol": "ACME", "event_time": MIDDAY, "price": "high"},
    ]
    acme = partition_of("ACME")

    with running(topics, "--listen", f"127.0.0.1:{port}") as process:
        eventually(lambda: _connects(port), seconds=START_SECONDS)
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall("".join(json.dumps(line) + "\n" for line in lines).encode())
            eventually(lambda: len(topics.letters()) == 1, seconds=START_SECONDS)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=START_SECONDS)

    assert process.returncode == 0
    assert topics.letters()[0]["reason"] == "bad_price"
    prices = [event for event in events(topics.records(PRICES)[acme]) if "symbol" in event]
    flows = [event for event in events(topics.records(FLOWS)[acme]) if "fund" in event]
    assert [price["price"] for price in prices] == [200]
    assert [(flow["fund"], flow["session"]) for flow in flows] == [("ACMU", "2026-06-23")]


def test_ctrl_c_sends_what_was_read_and_ends(topics: Topics, tmp_path: Path) -> None:
    prices = tmp_path / "own.csv"
    prices.write_text(
        f"symbol,event_time,price\nACME,{MIDDAY},200\nACME,2026-06-23T15:00:00-04:00,201\n"
    )
    port = free_port()
    words = ("--prices", str(prices), "--metrics-port", str(port))

    with running(topics, *words) as process:
        eventually(lambda: 'outcome="sent"} 1.0' in _metrics(port), seconds=START_SECONDS)
        process.send_signal(signal.SIGINT)
        _, messages = process.communicate(timeout=START_SECONDS)

    assert process.returncode == 0
    assert "1 rows sent" in messages


def _connects(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _metrics(port: int) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=2) as answer:
            text: str = answer.read().decode()
    except OSError:
        return ""
    return text
