"""Prometheus killed and frozen while what its rules judge comes and goes: all is told.

A rule of its own over gauges of its own: what becomes of alerts is Prometheus' part, whichever
rule they are of. What it fires it says again to Alertmanager before a lease ends, as it does in
production with longer times; what ends while it is dead resolves as it is back, or with the lease.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

import numpy as np
import pytest

from tests.chaos.conftest import Figure
from tests.support.alert_looks import AlertLooks
from tests.support.alertmanager_server import AlertmanagerServer
from tests.support.breaches import SYMBOLS, Breaches, Fault, Played, breaches_around
from tests.support.rule_server import LEASE_SECONDS, RuleServer, SignalGauges
from tests.support.supervised import Supervised
from tests.support.waiting import eventually
from tests.support.webhook_recorder import WebhookRecorder

pytestmark = [pytest.mark.debian("prometheus"), pytest.mark.debian("prometheus-alertmanager")]

RESUMED_SECONDS = 10.0
"""Within this pages go on after a restart, seen at Alertmanager's API (docs/guarantees.md)."""
START_SECONDS = 30.0
FROZEN_SECONDS = 0.25 * LEASE_SECONDS


class Desk(NamedTuple):
    """A Prometheus under a supervisor, and the one that its breaches page."""

    prometheus: RuleServer
    supervised: Supervised
    breaches: Breaches


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    directory = tmp_path_factory.mktemp("rules")
    with ExitStack() as stack:
        pager = stack.enter_context(WebhookRecorder())
        server = stack.enter_context(AlertmanagerServer(directory / "alertmanager", pager.url))
        gauges = SignalGauges()
        stack.callback(gauges.close)
        for symbol in SYMBOLS:
            gauges.signal(symbol, breaches=False)
        prometheus = RuleServer(
            directory / "prometheus",
            target=gauges.target,
            alertmanager=server.url.removeprefix("http://"),
        )
        supervised = stack.enter_context(Supervised())
        supervised.keep(prometheus.process)
        looks = stack.enter_context(AlertLooks(server))
        breaches = Breaches(gauges.signal, pager, looks)
        eventually(prometheus.is_at_work, seconds=START_SECONDS)
        yield Desk(prometheus, supervised, breaches)
        breaches.check()


def play(desk: Desk, fault: Fault, random: np.random.Generator, figure: Figure) -> Played:
    """Play breaches around a fault; what came twice is reported."""
    before = desk.breaches.duplicates()
    played = desk.breaches.play(breaches_around(fault.at, random), fault)
    assert desk.breaches.misdated() == 0
    figure("told_twice", desk.breaches.duplicates() - before)
    figure("resumed_seconds_after_fault", played.resumed_at - played.struck_at)
    return played


def moment(random: np.random.Generator) -> float:
    return float(random.uniform(4.5, 5.5))


def test_prometheus_freezes(desk: Desk, random: np.random.Generator, figure: Figure) -> None:
    process = desk.prometheus.process
    fault = Fault(moment(random), process.pause, FROZEN_SECONDS, process.resume)

    played = play(desk, fault, random, figure)

    assert played.resumed_at - played.healed_at < RESUMED_SECONDS


def test_prometheus_is_killed(desk: Desk, random: np.random.Generator, figure: Figure) -> None:
    process = desk.prometheus.process

    played = play(desk, Fault(moment(random), process.kill), random, figure)

    restarted_at = desk.supervised.started_since(process, played.struck_at)
    figure("resumed_seconds", played.resumed_at - restarted_at)
    assert played.resumed_at - restarted_at < RESUMED_SECONDS
