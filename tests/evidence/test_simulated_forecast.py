"""The forecast on sessions of a known law (run by `make evidence`)."""

import click
import pytest

from tests.evidence.session_paths import score
from tests.evidence.simulated_sessions import CHECKPOINTS, simulated_sessions

SYMBOLS, SCORED, WARM_UP = 400, 50, 60


@pytest.mark.timeout(600)
def test_the_band_holds_on_20_000_simulated_sessions() -> None:
    sessions = simulated_sessions(symbols=SYMBOLS, sessions=WARM_UP + SCORED, seed=22)
    scores = score(sessions, CHECKPOINTS, first=WARM_UP)

    coverage = {
        name: float(scores.inside[scores.checkpoint == name].mean()) for name in CHECKPOINTS[78]
    }
    click.echo(f"\n{len(scores.inside) // len(coverage)} sessions")
    for name, value in coverage.items():
        click.echo(f"coverage at {name}   {value:.4f}   0.89 … 0.91")

    assert {name: value for name, value in coverage.items() if not 0.89 <= value <= 0.91} == {}
