"""``forcedflow universe``: check a folder before anything is started on it."""

from collections.abc import Mapping
from pathlib import Path

import click

from services.universe_files import UniverseSummary, build_universe, universe_summary
from services.universe_tables import read_folder


@click.group(name="universe")
def command() -> None:
    """Look after the folder of CSV files: references, funds and what hangs on them."""


@command.command()
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
def check(directory: Path) -> None:
    """Read DIRECTORY and say what it holds, or list every fault and end with status 2."""
    tables = read_folder(directory)
    universe = build_universe(tables)
    for name, value in _lines(universe_summary(universe)):
        click.echo(f"{name:<18} {value}")
    for note in tables.notes:
        click.echo(f"note: {note}")


def _lines(summary: UniverseSummary) -> list[tuple[str, str]]:
    return [
        ("version", summary.version),
        ("references", f"{summary.references} ({_counts(summary.venues)})"),
        ("funds", str(summary.funds)),
        ("uncovered funds", _counts(summary.uncovered_funds) or "0"),
        ("unknown assets", str(summary.unknown_assets)),
        ("reference figures", str(summary.reference_figures)),
        ("fund figures", str(summary.fund_figures)),
        ("rooms", str(summary.rooms)),
        ("price listings", str(summary.price_listings)),
        ("price factors", str(summary.price_factors)),
    ]


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())
