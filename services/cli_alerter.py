"""``forcedflow alerter``: judge the market ten times a second and tell every Alertmanager."""

import asyncio
from pathlib import Path

import click

from services.alerter_process import run_alerter
from services.alerter_settings import AlerterSettings
from services.clock import SystemClock

_File = click.Path(path_type=Path, dir_okay=False)
_Folder = click.Path(path_type=Path, file_okay=False)


_SETTINGS = {
    "universe": "universe.directory",
    "rules": "alerter.rules",
    "kafka_bootstrap": "kafka.bootstrap",
    "redis_url": "redis.url",
    "metrics_port": "alerter.metrics_port",
    "replay_files": "alerter.replay_files",
}


@click.command(name="alerter")
@click.option("--universe", type=_Folder, help="Universe folder.")
@click.option("--rules", type=_File, help="Alert rules (YAML).")
@click.option(
    "--alertmanager",
    "alertmanagers",
    multiple=True,
    metavar="URL",
    help="Base address of an Alertmanager; repeats, each is sent everything.",
)
@click.option("--kafka-bootstrap", metavar="HOST:PORT", help="Kafka.")
@click.option("--redis-url", metavar="URL", help="Redis, without a password.")
@click.option("--metrics-port", type=int, help="/metrics, default 9475; 0: nowhere.")
@click.option("--replay-files", metavar="OPTIONS", help="Of the replay that a page names.")
def command(*, alertmanagers: tuple[str, ...], **flags: object) -> None:
    """Assemble the view, judge the rules, and tell every Alertmanager, until a signal.

    Run two: one is active, the other stands by and goes on within ten seconds. What a flag does
    not give comes from FORCEDFLOW_SECTION__NAME, then from forcedflow.toml, then from its default;
    without a folder the universe is the newest that was imported, and every newer one.

    Exit codes: 0 ended by a signal; 2 wrong option, broken universe, rules or settings, or a
    ledger of another release.
    """
    given = {_SETTINGS[name]: value for name, value in flags.items()}
    settings = AlerterSettings.load({**given, "alerter.alertmanagers": alertmanagers or None})
    asyncio.run(run_alerter(settings, SystemClock()))
