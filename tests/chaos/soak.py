"""``make soak``: every fault again and again, each time with another seed, and what it cost.

Faults last as long as they would outside of tests. The output of each run stays in a folder.
"""

import os
import secrets
import statistics
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as ET

import click
from rich.console import Console
from rich.table import Table

from tests.support.chaos_figures import FIGURE

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FOLDER = ROOT / ".forcedflow" / "soak"
WITHOUT_FAULT = HERE / "test_oracle.py"
WIDTH = 160


@dataclass
class Fault:
    """What became of one test over all runs; ``failed`` are the seeds it failed with."""

    runs: int = 0
    failed: list[int] = field(default_factory=list)
    figures: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


@click.command()
@click.option("--runs", default=10, show_default=True, type=click.IntRange(min=1))
@click.option("--seed", type=int, help="Of the first run; the next ones follow.  [default: random]")
@click.option("--only", default="", metavar="EXPRESSION", help="Tests, as pytest's -k takes them.")
def main(runs: int, seed: int | None, only: str) -> None:
    """Run the chaos tests with other seeds; end with status 1 if one failed."""
    first = secrets.randbelow(10**6) if seed is None else seed
    FOLDER.mkdir(parents=True, exist_ok=True)
    faults: dict[str, Fault] = defaultdict(Fault)
    for number in range(runs):
        report = run_once(first + number, only)
        failed = read_report(report, first + number, faults)
        told = f"failed: {', '.join(failed)}" if failed else "passed"
        click.echo(f"FORCEDFLOW_SEED={first + number} {told}; see {report.with_suffix('.txt')}")
    console = Console()
    # A pipe is as wide as the table.
    (console if console.is_terminal else Console(width=WIDTH)).print(table_of(faults))
    sys.exit(any(fault.failed for fault in faults.values()))


def run_once(seed: int, only: str) -> Path:
    """Run the tests with one seed; return pytest's report."""
    report = FOLDER / f"{seed}.xml"
    words = [sys.executable, "-m", "pytest", str(HERE), f"--ignore={WITHOUT_FAULT}"]
    words += [f"--junitxml={report}", "-o", "junit_family=xunit1", *(["-k", only] if only else [])]
    report.unlink(missing_ok=True)
    environment = os.environ | {"FORCEDFLOW_SEED": str(seed), "FORCEDFLOW_SOAK": "1"}
    with report.with_suffix(".txt").open("wb") as output:
        subprocess.run(words, cwd=ROOT, env=environment, stdout=output, stderr=output, check=False)
    return report


def read_report(report: Path, seed: int, faults: dict[str, Fault]) -> list[str]:
    """Add what a report says to the faults; return the names of the tests that failed."""
    failed = []
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 (pytest's own file)
        name = str(case.get("name")).removeprefix("test_").replace("_", " ")
        fault = faults[name]
        fault.runs += 1
        if case.find("failure") is not None or case.find("error") is not None:
            fault.failed.append(seed)
            failed.append(name)
        for each in case.iter("property"):
            figure = str(each.get("name"))
            if figure.startswith(FIGURE):
                fault.figures[figure.removeprefix(FIGURE)].append(float(str(each.get("value"))))
    return failed


def table_of(faults: dict[str, Fault]) -> Table:
    """Return a table of the faults, with a line for each figure."""
    table = Table("fault", "runs", "failed with seeds", "figure", "p50", "max")
    for name, fault in sorted(faults.items()):
        lines = [
            (figure, f"{statistics.median(found):.2f}", f"{max(found):.2f}")
            for figure, found in fault.figures.items()
        ] or [("", "", "")]
        seeds = ", ".join(map(str, fault.failed))
        table.add_row(name, str(fault.runs), seeds, *lines[0])
        for line in lines[1:]:
            table.add_row("", "", "", *line)
    return table


if __name__ == "__main__":
    main()
