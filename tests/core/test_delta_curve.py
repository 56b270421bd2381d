"""The deltas of many contracts as one curve: the stated error, whatever the contracts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.columns import Floats
from core.delta_curve import (
    NODES_PER_WIDTH,
    SLOPE_ERROR,
    VALUE_ERROR,
    DeltaCurve,
    Steps,
    delta_curve,
    narrowest,
)
from core.log_grid import LogGrid, grid_for
from tests.support.naive_options import density, normal

REACH = 0.25
STEP = st.tuples(
    st.integers(0, 1),
    st.floats(-10.0, 100.0),
    st.floats(-0.6, 0.6),
    st.floats(np.log(2e-3), np.log(3.0)).map(np.exp),
)
STEPS = st.lists(STEP, min_size=1, max_size=12)


def steps_of(rows: list[tuple[int, float, float, float]]) -> Steps:
    channel, weight, centre, width = (np.array(column) for column in zip(*rows, strict=True))
    return Steps(channel.astype(np.int64), weight, centre, width)


def grid_of(steps: Steps) -> LogGrid:
    return grid_for(float(steps.width.min()) / NODES_PER_WIDTH, reach=REACH, most_half=4096)


def exact(steps: Steps, at: Floats, channel: int) -> tuple[Floats, Floats]:
    value, slope = np.zeros((2, len(at)))
    for which, weight, centre, width in zip(
        steps.channel, steps.weight, steps.centre, steps.width, strict=True
    ):
        if which == channel:
            value += [weight * normal((x - centre) / width) for x in at]
            slope += [weight / width * density((x - centre) / width) for x in at]
    return value, slope


def assert_close(curve: DeltaCurve, steps: Steps) -> None:
    at = np.linspace(-REACH, REACH, 211)
    value, slope = curve.at(at)
    for channel in (0, 1):
        expected = exact(steps, at, channel)
        mine = steps.channel == channel
        weight, width = np.abs(steps.weight[mine]), steps.width[mine]
        assert np.abs(value[channel] - expected[0]).max() <= VALUE_ERROR * weight.sum() + 1e-12
        most = SLOPE_ERROR * (weight / width).sum()
        assert np.abs(slope[channel] - expected[1]).max() <= most + 1e-9


@given(rows=STEPS)
def test_values_and_slopes_are_within_the_stated_error(
    rows: list[tuple[int, float, float, float]],
) -> None:
    steps = steps_of(rows)

    assert_close(delta_curve(steps, grid_of(steps), 2), steps)


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5])
@pytest.mark.parametrize("level", [0, 3, 6])
def test_the_narrowest_step_of_a_level_is_within_it_too(share: float, level: int) -> None:
    grid = LogGrid(REACH / 1024, 1024)
    coarse = grid.coarser(level)
    width = narrowest(coarse)
    steps = steps_of([(0, 1.0, share * coarse.step, width), (1, -3.0, 0.2, width)])

    assert_close(delta_curve(steps, grid, 2), steps)


def test_the_error_is_not_stated_too_large() -> None:
    grid = LogGrid(REACH / 256, 256)
    steps = steps_of([(0, 1.0, 0.0, narrowest(grid))])
    at = np.linspace(-0.02, 0.02, 4001)

    error = np.abs(delta_curve(steps, grid, 1).at(at)[0][0] - exact(steps, at, 0)[0]).max()

    assert VALUE_ERROR / 2 < error < VALUE_ERROR


def test_what_lies_beyond_the_grid_counts_whole_or_not_at_all() -> None:
    steps = steps_of([(0, 2.0, -3.0, 0.01), (0, 5.0, 3.0, 0.01), (1, 7.0, -0.3, 0.002)])

    value, slope = delta_curve(steps, grid_of(steps), 2).at(np.array([-REACH, 0.0, REACH]))

    np.testing.assert_allclose(value, [[2.0] * 3, [7.0] * 3], rtol=1e-15)
    np.testing.assert_allclose(slope, 0.0, atol=1e-99)


@given(rows=STEPS, split=st.integers(0, 12))
def test_a_curve_is_the_sum_of_its_parts(
    rows: list[tuple[int, float, float, float]], split: int
) -> None:
    steps = steps_of(rows)
    grid = grid_of(steps)
    order = np.arange(len(rows))

    parts = [delta_curve(steps.at(mine), grid, 2) for mine in (order[:split], order[split:])]
    joined = parts[0] + parts[1]
    whole = delta_curve(steps, grid, 2)

    scale = np.abs(steps.weight).sum()
    np.testing.assert_allclose(joined.value, whole.value, rtol=0, atol=1e-12 * scale)


def test_a_step_is_taken_out_without_a_trace_whatever_it_came_with() -> None:
    # Widths within one level: the widest decides how many nodes are looked at.
    narrow, wide = (0, 1e6, 0.01, 0.0105), (0, 1.0, 0.0, 0.0199)
    grid = LogGrid(REACH / 1024, 1024)

    curve = delta_curve(steps_of([narrow, wide]), grid, 1)
    left = curve + delta_curve(steps_of([(0, -1e6, 0.01, 0.0105)]), grid, 1)

    alone = delta_curve(steps_of([wide]), grid, 1)
    np.testing.assert_allclose(left.value, alone.value, rtol=0, atol=1e-9)
    np.testing.assert_allclose(left.slope, alone.slope, rtol=0, atol=1e-5)


def test_steps_wider_than_the_grid_and_a_great_many_of_them() -> None:
    generator = np.random.default_rng(5)
    size = 30_000
    steps = Steps(
        channel=generator.integers(0, 2, size),
        weight=generator.uniform(0.0, 1e4, size),
        centre=generator.normal(0.0, 0.2, size),
        width=np.exp(generator.uniform(np.log(0.004), np.log(20.0), size)),
    )

    curve = delta_curve(steps, grid_of(steps), 2)

    at = np.array([-0.2, -0.01, 0.0, 0.03, 0.25])
    for channel in (0, 1):
        mine = steps.at(np.flatnonzero(steps.channel == channel))
        value, _ = exact(mine, at, channel)
        limit = VALUE_ERROR * mine.weight.sum()
        assert np.abs(curve.at(at)[0][channel] - value).max() <= limit
