"""The gateway process: files played or feeds relayed into Kafka, until the end or a signal."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress

import structlog

from core.errors import ConfigError
from services.clock import Clock
from services.gateway_events import EventRouter
from services.gateway_files import files_work
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
    universe = await first_universe(universes, stop)
    if universe is None:
        return Counts()
    partitions = _checked_partitions(output, plan)
    outlet = Outlet(output, partitions=partitions, frame_rows=plan.frame_rows, topics=plan.topics)
    router = EventRouter(
        universe,
        partitions=partitions,
        source=plan.source,
        adds_volumes=plan.adds_volumes,
        topics=plan.topics,
    )
    log.info("gateway_started", universe=universe.version, source=plan.source, live=plan.is_live)
    if plan.is_live:
        live = LiveWork(plan, universe, router=router, outlet=outlet, clock=clock)
        try:
            await live.open()
            await _until_done(live.step, stop, lambda: metrics.show(outlet))
        finally:
            await live.close()
    else:
        playback = files_work(plan, universe, router=router, outlet=outlet, clock=clock)

        def after_step() -> None:
            metrics.show(outlet)
            progress(playback.done, playback.total)

        await _until_done(playback.step, stop, after_step)
    outlet.flush()
    metrics.show(outlet)
    return outlet.counts


async def _until_done(
    step: Callable[[], float | None], stop: asyncio.Event, after_step: Callable[[], None]
) -> None:
    """Step when each step says that more is due, until none is or `stop` is set."""
    while not stop.is_set():
        wait = step()
        after_step()
        if wait is None:
            break
        if wait > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), wait)
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
    """Return the partitions of either topic; if they differed, references would fall apart."""
    prices = output.partitions(plan.topics.prices)
    flows = output.partitions(plan.topics.flows)
    if prices != flows:
        raise ConfigError(
            f"expected the topics {plan.topics.prices} and {plan.topics.flows} to have the same "
            f"number of partitions, they have {prices} and {flows}"
        )
    return prices
