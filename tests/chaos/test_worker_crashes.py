"""Workers that crash or freeze in the middle of the replay."""

import numpy as np

from tests.chaos.conftest import Figure, MakeRun
from tests.support.chaos_fleet import Fleet
from tests.support.chaos_script import Script
from tests.support.waiting import eventually

KILLS = 10


def test_ten_kills_at_random_points_leave_every_session_exact(
    make_run: MakeRun, script: Script, random: np.random.Generator, figure: Figure
) -> None:
    run = make_run(script)
    with Fleet(run.deployment, 3) as fleet:
        run.start()
        for share in np.sort(random.uniform(0.02, 0.98, KILLS)):
            run.play_to(share)
            eventually(lambda: bool(fleet.running()))
            fleet.kill(random.choice(fleet.running()))
        run.finish()

        assert [ended.exit_code for ended in fleet.ends] == [-9] * KILLS
    figure("events_per_second", run.achieved_rate())
    figure("behind_seconds", run.feed.behind_seconds)
