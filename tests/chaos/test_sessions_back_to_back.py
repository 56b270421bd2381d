"""Sessions that follow each other across midnight and a weekend, without a pause to settle in."""

from pathlib import Path

import numpy as np

from tests.chaos.conftest import Figure, MakeRun
from tests.support.chaos_fleet import Fleet
from tests.support.chaos_market import WEEKEND, make_market
from tests.support.chaos_script import plain_script


def test_closes_and_assets_are_rolled_over_a_weekend_as_the_oracle_rolls_them(
    *,
    make_run: MakeRun,
    seed: int,
    random: np.random.Generator,
    figure: Figure,
    tmp_path: Path,
) -> None:
    market = make_market(
        tmp_path / "universe", seed=seed, events=120_000, days=WEEKEND, holds_between=False
    )
    run = make_run(plain_script(market))
    with Fleet(run.deployment, 2) as fleet:
        run.start()
        # Once on the Saturday, when only the struck references trade, and once on the Monday.
        for share in (random.uniform(0.4, 0.55), random.uniform(0.75, 0.9)):
            run.play_to(share)
            fleet.kill(random.choice(fleet.running()))
        run.finish()
        assert [ended.exit_code for ended in fleet.ends] == [-9, -9]
    figure("events_per_second", run.achieved_rate())
