"""Positioning: concentration, groups, and distance from history."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dealer_gamma import ExposureTable
from core.positioning import (
    LEAST_SESSIONS,
    MEASURES,
    Positioning,
    herfindahl,
    joined,
    joined_figures,
    measures,
    positioning,
    standing,
    z_scores,
)

AMOUNTS = st.lists(st.integers(0, 1_000_000).map(float), min_size=1, max_size=8)


def table(calls: list[float], puts: list[float], gamma: list[float]) -> ExposureTable:
    size = len(calls)
    exposure = np.zeros((3, size))
    exposure[0] = gamma
    return ExposureTable(
        key=np.arange(100.0, 100.0 + size),
        exposure=exposure,
        call_open_interest=np.array(calls),
        put_open_interest=np.array(puts),
    )


def test_measures_of_one_underlying() -> None:
    found = positioning(table([1.0, 3.0], [5.0, 1.0], [2.0, 6.0]), -0.02)

    assert (found.call_open_interest, found.put_open_interest) == (4.0, 6.0)
    assert found.risk_reversal_25d_30d == -0.02
    assert found.open_interest_concentration == pytest.approx(0.6**2 + 0.4**2)
    assert found.gamma_concentration == pytest.approx(0.25**2 + 0.75**2)
    assert found.gross_gamma_usd_per_1pct == 8.0
    assert found.put_call_open_interest == 1.5
    assert found.open_interest == 10.0


@given(amounts=AMOUNTS)
def test_concentration_lies_between_even_and_single(amounts: list[float]) -> None:
    found = herfindahl(np.array(amounts))

    if sum(amounts) == 0.0:
        assert math.isnan(found)
    else:
        assert 1.0 / len(amounts) - 1e-9 <= found <= 1.0 + 1e-9


@given(
    members=st.lists(
        st.lists(st.integers(0, 1_000_000).map(float), min_size=2, max_size=2),
        min_size=1,
        max_size=5,
    )
)
def test_a_group_is_as_concentrated_as_all_its_strikes_together(
    members: list[list[float]],
) -> None:
    each = [positioning(table(amounts, [0.0, 0.0], amounts), math.nan) for amounts in members]

    group = joined(each)

    whole = herfindahl(np.concatenate([np.array(amounts) for amounts in members]))
    assert group.open_interest_concentration == pytest.approx(whole, rel=1e-9, nan_ok=True)
    assert group.gamma_concentration == pytest.approx(whole, rel=1e-9, nan_ok=True)
    assert group.open_interest == pytest.approx(sum(map(sum, members)), rel=1e-12)


def test_the_risk_reversal_of_a_group_weighs_its_members_by_gamma() -> None:
    heavy = positioning(table([1.0], [1.0], [9.0]), -0.04)
    light = positioning(table([1.0], [2.0], [1.0]), 0.06)
    unknown = positioning(table([1.0], [1.0], [5.0]), math.nan)

    group = joined([heavy, light, unknown])

    assert group.risk_reversal_25d_30d == pytest.approx(-0.03)
    assert group.put_call_open_interest == pytest.approx(4.0 / 3.0)
    assert math.isnan(joined([unknown]).risk_reversal_25d_30d)
    assert math.isnan(joined([]).open_interest_concentration)


def test_without_calls_there_is_no_ratio() -> None:
    assert math.isnan(positioning(table([0.0], [3.0], [1.0]), 0.0).put_call_open_interest)


def test_a_z_score_counts_deviations_from_the_mean_of_the_past() -> None:
    history = np.tile([1.0, 3.0], 10)

    # Deviation with 19 degrees of freedom: sqrt(20 / 19).
    assert z_scores(np.array([4.0]), history[np.newaxis]) == pytest.approx(
        2.0 / math.sqrt(20.0 / 19.0)
    )


@pytest.mark.parametrize(
    "history",
    [
        np.tile([1.0, 3.0], 9),
        np.full(40, 0.1),
        np.concatenate((np.tile([1.0, 3.0], 9), np.full(30, np.nan))),
    ],
    ids=["too short", "constant", "unknown for the most part"],
)
def test_a_past_that_says_nothing_gives_no_z_score(history: np.ndarray) -> None:
    assert np.isnan(z_scores(np.array([4.0]), history[np.newaxis]))


def test_changes_are_against_the_last_session_and_unknown_without_its_figure() -> None:
    value = np.array([5.0, 5.0])

    found = standing(value, np.array([[1.0, 3.0], [1.0, np.nan]]))

    np.testing.assert_array_equal(found.change, [2.0, np.nan])
    assert np.isnan(standing(value, np.empty((2, 0))).change).all()


def test_a_change_is_compared_with_the_changes_from_session_to_session() -> None:
    # Up by 1 and down by 1 in turn: the changes have mean 0 (20 of them), deviation
    # sqrt(20 / 19), and today's is 3.
    history = np.tile([1.0, 2.0], 11)[:21]

    found = standing(np.array([4.0]), history[np.newaxis])

    assert found.change == pytest.approx(3.0)
    assert found.change_z_score == pytest.approx(3.0 / math.sqrt(20.0 / 19.0))


def test_a_session_without_a_figure_is_in_no_change() -> None:
    history = np.tile([1.0, 2.0], 21)
    history[20] = np.nan

    found = standing(np.array([4.0]), history[np.newaxis])

    # 41 pairs of sessions, two of them with the one that is unknown.
    changes = np.diff(history)
    known = changes[~np.isnan(changes)]
    assert len(known) == 39
    expected = (found.change - known.mean()) / known.std(ddof=1)
    assert found.change_z_score == pytest.approx(expected)


@given(
    history=st.lists(
        st.one_of(st.just(math.nan), st.floats(-5.0, 5.0).map(lambda each: round(each, 3))),
        max_size=40,
    ),
    value=st.floats(-5.0, 5.0),
)
def test_a_z_score_is_that_of_the_known_figures(history: list[float], value: float) -> None:
    known = np.array([each for each in history if not math.isnan(each)])

    found = float(z_scores(np.array(value), np.array(history)))

    if len(known) < LEAST_SESSIONS or len(set(known.tolist())) == 1:
        assert math.isnan(found)
    else:
        expected = (value - known.mean()) / known.std(ddof=1)
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_figures_of_many_sessions_are_joined_like_those_of_one() -> None:
    days = [
        [
            Positioning(10.0, 20.0, -0.01, 0.5, 0.25, 4.0),
            Positioning(30.0, 0.0, 0.03, 0.2, 1.0, 0.0),
        ],
        [
            Positioning(0.0, 0.0, math.nan, math.nan, math.nan, 0.0),
            Positioning(1.0, 3.0, math.nan, 0.625, 0.5, 2.0),
        ],
    ]
    columns = np.array([[list(vars(each).values()) for each in day] for day in days])

    whole = joined_figures(columns.swapaxes(0, 1))

    for figures, day in zip(whole, days, strict=True):
        np.testing.assert_array_equal(figures, list(vars(joined(day)).values()))
    np.testing.assert_allclose(
        measures(whole),
        [[60.0, 0.5, -0.01, 0.5**2 * 0.5 + 0.5**2 * 0.2], [4.0, 3.0, np.nan, 0.625]],
    )
    assert len(MEASURES) == measures(whole).shape[-1]
