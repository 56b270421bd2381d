from pathlib import Path

from click.testing import CliRunner, Result

from services.cli import main
from tests.support.universes import EXAMPLE, fund, reference, write_universe


def check(directory: Path) -> Result:
    return CliRunner().invoke(main, ["universe", "check", str(directory)])


def test_a_sound_universe_is_summed_up() -> None:
    result = check(EXAMPLE / "universe")

    assert result.exit_code == 0
    assert "references         3 (XKRX 1, XNAS 1, XNYS 1)\n" in result.stdout
    assert "funds              6\n" in result.stdout
    assert result.stderr == ""


def test_uncovered_funds_and_notes_are_shown(tmp_path: Path) -> None:
    folder = write_universe(
        tmp_path,
        references=["ACME"],
        funds=[fund("A", "ACME", 2, reset="weekly"), fund("B", "ACME", 2, reset="none")],
        fx=[{"currency": "KRW", "usd": 0.0007, "effective_at": "2026-06-23"}],
    )

    result = check(folder)

    assert result.exit_code == 0
    assert "uncovered funds    none 1, weekly 1\n" in result.stdout
    assert "unknown assets     2\n" in result.stdout
    assert "note: fx.csv: not used yet\n" in result.stdout


def test_every_fault_is_listed_and_the_status_is_2(tmp_path: Path) -> None:
    folder = write_universe(
        tmp_path,
        references=[reference("ACME", currency="dollar")],
        funds=[fund("ACMU", "ACME", 2), fund("LOST", "NONE", 2)],
    )

    result = check(folder)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "references.csv:2: currency: expected a currency of three letters A-Z, was 'dollar'",
        "funds.csv:3: reference: expected a symbol that references.csv lists, was 'NONE'",
    ]


def test_a_folder_that_is_not_there_is_a_wrong_option(tmp_path: Path) -> None:
    result = check(tmp_path / "nowhere")

    assert result.exit_code == 2
    assert "does not exist" in result.stderr
