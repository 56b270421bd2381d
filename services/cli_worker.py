"""``forcedflow worker``: reads its share of the events and publishes what they make due."""

import asyncio
import os
import threading
from pathlib import Path

import click

from services.clock import SystemClock
from services.options_settings import SETTING_OF as OPTION_SETTING_OF
from services.options_settings import option_flags
from services.universe_feed import universe_source
from services.worker_process import run_worker
from services.worker_settings import WorkerSettings

_SETTING_OF = {
    "universe": "universe.directory",
    "kafka_bootstrap": "kafka.bootstrap",
    "topics_prefix": "kafka.topics_prefix",
    "redis_url": "redis.url",
    "redis_password_file": "redis.password_file",
    "group_id": "worker.group_id",
    "instance_id": "worker.instance_id",
    "metrics_port": "worker.metrics_port",
} | OPTION_SETTING_OF


@click.command("worker")
@click.option("--universe", type=click.Path(path_type=Path, file_okay=False), help="Folder.")
@click.option("--kafka-bootstrap", metavar="HOST:PORT", help="Several with commas.")
@click.option("--topics-prefix", help="What the names of all topics begin with.")
@click.option("--redis-url", metavar="URL", help="Without a password.")
@click.option("--redis-password-file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--group-id", help="Kafka consumer group.")
@click.option("--instance-id", help="Stable name of this worker in its group.")
@option_flags(*OPTION_SETTING_OF)
@click.option("--metrics-port", type=int, help="Or the next free one; 0 = no /metrics.")
@click.pass_context
def command(ctx: click.Context, /, **flags: object) -> None:
    """Read prices and creations from Kafka; write the demand of each partition to Redis.

    Start as many as there is work, up to one a partition. Every option is a setting too.

    Exit codes: 0 ended by a signal; 2 broken universe, settings or topics; 70 start me again.
    """
    settings = WorkerSettings.load({_SETTING_OF[name]: value for name, value in flags.items()})
    source = universe_source(settings.universe, settings.kafka)
    exit_code = asyncio.run(run_worker(settings, source, clock=SystemClock()))
    _leave_hung_threads(exit_code)
    ctx.exit(exit_code)


def _leave_hung_threads(exit_code: int) -> None:
    """End at once if a thread of the Kafka client still waits for a broker that is away."""
    if any(
        not thread.daemon
        for thread in threading.enumerate()
        if thread is not threading.current_thread()
    ):
        os._exit(exit_code)
