"""The commands on dead letters, on a real broker."""

import json
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from services.cli import main
from services.clock import SystemClock
from services.dead_letter_log import letter_log
from services.embedded_kafka import EmbeddedKafka
from services.topics_admin import create_topics
from streams.topics import MAX_EVENT_BYTES, partition_of
from tests.support.dead_letters import put_letters, record_letter, row_letter
from tests.support.imported_universes import import_universe
from tests.support.kafka_reader import records_of
from tests.support.records import heartbeat, price
from tests.support.running_worker import ROOT, Deployment
from tests.support.universes import fund, write_universe
from tests.support.waiting import eventually

LETTERS = [
    record_letter(price("ACME", -4), reason="bad_price", message="it was -4", offset=17),
    record_letter(price("ACME", -4), reason="bad_price", message="it was -4", offset=17),
    record_letter(price("BOLT"), reason="misrouted", offset=20),
    row_letter(b"SPY,x", file="/data/spy.csv", line=1234),
    record_letter(b"\xff\x01", reason="not_utf8", topic="etf-flows", offset=2),
]

BOLT = partition_of("BOLT")


class Letters:
    """The commands on the letters of one test."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self.bootstrap = bootstrap
        self.prefix = prefix
        self._options = ("--kafka-bootstrap", bootstrap, "--topics-prefix", prefix)

    def put(self, *letters: tuple[bytes, bytes]) -> None:
        put_letters(self.bootstrap, letters, prefix=self.prefix)

    def run(self, name: str, *words: str, input: str | None = None) -> Result:  # noqa: A002
        arguments = ["dead-letters", name, *self._options, *words]
        return CliRunner().invoke(main, arguments, input=input, catch_exceptions=False)

    def values(self, topic: str) -> list[tuple[int, bytes]]:
        found = records_of(self.bootstrap, f"{self.prefix}{topic}")
        return [(record.partition, record.value) for record in found]


@pytest.fixture
def letters(kafka: str, topic_suffix: str) -> Letters:
    prefix = f"{topic_suffix}-"
    create_topics(kafka, prefix=prefix)
    made = Letters(kafka, prefix)
    made.put(*LETTERS)
    return made


@pytest.fixture
def universe(tmp_path: Path) -> Path:
    funds = [fund("BOLU", "BOLT", 2)]
    return write_universe(tmp_path / "universe", references=["ACME", "BOLT"], funds=funds)


def test_letters_are_listed_once_each_the_newest_last(letters: Letters) -> None:
    result = letters.run("list")

    assert result.exit_code == 0
    assert [line.split("\t")[1] for line in result.stdout.splitlines()] == [
        "prices/3/17/0",
        "prices/3/20/0",
        "/data/spy.csv:1234",
        "etf-flows/3/2/0",
    ]
    assert "4 letters, 1 of them written more than once" in result.stderr
    assert "bad_price         2" in result.stderr


@pytest.mark.parametrize(
    ("words", "offsets"),
    [
        (("--reason", "misrouted", "--reason", "not_utf8"), [20, 2]),
        (("--topic", "prices"), [17, 20]),
        (("--limit", "2"), [None, 2]),
        (("--since", "1h"), [17, 20, None, 2]),
        (("--until", "1h"), []),
    ],
)
def test_what_is_listed_can_be_chosen(
    letters: Letters, words: tuple[str, ...], offsets: list[int | None]
) -> None:
    result = letters.run("list", "--json", *words)

    assert [json.loads(line)["offset"] for line in result.stdout.splitlines()] == offsets


def test_letters_written_since_then_are_found_by_time(letters: Letters) -> None:
    newest = json.loads(letters.run("list", "--json").stdout.splitlines()[-1])["written_at"]
    letters.put(record_letter(offset=99))

    later = letters.run("list", "--json", "--since", newest)
    never = letters.run("list", "--json", "--since", "2999-01-01T00:00:00Z")

    assert json.loads(later.stdout.splitlines()[-1])["offset"] == 99
    assert (never.exit_code, never.stdout) == (2, "")


def test_letters_are_written_to_a_file(letters: Letters, tmp_path: Path) -> None:
    path = tmp_path / "letters.jsonl"

    result = letters.run("list", "--output", str(path))

    assert result.stdout == ""
    assert [json.loads(line)["reason"] for line in path.read_text().splitlines()] == [
        "bad_price",
        "misrouted",
        "bad_price",
        "not_utf8",
    ]


def test_a_letter_is_shown_in_words_or_as_its_bytes(letters: Letters) -> None:
    text = letters.run("show", "prices/3/17/0").output
    raw = letters.run("show", "etf-flows/3/2/0", "--raw").stdout_bytes

    assert "why      bad_price: it was -4" in text
    assert "the same letter" in text
    assert raw == b"\xff\x01"


def test_a_letter_that_is_not_there_is_said(letters: Letters) -> None:
    result = letters.run("show", "prices/3/18/0")

    assert result.exit_code == 1
    assert "no dead letter has the id 'prices/3/18/0'" in result.output


def test_nothing_is_sent_before_it_is_agreed_to(letters: Letters) -> None:
    result = letters.run("replay", "prices/3/17/0", input="n\n")

    assert result.exit_code == 1
    assert "prices/3/17/0 → prices, partition 3 (where it was): " in result.output
    assert letters.values("prices") == []


def test_a_letter_is_sent_to_where_it_came_from(letters: Letters) -> None:
    result = letters.run("replay", "prices/3/17/0", input="y\n")

    assert result.exit_code == 0
    assert "1 record sent; what is still bad comes back as a new letter" in result.output
    assert letters.values("prices") == [(3, price("ACME", -4))]


def test_a_misrouted_event_goes_to_the_partition_of_its_reference(
    letters: Letters, universe: Path
) -> None:
    words = ("replay", "--reason", "misrouted", "--yes")

    without = letters.run(*words)
    result = letters.run(*words, "--universe", str(universe))

    assert without.exit_code == 1
    assert "--universe" in without.output
    assert result.exit_code == 0
    assert letters.values("prices") == [(BOLT, price("BOLT"))]


def test_without_a_folder_the_universe_in_kafka_says_where_events_belong(
    letters: Letters, universe: Path
) -> None:
    import_universe(letters.bootstrap, universe, prefix=letters.prefix)

    result = letters.run("replay", "--reason", "misrouted", "--yes")

    assert result.exit_code == 0
    assert letters.values("prices") == [(BOLT, price("BOLT"))]


def test_what_cannot_be_sent_is_told_and_the_rest_is_sent(letters: Letters) -> None:
    letters.put(record_letter(b"x" * (MAX_EVENT_BYTES + 1), reason="too_long", offset=30))

    result = letters.run(
        "replay", "prices/3/17/0", "prices/3/30/0", "/data/spy.csv:1234", "nowhere", "--yes"
    )

    assert result.exit_code == 1
    assert "not sent: prices/3/30/0: the letter holds 65,536 of its 65,537 bytes" in result.output
    assert "not sent: /data/spy.csv:1234: it is line 1234" in result.output
    assert "no letter has the id nowhere" in result.output
    assert len(letters.values("prices")) == 1


def test_a_reason_that_no_letter_has_is_nothing_to_send(letters: Letters) -> None:
    result = letters.run("replay", "--reason", "bad_kind", "--yes")

    assert (result.exit_code, result.output) == (0, "nothing to send\n")


@pytest.mark.parametrize("words", [(), ("prices/3/17/0", "--reason", "bad_price")])
def test_ids_or_a_reason_have_to_be_named(letters: Letters, words: tuple[str, ...]) -> None:
    result = letters.run("replay", *words)

    assert result.exit_code == 2
    assert "either the ids of letters, or --reason" in result.output


def test_without_kafka_or_topic_that_is_said(kafka: str, topic_suffix: str) -> None:
    unreachable = Letters("127.0.0.1:1", "").run("list")
    missing = Letters(kafka, f"{topic_suffix}-").run("list")

    assert (unreachable.exit_code, missing.exit_code) == (1, 1)
    assert "expected Kafka at 127.0.0.1:1" in unreachable.output
    assert "forcedflow topics create makes it" in missing.output


def test_a_large_topic_takes_no_more_memory_than_a_small_one(kafka: str, topic_suffix: str) -> None:
    prefix = f"{topic_suffix}-"
    create_topics(kafka, prefix=prefix)
    raw = b"x" * MAX_EVENT_BYTES
    put_letters(kafka, (record_letter(raw, offset=n) for n in range(800)), prefix=prefix)
    with letter_log(kafka, f"{prefix}dead-letters", clock=SystemClock()) as log:
        tracemalloc.start()
        try:
            count = sum(1 for _ in log.read())
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    # They are 70 MB in the topic.
    assert count == 800
    assert peak < 20e6


def test_a_broker_that_hangs_ends_the_reading(own_kafka: EmbeddedKafka) -> None:
    create_topics(own_kafka.bootstrap)
    own_kafka.pause()
    words = ("dead-letters", "list", "--kafka-bootstrap", own_kafka.bootstrap)
    # A process: a client that gives up leaves its sockets to the garbage collector.
    result = subprocess.run(
        [sys.executable, "-m", "services", *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        check=False,
    )
    own_kafka.resume()

    assert result.returncode == 1
    assert "it accepts connections and does not answer" in result.stderr


@pytest.fixture
def deployment(
    kafka: str, redis_url: str, topic_suffix: str, universe: Path, tmp_path: Path
) -> Iterator[Deployment]:
    with Deployment(
        bootstrap=kafka,
        redis_url=redis_url,
        universe=universe,
        directory=tmp_path,
        prefix=f"{topic_suffix}-",
    ) as made:
        yield made


def test_a_worker_takes_what_is_mended_and_writes_a_new_letter_for_what_is_not(
    deployment: Deployment, universe: Path
) -> None:
    home, wrong = BOLT, (BOLT + 1) % 12
    commands = Letters(deployment.bootstrap, deployment.prefix)

    def is_priced() -> bool:
        partial = deployment.partial(home)
        return partial is not None and partial.price.tolist() == [100.0]

    with deployment.serving():
        misrouted = deployment.send("prices", price("BOLT"), partition=wrong)
        bad = deployment.send("prices", price("BOLT", -1), partition=wrong)
        deployment.send("prices", heartbeat(), partition=home)
        deployment.wait_for_letters(2)

        ids = [f"prices/{wrong}/{offset}/0" for offset in (misrouted, bad)]
        result = commands.run("replay", *ids, "--yes", "--universe", str(universe))
        deployment.send("prices", heartbeat(), partition=home)
        letters = deployment.wait_for_letters(3)
        eventually(is_priced)

    assert result.exit_code == 0
    assert len(letters) == 3
    assert (letters[-1].reason, letters[-1].partition) == ("bad_price", wrong)
    assert letters[-1].offset > bad
