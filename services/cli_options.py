"""``forcedflow options``: what option chains in files say of dealers' gamma."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import click
import msgspec
from rich.console import Console
from rich.progress import Progress

from core.dealer_assumptions import DealerAssumptions
from core.errors import BadInputError, ConfigError
from services.chain_choice import choose
from services.chain_files import read_chains
from services.chain_layouts import LAYOUTS, Layout
from services.option_calendar import option_calendar
from services.option_document import document
from services.option_page import options_page
from services.option_profile import Finding, Wanted, profile_choice
from services.option_table import OptionsTable, summary_lines
from services.options_settings import SETTING_OF, OptionsSettings, option_flags
from services.output_files import check_outputs, writing
from services.rejects import write_rejects
from streams.event_times import parse_time

_File = click.Path(path_type=Path, dir_okay=False)
EXIT_NO_PROFILE = 3
"""Exit code where an underlying is left without a profile."""
_AUTO = "auto"
_ASSUMED = ("sign_model", "rate", "dividend_yield")


@click.command(name="options")
@click.argument("chains", type=_File, nargs=-1, required=True, metavar="CHAIN…")
@click.option(
    "--layout",
    type=click.Choice([_AUTO, *LAYOUTS]),
    default=_AUTO,
    show_default=True,
    help="Cboe's page, QuantConnect LEAN's universes and open interest, or our own columns.",
)
@click.option("--as-of", "as_of", metavar="T", help="Value at this time, not when stated.")
@click.option(
    "--spot",
    "spots",
    multiple=True,
    metavar="[SYMBOL=]PRICE",
    help="Price of an underlying in place of the file's; repeats.",
)
@click.option(
    "--split",
    "splits",
    multiple=True,
    metavar="[SYMBOL=]N:M",
    help="A split since the file was written, new shares for old; repeats.",
)
@option_flags(*_ASSUMED)
@click.option("--plot", type=_File, help="Draw a page (.html).")
@click.option("--rejects", "rejects_file", type=_File, help="Write refused rows here (CSV).")
@click.option("--output", type=_File, required=True, help="One object an underlying: .jsonl.")
@click.pass_context
def command(ctx: click.Context, /, **options: object) -> None:
    """Profile option chains: gamma exposure, zero-gamma levels, walls, put/call, skew.

    Of several files of one underlying the newest up to --as-of is used, the others tell whether it
    is truncated or an old table under a new head. Rate and yield count where an expiry has neither
    a forward nor quotes whose parity implies one; the sign model is that of the zero-gamma levels,
    exposures are of all. Open interest is a figure of the morning: at any
    other time this is a repricing of a static inventory.

    Exit codes: 0 done; 2 wrong option, or a file of no layout that is known; 3 an underlying is
    left without a profile (its object says why).
    """
    settings = OptionsSettings.load({SETTING_OF[name]: options.pop(name) for name in _ASSUMED})
    assumed = settings.options.assumptions()
    findings = _profile(**options, assumed=assumed)  # type: ignore[arg-type]
    if not all(finding.profile for finding in findings):
        ctx.exit(EXIT_NO_PROFILE)


def _profile(  # noqa: PLR0913 (the public contract names the options)
    *,
    chains: tuple[Path, ...],
    layout: str,
    as_of: str | None,
    spots: tuple[str, ...],
    splits: tuple[str, ...],
    assumed: DealerAssumptions,
    plot: Path | None,
    rejects_file: Path | None,
    output: Path,
) -> list[Finding]:
    if output.suffix in {".csv", ".parquet"}:
        raise ConfigError(f"--output: expected a file of JSON lines, it was {output}")
    if plot is not None and plot.suffix != ".html":
        raise ConfigError(f"--plot: expected the suffix .html, it was {plot}")
    check_outputs(
        {"--output": [output], "--plot": [plot], "--rejects": [rejects_file]}, {"CHAIN": chains}
    )
    wanted = Wanted(
        as_of_ns=_instant(as_of),
        spots=_by_symbol("--spot", spots, float, expected="PRICE"),
        price_factors=_by_symbol("--split", splits, _price_factor, expected="7:1"),
        rate=assumed.rate,
        dividend_yield=assumed.dividend_yield,
        sign_model=assumed.sign_model,
    )
    calendar = option_calendar()
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Reading", total=None)
        files, unclaimed = read_chains(
            chains,
            calendar=calendar,
            layout=None if layout == _AUTO else cast(Layout, layout),
            as_of_ns=wanted.as_of_ns,
        )
        choices = choose(files, as_of_ns=wanted.as_of_ns, calendar=calendar)
        progress.update(task, description="Pricing", total=len(choices))
        findings = []
        for choice in choices:
            findings.append(profile_choice(choice, wanted, calendar))
            progress.advance(task)
    documents = [document(finding, wanted, calendar) for finding in findings]
    with writing(output):
        output.write_bytes(b"".join(msgspec.json.encode(each) + b"\n" for each in documents))
    if plot is not None:
        page = options_page(findings, documents)
        with writing(plot):
            plot.write_text(page, encoding="utf-8")
    if rejects_file is not None:
        write_rejects(rejects_file, [*unclaimed, *(r for f in findings for r in f.rejects)])
    _show(documents, unclaimed=len(unclaimed))
    _tell_unmet({choice.underlying for choice in choices}, wanted)
    return findings


def _tell_unmet(underlyings: set[str], wanted: Wanted) -> None:
    """Say which figures met no chain: a misspelt split would count as none."""
    for option, figures in (("--spot", wanted.spots), ("--split", wanted.price_factors)):
        for name in sorted(figures.keys() - underlyings - {""}):
            known = ", ".join(sorted(underlyings)) or "none"
            click.echo(
                f"{option} {name}: expected an underlying of the chains ({known}); not used",
                err=True,
            )


def _instant(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return parse_time(text)
    except BadInputError as error:
        raise ConfigError(f"--as-of: {error}") from error


def _by_symbol(
    option: str, texts: tuple[str, ...], read: Callable[[str], float], *, expected: str
) -> dict[str, float]:
    """Return the figures by underlying; "" is every one that is not named."""
    found = {}
    for text in texts:
        name, _, figure = text.rpartition("=")
        try:
            found[name] = read(figure)
        except (ValueError, ZeroDivisionError):
            found[name] = 0.0
        if not 0.0 < found[name] < float("inf"):
            raise ConfigError(
                f"{option}: expected SYMBOL={expected} or {expected}, it was {text!r}"
            )
    return found


def _price_factor(text: str) -> float:
    new, _, old = text.partition(":")
    return float(old) / float(new)


def _show(documents: list[dict[str, Any]], *, unclaimed: int) -> None:
    """Show a table where somebody looks, else a line an underlying beside the output."""
    console = Console()
    if console.is_terminal:
        console.print(OptionsTable(documents))
    else:
        for line in summary_lines(documents):
            click.echo(line, err=True)
    if unclaimed:
        click.echo(f"{unclaimed} bad rows of no underlying", err=True)
