"""``forcedflow universe``: check a folder before anything is started on it, or import it."""

from pathlib import Path

import click

from services.cli_universe_import import command as import_command
from services.universe_files import build_universe, universe_summary
from services.universe_summary import summary_lines
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
    for line in summary_lines(universe_summary(universe)):
        click.echo(line)
    for note in tables.notes:
        click.echo(f"note: {note}")


command.add_command(import_command)
