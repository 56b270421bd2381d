"""Part ``exposition``: a page of /metrics with 10 000 series, and how long the loop waits."""

import asyncio
import gzip
from collections.abc import Callable
from statistics import median
from time import perf_counter, process_time

import numpy as np
from prometheus_client import CollectorRegistry, generate_latest

from bench.figures import Figure
from core.columns import Floats
from services.clock import SystemClock
from services.gauge_tables import GaugeTable
from services.metrics_page import MetricsPage
from streams.market_metrics import MARKET
from streams.metric_catalogue import ALERTER
from streams.metric_registry import Metrics
from tests.support.metric_samples import SlowGauges

PART = "exposition"
SERIES = 10_000
_ROUNDS = 40
_BEAT_SECONDS = 0.0005
_SYMBOLS = tuple(f"S{number}" for number in range(-(-SERIES // len(MARKET))))


def measure() -> list[Figure]:
    """Return the cost of our page and of the official client's, side by side."""
    registry = Metrics(ALERTER).registry
    table = GaugeTable(MARKET, SystemClock())
    page = MetricsPage(registry, [table])
    random = np.random.default_rng(0)

    def ours(write: Callable[[], bytes]) -> Callable[[], bytes]:
        def written() -> bytes:
            table.show((_SYMBOLS,), _figures(random))
            return write()

        return written

    def official() -> bytes:
        return _official(_figures(random), registry)

    ways = {
        "ours": ours(page.plain),
        "ours, compressed": ours(page.gzipped),
        "generate_latest": official,
        "generate_latest, compressed": lambda: gzip.compress(official()),
    }
    figures = []
    for name, way in ways.items():
        processor, wall, stall = _cost(way)
        aim = 10.0 if name.startswith("ours") else None
        what = f"{SERIES} series, {name}"
        figures += [
            Figure(PART, f"{what}: processor", 1e3 * processor, "ms", below=aim),
            Figure(PART, f"{what}: time", 1e3 * wall, "ms"),
            Figure(PART, f"{what}: longest wait of the loop", 1e3 * stall, "ms", below=aim),
        ]
    return figures


def _figures(random: np.random.Generator) -> list[Floats]:
    return list(random.normal(0.0, 1e7, (len(MARKET), len(_SYMBOLS))))


def _official(columns: list[Floats], registry: CollectorRegistry) -> bytes:
    everyone = np.ones(len(_SYMBOLS), np.bool_)
    slow = SlowGauges(MARKET, (_SYMBOLS,), columns, everyone).page()
    return slow + generate_latest(registry)


def _cost(way: Callable[[], bytes]) -> tuple[float, float, float]:
    """Return medians of processor seconds, seconds, and longest wait of the loop, of a page."""
    way()
    processor, wall = [], []
    for _ in range(_ROUNDS):
        busy, started = process_time(), perf_counter()
        way()
        processor.append(process_time() - busy)
        wall.append(perf_counter() - started)
    stalls = asyncio.run(_stalls(way))
    return median(processor), median(wall), median(stalls)


async def _stalls(way: Callable[[], bytes]) -> list[float]:
    """Return the longest delay of a beating loop during each page written by another thread."""
    longest = []
    for _ in range(_ROUNDS):
        page = asyncio.create_task(asyncio.to_thread(way))
        worst = 0.0
        while not page.done():
            began = perf_counter()
            await asyncio.sleep(_BEAT_SECONDS)
            worst = max(worst, perf_counter() - began - _BEAT_SECONDS)
        longest.append(worst)
    return longest
