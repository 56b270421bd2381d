"""``forcedflow rules``: look at rules before they are used, and write those for Prometheus."""

from collections.abc import Iterable
from pathlib import Path

import click

from core.errors import ConfigError
from core.thresholds import ESCALATED, Rule
from services.durations import duration_text
from services.health_rendering import RUNBOOKS, render
from services.prometheus_rules import Groups, foreign_metrics, grammar_faults, read_groups, rules_of
from services.rules_file import foreign_names, read_rules
from services.universe_files import load_universe


@click.group(name="rules")
def command() -> None:
    """Look at rules: those on the market (the alerter's), those on the service (Prometheus')."""


@command.command()
@click.argument(
    "files",
    metavar="FILE...",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
)
@click.option(
    "--universe",
    "universe_dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Also check the names in alert rules against this universe folder.",
)
def check(files: tuple[Path, ...], universe_dir: Path | None) -> None:
    """Check rules files and say what they would alert on.

    A file with groups is one for Prometheus: its metrics have to be exported by the service or
    recorded by a rule, and where promtool is installed it has to find nothing wrong.

    Exit codes: 0 the rules can be used; 2 they cannot, with every fault and its line.
    """
    lines: list[str] = []
    faults: list[str] = []
    for file in files:
        try:
            groups = read_groups(file)
            lines += (
                _market_rules(file, universe_dir)
                if groups is None
                else _service_rules(file, groups)
            )
        except ConfigError as error:
            faults.append(str(error))
    for line in lines:
        click.echo(line)
    if faults:
        raise ConfigError("\n".join(faults))


@command.command(name="render")
@click.option(
    "--output",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write the files into this folder; without it they are printed.",
)
@click.option(
    "--runbooks",
    default=RUNBOOKS,
    show_default=True,
    help="What precedes NAME.md in an alert's runbook_url: an address where docs/runbooks is.",
)
def render_rules(directory: Path | None, runbooks: str) -> None:
    """Write the rules on the service's health as Prometheus reads them.

    The same release renders the same text. Exit codes: 0 done; 2 the folder cannot be written.
    """
    for name, text in render(runbooks).items():
        if directory is None:
            click.echo(f"# {name}\n{text}", nl=False)
            continue
        try:
            directory.mkdir(parents=True, exist_ok=True)
            (directory / name).write_text(text, encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"{directory}: expected a folder to write to: {error}") from error
        click.echo(f"wrote {directory / name}")


def _market_rules(file: Path, universe_dir: Path | None) -> Iterable[str]:
    rules_file = read_rules(file)
    if universe_dir is not None:
        findings = foreign_names(rules_file, load_universe(universe_dir))
        if findings:
            raise ConfigError("\n".join(str(finding) for finding in findings))
    return [_sentence(rule) for rule in rules_file.rules]


def _service_rules(file: Path, groups: Groups) -> Iterable[str]:
    faults = [f"{file}: {line}" for line in foreign_metrics(groups)]
    grammar = grammar_faults(file)
    if grammar:
        faults.append(grammar)
    if faults:
        raise ConfigError("\n".join(faults))
    alerts = [rule["alert"] for rule in rules_of(groups) if "alert" in rule]
    unproved = "; promtool is not installed: grammar not checked" if grammar is None else ""
    total = len(rules_of(groups))
    return [f"{file}: {total} rules for Prometheus, {len(alerts)} of them alerts{unproved}"]


def _sentence(rule: Rule) -> str:
    levels = ", ".join(
        f"{rule.alertnames[level.name]} from {level.raise_at:g}" for level in rule.levels
    )
    sentence = f"{rule.name}: |{rule.measure}| by {rule.scope}: {levels}"
    if rule.escalate_after_ns is None:
        return sentence
    escalated = ", ".join(
        f"{rule.alertnames[level.name]}Escalated"
        for level in rule.levels
        if level.name in ESCALATED
    )
    after = duration_text(rule.escalate_after_ns)
    return f"{sentence}; {escalated} after {after} without an acknowledgement"
