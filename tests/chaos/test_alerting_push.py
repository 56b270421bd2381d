"""Alerters and Alertmanager killed and frozen while symbols breach and come back: all is told."""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import NamedTuple

import numpy as np
import pytest

from services.child_process import ChildProcess
from services.embedded_redis import EmbeddedRedis
from tests.chaos.conftest import Figure, is_soak
from tests.support.alert_looks import AlertLooks
from tests.support.alerter_fleet import START_SECONDS, AlerterFleet, AlerterProcess
from tests.support.alertmanager_server import AlertmanagerServer
from tests.support.breaches import SYMBOLS, Breaches, Fault, Played, breaches_around
from tests.support.supervised import Supervised
from tests.support.waiting import eventually
from tests.support.webhook_recorder import WebhookRecorder

pytestmark = [pytest.mark.debian("prometheus-alertmanager")]

RESUMED_SECONDS = 10.0
"""Within this pages go on after a restart, seen at Alertmanager's API (docs/guarantees.md)."""
FROZEN_SECONDS = 30.0 if is_soak() else 7.0
"""Longer than the alerters' lease, and than three pushes that nobody answers."""
STEP_HOURS = 1e-4
QUIET, BREACHED = 100.0, 99.0


class Tape:
    """Trades that let a symbol breach or come back, each a little later in market time."""

    def __init__(self, fleet: AlerterFleet) -> None:
        self._fleet = fleet
        self._hour = 1.0
        fleet.market.go(self._hour, **dict.fromkeys(SYMBOLS, QUIET))

    def signal(self, symbol: str, *, breaches: bool) -> None:
        self._hour += STEP_HOURS
        self._fleet.market.go(self._hour, **{symbol: BREACHED if breaches else QUIET})


class Desk(NamedTuple):
    """A service of two alerters under a supervisor, and the one that its breaches page."""

    fleet: AlerterFleet
    alerters: tuple[AlerterProcess, AlerterProcess]
    server: AlertmanagerServer
    supervised: Supervised
    breaches: Breaches

    def active(self) -> AlerterProcess:
        """Return the alerter that speaks, once there is one."""
        eventually(lambda: any(one.is_active() for one in self.alerters), seconds=START_SECONDS)
        return next(one for one in self.alerters if one.is_active())


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, kafka: str) -> Iterator[Desk]:
    """Runs for all tests here; at last nothing may have been told late, or a third time."""
    directory = tmp_path_factory.mktemp("alerting")
    with ExitStack() as stack:
        pager = stack.enter_context(WebhookRecorder())
        server = AlertmanagerServer(directory / "alertmanager", pager.url)
        redis = stack.enter_context(EmbeddedRedis(directory / "redis"))
        fleet = stack.enter_context(
            AlerterFleet(
                directory / "service",
                bootstrap=kafka,
                redis_url=redis.url,
                prefix=f"{uuid.uuid4().hex[:12]}-",
                peers=[server.url],
                symbols=SYMBOLS,
            )
        )
        tape = Tape(fleet)
        supervised = stack.enter_context(Supervised())
        alerters = fleet.candidate("one"), fleet.candidate("two")
        for child in (server.process, *(one.child for one in alerters)):
            supervised.keep(child)
        looks = stack.enter_context(AlertLooks(server))
        breaches = Breaches(tape.signal, pager, looks)
        yield Desk(fleet, alerters, server, supervised, breaches)
        breaches.check()


@pytest.fixture(autouse=True)
def _at_work(desk: Desk) -> None:
    """Both alerters run, and one of them speaks."""
    for one in desk.alerters:
        eventually(lambda one=one: one.is_active() or one.stands_by(), seconds=START_SECONDS)  # type: ignore[misc]
    desk.active()


def play(
    desk: Desk,
    fault: Fault,
    random: np.random.Generator,
    figure: Figure,
    *,
    misdated_at_most: int = 0,
) -> Played:
    """Play breaches around a fault; what came twice is reported."""
    before, misdated = desk.breaches.duplicates(), desk.breaches.misdated()
    played = desk.breaches.play(breaches_around(fault.at, random), fault)
    figure("told_twice", desk.breaches.duplicates() - before)
    figure("ends_misdated", desk.breaches.misdated() - misdated)
    assert desk.breaches.misdated() - misdated <= misdated_at_most
    return played


def resumed(
    desk: Desk, played: Played, figure: Figure, *, restarted: Sequence[ChildProcess] = ()
) -> float:
    """Report after how many seconds the first page was shown; return them.

    From the fault until what it struck was started again the supervisor is waited for: where
    processes were `restarted`, only the seconds after that count.
    """
    figure("resumed_seconds_after_fault", played.resumed_at - played.struck_at)
    since = max(
        (desk.supervised.started_since(each, played.struck_at) for each in restarted),
        default=played.struck_at,
    )
    figure("resumed_seconds", played.resumed_at - since)
    return played.resumed_at - since


def moment(random: np.random.Generator) -> float:
    return float(random.uniform(3.0, 4.0))


def test_alertmanager_is_killed(desk: Desk, random: np.random.Generator, figure: Figure) -> None:
    played = play(desk, Fault(moment(random), desk.server.kill), random, figure)

    children = [desk.server.process]
    assert resumed(desk, played, figure, restarted=children) < RESUMED_SECONDS


def test_alertmanager_freezes(desk: Desk, random: np.random.Generator, figure: Figure) -> None:
    fault = Fault(moment(random), desk.server.pause, FROZEN_SECONDS, desk.server.resume)

    # What waited at its door is taken in any order: an old push may end what fires again.
    played = play(desk, fault, random, figure, misdated_at_most=len(SYMBOLS))

    resumed(desk, played, figure)
    assert played.resumed_at - played.healed_at < RESUMED_SECONDS


def test_both_alerters_are_killed(desk: Desk, random: np.random.Generator, figure: Figure) -> None:
    children = [one.child for one in desk.alerters]

    def strike() -> None:
        for child in children:
            child.kill()

    played = play(desk, Fault(moment(random), strike), random, figure)

    assert resumed(desk, played, figure, restarted=children) < RESUMED_SECONDS


def test_the_active_alerter_freezes(
    desk: Desk, random: np.random.Generator, figure: Figure
) -> None:
    active = desk.active()
    holder = desk.fleet.holder()
    fault = Fault(moment(random), active.child.pause, FROZEN_SECONDS, active.child.resume)

    played = play(desk, fault, random, figure, misdated_at_most=len(SYMBOLS))

    assert resumed(desk, played, figure) < RESUMED_SECONDS
    assert desk.fleet.holder() != holder
    eventually(active.stands_by)
