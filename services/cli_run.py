"""``forcedflow run``: the whole service on a simulated market, nothing installed beforehand."""

import fcntl
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import NoReturn
from zoneinfo import ZoneInfo

import click
from rich.console import Console
from rich.live import Live

from core.errors import ConfigError
from core.sessions import NANOS_PER_SECOND
from services.options_settings import OptionsSettings
from services.run import Document, Play, RunningService, running
from services.scenario import DEFAULT_DAY, DEFAULT_SEED
from services.screen import alert_line, market_clock, picture, plain_lines

NEW_YORK = ZoneInfo("America/New_York")
REFRESH_SECONDS = 0.25
PLAIN_SECONDS = 10.0
"""Host time between two blocks of plain lines; alerts are told at once."""
PLAIN_ROWS = 8
MANY_HOURS = 12
"""A close further away than this is tomorrow's strike of a market that never sleeps."""


@click.command("run")
@click.option("--speed", default=60.0, show_default=True, type=click.FloatRange(min=0.01))
@click.option("--start", default="14:00", show_default=True, metavar="HH:MM", help="New York.")
@click.option("--seed", default=DEFAULT_SEED, show_default=True, type=click.IntRange(min=0))
@click.option("--alertmanager", "alertmanagers", multiple=True, metavar="URL", help="Repeats.")
@click.option(
    "--directory",
    default=Path(".forcedflow/run"),
    show_default=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Data and logs of the run; what an earlier one left there is erased.",
)
def command(
    speed: float, start: str, seed: int, alertmanagers: tuple[str, ...], directory: Path
) -> None:
    """Play a simulated rout on embedded Kafka and Redis and show who must trade what.

    Ends by itself after the close, or with Ctrl-C.
    """
    play = Play(
        directory=directory.resolve(),
        start_ns=_start_ns(start),
        speed=speed,
        seed=seed,
        alertmanagers=alertmanagers,
        # Its worker runs in another folder, where it would not find the settings' file.
        options=OptionsSettings.load({}).options,
    )
    signal.signal(signal.SIGTERM, _interrupt)
    console = Console()
    try:
        with _only_run(play.directory), running(play, tell=console.print) as service:
            if console.is_terminal:
                _show(service, console)
            else:
                _tell(service)
    except KeyboardInterrupt:
        click.echo("interrupted; every process has ended", err=True)


def _start_ns(text: str) -> int:
    try:
        clock = datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007 - joined with its zone below
    except ValueError as error:
        raise ConfigError(f"--start: expected a time such as 14:00, it was {text!r}") from error
    start = datetime.combine(DEFAULT_DAY, clock, NEW_YORK)
    return int(start.timestamp()) * NANOS_PER_SECOND


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


@contextmanager
def _only_run(directory: Path) -> Iterator[None]:
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        opened = directory.with_suffix(".lock").open("w")
    except OSError as error:
        message = f"--directory: expected a folder to write to, it was {directory}"
        raise ConfigError(f"{message}: {error.strerror}") from error
    with opened as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigError(
                f"{directory}: another run is using it; end that one first"
            ) from error
        yield


def _documents(service: RunningService) -> Iterator[Document]:
    """Yield the view again and again until every session of the market has closed."""
    while True:
        service.check()
        document = service.document()
        if document is not None:
            yield document
            rows = [row for row in document["rows"] if row["session"]]
            if rows and all(row["seconds_to_close"] == 0 for row in rows if not _all_day(row)):
                return
        time.sleep(REFRESH_SECONDS)


def _all_day(row: Document) -> bool:
    seconds: float = row["seconds_to_close"]
    return seconds > MANY_HOURS * 3600


def _show(service: RunningService, console: Console) -> None:
    with Live(console=console, auto_refresh=False, screen=False) as live:
        for document in _documents(service):
            live.update(picture(document, console.height), refresh=True)


def _tell(service: RunningService) -> None:
    told: dict[tuple[str, ...], str] = {}
    next_block = 0.0
    for document in _documents(service):
        for alert in document["alerts"]:
            key = (alert["alertname"], alert["side"], alert["symbol"], alert["starts_at"])
            if told.get(key) != alert["state"]:
                told[key] = alert["state"]
                click.echo(f"{market_clock(document)[11:19]} ALERT {alert_line(alert)}")
        if time.monotonic() >= next_block:
            next_block = time.monotonic() + PLAIN_SECONDS
            for line in plain_lines(document, PLAIN_ROWS):
                click.echo(line)
    click.echo("every session has closed")
