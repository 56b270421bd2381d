"""``forcedflow dead-letters``: look at what could not be used, and send it again."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from pydantic import Field
from rich.console import Console
from rich.progress import Progress

from core.errors import ConfigError, FlowError
from services.clock import SystemClock
from services.dead_letter_choice import Choice, Once, time_or_ago_ms
from services.dead_letter_log import LetterLog, letter_log
from services.dead_letter_page import page
from services.dead_letter_records import Letter
from services.dead_letter_replay import Planner
from services.dead_letter_sending import make_plan, send_again
from services.dead_letter_table import (
    Summary,
    json_line,
    newest,
    show_table,
    tab_separated,
    write_letters,
    write_lines,
)
from services.gateway_producer import KafkaOutput
from services.kafka_admin import quiet_kafka
from services.output_files import check_outputs
from services.settings_base import KafkaSection, Settings, UniverseSection
from services.table_files import check_suffix
from services.universe_now import universe_now
from streams.topics import DEAD_LETTERS

_TERMINAL_LIMIT = 100
"""Letters on a terminal; more scroll away unread."""


class DeadLetterSettings(Settings):
    """Settings of the commands on dead letters."""

    kafka: KafkaSection = Field(default_factory=KafkaSection)
    universe: UniverseSection = Field(default_factory=UniverseSection)


def _kafka_options(function: Callable[..., Any]) -> Callable[..., Any]:
    prefix = click.option("--topics-prefix", help="What the names of all topics begin with.")
    bootstrap = click.option("--kafka-bootstrap", metavar="HOST:PORT", help="Several with commas.")
    return bootstrap(prefix(function))


def _choice_options(function: Callable[..., Any]) -> Callable[..., Any]:
    reason = click.option("--reason", "reasons", multiple=True, help="Only these; repeats.")
    topic = click.option(
        "--topic", "topics", multiple=True, help="Only bad records of these topics; repeats."
    )
    since = click.option(
        "--since", metavar="T", help="Written from then on: a time with offset, or 2h = 2 h ago."
    )
    until = click.option("--until", metavar="T", help="Written up to then.")
    return reason(topic(since(until(function))))


@click.group("dead-letters")
def command() -> None:
    """Look at what could not be used, with its reason, and send it again."""
    quiet_kafka()


@command.command("list")
@_kafka_options
@_choice_options
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    help=f"Only the newest so many; {_TERMINAL_LIMIT} on a terminal, all elsewhere.",
)
@click.option("--json", "as_json", is_flag=True, help="JSON lines instead of a table or tabs.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write to a file: .jsonl, .csv or .parquet, with the bad rows themselves.",
)
def list_letters(
    *,
    kafka_bootstrap: str | None,
    topics_prefix: str | None,
    limit: int | None,
    as_json: bool,
    output: Path | None,
    **choice: Any,  # noqa: ANN401 (the options of a choice)
) -> None:
    """List dead letters, the newest last, and how many there are of each reason.

    A letter that was written twice is listed once. In a pipe a line is the time of writing, the
    id, the reason, the length in bytes and what was wrong, with tabs between.

    Exit codes: 0 done; 1 Kafka does not answer; 2 wrong option or setting.
    """
    if output is not None:
        check_suffix(output)
        check_outputs({"--output": [output]}, {})
    wanted = _choice(**choice)
    settings = DeadLetterSettings.load(_kafka_flags(kafka_bootstrap, topics_prefix))
    console = Console()
    is_table = console.is_terminal and output is None and not as_json
    once, summary = Once(), Summary()
    with _log(settings) as log, _progress("Reading letters") as tell:
        found = (each for each in log.read(since_ms=wanted.since_ms, progress=tell))
        chosen = summary.count(once.pass_on(each for each in found if wanted.takes(each)))
        shown = newest(chosen, limit or (_TERMINAL_LIMIT if is_table else None))
        if output is not None:
            summary.shown = write_letters(output, shown)
        elif is_table:
            letters = list(shown)
        else:
            line = json_line if as_json else tab_separated
            summary.shown = write_lines(shown, line, click.echo)
    if is_table:
        show_table(console, letters)
        summary.shown = len(letters)
    for text in summary.lines(once.copies):
        click.echo(text, err=not is_table)


@command.command()
@_kafka_options
@click.argument("letter_id", metavar="ID")
@click.option("--raw", "raw_only", is_flag=True, help="Write the bad bytes as they are.")
def show(
    *, kafka_bootstrap: str | None, topics_prefix: str | None, letter_id: str, raw_only: bool
) -> None:
    """Show the letter ID: what was wrong, where, and the bytes, as text if they are text.

    Exit codes: 0 done; 1 Kafka does not answer, or no letter has this id; 2 wrong setting.
    """
    settings = DeadLetterSettings.load(_kafka_flags(kafka_bootstrap, topics_prefix))
    places: list[str] = []
    first: Letter | None = None
    with _log(settings) as log, _progress("Looking for the letter") as tell:
        for letter in log.read(progress=tell):
            if letter.id == letter_id:
                first = first or letter
                places.append(letter.place)
    if first is None:
        raise FlowError(_no_letter(letter_id))
    if raw_only:
        click.get_binary_stream("stdout").write(first.raw)
        return
    for line in page(first, places):
        click.echo(line)


@command.command()
@_kafka_options
@_choice_options
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option(
    "--universe",
    "universe_dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where misrouted events belong follows from it; without: the newest in Kafka.",
)
@click.option("--yes", is_flag=True, help="Send without asking.")
def replay(
    *,
    kafka_bootstrap: str | None,
    topics_prefix: str | None,
    ids: tuple[str, ...],
    universe_dir: Path | None,
    yes: bool,
    **choice: Any,  # noqa: ANN401 (as above)
) -> None:
    """Send bad records again: those of the letters ID, or of all letters of a --reason.

    Each goes to the topic and partition it came from; a misrouted one to the partition of its
    reference. Shows what it would send and asks. What is sent twice counts once, and what is
    still bad comes back as a new letter, under the offset of the record that was sent.

    Exit codes: 0 everything that was meant was sent; 1 Kafka does not answer, a letter cannot be
    sent, or you said no; 2 wrong option or setting.
    """
    wanted = _choice(ids=ids, **choice)
    if bool(ids) == bool(wanted.reasons):
        raise ConfigError("dead-letters replay: expected either the ids of letters, or --reason")
    flags = _kafka_flags(kafka_bootstrap, topics_prefix) | {"universe.directory": universe_dir}
    settings = DeadLetterSettings.load(flags)
    with (
        _log(settings) as log,
        KafkaOutput(settings.kafka.bootstrap, client_id="forcedflow-dead-letters") as output,
    ):
        if not _replay(settings, wanted, log, output=output, asks=not yes):
            click.get_current_context().exit(1)


def _replay(
    settings: DeadLetterSettings, wanted: Choice, log: LetterLog, *, output: KafkaOutput, asks: bool
) -> bool:
    """Plan, ask and send; return whether all that was meant was sent."""
    prefix = settings.kafka.topics_prefix
    planner = Planner(
        lambda topic: output.partitions(f"{prefix}{topic}"),
        lambda: universe_now(settings.universe, settings.kafka),
    )
    with _progress("Reading letters") as tell:
        plan = make_plan(_chosen(log, wanted, tell), planner, wanted=wanted.ids)
    for line in plan.lines():
        click.echo(line)
    if not plan.sendable:
        click.echo("nothing to send")
        return plan.is_whole
    if asks:
        click.confirm(f"Send {_records(plan.sendable)} again?", abort=True)
    with _progress("Sending") as tell:
        # Read anew up to the same end: a large topic does not fit into memory.
        sent = send_again(
            _chosen(log, wanted, None),
            planner,
            output,
            prefix=prefix,
            progress=lambda done: tell(done, plan.sendable),
        )
    click.echo(
        f"{_records(sent)} sent; what is still bad comes back as a new letter under its new "
        "offset: forcedflow dead-letters list --since 1m"
    )
    return plan.is_whole


def _chosen(
    log: LetterLog, wanted: Choice, tell: Callable[[int, int], None] | None
) -> Iterator[Letter]:
    found = log.read(since_ms=wanted.since_ms, progress=tell)
    return Once().pass_on(each for each in found if wanted.takes(each))


def _choice(
    *,
    reasons: tuple[str, ...],
    topics: tuple[str, ...],
    since: str | None,
    until: str | None,
    ids: tuple[str, ...] = (),
) -> Choice:
    now_ns = SystemClock().now_ns()
    since_ms = time_or_ago_ms("--since", since, now_ns=now_ns)
    until_ms = time_or_ago_ms("--until", until, now_ns=now_ns)
    if since_ms is not None and until_ms is not None and since_ms > until_ms:
        raise ConfigError(f"--since: expected a time up to --until, {until}, it was {since}")
    return Choice(
        ids=dict.fromkeys(ids),
        reasons=frozenset(reasons),
        topics=frozenset(topics),
        since_ms=since_ms,
        until_ms=until_ms,
    )


def _kafka_flags(kafka_bootstrap: str | None, topics_prefix: str | None) -> dict[str, Any]:
    return {"kafka.bootstrap": kafka_bootstrap, "kafka.topics_prefix": topics_prefix}


@contextmanager
def _log(settings: DeadLetterSettings) -> Iterator[LetterLog]:
    topic = f"{settings.kafka.topics_prefix}{DEAD_LETTERS}"
    with letter_log(settings.kafka.bootstrap, topic, clock=SystemClock()) as log:
        yield log


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on a terminal; nothing in a pipe."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _records(count: int) -> str:
    return f"{count:,} record{'' if count == 1 else 's'}"


def _no_letter(letter_id: str) -> str:
    return (
        f"no dead letter has the id {letter_id!r}: forcedflow dead-letters list shows them; they "
        "are kept for 14 days"
    )
