"""``forcedflow gateway``: vendors' files and feeds into Kafka."""

import asyncio
import math
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from core.errors import BadInputError, ConfigError
from core.sessions import NANOS_PER_SECOND
from services.clock import SystemClock
from services.durations import parse_duration_ns
from services.event_fields import column_pairs
from services.event_files import ReadOptions
from services.exposition import Exposition
from services.gateway import run_gateway
from services.gateway_events import TopicNames
from services.gateway_metrics import GatewayMetrics
from services.gateway_outlet import Counts
from services.gateway_plan import GatewayPlan
from services.gateway_producer import KafkaOutput
from services.gateway_settings import GatewaySettings
from services.universe_feed import universe_source
from streams.event_times import parse_time

_LARGEST_PORT = 65_535
_EXIT_BAD_ROWS = 3
_File = click.Path(path_type=Path, dir_okay=False)
_Folder = click.Path(path_type=Path, file_okay=False)


@click.command("gateway")
@click.option(
    "--universe", "universe_directory", type=_Folder, help="Folder; none: what was imported."
)
@click.option("--prices", type=_File, multiple=True, help="Prices; repeats.")
@click.option("--flows", type=_File, multiple=True, help="ETF creations; repeats.")
@click.option(
    "--open-interest", type=_File, multiple=True, help="Options: our rows or chains; repeats."
)
@click.option("--column", "pairs", multiple=True, metavar="NAME=HEADER", help="A file's header.")
@click.option("--timezone", help="IANA zone of times without an offset.")
@click.option("--bar", metavar="DURATION", help="Rows are stamped at the start of such bars.")
@click.option("--symbol", "symbols", multiple=True, help="Symbol of files without that column.")
@click.option(
    "--volume",
    type=click.Choice(["session", "row"]),
    help="Whose volume rows carry: the session's so far, or their own (default with --bar).",
)
@click.option(
    "--speed",
    default="1",
    show_default=True,
    metavar="FACTOR|max",
    help="Event time per host time; hours in which no venue is open take none.",
)
@click.option("--from", "from_", metavar="T", help="What files hold before T is left out.")
@click.option("--start-at", metavar="T", help="What files hold before T is sent at once.")
@click.option("--follow", is_flag=True, help="Files grow; read on as they do.")
@click.option("--listen", metavar="HOST:PORT", help="Take JSON lines from clients of a socket.")
@click.option(
    "--frames",
    "frame_rows",
    default=0,
    type=click.IntRange(min=0, max=16_384),
    metavar="N",
    help="Send up to N rows as one Arrow frame instead of each as JSON.",
)
@click.option("--source", help="Source of rows that name none; each gateway needs its own.")
@click.option("--strict", is_flag=True, help="End with status 3 if any row was bad.")
@click.option("--kafka-bootstrap", metavar="HOST:PORT", help="Where Kafka is.")
@click.option("--metrics-port", type=click.IntRange(0, 65535), help="/metrics; 0 = nowhere.")
@click.pass_context
def command(ctx: click.Context, /, *, strict: bool, **options: Any) -> None:  # noqa: ANN401
    """Send vendors' events into Kafka, with the heartbeats that market time needs.

    Files (CSV, JSON lines, Parquet) are played in event time; with --follow they are read as they
    grow, and with --listen a socket takes JSON lines: prices, creations and open interest in any
    order. A vendor's option chain is read whole, with --follow again whenever it has changed. Rows
    go to the partition of their reference; symbols outside the universe are skipped, bad rows go
    to the dead letters. Ctrl-C or SIGTERM sends what was read and ends.
    """
    settings = GatewaySettings.load(
        {
            "universe.directory": options["universe_directory"],
            "kafka.bootstrap": options["kafka_bootstrap"],
            "gateway.source": options["source"],
            "gateway.metrics_port": options["metrics_port"],
        }
    )
    plan = _plan(options, settings)
    plan.check()
    counts = _run(plan, settings)
    click.echo(counts.summary(), err=True)
    for reason, count in sorted(counts.rejected.items()):
        click.echo(f"  {reason}: {count}", err=True)
    if strict and counts.rejected:
        ctx.exit(_EXIT_BAD_ROWS)


def _plan(options: dict[str, Any], settings: GatewaySettings) -> GatewayPlan:
    bar_ns = parse_duration_ns(options["bar"]) if options["bar"] else 0
    volume = options["volume"] or ("row" if bar_ns else "session")
    return GatewayPlan(
        prices=options["prices"],
        flows=options["flows"],
        open_interest=options["open_interest"],
        options=ReadOptions(
            columns=column_pairs(options["pairs"]),
            timezone=options["timezone"],
            bar_ns=bar_ns,
            symbols=options["symbols"],
        ),
        speed=_speed(options["speed"]),
        from_ns=_instant(options["from_"]),
        start_at_ns=_instant(options["start_at"]),
        follow=options["follow"],
        listen=_address(options["listen"]),
        frame_rows=options["frame_rows"],
        adds_volumes=volume == "row",
        source=settings.gateway.source,
        lateness_ns=round(settings.gateway.lateness_seconds * NANOS_PER_SECOND),
        topics=TopicNames.with_prefix(settings.kafka.topics_prefix),
    )


def _run(plan: GatewayPlan, settings: GatewaySettings) -> Counts:
    metrics = GatewayMetrics()
    section = settings.gateway
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    has_bar = console.is_terminal and not plan.is_live
    with ExitStack() as stack:
        if section.metrics_port:
            stack.enter_context(
                Exposition(metrics.registry, port=section.metrics_port, host=section.metrics_host)
            )
        output = stack.enter_context(KafkaOutput(settings.kafka.bootstrap, client_id=plan.source))
        progress = stack.enter_context(
            Progress(*columns, console=console, transient=True, disable=not has_bar)
        )
        task = progress.add_task("Sending rows", total=None)
        return asyncio.run(
            run_gateway(
                plan,
                output,
                universes=universe_source(settings.universe, settings.kafka),
                metrics=metrics,
                clock=SystemClock(),
                progress=lambda done, total: progress.update(task, completed=done, total=total),
            )
        )


def _speed(text: str) -> float | None:
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = math.nan
    if not 0 < speed < math.inf:
        raise ConfigError(f"--speed: expected a number above 0, or max, it was {text!r}")
    return speed


def _instant(text: str | None) -> int:
    if text is None:
        return 0
    try:
        return parse_time(text)
    except BadInputError as error:
        raise ConfigError(f"--start-at: {error}") from error


def _address(text: str | None) -> tuple[str, int] | None:
    if text is None:
        return None
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > _LARGEST_PORT:
        raise ConfigError(f"--listen: expected HOST:PORT, it was {text!r}")
    return host.strip("[]"), int(port)
