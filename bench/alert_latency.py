"""Part ``alerts``: from the tick that breaches to Alertmanager, pushed and by Prometheus' rule."""

import asyncio
import json
import os
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from aiokafka import AIOKafkaProducer

from bench.feed import STEP_SECONDS, Feed
from bench.figures import Figure
from bench.servers import Servers, send
from bench.worker_process import wait_in_session
from bench.workload import Market, symbols
from core.columns import Floats
from core.errors import FlowError
from core.sessions import NANOS_PER_SECOND
from services.child_process import ChildProcess, free_port
from services.universe_files import load_universe
from streams.topics import PRICES
from tests.support.alertmanager_server import AlertmanagerServer
from tests.support.rule_server import RULE, RuleServer
from tests.support.service_processes import ServiceProcesses

PART = "alerts"
_PREFIX = "alerts-"
_PUSHED = "BenchWatch"
_RAISE, _CLEAR = 0.04, 0.03
"""Of ``adv_ratio``, which is 0.4 times the return here."""
_QUIET, _HIGH, _LOW = 100.0, 112.0, 88.0
"""Every other breaches on the other side: of too many on one the rest is left out."""
_RULES = f"""\
version: 1
rules:
  - name: bench
    measure: adv_ratio
    scope: symbol
    levels:
      watch: {{raise: {_RAISE}, clear: {_CLEAR}}}
"""
_INTERVAL_SECONDS = 5.0
"""As deployed: from scrape to scrape, and from evaluation to evaluation."""
_WARM_SECONDS = 15.0
"""Prometheus looks for its targets every five seconds, then scrapes and evaluates."""
_SECONDS = 40.0
_SHORT, _SHORT_SECONDS = 120, 2.0
_LONG, _LONG_SECONDS = 40, 14.0
"""How many breach, and how long: only what lasts a scrape and an evaluation does a rule see."""
_AIM_MS = 500.0
_PERCENTILES = (50, 99)
_PUSHED_TO = ("judged", "api", "webhook")
_RULED_TO = ("api", "webhook")
_WORDS = {"judged": "judged", "api": "Alertmanager's API", "webhook": "webhook"}


@dataclass(frozen=True)
class _Probe:
    """One reference that breaches at a moment of the run and comes back, in seconds."""

    number: int
    begins: float
    ends: float


def _probes() -> list[_Probe]:
    found: list[_Probe] = []
    for count, lasts in ((_LONG, _LONG_SECONDS), (_SHORT, _SHORT_SECONDS)):
        each = _SECONDS / count
        for place in range(count):
            # At any phase of the alerter's ticks, of scrapes and of evaluations.
            begins = _WARM_SECONDS + (place + random.random()) * each  # noqa: S311
            found.append(_Probe(len(found), begins, begins + lasts))
    return found


def measure(servers: Servers) -> list[Figure]:
    """Return quantiles of both ways at a steady rate, and how they compare."""
    probes = _probes()
    output = servers.directory / "alerts.json"
    with _service(servers, output) as bootstrap:
        began_ns, rate = asyncio.run(_produce(bootstrap, probes))
    heard = _Heard(json.loads(output.read_text()), began_ns)
    pushed = {each: heard.seconds(each, _PUSHED, probes) for each in _PUSHED_TO}
    by_rule = {each: heard.seconds(each, RULE, probes[:_LONG]) for each in _RULED_TO}
    return [
        Figure(PART, "events produced", rate, "events/s"),
        *_quantiles("pushed", pushed, aim_ms=_AIM_MS),
        *_quantiles("by rule", by_rule, aim_ms=None),
        *(
            Figure(
                PART,
                f"by rule to pushed, at the webhook, p{percentile}",
                _percentile(by_rule["webhook"], percentile)
                / _percentile(pushed["webhook"], percentile),
            )
            for percentile in _PERCENTILES
        ),
    ]


@dataclass(frozen=True)
class _Heard:
    """When each alert was first heard of, by where and alert, and the run's first moment, in ns."""

    first: dict[str, dict[str, int]]
    began_ns: int

    def seconds(self, where: str, alert: str, probes: list[_Probe]) -> Floats:
        """Return from due to be produced to heard, float64[n].

        Raises
        ------
        FlowError
            If some of the alerts were not heard of.
        """
        names = symbols()
        moments = [self.first[where].get(f"{alert}|{names[each.number]}") for each in probes]
        if lost := moments.count(None):
            raise FlowError(f"{where}: expected {len(probes)} alerts {alert}, {lost} did not come")
        begins = [each.begins for each in probes]
        taken: Floats = np.array(moments, np.float64) - self.began_ns
        seconds: Floats = taken / NANOS_PER_SECOND - np.array(begins)
        return seconds


def _percentile(seconds: Floats, percentile: int) -> float:
    return float(np.percentile(seconds, percentile))


def _quantiles(way: str, seconds: dict[str, Floats], *, aim_ms: float | None) -> Iterator[Figure]:
    for where, each in seconds.items():
        for percentile in _PERCENTILES:
            name = f"{way}, breach due to be produced to {_WORDS[where]}, p{percentile}"
            aim = aim_ms if (where, percentile) == ("api", 99) else None
            yield Figure(PART, name, _percentile(each, percentile) * 1e3, "ms", below=aim)


@contextmanager
def _service(servers: Servers, output: Path) -> Iterator[str]:
    """Run worker, alerter, Alertmanager and Prometheus; yield where Kafka is.

    What was heard is in `output` once the block has ended.
    """
    directory = servers.directory / "alerts"
    directory.mkdir()
    port = free_port()
    alertmanager = AlertmanagerServer(
        directory / "alertmanager", f"http://127.0.0.1:{port}/webhook"
    )
    listener = ChildProcess(
        "alert_listener",
        [
            *(sys.executable, "-m", "bench.alert_listener", "--port", str(port)),
            *("--alertmanager", alertmanager.url, "--output", str(output)),
        ],
        directory=directory,
        environment=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
    )
    service = ServiceProcesses(
        directory,
        bootstrap=servers.bootstrap,
        redis_url=servers.redis_url,
        universe=servers.universe,
        prefix=_PREFIX,
    )
    rules = directory / "rules.yaml"
    rules.write_text(_RULES)
    service.store.flushall()
    with listener, alertmanager, service:
        send(servers.bootstrap, f"{_PREFIX}{PRICES}", Market().opening())
        version = load_universe(servers.universe).version
        wait_in_session(service.worker(), service.store, version)
        service.alerter(rules, "--alertmanager", f"http://127.0.0.1:{port}")
        service.until_judged()
        prometheus = RuleServer(
            directory / "prometheus",
            target=service.urls()[-1].removeprefix("http://").partition("/")[0],
            alertmanager=f"127.0.0.1:{port}",
            expression=f"abs(forcedflow_adv_ratio) >= {_RAISE}",
            interval_seconds=_INTERVAL_SECONDS,
        )
        with prometheus.process:
            yield servers.bootstrap


async def _produce(bootstrap: str, probes: list[_Probe]) -> tuple[int, float]:
    """Send events and breaches; return the run's first moment in ns, and the rate reached."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        feed = Feed(producer, f"{_PREFIX}{PRICES}", first=len(probes))
        due = sorted(
            [(each.begins, each.number, _LOW if each.number % 2 else _HIGH) for each in probes]
            + [(each.ends, each.number, _QUIET) for each in probes]
        )
        while due or feed.seconds < _WARM_SECONDS + _SECONDS:
            await asyncio.sleep(STEP_SECONDS)
            now = feed.seconds
            count = sum(begins <= now for begins, _, _ in due)
            await feed.send_due([(number, price) for _, number, price in due[:count]])
            del due[:count]
        return feed.started_ns, feed.sent / feed.seconds
    finally:
        await producer.stop()
