"""``forcedflow scenario``: write a simulated market to run on."""

from datetime import datetime
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from services.scenario import DEFAULT_DAY, DEFAULT_SEED, write_scenario


@click.command("scenario")
@click.option(
    "--output",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder to write; files of an earlier scenario in it are replaced.",
)
@click.option(
    "--seed", default=DEFAULT_SEED, show_default=True, type=click.IntRange(min=0), help="Seed."
)
@click.option(
    "--date",
    "day",
    default=DEFAULT_DAY.isoformat(),
    show_default=True,
    type=click.DateTime(["%Y-%m-%d"]),
    help="Date of the session, open in New York, Seoul and Hong Kong.",
)
def command(output: Path, seed: int, day: datetime) -> None:
    """Write a simulated market: a universe, a day's prices and creations, and rules.

    The same seed and date give the same bytes. Exit status: 0 written, 2 no session on the date.
    """
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn()
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("simulating")

        def show(doing: str, done: int, total: int) -> None:
            bar.update(task, description=doing, completed=done, total=total)

        summary = write_scenario(output, seed=seed, day=day.date(), progress=show)
    if console.is_terminal:
        click.echo(
            f"{summary.directory}: {summary.references} references, {summary.funds} funds, "
            f"{summary.prices} prices, {summary.creations} creation figures, seed {seed}",
            err=True,
        )
