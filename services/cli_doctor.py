"""``forcedflow doctor``: is every part there, do they agree, and if not, how is it mended."""

from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.status import Status

from services.clock import SystemClock, process_age_seconds
from services.doctor import LEAST_SECONDS, LONGEST_SECONDS, Report, examine
from services.doctor_settings import DoctorSettings
from services.finding_page import show_findings
from services.findings import Verdict
from services.kafka_admin import quiet_kafka

_SETTING_OF = {
    "universe": "universe.directory",
    "kafka_bootstrap": "kafka.bootstrap",
    "topics_prefix": "kafka.topics_prefix",
    "redis_url": "redis.url",
    "redis_password_file": "redis.password_file",
    "group_id": "worker.group_id",
}


@click.command("doctor")
@click.option(
    "--universe",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder that the workers should have; without: the newest in Kafka.",
)
@click.option("--kafka-bootstrap", metavar="HOST:PORT", help="Several with commas.")
@click.option("--topics-prefix", help="What the names of all topics begin with.")
@click.option("--redis-url", metavar="URL", help="Without a password.")
@click.option("--redis-password-file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--group-id", help="Kafka consumer group of the workers.")
@click.option(
    "--alertmanager", "alertmanagers", multiple=True, metavar="URL", help="Base address; repeats."
)
@click.option(
    "--worker",
    "processes",
    multiple=True,
    metavar="URL",
    help="Also look at the /metrics of this process; repeats.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of words.")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    *,
    alertmanagers: tuple[str, ...],
    processes: tuple[str, ...],
    as_json: bool,
    **flags: object,
) -> None:
    """Look at every part of the service and say what is wrong, what it means and how to mend it.

    Changes nothing. Takes seconds, at most 15 whatever hangs. What a flag does not give comes
    from FORCEDFLOW_SECTION__NAME, then from forcedflow.toml, then from its default.

    Exit codes: 0 all is well, perhaps with notes; 1 there are problems; 2 wrong option or setting.
    """
    quiet_kafka()
    given = {_SETTING_OF[name]: value for name, value in flags.items()}
    settings = DoctorSettings.load({**given, "alerter.alertmanagers": alertmanagers or None})
    with Status("Asking every part", console=Console(stderr=True)):
        left = LONGEST_SECONDS - process_age_seconds()
        report = examine(
            settings,
            processes=processes,
            clock=SystemClock(),
            seconds=max(left, LEAST_SECONDS),
        )
    if as_json:
        click.echo(_json(report))
    else:
        _show(report)
    ctx.exit(1 if report.count(Verdict.PROBLEM) else 0)


def _show(report: Report) -> None:
    console = Console()
    for area in report.areas:
        console.print(area.title, style="bold", highlight=False)
        show_findings(console, area.findings)
    problems, notes = report.count(Verdict.PROBLEM), report.count(Verdict.NOTE)
    click.echo(f"{_count(problems, 'problem')}, {_count(notes, 'note')}")


def _json(report: Report) -> str:
    return msgspec.json.encode(
        {
            "problems": report.count(Verdict.PROBLEM),
            "notes": report.count(Verdict.NOTE),
            "findings": [
                {"area": area.title, **msgspec.to_builtins(finding)}
                for area in report.areas
                for finding in area.findings
            ],
        }
    ).decode()


def _count(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"
