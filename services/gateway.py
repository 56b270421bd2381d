"""The gateway process: files played or feeds relayed into Kafka, until the end or a signal."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import structlog

from core.errors import ConfigError
from core.universe import Universe
from services.clock import Clock
from services.gateway_events import EventRouter
from services.gateway_files import FilesWork
from services.gateway_live_work import LiveWork
from services.gateway_metrics import GatewayMetrics
from services.gateway_outlet import Counts, Outlet
from services.gateway_plan import GatewayPlan
from services.gateway_producer import KafkaOutput
from services.universe_feed import UniverseSource, first_universe

log = structlog.get_logger(__name__)

Progress = Callable[[int, int], None]
"""Is told how many rows of how many are done."""


async def run_gateway(
    plan: GatewayPlan,
    output: KafkaOutput,
    *,
    universes: UniverseSource,
    metrics: GatewayMetrics,
    clock: Clock,
    progress: Progress,
) -> Counts:
    """Run a plan to its end, or until SIGINT or SIGTERM; all that was read is then in Kafka.

    Raises
    ------
    ConfigError
        If universe, files, options or topics cannot be used.
    DeliveryError
        If Kafka does not take what is sent.
    """
    stop = _stop_on_signals()
    try:
        universe = await first_universe(universes, stop)
        if universe is None:
            return Counts()
        gateway = _Gateway(plan, output, metrics=metrics, clock=clock, progress=progress)
        return await gateway.run(universe, universes, stop)
    finally:
        await universes.close()


class _Gateway:
    """A plan and what it is carried out with."""

    def __init__(
        self,
        plan: GatewayPlan,
        output: KafkaOutput,
        *,
        metrics: GatewayMetrics,
        clock: Clock,
        progress: Progress,
    ) -> None:
        self._plan = plan
        self._metrics = metrics
        self._clock = clock
        self._progress = progress
        self._partitions = _checked_partitions(output, plan)
        self._outlet = Outlet(
            output,
            partitions=self._partitions,
            frame_rows=plan.frame_rows,
            topics=plan.topics,
        )

    async def run(
        self, universe: Universe, universes: UniverseSource, stop: asyncio.Event
    ) -> Counts:
        """Carry it out, beginning with a universe; newer ones come from `universes`."""
        plan, outlet = self._plan, self._outlet
        router = EventRouter(
            universe,
            partitions=self._partitions,
            source=plan.source,
            adds_volumes=plan.adds_volumes,
            topics=plan.topics,
        )
        version = universe.version
        log.info("gateway_started", universe=version, source=plan.source, live=plan.is_live)
        if plan.is_live:
            live = LiveWork(plan, universe, router=router, outlet=outlet, clock=self._clock)
            try:
                await live.open()
                await _until_done(live, universes, stop, lambda: self._metrics.show(outlet))
            finally:
                await live.close()
        else:
            files = FilesWork(plan, universe, router=router, outlet=outlet, clock=self._clock)
            await _until_done(files, universes, stop, lambda: self._show(files))
        outlet.flush()
        self._metrics.show(outlet)
        return outlet.counts

    def _show(self, files: FilesWork) -> None:
        self._metrics.show(self._outlet)
        self._progress(files.done, files.total)


class _Work(Protocol):
    """What a gateway does, a step at a time."""

    def step(self) -> float | None:
        """Do what is due; return the host seconds until more is, None at the end."""
        ...

    def switch(self, universe: Universe) -> None:
        """Go by another universe from the next row on."""
        ...


async def _until_done(
    work: _Work, universes: UniverseSource, stop: asyncio.Event, after_step: Callable[[], None]
) -> None:
    """Step when each step says that more is due, until none is or `stop` is set.

    Between two steps the work is given the newer universe that has come.
    """
    newer = asyncio.create_task(universes.next())
    try:
        while not stop.is_set():
            if newer.done():
                universe = newer.result()
                work.switch(universe)
                log.info("universe_switched", universe=universe.version)
                newer = asyncio.create_task(universes.next())
            wait = work.step()
            after_step()
            if wait is None:
                break
            await _pause(wait, stop)
    finally:
        newer.cancel()


async def _pause(seconds: float, stop: asyncio.Event) -> None:
    if seconds > 0:
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), seconds)
    else:
        await asyncio.sleep(0)


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)

    def end() -> None:
        stop.set()
        # What waits for Kafka may take long; a second signal ends it at once.
        for number in signals:
            loop.remove_signal_handler(number)

    for number in signals:
        loop.add_signal_handler(number, end)
    return stop


def _checked_partitions(output: KafkaOutput, plan: GatewayPlan) -> int:
    """Return the partitions of each topic; if they differed, references would fall apart."""
    topics = (plan.topics.prices, plan.topics.flows, plan.topics.open_interest)
    counts = [output.partitions(topic) for topic in topics]
    if len(set(counts)) > 1:
        raise ConfigError(
            f"expected the topics {', '.join(topics)} to have the same number of partitions, "
            f"they have {', '.join(map(str, counts))}"
        )
    return counts[0]
