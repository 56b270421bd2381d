"""A worker that freezes for longer than its membership lasts, and wakes up as a zombie."""

import time

import numpy as np

from services.worker import EXIT_RESTART
from tests.chaos.conftest import Figure, MakeRun, is_soak
from tests.support.chaos_fleet import Fleet
from tests.support.chaos_script import Script
from tests.support.waiting import eventually

FROZEN_SECONDS = 30.0 if is_soak() else 9.0
"""Six seconds are as good as thirty: the group gives its partitions to others after six."""


def test_what_a_zombie_writes_is_refused_and_every_session_ends_exact(
    make_run: MakeRun, script: Script, random: np.random.Generator, figure: Figure
) -> None:
    run = make_run(script)
    with Fleet(run.deployment, 3) as fleet:
        run.start()
        run.play_to(random.uniform(0.1, 0.4))
        zombie = fleet.workers[random.choice(fleet.names())]
        eventually(lambda: bool(zombie.warming()))
        owned = set(zombie.warming())
        frozen_at, frozen_ns = time.monotonic(), time.time_ns()
        zombie.pause()
        # The first day's mark is only passed once others have taken its partitions over.
        run.play_to(0.55)
        figure("taken_over_seconds", time.monotonic() - frozen_at)
        # Who compares looks for itself; the watch may not have looked since.
        eventually(lambda: run.watch.moved(frozen_ns) == owned)
        eventually(lambda: time.monotonic() >= frozen_at + FROZEN_SECONDS, seconds=FROZEN_SECONDS)
        token = {number: run.deployment.token(number) for number in owned}
        zombie.resume()

        # Its first write after it woke up was refused, for each of its partitions. If Kafka has
        # not told it yet that they are not its own, it ends with the first of them.
        eventually(
            lambda: (
                zombie.metric("forcedflow_fenced_total") == len(owned)
                or " was taken over while Kafka says" in zombie.log_file.read_text()
            )
        )
        run.finish()
        assert {ended.exit_code for ended in fleet.ends} <= {EXIT_RESTART}
        assert all(run.deployment.token(number) >= token[number] for number in owned)
    figure("stall_seconds", run.watch.longest(frozen_ns))
