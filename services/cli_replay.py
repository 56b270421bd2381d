"""``forcedflow replay``: files in, rows of the projection and alert episodes out, no broker."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.progress import Progress

from core.book import Book
from core.dealer_assumptions import DealerAssumptions
from core.errors import BadInputError, ConfigError
from services.clock import SystemClock
from services.durations import parse_duration_ns
from services.event_fields import column_pairs
from services.event_files import FlowEvents, PriceEvents, ReadOptions, read_flows, read_prices
from services.offline_alerts import OfflineAlerts
from services.offline_events import Feed, offline_feed
from services.offline_stretches import stretches_of
from services.option_events import OpenInterestEvents, read_open_interest
from services.options_settings import SETTING_OF, OptionsSettings, option_flags
from services.output_files import check_outputs
from services.rejects import Reject, write_rejects
from services.replay import Replay, Step, breach_of, session_steps
from services.report import check_report_suffix, write_reports
from services.report_alerts import quality_lines
from services.report_figures import Figures
from services.report_samples import SampleTaker
from services.rows import Rows, joined_rows, row_columns
from services.rules_file import load_rules
from services.table_files import check_suffix, write_table
from services.universe_files import load_universe
from streams.event_times import parse_time

_File = click.Path(path_type=Path, dir_okay=False)
_Folder = click.Path(path_type=Path, file_okay=False)


def _step_ns(option: str, text: str) -> int:
    try:
        step_ns = parse_duration_ns(text)
    except ConfigError as error:
        message = f"{option}: {error}"
        raise ConfigError(message) from error
    if step_ns == 0:
        message = f"{option}: expected a duration above 0, it was {text!r}"
        raise ConfigError(message)
    return step_ns


def _instant(option: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return parse_time(text)
    except BadInputError as error:
        message = f"{option}: {error}"
        raise ConfigError(message) from error


@dataclass(frozen=True)
class _Inputs:
    prices: PriceEvents
    flows: FlowEvents
    interest: OpenInterestEvents

    def rejects(self) -> list[Reject]:
        return [*self.prices.rejects, *self.flows.rejects, *self.interest.rejects]


@click.command(name="replay")
@click.option("--universe", "universe_dir", type=_Folder, required=True, help="Universe folder.")
@click.option("--prices", type=_File, multiple=True, required=True, help="Prices; repeats.")
@click.option("--flows", type=_File, multiple=True, help="ETF creations; repeats.")
@click.option(
    "--open-interest",
    "interest",
    type=_File,
    multiple=True,
    help="Options: our rows or vendors' chains; repeats.",
)
@option_flags(*SETTING_OF)
@click.option("--rules", "rules_file", type=_File, help="Alert rules (YAML).")
@click.option("--alerts", "alerts_file", type=_File, help="Write alert episodes here.")
@click.option("--from", "from_text", metavar="T", help="First row to write.")
@click.option("--until", "until_text", metavar="T", help="Last row to write.")
@click.option("--every", default="60s", show_default=True, help="Step of the rows.")
@click.option("--column", "pairs", multiple=True, metavar="NAME=HEADER", help="A file's header.")
@click.option("--timezone", help="IANA zone of times without an offset.")
@click.option("--bar", metavar="DURATION", help="Rows are stamped at the start of such bars.")
@click.option("--symbol", "symbols", multiple=True, help="Symbol of files without that column.")
@click.option("--rejects", "rejects_file", type=_File, help="Write bad rows here (CSV).")
@click.option("--strict", is_flag=True, help="End with status 3 if any row was bad.")
@click.option(
    "--report",
    "report_files",
    type=_File,
    multiple=True,
    help="Judge the run: a page (.html) or its figures (.json); repeats.",
)
@click.option("--output", type=_File, required=True, help="Rows: .jsonl, .csv or .parquet.")
@click.pass_context
def command(ctx: click.Context, /, **options: object) -> None:
    """Project forced flow offline from files, in event time.

    One row for each reference that has had a price, at every multiple of --every from its open,
    and a last one at the close, which takes the official close where there is one. What is assumed
    of dealers in options is a setting too, as a worker reads it.

    Exit codes: 0 done, also where rows were bad; 1 a file could not be written; 2 wrong option,
    broken universe, rules or file; 3 rows were bad, under --strict.
    """
    strict = bool(options.pop("strict"))
    settings = OptionsSettings.load({SETTING_OF[name]: options.pop(name) for name in SETTING_OF})
    dealers = settings.options.assumptions()
    rejected = _replay(**options, dealers=dealers)  # type: ignore[arg-type]
    if strict and rejected:
        ctx.exit(3)


def _replay(  # noqa: PLR0913 (the public contract names the options)
    *,
    universe_dir: Path,
    prices: tuple[Path, ...],
    flows: tuple[Path, ...],
    interest: tuple[Path, ...],
    rules_file: Path | None,
    alerts_file: Path | None,
    from_text: str | None,
    until_text: str | None,
    every: str,
    pairs: tuple[str, ...],
    timezone: str | None,
    bar: str | None,
    symbols: tuple[str, ...],
    rejects_file: Path | None,
    report_files: tuple[Path, ...],
    output: Path,
    dealers: DealerAssumptions,
) -> int:
    if alerts_file is not None and rules_file is None:
        message = "--alerts: expected --rules with it, there were none"
        raise ConfigError(message)
    for path in (output, alerts_file):
        if path is not None:
            check_suffix(path)
    for path in report_files:
        check_report_suffix(path)
    check_outputs(
        {
            "--output": [output],
            "--alerts": [alerts_file],
            "--rejects": [rejects_file],
            "--report": report_files,
        },
        {
            "--prices": prices,
            "--flows": flows,
            "--open-interest": interest,
            "--rules": [rules_file],
        },
    )
    first_ns, last_ns = _instant("--from", from_text), _instant("--until", until_text)
    if first_ns is not None and last_ns is not None and first_ns > last_ns:
        message = f"--from: expected a time up to that of --until, {until_text}, it was {from_text}"
        raise ConfigError(message)
    read_options = ReadOptions(
        columns=column_pairs(pairs),
        timezone=timezone,
        bar_ns=_step_ns("--bar", bar) if bar else 0,
        symbols=symbols,
        now_ns=SystemClock().now_ns(),
    )
    universe = load_universe(universe_dir)
    inputs = _Inputs(
        read_prices(prices, read_options),
        read_flows(flows, read_options),
        read_open_interest(interest, read_options),
    )
    alerts = OfflineAlerts(load_rules(rules_file), universe) if rules_file else None
    book = Book(
        universe,
        np.arange(len(universe.symbol), dtype=np.int32),
        rolled_counts_as_stated=True,
        dealers=dealers,
    )
    feed = offline_feed(
        universe,
        book,
        prices=inputs.prices,
        flows=inputs.flows,
        interest=inputs.interest,
        # Bars carry their own volume; without --bar rows are trades of a stream, as on the wire.
        adds_volumes=bar is not None,
    )
    taker = SampleTaker(universe, breach_of(universe, alerts)) if report_files else None
    steps = session_steps(universe, feed, _step_ns("--every", every))
    if alerts is None and taker is None:
        # Nothing comes of the others; the last one has everything read and counted.
        wanted = (step for step in steps[:-1] if _is_written(step, first_ns, last_ns))
        steps = [*wanted, *steps[-1:]]
    stretches = (
        stretches_of(alerts, universe, book, feed, close_share=dealers.close_share)
        if alerts
        else None
    )
    replay = Replay(universe, book, feed, alerts=alerts, taker=taker, stretches=stretches)
    rows = _run(replay, steps).between(first_ns, last_ns)
    write_table(output, row_columns(rows, universe))
    if alerts is not None and alerts_file is not None:
        write_table(alerts_file, alerts.columns())
    if taker is not None:
        found = write_reports(report_files, taker, universe=universe, alerts=alerts)
        _tell_quality(found)
    rejects = inputs.rejects()
    if rejects_file is not None:
        write_rejects(rejects_file, rejects)
    _summarise(rows, book, feed, rejects=rejects)
    return len(rejects)


def _is_written(step: Step, first_ns: int | None, last_ns: int | None) -> bool:
    is_late_enough = first_ns is None or step.market_ns >= first_ns
    return is_late_enough and (last_ns is None or step.market_ns <= last_ns)


def _run(replay: Replay, steps: list[Step]) -> Rows:
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Replaying", total=len(steps))
        parts = list(replay.rows(steps, progress=lambda n: progress.update(task, completed=n)))
    return joined_rows(parts)


def _tell_quality(found: Figures) -> None:
    if found.quality:
        click.echo(f"{len(found.alerts)} alerts in {found.sessions} sessions", err=True)
        for line in quality_lines(found.quality):
            click.echo(f"  {line}", err=True)


def _summarise(rows: Rows, book: Book, feed: Feed, *, rejects: list[Reject]) -> None:
    unused = book.unused_prices + book.unused_flows + book.options.state.unused + feed.unused_bars
    click.echo(
        f"{len(rows)} rows; {unused} events outside every session; "
        f"{feed.skipped_rows} outside the universe; {len(rejects)} bad rows",
        err=True,
    )
    for reason, count in sorted(Counter(reject.reason for reject in rejects).items()):
        click.echo(f"  {reason}: {count}", err=True)
