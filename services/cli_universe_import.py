"""``forcedflow universe import``: show what a folder changes, ask, make it the newest version."""

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
from pydantic import Field
from rich.console import Console

from core.errors import ConfigError
from core.sessions import NANOS_PER_SECOND
from core.universe import Universe
from services.clock import SystemClock
from services.settings_base import KafkaSection, Settings
from services.universe_difference import changed_rows, difference
from services.universe_feed import universe_of
from services.universe_files import build_universe, universe_summary
from services.universe_import import Standing, import_version, standing
from services.universe_records import Lines, lines_of
from services.universe_summary import summary_lines
from services.universe_tables import read_folder

EXIT_NOT_IMPORTED = 4
"""Exit code where there was something to import and nobody said yes."""


class ImportSettings(Settings):
    """Settings of the import."""

    kafka: KafkaSection = Field(default_factory=KafkaSection)


@click.command("import")
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Import without asking.")
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@click.option("--kafka-bootstrap", metavar="HOST:PORT", help="Several with commas.")
@click.option("--topics-prefix", help="What the names of all topics begin with.")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    *,
    directory: Path,
    yes: bool,
    dry_run: bool,
    kafka_bootstrap: str | None,
    topics_prefix: str | None,
) -> None:
    """Make DIRECTORY the newest version of the universe; running processes switch to it.

    DIRECTORY is checked, what it changes is shown, and on a terminal you are asked. All of it is
    imported or nothing. Import an older folder to go back to it.

    Exit codes: 0 imported, nothing to do, or --dry-run; 1 Kafka failed, or another import came
    first; 2 broken universe, settings or topic; 4 not imported, as nobody said yes.
    """
    flags = {"kafka.bootstrap": kafka_bootstrap, "kafka.topics_prefix": topics_prefix}
    kafka = ImportSettings.load(flags).kafka
    tables = read_folder(directory)
    universe = build_universe(tables)
    lines = lines_of(tables)
    with _doing("Reading the newest version"):
        held = standing(kafka)
    if held.is_settled(universe.version):
        click.echo(f"{universe.version} is the newest version already; nothing to do")
        return
    _show(held, universe, lines)
    for note in tables.notes:
        click.echo(f"note: {note}")
    if dry_run:
        return
    if not yes and not _is_wanted(universe.version):
        click.echo("not imported", err=True)
        ctx.exit(EXIT_NOT_IMPORTED)
    with _doing("Importing"):
        commit = import_version(
            kafka,
            universe.version,
            lines=lines,
            origin=f"{socket.gethostname()}:{directory.resolve()}",
            at=_host_time(),
            shown=held,
        )
    click.echo(f"imported {commit.version}: {sum(commit.files.values())} rows")


def _show(held: Standing, universe: Universe, lines: Lines) -> None:
    for broken in held.broken:
        click.echo(f"note: version {broken.version} cannot be used: {broken.reason}")
    newest = held.newest
    if newest is None:
        click.echo("the first version:")
        for line in summary_lines(universe_summary(universe)):
            click.echo(line)
        return
    commit = newest.commit
    click.echo(f"from {commit.version}, imported {commit.imported_at} from {commit.imported_from}")
    click.echo(f"to   {universe.version}")
    try:
        blocks = difference(universe_of(newest), universe)
    except ConfigError as error:
        click.echo(f"note: this release cannot read the version in force:\n{error}")
        blocks = []
    for block in (*blocks, changed_rows(newest.lines, lines)):
        for line in block.lines():
            click.echo(line)


def _is_wanted(version: str) -> bool:
    """Ask on a terminal; elsewhere nobody can answer."""
    if not sys.stdin.isatty():
        click.echo("expected --yes, or a terminal to ask on", err=True)
        return False
    return click.confirm(f"Import {version}?")


def _host_time() -> str:
    seconds = SystemClock().now_ns() // NANOS_PER_SECOND
    return datetime.fromtimestamp(seconds, UTC).isoformat()


@contextmanager
def _doing(what: str) -> Iterator[None]:
    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status(what):
        yield
