"""``forcedflow silence``: acknowledge alerts, and keep maintenance quiet, on every Alertmanager."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

import aiohttp
import click
from rich.console import Console

from core.errors import ConfigError
from services import silence_desk as desks
from services.alertmanager_access import open_access
from services.alertmanager_http import HttpTransport, Transport
from services.clock import SystemClock
from services.silence_desk import AlertNow, Desk
from services.silence_page import (
    consequences,
    json_line,
    moment,
    show_table,
    subject,
    tab_separated,
)
from services.silence_request import ACKNOWLEDGED, Window, has_words, parse_matchers, window
from services.silence_settings import SilenceSettings
from services.silences import Matcher, SilenceError, exact_matchers

LONGEST_WINDOW = "7d"
LONGEST_ACKNOWLEDGEMENT = "12h"
"""Longer than a session: nobody acknowledges for the next day."""
ACKNOWLEDGED_FOR = "15m"

Result = TypeVar("Result")


def _where(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--alertmanager", "alertmanagers", multiple=True, metavar="URL", help="Repeats."
    )(function)


def _author(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--author", metavar="NAME", help="You; or the setting silence.author.")(
        function
    )


@click.group("silence")
def command() -> None:
    """Acknowledge alerts, and keep maintenance quiet for a bounded time.

    Alertmanagers come from --alertmanager, else from the setting alerter.alertmanagers, else it is
    the local stack's (port 9093, or stack.alertmanager_port). Exit codes: 0 done; 1 an Alertmanager
    does not answer or refuses, or nothing is meant by the words; 2 wrong option or setting.
    """


@command.command("list")
@_where
@click.option("--all", "with_ended", is_flag=True, help="Also those that have ended.")
@click.option("--json", "as_json", is_flag=True, help="JSON lines instead of a table or tabs.")
@click.pass_context
def list_silences(
    ctx: click.Context, /, *, alertmanagers: tuple[str, ...], with_ended: bool, as_json: bool
) -> None:
    """List silences that silence or will silence, the next to end first.

    In a pipe a line is state, id, start, end, author, comment, conditions and Alertmanagers, with
    tabs between.
    """
    settings = _settings(alertmanagers)
    desk = _look(settings)
    found = [
        held for held in desk.silences() if with_ended or held.silence.status.state != "expired"
    ]
    console = Console()
    if as_json or not console.is_terminal:
        for held in found:
            click.echo(json_line(held) if as_json else tab_separated(held))
    elif found:
        show_table(console, found)
    else:
        click.echo("no silences")
    _end(ctx, desk)


@command.command()
@_where
@_author
@click.argument("words", nargs=-1, required=True, metavar="WORD...")
@click.option(
    "--for",
    "lasts",
    default=ACKNOWLEDGED_FOR,
    show_default=True,
    metavar="DURATION",
    help=f"How long, at most {LONGEST_ACKNOWLEDGEMENT}.",
)
@click.option("--comment", default="", metavar="TEXT", help="What you do about it.")
@click.option("--each", is_flag=True, help="All alerts that the words mean, not just one.")
@click.pass_context
def ack(
    ctx: click.Context,
    /,
    *,
    words: tuple[str, ...],
    lasts: str,
    comment: str,
    each: bool,
    **given: Any,  # noqa: ANN401 (where and who)
) -> None:
    """Acknowledge the alert that WORD... means: only that it has ended is told meanwhile.

    A WORD is an alert's name, symbol, side, severity, family or scope, or a condition such as
    symbol=NVDA. What they mean has to fire now, and without --each to be one alert:

      forcedflow silence ack NVDA ForcedFlowCritical --author ana
    """
    settings = _settings(given["alertmanagers"])
    author = _named(given["author"], settings)
    has_words({}, words)
    meant = window(
        now_ns=_now_ns(), begins=None, until=None, lasts=lasts, longest=LONGEST_ACKNOWLEDGEMENT
    )
    desk = _look(settings)
    alerts = [alert for alert in desk.alerts() if has_words(alert.labels, words)]
    if len(alerts) != 1 and not (alerts and each):
        _refuse(ctx, desk, alerts, words)
    text = f"{ACKNOWLEDGED}: {comment}" if comment else ACKNOWLEDGED
    is_done = True
    for alert in alerts:
        matchers = exact_matchers(alert.labels)
        is_done &= _create(
            settings, desk, matchers=matchers, meant=meant, author=author, comment=text
        )
    _end(ctx, desk, is_done=is_done)


@command.command()
@_where
@_author
@click.argument("matchers", nargs=-1, required=True, metavar="CONDITION...")
@click.option("--from", "begins", metavar="T", help="A time with its offset; without: now.")
@click.option("--until", metavar="T", help="A time with its offset.")
@click.option("--for", "lasts", metavar="DURATION", help="Such as 45m or 2h, instead of --until.")
@click.option("--comment", required=True, metavar="TEXT", help="Why.")
@click.pass_context
def add(
    ctx: click.Context,
    /,
    *,
    matchers: tuple[str, ...],
    begins: str | None,
    until: str | None,
    lasts: str | None,
    comment: str,
    **given: Any,  # noqa: ANN401 (as above)
) -> None:
    """Page nobody for alerts that meet every CONDITION, for at most 7d: a maintenance window.

    A CONDITION is NAME=VALUE, NAME!=VALUE, NAME=~REGEX or NAME!~REGEX:

      forcedflow silence add 'symbol=~NVD[LX]' --for 2h --comment split
    """
    settings = _settings(given["alertmanagers"])
    author = _named(given["author"], settings)
    if not comment.strip():
        raise ConfigError("--comment: expected why, it was empty")
    wanted = parse_matchers(matchers)
    meant = window(
        now_ns=_now_ns(), begins=begins, until=until, lasts=lasts, longest=LONGEST_WINDOW
    )
    desk = _look(settings)
    is_done = _create(settings, desk, matchers=wanted, meant=meant, author=author, comment=comment)
    _end(ctx, desk, is_done=is_done)


@command.command()
@_where
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.pass_context
def expire(ctx: click.Context, /, *, alertmanagers: tuple[str, ...], ids: tuple[str, ...]) -> None:
    """End the silences ID... now; what fires under them pages within half a minute."""
    settings = _settings(alertmanagers)
    desk = _look(settings)
    is_done = True
    for silence_id in ids:
        outcome = _run(settings, partial(desks.expire, desk, silence_id))
        for text in outcome.failures:
            click.echo(f"not expired: {text}", err=True)
        if outcome.ids:
            click.echo(f"expired {silence_id}")
        elif not outcome.failures:
            click.echo(f"no silence {silence_id} that has not ended", err=True)
        is_done &= bool(outcome.ids) and not outcome.failures
    _end(ctx, desk, is_done=is_done)


def _create(
    settings: SilenceSettings,
    desk: Desk,
    *,
    matchers: tuple[Matcher, ...],
    meant: Window,
    author: str,
    comment: str,
) -> bool:
    """Create it everywhere and tell what follows; return whether nobody refused."""
    make = partial(desks.create, desk, matchers, window=meant, author=author, comment=comment)
    outcome = _run(settings, make)
    for text in outcome.failures:
        click.echo(f"not silenced: {text}", err=True)
    if outcome.ids:
        click.echo(f"from {moment(meant.starts_ns)} until {moment(meant.ends_ns)}, {comment}:")
        alerts = desk.alerts()
        covered = [one for one in alerts if all(each.matches(one.labels) for each in matchers)]
        for line in consequences(covered):
            click.echo(line)
        click.echo(f"end it earlier: forcedflow silence expire {' '.join(outcome.ids)}")
    return not outcome.failures


def _refuse(ctx: click.Context, desk: Desk, alerts: list[AlertNow], words: tuple[str, ...]) -> None:
    told = " ".join(words)
    if alerts:
        click.echo(f"{told}: {len(alerts)} alerts; say which one, or --each", err=True)
    else:
        click.echo(f"{told}: no such alert fires; of all alerts there are these:", err=True)
    for alert in alerts or desk.alerts():
        click.echo(f"  {subject(alert.labels)}", err=True)
    _end(ctx, desk, is_done=False)


def _end(ctx: click.Context, desk: Desk, *, is_done: bool = True) -> None:
    for text in desk.unreached:
        click.echo(text, err=True)
    if desk.unreached or not is_done:
        ctx.exit(1)


def _settings(alertmanagers: tuple[str, ...]) -> SilenceSettings:
    return SilenceSettings.load({"alerter.alertmanagers": alertmanagers or None})


def _named(author: str | None, settings: SilenceSettings) -> str:
    name = (author or settings.silence.author).strip()
    if not name:
        raise ConfigError(
            "expected who you are: --author NAME, or FORCEDFLOW_SILENCE__AUTHOR, or author in the "
            "section [silence] of forcedflow.toml"
        )
    return name


def _now_ns() -> int:
    return SystemClock().now_ns()


def _look(settings: SilenceSettings) -> Desk:
    """Return what the Alertmanagers say; at least one does."""
    desk = _run(settings, partial(desks.look, settings.alertmanagers))
    if not desk.clusters:
        raise SilenceError("\n".join(desk.unreached))
    return desk


def _run(settings: SilenceSettings, ask: Callable[[Transport], Awaitable[Result]]) -> Result:
    access = open_access(settings.alertmanager, settings.alertmanagers)

    async def asked() -> Result:
        async with aiohttp.ClientSession() as session:
            return await ask(HttpTransport(session, access))

    return asyncio.run(asked())
