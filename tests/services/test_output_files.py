"""Files a command writes: refused before the work, named where writing fails."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from core.errors import ConfigError
from services.cli import main
from services.output_files import check_outputs

EXAMPLE = Path(__file__).parent.parent / "data" / "example"

FULL = Path("/dev/full")
"""A device that is always full."""


def _replay(prices: Path, *options: object) -> Result:
    words = ("replay", "--universe", EXAMPLE / "universe", "--prices", prices, *options)
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    path = tmp_path / "prices.jsonl"
    path.write_bytes((EXAMPLE / "prices.jsonl").read_bytes())
    return path


@pytest.mark.parametrize("option", ["--alerts", "--rejects", "--report"])
@pytest.mark.parametrize("place", ["absent", "full"])
def test_a_file_that_cannot_be_written_is_named(
    option: str, place: str, prices: Path, tmp_path: Path
) -> None:
    suffix = ".html" if option == "--report" else ".csv"
    target = tmp_path / "nowhere" / f"x{suffix}"
    if place == "full":
        target = tmp_path / f"x{suffix}"
        target.symlink_to(FULL)
    rules = EXAMPLE / "rules.yaml"
    result = _replay(prices, "--rules", rules, "--output", tmp_path / "o.csv", option, target)
    assert result.exit_code == (1 if place == "full" else 2)
    assert str(target) in result.stderr
    assert (tmp_path / "o.csv").exists() == (place == "full")  # nothing was done in vain


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_full_disk_ends_with_status_1(suffix: str, prices: Path, tmp_path: Path) -> None:
    target = tmp_path / f"rows{suffix}"
    target.symlink_to(FULL)
    result = _replay(prices, "--output", target)
    assert result.exit_code == 1
    assert str(target) in result.stderr
    assert "No space left" in result.stderr


def test_what_is_read_is_not_written_over(prices: Path, tmp_path: Path) -> None:
    before = prices.read_bytes()
    (tmp_path / "link.csv").symlink_to(prices)
    for output in (prices, tmp_path / "link.csv"):
        result = _replay(prices, "--output", output)
        assert result.exit_code == 2
        assert result.stderr == (
            f"--output: expected a file of its own, {output} is also that of --prices\n"
        )
    assert prices.read_bytes() == before


def test_two_outputs_are_two_files(tmp_path: Path) -> None:
    same = tmp_path / "x.csv"
    with pytest.raises(ConfigError, match=r"--rejects: .* is also that of --output"):
        check_outputs({"--output": [same], "--rejects": [tmp_path / "." / "x.csv"]}, {})
    with pytest.raises(ConfigError, match=r"--report: .* is also that of --report"):
        check_outputs({"--report": [same, same]}, {})
    check_outputs({"--output": [Path("/dev/null")], "--rejects": [Path("/dev/null")]}, {})


def test_rows_from_after_their_end_are_refused(prices: Path, tmp_path: Path) -> None:
    times = ("--from", "2026-07-09T15:00:00-04:00", "--until", "2026-07-09T14:00:00-04:00")
    result = _replay(prices, *times, "--output", tmp_path / "o.csv")
    assert result.exit_code == 2
    assert result.stderr.startswith("--from: expected a time up to that of --until")


def test_a_full_disk_under_the_terminal_s_file_ends_with_status_1() -> None:
    words = [sys.executable, "-m", "services", "universe", "check", str(EXAMPLE / "universe")]
    with FULL.open("wb") as full:
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert "expected to write it whole, was refused: [Errno 28]" in done.stderr
    assert "Traceback" not in done.stderr
