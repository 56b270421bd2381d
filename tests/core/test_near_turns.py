"""Turns of cubics near zero between nodes: those that matter are found, and few others."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.log_grid import LogGrid
from core.near_turns import turns_near_zero

GRID = LogGrid(0.25, 1)


def turns(*factors: float, near: float = 0.0) -> list[float]:
    """Return the turns near zero of a cubic from -0.25 to 0.25 in two intervals."""
    cubic = np.polynomial.Polynomial(factors)
    nodes = GRID.nodes
    found = turns_near_zero(GRID, cubic(nodes), cubic.deriv()(nodes), near=near)
    return [float(each) for each in found]


def test_a_dip_below_zero_between_two_nodes_above_it_is_found_and_its_mirror_image_too() -> None:
    # (x - 0.1)^2 less a little: zero at 0.09 and 0.11.
    assert turns(0.0099, -0.2, 1.0) == [pytest.approx(0.1)]
    assert turns(-0.0099, 0.2, -1.0) == [pytest.approx(0.1)]


def test_a_dip_above_zero_is_found_as_far_as_the_cubics_may_be_off() -> None:
    assert turns(0.011, -0.2, 1.0, near=0.0011) == [pytest.approx(0.1)]
    assert turns(0.011, -0.2, 1.0, near=0.0009) == []


def test_three_crossings_between_two_nodes_show_both_turns() -> None:
    # Zero at 0.05, 0.1 and 0.15.
    found = turns(-0.00075, 0.0275, -0.3, 1.0)

    assert found == [pytest.approx(0.1 - 0.05 / 3**0.5), pytest.approx(0.1 + 0.05 / 3**0.5)]


def test_straight_lines_and_a_curve_of_nothing_do_not_turn() -> None:
    assert turns(0.02, 1.0, near=9.0) == []
    assert turns(0.0, near=9.0) == []


@given(factors=st.lists(st.floats(-1.0, 1.0), min_size=4, max_size=4))
def test_between_nodes_and_turns_the_sign_changes_once_at_most(factors: list[float]) -> None:
    cubic = np.polynomial.Polynomial(factors)
    every = np.linspace(-0.25, 0.25, 4_001)
    looked_at = np.union1d(GRID.nodes, turns(*factors, near=1e-9))

    for start, stop in pairwise(looked_at.tolist()):
        seen = cubic(every[(every >= start) & (every <= stop)])
        sign = np.sign(seen[np.abs(seen) > 1e-9])
        assert np.count_nonzero(np.diff(sign)) <= 1
