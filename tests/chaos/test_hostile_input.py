"""Duplicates, disorder, lateness, the future and garbage mixed into the replay, 1 % of each."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.chaos.conftest import Figure, MakeRun
from tests.support.chaos_fleet import Fleet
from tests.support.chaos_hostile import hostile_script
from tests.support.chaos_market import make_market
from tests.support.waiting import eventually


@pytest.mark.parametrize("has_crash", [False, True])
def test_bad_input_moves_nothing_and_lies_in_the_dead_letters(
    *,
    has_crash: bool,
    make_run: MakeRun,
    seed: int,
    random: np.random.Generator,
    figure: Figure,
    tmp_path: Path,
) -> None:
    market = make_market(tmp_path / "universe", seed=seed, events=80_000)
    run = make_run(hostile_script(market, seed=seed))
    with Fleet(run.deployment, 1) as fleet:
        run.start()
        if has_crash:
            run.play_to(random.uniform(0.3, 0.7))
            fleet.kill(random.choice(fleet.names()))
        run.finish()

        eventually(lambda: fleet.total("forcedflow_dead_letters_waiting") == 0)
        letters = run.deployment.letters()
    reasons = {letter.id: letter.reason for letter in letters}
    assert reasons == run.feed.bad
    if not has_crash:
        assert Counter(letter.id for letter in letters).most_common(1)[0][1] == 1
    figure("dead_letters", len(reasons))
    figure("letters_written_again", len(letters) - len(reasons))
