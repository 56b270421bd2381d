"""Workers that come and go, as planned and by a supervised restart; what it costs in time."""

import time
from statistics import median

import numpy as np
import pytest

from streams.topics import PARTITIONS
from tests.chaos.conftest import Figure, MakeRun
from tests.support.chaos_fleet import Fleet
from tests.support.chaos_run import ChaosRun
from tests.support.chaos_script import Script
from tests.support.waiting import eventually

REBALANCES = 10
STAYS = "w0"
"""The worker that never leaves."""


def play_until_moved(run: ChaosRun, since_ns: int) -> None:
    """Play on until partitions changed hands and all of them are current again."""
    run.play_until(lambda: bool(run.watch.moved(since_ns)) and run.watch.is_current())


def test_ten_joins_and_leaves_leave_every_session_exact(
    make_run: MakeRun, script: Script, random: np.random.Generator, figure: Figure
) -> None:
    run = make_run(script)
    stalls: dict[str, list[float]] = {"kept": [], "moved": []}
    with Fleet(run.deployment, 2, is_static=False) as fleet:
        run.start()
        run.play_to(random.uniform(0.02, 0.1))
        for number in range(REBALANCES):
            since_ns = time.time_ns()
            if number % 2:
                fleet.leave(random.choice([name for name in fleet.names() if name != STAYS]))
            else:
                fleet.join(f"w{number + 2}")
            play_until_moved(run, since_ns)
            moved = run.watch.moved(since_ns)
            for kind, partitions in (("kept", set(range(PARTITIONS)) - moved), ("moved", moved)):
                stalls[kind].append(run.watch.longest(since_ns, of=sorted(partitions)))
        run.finish()
        stays = fleet.workers[STAYS]
        eventually(lambda: stays.metric("forcedflow_rebalances_total") > REBALANCES)
        assert fleet.ends == []
    # The aims are 0.5 s for what is kept and 3 s for what moves.
    for kind, found in stalls.items():
        figure(f"{kind}_stall_seconds_p50", median(found))
        figure(f"{kind}_stall_seconds_max", max(found))


def test_a_worker_restarted_under_its_name_goes_on_alone(
    *,
    make_run: MakeRun,
    short_script: Script,
    random: np.random.Generator,
    figure: Figure,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A process takes longer to start where others take the machine's time.
    monkeypatch.setenv("FORCEDFLOW_WORKER__SESSION_TIMEOUT_SECONDS", "10")
    run = make_run(short_script)
    with Fleet(run.deployment, 3) as fleet:
        run.start()
        run.play_to(random.uniform(0.1, 0.5))
        name = random.choice(fleet.names())
        eventually(lambda: bool(fleet.workers[name].warming()))
        owned = set(fleet.workers[name].warming())
        assignments = fleet.logs().count('"event": "assigned"')
        killed_at, killed_ns = time.monotonic(), time.time_ns()
        fleet.kill(name)

        play_until_moved(run, killed_ns)

        # The aim is 4 s.
        figure("served_again_seconds", time.monotonic() - killed_at)
        assert run.watch.moved(killed_ns) == owned
        # The group did not even notice.
        assert fleet.logs().count('"event": "assigned"') == assignments + 1
        run.finish()
        others = sorted(set(range(PARTITIONS)) - owned)
        figure("others_behind_seconds", run.watch.longest(killed_ns, of=others))
