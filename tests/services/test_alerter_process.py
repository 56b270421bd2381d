"""The alerter as a process: what it refuses, what it serves, how it ends."""

import json
import signal
import sys
import urllib.request
from collections.abc import Iterator
from os import kill
from pathlib import Path

import pytest
import redis
from click.testing import CliRunner

from core.columns import NUMERIC_COLUMNS
from services.child_process import ChildProcess, free_port
from services.cli import main
from services.rules_file import digest_of
from services.view_store import LEDGER_KEY, VIEW_KEY
from streams.market_metrics import MARKET
from streams.metric_catalogue import ALERTER
from tests.support.waiting import eventually

EXAMPLE = Path(__file__).resolve().parents[1] / "data" / "example"
UNIVERSE = ("--universe", str(EXAMPLE / "universe"))
RULES = ("--rules", str(EXAMPLE / "rules.yaml"))
START_SECONDS = 30.0


def refusal(*words: str) -> str:
    result = CliRunner().invoke(main, ["alerter", *words])
    assert result.exit_code == 2, result.output
    return result.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "setting alerter"),
        ((*UNIVERSE, *RULES, "--alertmanager", "here:9093"), "expected http://host:port"),
        ((*UNIVERSE, *RULES, "--alertmanager", "http://me:key@here"), "address without user"),
        ((*UNIVERSE, *RULES, *("--alertmanager", "http://here") * 2), "each Alertmanager once"),
        ((*UNIVERSE, *RULES, "--redis-url", "redis://:key@here"), "redis.password_file"),
    ],
)
def test_settings_it_cannot_use_end_with_status_2(words: tuple[str, ...], said: str) -> None:
    told = refusal(*words)

    assert said in told
    assert "key" not in told


def test_faults_of_universe_and_rules_are_told_together(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text("version: 2\n")
    told = refusal("--universe", str(tmp_path), "--rules", str(tmp_path / "rules.yaml"))

    assert "references.csv" in told
    assert "funds.csv" in told
    assert "rules.yaml:1: version" in told


def test_a_name_in_the_rules_that_the_universe_lacks_is_refused(tmp_path: Path) -> None:
    text = (EXAMPLE / "rules.yaml").read_text()
    where = "    scope: symbol\n    where: {venue: [XLON]}\n"
    (tmp_path / "rules.yaml").write_text(text.replace("    scope: symbol\n", where))

    assert "XLON" in refusal(*UNIVERSE, "--rules", str(tmp_path / "rules.yaml"))


class Process:
    """One alerter without Kafka and Alertmanager, on a Redis of its own."""

    def __init__(self, directory: Path, redis_url: str) -> None:
        self.rules = directory / "rules.yaml"
        self.rules.write_bytes((EXAMPLE / "rules.yaml").read_bytes())
        rules = ("--rules", str(self.rules))
        self.port = free_port()
        self.store = redis.Redis.from_url(redis_url)
        words = ("--redis-url", redis_url, "--kafka-bootstrap", f"127.0.0.1:{free_port()}")
        self.child = ChildProcess(
            "alerter",
            [
                *(sys.executable, "-m", "services", "alerter", *UNIVERSE, *rules, *words),
                *("--metrics-port", str(self.port)),
            ],
            directory=directory,
        )

    def status(self) -> int:
        eventually(lambda: self.child.returncode is not None, seconds=START_SECONDS)
        assert self.child.returncode is not None
        return self.child.returncode

    def page(self) -> str:
        url = f"http://127.0.0.1:{self.port}/metrics"
        with urllib.request.urlopen(url, timeout=5) as answer:
            text: bytes = answer.read()
        return text.decode()


@pytest.fixture
def process(tmp_path: Path, redis_url: str) -> Iterator[Process]:
    running = Process(tmp_path, redis_url)
    yield running
    running.child.stop()
    running.store.close()


def test_it_publishes_a_view_serves_its_metrics_and_ends_with_a_signal(process: Process) -> None:
    process.child.start()
    eventually(lambda: process.store.get(VIEW_KEY) is not None, seconds=START_SECONDS)
    view = json.loads(process.store.get(VIEW_KEY) or b"")
    assert [row["symbol"] for row in view["rows"]] == ["QUIL", "TARN", "099999"]
    assert view["unknown_partitions"] == list(range(12))
    assert set(NUMERIC_COLUMNS) <= set(view["rows"][0])

    page = process.page()
    assert all(f"# TYPE {metric.name}" in page for metric in (*ALERTER, *MARKET))
    # The view is in Redis a moment before its figures are shown.
    eventually(lambda: "forcedflow_partitions_unknown 12.0" in process.page())

    with process.rules.open("a") as rules:
        rules.write("# A change.\n")
    changed = digest_of(process.rules.read_bytes())
    eventually(lambda: f'forcedflow_rules_info{{rules="{changed}"}} 1.0' in process.page())
    eventually(lambda: json.loads(process.store.get(VIEW_KEY) or b"")["rules"] == changed)

    text = process.rules.read_text()
    process.rules.write_text(
        text.replace("    scope: symbol\n", "    scope: symbol\n    where: {venue: [XLON]}\n")
    )
    eventually(lambda: "forcedflow_rules_file_refused 1.0" in process.page())
    assert "XLON" in process.child.log_file.read_text()

    kill(process.child.pid, signal.SIGTERM)
    assert process.status() == 0


def test_a_ledger_of_another_release_ends_with_status_2(process: Process) -> None:
    process.store.set(LEDGER_KEY, b'{"version": 7}')
    process.child.start()

    assert process.status() == 2
    assert "version 7" in process.child.log_file.read_text()
    assert process.store.get(LEDGER_KEY) == b'{"version": 7}'
