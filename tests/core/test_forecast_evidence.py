"""The evidence's own code, on few sessions: `make evidence` runs it in full."""

import numpy as np
import pytest

from tests.evidence.measures import (
    Measure,
    coverage_measures,
    judge,
    pinball_measure,
    reliability_measures,
    tail_measures,
)
from tests.evidence.session_paths import score
from tests.evidence.simulated_sessions import CHECKPOINTS, simulated_sessions


def test_the_evidence_measures_a_few_simulated_sessions() -> None:
    sessions = simulated_sessions(symbols=20, sessions=28, seed=1)
    scores = score(sessions, CHECKPOINTS, first=18)
    judged = judge(sessions, scores)

    covered = coverage_measures(judged)[0]
    measures = [pinball_measure(judged), *tail_measures(judged), *reliability_measures(judged)]

    assert len(scores.outcome) == 20 * 10 * len(CHECKPOINTS[78])
    assert covered.value == pytest.approx(0.9, abs=0.05)
    assert np.mean(np.abs(judged.z) < 1.6604291108) == pytest.approx(covered.value, abs=0.001)
    assert all(measure.line() for measure in measures)


def test_a_measure_says_by_how_much_it_misses() -> None:
    inside = Measure("m", 0.90, 0.01, (0.88, 0.92), low=0.88, high=0.92)
    above = Measure("m", 0.95, 0.01, (0.93, 0.97), low=0.88, high=0.92)

    assert inside.missed_by == 0.0
    assert above.missed_by == pytest.approx(3.0)
    assert "MISSED by 3.0 errors" in above.line()
