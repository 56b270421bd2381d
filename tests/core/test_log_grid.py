"""Cubics on an even grid of the log price."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.columns import Floats, Int64s
from core.log_grid import LogGrid, grid_for, hermite, sum_by_level


def test_the_grid_is_the_coarsest_that_is_fine_enough_within_its_limit() -> None:
    assert grid_for(0.03, reach=0.2, most_half=64) == LogGrid(0.025, 8)
    assert grid_for(0.025, reach=0.2, most_half=64) == LogGrid(0.025, 8)
    assert grid_for(1e-9, reach=0.2, most_half=64) == LogGrid(0.2 / 64, 64)
    assert grid_for(9.0, reach=0.2, most_half=64) == LogGrid(0.2, 1)


def test_a_coarser_grid_has_every_other_node() -> None:
    grid = LogGrid(0.1, 4)

    np.testing.assert_allclose(grid.coarser(1).nodes, grid.nodes[::2])
    np.testing.assert_allclose(grid.coarser(2).nodes, [-0.4, 0.0, 0.4])
    assert grid.reach == pytest.approx(0.4)


CUBIC = st.lists(st.floats(-3.0, 3.0), min_size=4, max_size=4)


@given(factors=CUBIC, share=st.floats(0.0, 1.0), step=st.floats(0.1, 3.0))
def test_cubics_are_read_exactly(factors: list[float], share: float, step: float) -> None:
    cubic = np.polynomial.Polynomial(factors)
    steepness = cubic.deriv()
    left, right = np.zeros(1), np.full(1, step)

    value, slope = hermite(
        np.array([share]),
        step,
        value=(cubic(left), cubic(right)),
        slope=(steepness(left), steepness(right)),
    )

    at = share * step
    assert value[0] == pytest.approx(cubic(at), abs=1e-11 * (1.0 + step**3))
    assert slope[0] == pytest.approx(steepness(at), abs=1e-11 * (1.0 + step**3) / step)


@given(factors=CUBIC, widths=st.lists(st.floats(0.01, 20.0), min_size=1, max_size=6))
def test_terms_on_any_level_end_as_the_same_cubics(
    factors: list[float], widths: list[float]
) -> None:
    cubic = np.polynomial.Polynomial(factors)
    grid = LogGrid(0.1, 16)

    def put(mine: Int64s, level: LogGrid, value: Floats, slope: Floats) -> None:
        value[0] += len(mine) * cubic(level.nodes)
        slope[0] += len(mine) * cubic.deriv()(level.nodes)

    value, slope = sum_by_level(np.array(widths), grid, nodes_per_width=2, channels=1, put=put)

    at = np.linspace(-grid.reach, grid.reach, 77)
    read = grid.read(value, slope, at)
    np.testing.assert_allclose(read[0][0], len(widths) * cubic(at), atol=1e-9)
    np.testing.assert_allclose(read[1][0], len(widths) * cubic.deriv()(at), atol=1e-8)
