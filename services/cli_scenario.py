"""``forcedflow scenario``: write a simulated market to run on."""

from datetime import datetime
from pathlib import Path

import click
from click.core import ParameterSource
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from core.errors import ConfigError
from services.scenario import DEFAULT_SEED, WEEK, write_scenario

_DAY = click.DateTime(["%Y-%m-%d"])


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
    "--from",
    "first",
    default=str(WEEK[0]),
    show_default=True,
    type=_DAY,
    metavar="DATE",
    help="First day.",
)
@click.option(
    "--until",
    "last",
    default=str(WEEK[1]),
    show_default=True,
    type=_DAY,
    metavar="DATE",
    help="Last day, included.",
)
@click.option(
    "--date",
    "only",
    type=_DAY,
    metavar="DATE",
    help="One day alone, instead of --from and --until; the rout is a Tuesday's.",
)
@click.pass_context
def command(
    ctx: click.Context,
    /,
    *,
    output: Path,
    seed: int,
    first: datetime,
    last: datetime,
    only: datetime | None,
) -> None:
    """Write a simulated market: universe, prices, creations, open interest and rules.

    It goes as the week of 22 June 2026 went, whatever the dates. The same seed and dates give the
    same bytes. Exit status: 0 written; 1 a file could not be written; 2 wrong option, no session on
    these days in one of the markets, or too many of them.
    """
    if only is not None:
        for name, option in (("first", "--from"), ("last", "--until")):
            if ctx.get_parameter_source(name) is not ParameterSource.DEFAULT:
                raise ConfigError(f"{option}: expected either --date or a range, there were both")
        first, last = only, only
    if last < first:
        raise ConfigError(f"--until: expected {first:%F} or later, was {last:%F}")
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn()
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("simulating")

        def show(doing: str, done: int, total: int) -> None:
            bar.update(task, description=doing, completed=done, total=total)

        summary = write_scenario(
            output, seed=seed, first=first.date(), last=last.date(), progress=show
        )
    if console.is_terminal:
        click.echo(
            f"{summary.directory}: {summary.references} references, {summary.funds} funds, "
            f"{summary.prices} prices, {summary.creations} creation figures, "
            f"{summary.open_interest} levels of open interest, seed {seed}",
            err=True,
        )
