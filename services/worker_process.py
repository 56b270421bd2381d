"""The worker process: from its settings and a universe to a running worker, until a signal."""

import asyncio
import signal
import tempfile
from contextlib import ExitStack
from pathlib import Path

import structlog

from services.clock import Clock
from services.exposition import Exposition
from services.universe_feed import UniverseSource, first_universe
from services.worker import EXIT_OK, Worker
from services.worker_settings import WorkerSettings

log = structlog.get_logger(__name__)


async def run_worker(settings: WorkerSettings, source: UniverseSource, *, clock: Clock) -> int:
    """Run a worker until SIGTERM or SIGINT; return its exit code.

    Raises
    ------
    ConfigError
        If the universe, a setting or a topic cannot be used.
    """
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    universe = await first_universe(source, ended)
    if universe is None:
        return EXIT_OK
    with ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="forcedflow-worker-"))
        worker = Worker(
            settings, universe, source=source, ended=ended, clock=clock, directory=Path(directory)
        )
        section = settings.worker
        if section.metrics_port:
            exposition = Exposition(
                worker.metrics.registry, port=section.metrics_port, host=section.metrics_host
            )
            stack.enter_context(exposition)
            log.info("metrics", host=section.metrics_host, port=exposition.port)
        return await worker.run()
