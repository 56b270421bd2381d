"""The folder of ``forcedflow run``: only what a run has left is erased."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from services.cli import main
from services.options_settings import OptionsSection
from services.run import Play, running


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    letters = tmp_path / "home" / "letters.txt"
    letters.parent.mkdir()
    letters.write_text("dear")
    result = CliRunner().invoke(main, ["run", "--directory", str(letters.parent)])
    assert result.exit_code == 2
    assert f"{letters.parent}: expected an empty folder" in result.stderr
    assert letters.read_text() == "dear"


def test_what_an_earlier_run_left_is_erased(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class NoKafkaError(Exception):
        """Ends a run before its first process."""

    def no_kafka(_directory: Path) -> None:
        raise NoKafkaError

    monkeypatch.setattr("services.run.EmbeddedKafka", no_kafka)
    letters = tmp_path / "home" / "letters.txt"
    letters.parent.mkdir()
    letters.write_text("dear")

    def run_in(folder: Path) -> list[str]:
        play = Play(
            folder, start_ns=0, speed=1.0, seed=1, alertmanagers=(), options=OptionsSection()
        )
        with pytest.raises(NoKafkaError), running(play, tell=lambda _: None):
            raise AssertionError("it started")
        return [entry.name for entry in folder.iterdir()]

    made = run_in(tmp_path / "run")
    (tmp_path / "run" / "kafka").mkdir()
    (tmp_path / "run" / "kafka" / "log").touch()
    (tmp_path / "run" / "elsewhere").symlink_to(letters.parent)
    assert run_in(tmp_path / "run") == made
    assert letters.read_text() == "dear"
    # What a run of before there was a mark has left, where runs are by default.
    unmarked = tmp_path / ".forcedflow" / "run"
    (unmarked / "kafka").mkdir(parents=True)
    assert run_in(unmarked) == made


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    result = CliRunner().invoke(main, ["run", "--directory", str(file / "x" / "run")])
    assert result.exit_code == 2
    assert result.stderr.startswith("--directory: expected a folder to write to, it was")
