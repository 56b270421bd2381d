"""The forecast on recorded bars, fitted on earlier sessions only (run by `make evidence`)."""

from collections.abc import Sequence

import click
import numpy as np
import pytest

from tests.evidence.measures import (
    Judged,
    Measure,
    coverage_measures,
    judge,
    pinball_measure,
    reliability_measures,
    tail_measures,
)
from tests.evidence.recorded_sessions import (
    CHECKPOINTS,
    FUNDS,
    REFERENCES,
    WARM_UP_SESSIONS,
    recorded_sessions,
)
from tests.evidence.session_paths import score
from tests.support.real_data import needs_real_data


@needs_real_data
@pytest.mark.parametrize("symbols", [REFERENCES, FUNDS], ids=["references", "leveraged-funds"])
def test_the_band_holds_on_recorded_bars(symbols: Sequence[str]) -> None:
    sessions = recorded_sessions(symbols)
    scores = score(sessions, CHECKPOINTS, first=WARM_UP_SESSIONS)
    judged = judge(sessions, scores)
    held = [*coverage_measures(judged), pinball_measure(judged), *tail_measures(judged)]

    first = WARM_UP_SESSIONS + 1
    click.echo(f"\n{len(scores.outcome)} forecasts, sessions {first} to {len(sessions.closes)}")
    for measure in [*held, *reliability_measures(judged)]:
        click.echo(measure.line())
    for row, symbol in enumerate(symbols):
        click.echo(symbol_line(judged, row, symbol))

    assert missed(held) == []


def missed(measures: list[Measure]) -> list[str]:
    """Name what lies outside its range by more than two standard errors."""
    return [measure.line() for measure in measures if measure.missed_by > 2.0]


def symbol_line(judged: Judged, row: int, symbol: str) -> str:
    mine = np.flatnonzero(judged.scores.symbol == row)
    covered = judged.scores.inside[mine].mean()
    loss, clock = judged.loss[mine].mean(), judged.clock_loss[mine].mean()
    return (
        f"{symbol:6} coverage {covered:.3f}   pinball {loss * 1e4:6.2f} bp, "
        f"clock time {clock * 1e4:6.2f} bp, ratio {loss / clock:.3f}"
    )
