import gzip
import math
import subprocess
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from core.columns import NUMERIC_COLUMNS
from services.alerter_metrics import AlerterMetrics
from services.gateway_metrics import GatewayMetrics
from services.gauge_tables import GaugeTable, ShownGauges
from services.market_gauges import MarketGauges
from services.metrics_page import MetricsPage
from streams.market_metrics import MARKET, POSITIONING
from streams.metric_catalogue import ALERTER, SECTIONS, WORKER
from streams.metric_registry import Metrics
from tests.support.manual_clock import ManualClock
from tests.support.metric_samples import samples
from tests.support.rule_world import hour, universe_of, view_at

UNIVERSE = universe_of({"ACME": "XNYS", "CORE": "XKRX"}, rooms={"chips": ("ACME", "CORE")})
SYMBOLS = tuple(f"S{number}" for number in range(40))


def market(clock: ManualClock, *, seed: int = 0) -> GaugeTable:
    table = GaugeTable(MARKET, clock)
    show(table, seed=seed)
    return table


def show(table: GaugeTable, *, seed: int) -> None:
    random = np.random.default_rng(seed)
    table.show((SYMBOLS,), [random.normal(0.0, 1e7, len(SYMBOLS)) for _ in NUMERIC_COLUMNS])


def test_a_page_is_the_tables_and_the_registry() -> None:
    metrics = Metrics(ALERTER)
    metrics.gauge("forcedflow_partitions_unknown").set(math.nan)
    metrics.gauge("forcedflow_last_push_timestamp_seconds", "up").set(math.inf)
    metrics.gauge("forcedflow_last_push_timestamp_seconds", "down").set(-math.inf)

    page = MetricsPage(metrics.registry, [market(ManualClock(0))]).plain()

    found = samples(page)
    assert len([name for name, labels in found if ("symbol", "S7") in labels]) == len(MARKET)
    assert b"\nforcedflow_partitions_unknown NaN\n" in page
    assert b'{peer="up"} +Inf\n' in page
    assert b'{peer="down"} -Inf\n' in page
    for metric in (*MARKET, *ALERTER):
        shown = metric.name + "_total" * (metric.kind == "counter")
        assert f"# HELP {shown} ".encode() in page
        assert f"# TYPE {shown} {metric.kind}\n".encode() in page


def test_the_compressed_page_is_the_same_as_one_gzip_member() -> None:
    table = market(ManualClock(0))
    metrics = Metrics(WORKER)
    page = MetricsPage(metrics.registry, [table])
    for seed in (0, 0, 1):
        show(table, seed=seed)
        metrics.counter("forcedflow_rebalances").inc()

        compressed = page.gzipped()

        member = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        text = member.decompress(compressed)
        assert (member.eof, member.unused_data) == (True, b"")
        assert ours(text) == ours(page.plain())


def ours(page: bytes) -> list[bytes]:
    return [line for line in page.splitlines() if b"forcedflow_" in line]


def test_figures_are_written_once_and_the_registry_for_each_page(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = market(ManualClock(0))
    metrics = Metrics(WORKER)
    page = MetricsPage(metrics.registry, [table])
    rendered = []
    write = table.render

    def render(shown: ShownGauges | None) -> Iterator[bytes]:
        rendered.append(shown)
        return write(shown)

    monkeypatch.setattr(table, "render", render)
    for count in range(3):
        assert samples(gzip.decompress(page.gzipped()))[
            "forcedflow_rebalances_total", frozenset()
        ] == float(count)
        metrics.counter("forcedflow_rebalances").inc()
    page.plain()
    assert len(rendered) == 1
    show(table, seed=1)
    page.plain()
    assert len(rendered) == 2


def test_pages_of_many_threads_are_each_of_one_moment() -> None:
    clock = ManualClock(0)
    table = GaugeTable(MARKET, clock)
    page = MetricsPage(Metrics(()).registry, [table])
    universes = [tuple(f"{letter}{number}" for number in range(300)) for letter in "AB"]

    def publish() -> None:
        for number in range(200):
            symbols = universes[number // 7 % 2]
            table.show((symbols,), [np.full(len(symbols), float(number)) for _ in MARKET])

    with ThreadPoolExecutor(5) as pool:
        pages = [pool.submit(page.gzipped if n % 2 else page.plain) for n in range(40)]
        pool.submit(publish).result()

    for number, one in enumerate(pages):
        text = gzip.decompress(one.result()) if number % 2 else one.result()
        market_only = {key: value for key, value in samples(text).items() if key[1]}
        assert len(market_only) in (0, len(MARKET) * 300)
        assert len(set(market_only.values())) <= 1
        assert len({dict(labels)["symbol"][0] for _, labels in market_only}) <= 1


@pytest.mark.debian("prometheus")
@pytest.mark.parametrize("process", ["worker", "gateway", "alerter"])
def test_promtool_finds_nothing_to_say(process: str) -> None:
    run = subprocess.run(
        ["promtool", "check", "metrics"],  # noqa: S607  Debian's, wherever it lies
        input=whole_page(process),
        capture_output=True,
        check=False,
    )

    assert (run.returncode, run.stdout, run.stderr) == (0, b"", b"")


def whole_page(process: str) -> bytes:
    """Return the page of a process with a sample of each metric that has labels."""
    clock = ManualClock(0)
    gauges = MarketGauges(clock)
    gauges.show(view_at(UNIVERSE, hour(15)), UNIVERSE)
    positioning = GaugeTable(POSITIONING, clock)
    positioning.show((["room"], ["chips"]), [np.ones(1)] * len(POSITIONING))
    tables = (*gauges.tables, positioning) if process == "alerter" else ()
    registry = {
        "worker": lambda: Metrics(WORKER).registry,
        "gateway": lambda: GatewayMetrics().registry,
        "alerter": lambda: AlerterMetrics(["http://peer"], clock).registry,
    }[process]()
    metrics = Metrics(SECTIONS[process])
    for metric in SECTIONS[process]:
        if metric.labels:
            values = ["x"] * len(metric.labels)
            getattr(metrics, metric.kind)(metric.name, *values)
    own = MetricsPage(registry, tables).plain()
    labelled = MetricsPage(metrics.registry, tables).plain()
    assert set(families(own)) == set(families(labelled))
    return labelled


def families(page: bytes) -> list[bytes]:
    return [line for line in page.splitlines() if line.startswith(b"# TYPE")]


@pytest.mark.parametrize("section", SECTIONS)
def test_names_have_units_that_can_be_added_up(section: str) -> None:
    for metric in SECTIONS[section]:
        words = metric.name.split("_")
        assert not {"percent", "bps", "ms", "us", "ns", "minutes", "days", "kb", "mb"} & set(words)
