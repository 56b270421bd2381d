"""Imports on a real Kafka: what they leave in the topic, and what one does to another."""

import random
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from core.errors import ConfigError
from services.embedded_kafka import EmbeddedKafka
from services.kafka_admin import KafkaUnreachableError
from services.settings_base import KafkaSection
from services.universe_import import ImportLostError, import_version, standing
from services.universe_records import Lines, digest, lines_of
from services.universe_tables import read_folder
from services.universe_topic import universe_topic
from services.universe_versions import BrokenVersion
from tests.support.imported_universes import (
    IMPORTED_AT,
    append,
    commit_key,
    held_records,
    import_universe,
    make_universe_topic,
    version_records,
)
from tests.support.kafka_litter import KAFKA_LITTER
from tests.support.kafka_reader import records_of
from tests.support.universes import fund, write_universe
from tests.support.waiting import eventually

pytestmark = KAFKA_LITTER


@pytest.fixture
def topic(kafka: str, topic_suffix: str) -> KafkaSection:
    """A universe topic of this test's own."""
    return make_universe_topic(kafka, f"{topic_suffix}-")


def folder(directory: Path, assets_usd: float, n_funds: int = 1) -> Path:
    """A universe of some funds, the first of that size."""
    funds = [fund(f"F{number}", "ACME", 2, assets_usd=assets_usd) for number in range(n_funds)]
    return write_universe(directory, references=["ACME"], funds=funds)


def put(topic: KafkaSection, directory: Path) -> str:
    """Import a folder; return its version."""
    return import_universe(topic.bootstrap, directory, prefix=topic.topics_prefix).version


def newest(topic: KafkaSection) -> str | None:
    found = standing(topic).newest
    return None if found is None else found.version


def versions_held(topic: KafkaSection) -> set[str]:
    return {key.decode().split("|")[0] for key in held_records(topic)}


def test_a_version_is_its_rows_and_then_its_commit(topic: KafkaSection, tmp_path: Path) -> None:
    version = put(topic, folder(tmp_path, 1e8))

    held = list(held_records(topic).items())

    assert [key.decode().removeprefix(version) for key, _ in held] == [
        "|references.csv|0",
        "|references.csv|1",
        "|funds.csv|0",
        "|funds.csv|1",
        "",
    ]
    assert held[1][1].startswith(b"ACME,ACME Corp,XNAS,USD,")
    commit = standing(topic).whole[0].commit
    assert commit.files == {"references.csv": 1, "funds.csv": 1}
    assert (commit.imported_from, commit.imported_at) == (str(tmp_path), IMPORTED_AT)
    assert commit.previous is None


def test_the_last_two_versions_stay(topic: KafkaSection, tmp_path: Path) -> None:
    versions = [put(topic, folder(tmp_path / str(n), 1e8 + n)) for n in range(4)]

    assert versions_held(topic) == set(versions[-2:])
    assert newest(topic) == versions[-1]
    assert standing(topic).whole[0].commit.previous == versions[-2]


def test_a_version_imported_again_becomes_the_newest(topic: KafkaSection, tmp_path: Path) -> None:
    first, second = (put(topic, folder(tmp_path / str(n), 1e8 + n)) for n in range(2))

    assert put(topic, tmp_path / "0") == first

    assert newest(topic) == first
    assert versions_held(topic) == {first, second}


def test_half_an_import_is_swept_up_by_the_next(topic: KafkaSection, tmp_path: Path) -> None:
    first = put(topic, folder(tmp_path / "a", 1e8))
    half = list(version_records(folder(tmp_path / "b", 2e8)).items())[:3]
    append(topic.bootstrap, dict(half), prefix=topic.topics_prefix)

    third = put(topic, folder(tmp_path / "c", 3e8))

    assert versions_held(topic) == {first, third}


def test_a_spoilt_version_is_mended_by_importing_it_again(
    topic: KafkaSection, tmp_path: Path
) -> None:
    first = put(topic, folder(tmp_path / "a", 1e8))
    second = put(topic, folder(tmp_path / "b", 2e8))
    strange = {
        f"{second}|funds.csv|1".encode(): b"spoilt",
        f"{second}|funds.csv|2".encode(): b"too many",
    }
    append(topic.bootstrap, dict(strange), prefix=topic.topics_prefix)
    assert newest(topic) == first
    assert [broken.version for broken in standing(topic).broken] == [second]

    put(topic, tmp_path / "b")

    assert newest(topic) == second
    assert standing(topic).broken == ()
    assert versions_held(topic) == {first, second}


def test_a_spoilt_version_is_not_one_of_the_two_that_stay(
    topic: KafkaSection, tmp_path: Path
) -> None:
    first = put(topic, folder(tmp_path / "a", 1e8))
    second = put(topic, folder(tmp_path / "b", 2e8))
    append(topic.bootstrap, {commit_key(second): b"?"}, prefix=topic.topics_prefix)
    assert not standing(topic).is_settled(first)

    put(topic, tmp_path / "a")

    assert standing(topic).is_settled(first)
    assert versions_held(topic) == {first}


def test_who_was_shown_something_else_imports_nothing(topic: KafkaSection, tmp_path: Path) -> None:
    shown = standing(topic)
    first = put(topic, folder(tmp_path / "a", 1e8))
    before = records_of(topic.bootstrap, universe_topic(topic))

    with pytest.raises(ImportLostError, match=f"meanwhile: {first}"):
        import_version(
            topic,
            "x",
            lines=lines_of(read_folder(tmp_path / "a")),
            origin="b",
            at=IMPORTED_AT,
            shown=shown,
        )

    assert records_of(topic.bootstrap, universe_topic(topic)) == before


BEGUN = """
import sys, time
from kafka import KafkaProducer
producer = KafkaProducer(bootstrap_servers=sys.argv[1], transactional_id=sys.argv[2] + "-import")
producer.init_transactions()
producer.begin_transaction()
for number in range(100):
    producer.send(sys.argv[2], key=b"dead|funds.csv|%d" % number, value=b"row", partition=0)
producer.flush()
print("begun", flush=True)
time.sleep(600)
"""


def test_an_importer_that_is_killed_holds_up_nobody(topic: KafkaSection, tmp_path: Path) -> None:
    words = [sys.executable, "-c", BEGUN, topic.bootstrap, universe_topic(topic)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as dying:
        assert dying.stdout is not None
        assert dying.stdout.readline() == b"begun\n"
        dying.kill()

    version = put(topic, folder(tmp_path, 1e8))

    assert newest(topic) == version
    keys = {key for found in standing(topic).whole for key in found.lines}
    assert keys == {"references.csv", "funds.csv"}


def test_of_two_imports_at_once_the_one_begun_later_wins(
    topic: KafkaSection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions: list[str] = []

    def first_the_other(lines: Lines) -> str:
        """Let another import run in the midst of the first."""
        monkeypatch.undo()
        versions.append(put(topic, folder(tmp_path / "b", 2e8)))
        return digest(lines)

    monkeypatch.setattr("services.universe_import.digest", first_the_other)

    with pytest.raises(ImportLostError, match="another import began meanwhile"):
        put(topic, folder(tmp_path / "a", 1e8))

    assert newest(topic) == versions[0]
    assert standing(topic).broken == ()


def test_nobody_ever_reads_a_mix(topic: KafkaSection, tmp_path: Path) -> None:
    folders = [folder(tmp_path / str(n), 1e8 + n, n_funds=300) for n in range(4)]
    done: list[str] = []

    def importer(seed: int) -> None:
        chosen = random.Random(seed)
        count = 0
        while count < 3:
            # Each ends the other's; where that comes between Kafka's own steps it is at a loss.
            with suppress(ImportLostError, KafkaUnreachableError):
                done.append(put(topic, chosen.choice(folders)))
                count += 1

    threads = [threading.Thread(target=importer, args=[seed]) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    broken: list[BrokenVersion] = []
    while any(thread.is_alive() for thread in threads):
        broken += standing(topic).broken
    for thread in threads:
        thread.join()

    assert broken == []
    assert len(done) == 6
    assert newest(topic) in done


def test_without_kafka_or_topic_that_is_said(topic: KafkaSection) -> None:
    with pytest.raises(KafkaUnreachableError, match=r"127\.0\.0\.1:1"):
        standing(KafkaSection(bootstrap="127.0.0.1:1"))
    with pytest.raises(ConfigError, match="forcedflow topics create makes it"):
        standing(KafkaSection(bootstrap=topic.bootstrap, topics_prefix="nowhere-"))


def test_compaction_keeps_what_is_needed(own_kafka: EmbeddedKafka, tmp_path: Path) -> None:
    topic = make_universe_topic(own_kafka.bootstrap)
    compact_soon(own_kafka.bootstrap, universe_topic(topic))
    versions = [put(topic, folder(tmp_path / str(n), 1e8 + n, n_funds=200)) for n in range(4)]
    held = held_records(topic)

    eventually(lambda: is_compacted(topic), seconds=60)

    assert held.items() <= held_records(topic).items()
    assert [found.version for found in standing(topic).whole] == versions[:-3:-1]
    assert put(topic, tmp_path / "0") == versions[0]


def compact_soon(bootstrap: str, topic: str) -> None:
    """Let the broker compact whatever it may, every second."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        broker = {"log.cleaner.backoff.ms": "1000"}
        own = {
            "min.cleanable.dirty.ratio": "0.001",
            "segment.ms": "100",
            "delete.retention.ms": "100",
            "min.compaction.lag.ms": "0",
        }
        admin.alter_configs(
            [
                ConfigResource(ConfigResourceType.BROKER, "1", configs=broker),
                ConfigResource(ConfigResourceType.TOPIC, topic, configs=own),
            ]
        )
    finally:
        admin.close()


def is_compacted(topic: KafkaSection) -> bool:
    """Say whether no key is there twice, and give the broker another reason to see to it."""
    records = records_of(topic.bootstrap, universe_topic(topic))
    keys = [record.key for record in records if record.key != b"|"]
    # Only what lies before the segment that is written to is compacted.
    append(topic.bootstrap, {b"|": b"1"})
    return len(set(keys)) == len(keys)
