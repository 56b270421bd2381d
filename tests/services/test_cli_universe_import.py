"""`forcedflow universe import` as an operator runs it."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from services.cli import main
from services.settings_base import KafkaSection
from services.universe_import import standing
from tests.support.imported_universes import append, make_universe_topic, version_records
from tests.support.kafka_litter import KAFKA_LITTER
from tests.support.universes import fund, write_universe

pytestmark = KAFKA_LITTER


@pytest.fixture
def topic(kafka: str, topic_suffix: str) -> KafkaSection:
    """A universe topic of this test's own."""
    return make_universe_topic(kafka, f"{topic_suffix}-")


def folder(directory: Path, assets_usd: float) -> Path:
    return write_universe(
        directory, references=["ACME"], funds=[fund("ACMU", "ACME", 2, assets_usd=assets_usd)]
    )


def words(topic: KafkaSection, directory: Path, *more: str) -> list[str]:
    where = ("--kafka-bootstrap", topic.bootstrap, "--topics-prefix", topic.topics_prefix)
    return ["universe", "import", str(directory), *where, *more]


def run(topic: KafkaSection, directory: Path, *more: str) -> Result:
    return CliRunner().invoke(main, words(topic, directory, *more))


def newest(topic: KafkaSection) -> str:
    found = standing(topic).newest
    return "" if found is None else found.version


def test_the_first_version_is_summed_up_and_imported(topic: KafkaSection, tmp_path: Path) -> None:
    result = run(topic, folder(tmp_path, 1e8), "--yes")

    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "the first version:"
    assert lines[1] == f"version            {newest(topic)}"
    assert lines[-1] == f"imported {newest(topic)}: 2 rows"


def test_the_difference_comes_first(topic: KafkaSection, tmp_path: Path) -> None:
    run(topic, folder(tmp_path / "a", 1e8), "--yes")
    before = newest(topic)

    result = run(topic, folder(tmp_path / "b", 2e8), "--yes")

    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith(f"from {before}, imported 20")
    assert lines[0].endswith(f":{tmp_path / 'a'}")
    assert lines[1:] == [
        f"to   {newest(topic)}",
        "assets             1 fund changed; all funds 100 m → 200 m (+100 m)",
        "  ACMU: 100 m → 200 m (+100 m) from 2026-06-23",
        "due per 1 % move   1 reference changed; all 2 m → 4 m (+2 m)",
        "  ACME: 2 m → 4 m (+2 m)",
        "past figures       1 changed as if always known so, 0 no longer stated",
        "  ACMU 2026-06-23: +2 100 m → +2 200 m",
        "rows of files      funds.csv +1 −1",
        f"imported {newest(topic)}: 2 rows",
    ]


def test_what_is_the_newest_already_is_not_imported_again(
    topic: KafkaSection, tmp_path: Path
) -> None:
    run(topic, folder(tmp_path, 1e8), "--yes")

    result = run(topic, tmp_path)

    assert result.exit_code == 0
    assert result.stdout == f"{newest(topic)} is the newest version already; nothing to do\n"


def test_in_a_pipe_nothing_is_imported_without_yes(topic: KafkaSection, tmp_path: Path) -> None:
    result = run(topic, folder(tmp_path, 1e8))

    assert result.exit_code == 4
    assert result.stdout.startswith("the first version:\n")
    assert "expected --yes, or a terminal to ask on" in result.stderr
    assert newest(topic) == ""


def test_a_dry_run_only_shows(topic: KafkaSection, tmp_path: Path) -> None:
    result = run(topic, folder(tmp_path, 1e8), "--dry-run", "--yes")

    assert result.exit_code == 0
    assert result.stdout.startswith("the first version:\n")
    assert newest(topic) == ""


@pytest.mark.parametrize(("answer", "status"), [("y", 0), ("n", 4), ("", 4)])
def test_on_a_terminal_it_asks(
    answer: str, status: int, topic: KafkaSection, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "services", *words(topic, folder(tmp_path, 1e8))]
    ours, theirs = pty.openpty()
    try:
        with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as process:
            os.close(theirs)
            shown = until(ours, "[y/N]: ")
            os.write(ours, f"{answer}\n".encode())
            shown += rest(ours)
    finally:
        os.close(ours)

    assert process.returncode == status
    assert "the first version:" in shown
    assert ("not imported" in shown) == (status != 0)
    assert bool(newest(topic)) == (status == 0)


def until(terminal: int, text: str) -> str:
    # A read may end within a character.
    shown = b""
    while text.encode() not in shown:
        shown += os.read(terminal, 4096)
    return shown.decode()


def rest(terminal: int) -> str:
    shown = b""
    try:
        while part := os.read(terminal, 4096):
            shown += part
    except OSError:
        # Linux says so when the other side is closed.
        pass
    return shown.decode()


def test_a_broken_folder_ends_with_status_2(topic: KafkaSection, tmp_path: Path) -> None:
    broken = write_universe(tmp_path, references=["ACME"], funds=[fund("ACMU", "NONE", 2)])

    result = run(topic, broken, "--yes")

    assert result.exit_code == 2
    assert result.stderr.startswith("funds.csv:2: reference: expected a symbol")
    assert newest(topic) == ""


def test_a_missing_topic_ends_with_status_2(topic: KafkaSection, tmp_path: Path) -> None:
    elsewhere = KafkaSection(bootstrap=topic.bootstrap, topics_prefix="nowhere-")

    result = run(elsewhere, folder(tmp_path, 1e8), "--yes")

    assert result.exit_code == 2
    assert "expected the topic nowhere-universe" in result.stderr


def test_without_kafka_it_ends_with_status_1(tmp_path: Path) -> None:
    result = run(KafkaSection(bootstrap="127.0.0.1:1"), folder(tmp_path, 1e8), "--yes")

    assert result.exit_code == 1
    assert "expected Kafka at 127.0.0.1:1" in result.stderr


def test_versions_that_cannot_be_used_are_told(topic: KafkaSection, tmp_path: Path) -> None:
    unreadable = write_universe(
        tmp_path / "a", references=["ACME"], funds=[fund("ACMU", "NONE", 2)]
    )
    append(topic.bootstrap, version_records(unreadable), prefix=topic.topics_prefix)
    damaged = version_records(folder(tmp_path / "b", 1e8), sha256="0")
    append(topic.bootstrap, damaged, prefix=topic.topics_prefix)

    result = run(topic, folder(tmp_path / "c", 2e8), "--yes")

    assert result.exit_code == 0
    assert "cannot be used: expected rows of sha256 0" in result.stdout
    assert "note: this release cannot read the version in force:\nfunds.csv:2" in result.stdout
    assert "rows of files      funds.csv +1 −1" in result.stdout
