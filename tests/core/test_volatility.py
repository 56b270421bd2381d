"""The session's variance: its default and learnt spread, its expectation, and what is to come."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.volatility import (
    HALF_TRUSTED_SHARE,
    LEAST_PACE,
    SESSION_DECAY,
    default_gone,
    gone_at,
    learnt_profile,
    prior_variance,
    squared_returns,
    stated_variance,
    variance_to_come,
)

NAN = float("nan")


def one(*values: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array(values, np.float64)


@pytest.mark.parametrize(
    ("minutes", "share"), [(0, 0.0), (30, 0.141), (270, 0.697), (360, 0.886), (390, 1.0)]
)
def test_the_default_profile_is_u_shaped(minutes: int, share: float) -> None:
    assert default_gone(one(minutes / 390), is_all_day=False)[0] == pytest.approx(share)


def test_a_market_that_never_closes_has_no_night_and_no_profile() -> None:
    assert default_gone(one(0.25), is_all_day=True)[0] == 0.25
    assert stated_variance(one(0.03, 0.03), one(86_400, 23_400)) == pytest.approx(
        [0.03**2, 0.03**2 * 0.65]
    )


def test_the_prior_without_any_session_is_what_was_stated() -> None:
    prior = prior_variance(
        one(4e-4, NAN), weighted=one(0, 0), weight=one(0, 0), sessions=np.array([0, 0])
    )

    assert prior[0] == pytest.approx(4e-4)
    assert np.isnan(prior[1])


def test_the_stated_figure_counts_as_five_sessions_before_the_first_seen() -> None:
    # Two sessions of 1e-4 and 3e-4, the newer one first in weight.
    weighted, weight = 3e-4 + SESSION_DECAY * 1e-4, 1 + SESSION_DECAY
    prior = prior_variance(
        one(4e-4), weighted=one(weighted), weight=one(weight), sessions=np.array([2])
    )

    anchor = 5 * SESSION_DECAY**2
    assert prior[0] == pytest.approx((weighted + anchor * 4e-4) / (weight + anchor))


@pytest.mark.parametrize(("sessions", "factor"), [(1, 2.0), (4, 1.25), (60, 61 / 60)])
def test_a_short_history_alone_is_widened(sessions: int, factor: float) -> None:
    prior = prior_variance(
        one(NAN), weighted=one(3e-4), weight=one(1.5), sessions=np.array([sessions])
    )

    assert prior[0] == pytest.approx(2e-4 * factor)


def naive_squares(closes: list[float]) -> list[float]:
    last, squares = NAN, []
    for close in closes:
        if math.isnan(close):
            squares.append(0.0)
            continue
        squares.append(0.0 if math.isnan(last) else math.log(close / last) ** 2)
        last = close
    return squares


@given(
    st.lists(
        st.lists(st.floats(1.0, 1e4) | st.just(NAN), min_size=7, max_size=7),
        min_size=1,
        max_size=4,
    )
)
def test_squared_returns_equal_those_of_a_walk_through_the_buckets(
    closes: list[list[float]],
) -> None:
    found = squared_returns(np.array(closes))

    expected = [naive_squares(row) for row in closes]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-18)


def test_a_halt_leaves_one_squared_return_for_the_whole_of_it() -> None:
    closes = one(100, 101, NAN, NAN, 95, 95)[np.newaxis]

    squares = squared_returns(closes)

    moves = [0, math.log(1.01), 0, 0, math.log(95 / 101), 0]
    assert squares[0] == pytest.approx([move**2 for move in moves])


def test_without_sessions_the_profile_is_the_default() -> None:
    default = default_gone(np.arange(5) / 4, is_all_day=False)

    profile = learnt_profile(np.zeros((1, 4)), np.array([0]), default)

    assert profile[0] == pytest.approx(default)


def test_the_profile_learns_the_shape_of_the_sessions_seen() -> None:
    # Four buckets, evenly by default. The first is never seen; the others held 4, 1 and 4 ninths.
    default = np.arange(5) / 4
    roots = np.sqrt(one(0, 4, 1, 4) / 9)[np.newaxis]

    profile = learnt_profile(roots, np.array([15]), default)

    share = [0.25] + [(15 * 0.75 * part / 9 + 5 * 0.25) / 20 for part in (4, 1, 4)]
    assert np.diff(profile[0]) == pytest.approx(share)
    assert profile[0, -1] == 1.0


def test_a_session_of_any_length_runs_through_its_whole_profile() -> None:
    profile = np.array([[0, 0.5, 0.6, 1.0], [0, 0.8, 1.0, 9.9]])

    gone = gone_at(
        profile,
        np.array([0, 0, 1, 1]),
        buckets=np.array([3, 3, 2, 2]),
        elapsed=one(0.5, 1.0, 0.25, 1.0),
    )

    assert gone == pytest.approx([0.55, 1.0, 0.4, 1.0])


def to_come(
    prior: float, seen: float, gone_from: float, gone: float, *, returns: int = 10**9
) -> float:
    found = variance_to_come(
        one(prior),
        seen=one(seen),
        returns=np.array([returns]),
        gone_from=one(gone_from),
        gone=one(gone),
    )
    return float(found[0])


def test_before_anything_is_seen_the_expectation_stands() -> None:
    assert to_come(4e-4, 0.0, 0.1, 0.1) == pytest.approx(4e-4 * 0.9)


def test_half_of_the_trust_comes_with_the_share_that_is_named_for_it() -> None:
    # Four times the expected pace, half trusted, in logs: twice the variance.
    gone = 0.1 + HALF_TRUSTED_SHARE
    seen = 4 * 4e-4 * HALF_TRUSTED_SHARE

    assert to_come(4e-4, seen, 0.1, gone) == pytest.approx(2 * 4e-4 * (1 - gone))


def test_few_returns_are_not_taken_for_a_calm_day() -> None:
    # The mean log of five squared normal returns' mean is 0.21 below 0: about 1/5 is put back.
    few = to_come(4e-4, 4e-5, 0.0, 0.1, returns=5)

    assert few == pytest.approx(4e-4 * math.exp(0.2 * 0.1 / (0.1 + HALF_TRUSTED_SHARE)) * 0.9)


def test_a_price_that_stands_still_does_not_close_the_band() -> None:
    still = to_come(4e-4, 0.0, 0.0, 0.65)

    assert still == pytest.approx(4e-4 * LEAST_PACE**0.65 * 0.35)


def test_an_unknown_expectation_stays_unknown() -> None:
    assert math.isnan(to_come(NAN, 1e-4, 0.0, 0.5))
