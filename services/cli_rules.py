"""``forcedflow rules``: look at alert rules before they are used."""

from pathlib import Path

import click

from core.errors import ConfigError
from core.thresholds import Rule
from services.rules_file import foreign_names, read_rules
from services.universe_files import load_universe


@click.group(name="rules")
def command() -> None:
    """Look at alert rules."""


@command.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--universe",
    "universe_dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Also check the names in the rules against this universe folder.",
)
def check(file: Path, universe_dir: Path | None) -> None:
    """Check a rules file and say what it would alert on.

    Exit codes: 0 the rules can be used; 2 they cannot, with every fault and its line.
    """
    rules_file = read_rules(file)
    if universe_dir is not None:
        findings = foreign_names(rules_file, load_universe(universe_dir))
        if findings:
            raise ConfigError("\n".join(str(finding) for finding in findings))
    for rule in rules_file.rules:
        click.echo(_sentence(rule))


def _sentence(rule: Rule) -> str:
    levels = ", ".join(
        f"{rule.alertnames[level.name]} from {level.raise_at:g}" for level in rule.levels
    )
    return f"{rule.name}: |{rule.measure}| by {rule.scope}: {levels}"
