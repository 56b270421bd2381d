"""``forcedflow stack``: everything an operator would run, on this machine, under a supervisor."""

import os
import signal
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import click
import redis
from rich.console import Console

from core.errors import ConfigError
from services.clock import SystemClock
from services.finding_page import show_findings
from services.findings import Finding, Verdict
from services.marked_processes import processes_of
from services.stack import StackError, down, up
from services.stack_health import SERVICES, examine, service_probe
from services.stack_layout import Layout
from services.stack_play import play_command
from services.stack_preparation import saved
from services.stack_settings import StackSettings
from services.supervisor import Supervisor

_LOG_LINES = 5
_Folder = click.Path(path_type=Path, file_okay=False)
_File = click.Path(path_type=Path, dir_okay=False)


def _directory(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--directory", type=_Folder, help="Data and logs, default .forcedflow/stack."
    )(function)


@click.group("stack")
def command() -> None:
    """Run Kafka, Redis, Prometheus, Alertmanager and our processes on this machine.

    Each is a native process on loopback; a supervisor starts again what ends. Ports and all else
    are settings of section stack: FORCEDFLOW_STACK__REDIS_PORT=6380, or redis_port = 6380 under
    [stack] in forcedflow.toml.
    """


@command.command("up")
@_directory
@click.option("--nodes", type=int, help="Of Kafka: 1, the default, or 3, which keep three copies.")
@click.option("--workers", type=int, help="1 to 12, default 2.")
@click.option("--universe", type=_Folder, help="Of a feed of your own.")
@click.option("--rules", type=_File, help="Alert rules for a feed of your own.")
@click.option(
    "--feed",
    metavar="OPTIONS",
    help="What forcedflow gateway reads, instead of the bundled market.",
)
@click.option("--fresh", "is_fresh", is_flag=True, help="Erase the data of the run before.")
def start(*, is_fresh: bool, **flags: object) -> None:
    """Start the stack; end when every process answers.

    Exit codes: 0 all answer; 1 one does not, it is said which and where its log is, and what was
    started goes on; 2 something is missing, in the way or contradicts itself.
    """
    layout = _layout(flags)
    clock = SystemClock()
    begun = clock.monotonic()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        findings = up(layout, is_fresh=is_fresh, clock=clock, tell=click.echo)
    except KeyboardInterrupt:
        click.echo("interrupted; what was started goes on: forcedflow stack down ends it", err=True)
        raise SystemExit(1) from None
    except StackError as error:
        show_findings(Console(stderr=True), error.findings)
        _show_logs(layout, error.findings)
        click.echo("what was started goes on: forcedflow stack down ends it", err=True)
        raise
    show_findings(Console(), findings)
    click.echo(
        f"everything answers after {clock.monotonic() - begun:.0f} s; logs: {layout.home}/logs"
    )


@command.command()
@_directory
def status(directory: Path | None) -> None:
    """Ask every process how it is.

    Exit codes: 0 all are well; 1 one is not; 2 no stack was started here.
    """
    layout = _running_layout(directory)
    if not processes_of(layout.home):
        raise click.ClickException(
            f"nothing of a stack runs in {layout.home}; forcedflow stack up starts it"
        )
    findings = examine(layout, SystemClock())
    show_findings(Console(), findings)
    if any(finding.verdict is Verdict.PROBLEM for finding in findings):
        raise SystemExit(1)


@command.command("down")
@_directory
def end(directory: Path | None) -> None:
    """End every process of the stack, also where its supervisor has crashed; data are kept."""
    down(_layout({"directory": directory}).home, click.echo)


@command.command(hidden=True)
@_directory
def play(directory: Path | None) -> None:
    """Play the bundled market as the stack's gateway, from where the workers stand."""
    layout = _running_layout(directory)
    try:
        words = play_command(layout)
    except redis.RedisError as error:
        # The supervisor tries again.
        raise click.ClickException(f"expected Redis at {layout.redis_url}: {error}") from error
    os.execv(words[0], words)  # noqa: S606  our own program, with our own words


@command.command()
@click.argument("process", type=click.Choice(SERVICES))
@click.argument("port", type=click.IntRange(1, 65_535))
def probe(process: str, port: int) -> None:
    """Ask one process on this machine how it is: the health check of a container.

    Exit codes: 0 it is well; 1 it is not.
    """
    answer = service_probe(process, port, SystemClock())()
    click.echo(answer.text)
    if not answer.is_ready:
        raise SystemExit(1)


def _layout(flags: dict[str, object]) -> Layout:
    return Layout(
        StackSettings.load({f"stack.{name}": value for name, value in flags.items()}).stack
    )


def _running_layout(directory: Path | None) -> Layout:
    """Return the layout with which the stack of a folder was started."""
    home = _layout({"directory": directory}).home
    settings = saved(home)
    if settings is None:
        raise ConfigError(f"{home}: no stack was started here; forcedflow stack up starts one")
    return Layout(settings.model_copy(update={"directory": home}))


def _show_logs(layout: Layout, findings: Iterable[Finding]) -> None:
    supervisor = Supervisor(layout.home)
    for finding in findings:
        log = supervisor.log_of(finding.subject)
        if log.exists():
            lines = log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
            click.echo(f"the end of {log}:", err=True)
            for line in lines:
                click.echo(f"  {line}", err=True)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
