from datetime import date

import numpy as np
import pytest

from core.universe import Floats
from services.calendars import session_table
from services.scenario_lines import disorder, event_times
from services.scenario_paths import (
    activity,
    generator,
    pinned,
    returns_by_second,
    unit_draws,
    unit_steps,
    variance_spent,
)
from services.scenario_sessions import Session, in_steps, price_scale, sessions_of
from services.scenario_tables import instruments, shapes

SECONDS = 23_400
TUESDAY, WEDNESDAY = date(2026, 6, 23), date(2026, 6, 24)


def session_of(symbol: str, day: date = TUESDAY) -> Session:
    instrument = next(item for item in instruments() if item.symbol == symbol)
    return sessions_of(instrument, first=day, last=day, sessions=session_table)[0]


def path_of(symbol: str, *, seed: int = 1, day: date = TUESDAY) -> Floats:
    return returns_by_second(
        session_of(symbol, day),
        market=unit_draws(generator(seed, "factor"), SECONDS),
        own=unit_draws(generator(seed, symbol), SECONDS),
    )


def test_a_path_passes_through_the_knots_of_its_shape_and_ends_at_the_close() -> None:
    session = session_of("SOXX")
    shape = shapes()[session.shape]

    path = path_of("SOXX")

    knots = np.rint(shape.session_share * SECONDS).astype(np.int64)
    np.testing.assert_allclose(path[knots], session.close_return * shape.return_share, atol=1e-4)
    assert path[-1] == pytest.approx(session.close_return, abs=1e-12)


def test_a_free_path_has_its_share_of_return_and_variance_overnight() -> None:
    session = session_of("MSTR", WEDNESDAY)
    paths = [path_of("MSTR", seed=seed, day=WEDNESDAY) for seed in range(300)]

    gaps = np.array([path[0] for path in paths])
    spread = session.instrument.daily_volatility * np.sqrt(0.35 * 0.65)
    assert session.shape == ""
    assert gaps.mean() == pytest.approx(0.35 * session.close_return, abs=0.2 * spread)
    assert gaps.std() == pytest.approx(spread, rel=0.15)
    assert {path[-1] for path in paths} == {session.close_return}


def test_a_free_path_spends_its_variance_along_the_profile() -> None:
    paths = np.array([path_of("QQQ", seed=seed, day=WEDNESDAY)[::60] for seed in range(100)])

    squares = (np.diff(paths) ** 2).mean(axis=0)
    share = np.cumsum(squares) / squares.sum()
    assert share[29] == pytest.approx(0.141, abs=0.02)
    assert share[-31] == pytest.approx(0.886, abs=0.02)


def test_a_path_moves_with_the_volatility_of_its_reference() -> None:
    path = path_of("TLT")

    realised = float(np.sqrt(np.sum(np.diff(path[::60]) ** 2)))
    assert realised == pytest.approx(0.007 * np.sqrt(0.65), rel=0.15)


def test_noise_is_largest_at_the_open_and_the_close() -> None:
    path = path_of("TLT")
    steps = np.diff(path)

    noon = steps[SECONDS // 2 - 1800 : SECONDS // 2 + 1800].std()
    assert steps[:1800].std() > 1.3 * noon
    assert steps[-1800:].std() > 1.2 * noon


def test_chips_move_together_more_than_bonds_do() -> None:
    soxx, mu, tlt = (np.diff(path_of(symbol)[::60]) for symbol in ("SOXX", "MU", "TLT"))

    assert np.corrcoef(soxx, mu)[0, 1] > 0.6
    assert abs(np.corrcoef(soxx, tlt)[0, 1]) < 0.2


def test_unit_steps_have_mean_zero_and_variance_one() -> None:
    steps = unit_steps(generator(7, "x"), 200_000)

    assert steps.mean() == pytest.approx(0, abs=0.01)
    assert steps.var() == pytest.approx(1, abs=0.01)


def test_a_name_keeps_its_stream_whatever_else_is_drawn() -> None:
    alone = generator(7, "QQQ").random(3)
    generator(7, "SPY").random(100)

    np.testing.assert_array_equal(generator(7, "QQQ").random(3), alone)


def test_a_pinned_walk_is_zero_at_its_knots_only() -> None:
    spent = np.linspace(0, 1, 101)
    walk = pinned(np.ones(100) * np.arange(100), spent, np.array([0, 50, 100]))

    np.testing.assert_allclose(walk[[0, 50, 100]], 0, atol=1e-9)
    assert np.abs(walk[1:50]).min() > 0


def test_the_variance_spent_is_the_measured_profile() -> None:
    np.testing.assert_allclose(variance_spent(np.array([0, 30 / 390, 1])), [0, 0.141, 1])


def test_activity_averages_one_over_a_session() -> None:
    share = np.arange(SECONDS) / SECONDS

    assert activity(share, is_continuous=False).mean() == pytest.approx(1, abs=0.001)
    assert activity(share, is_continuous=True).tolist() == [1.0] * SECONDS


@pytest.mark.parametrize(
    ("step", "price", "expected"),
    [("0.01", 12.344, 1234), ("0.005", 5.3337, 1067), ("500", 297_600.0, 595), ("1", 61.5, 62)],
)
def test_prices_are_whole_numbers_of_steps(step: str, price: float, expected: int) -> None:
    steps = in_steps(np.array([price]), step)

    numerator, denominator = price_scale(step)
    assert steps.tolist() == [expected]
    assert expected * numerator / denominator == pytest.approx(price, rel=0.01)


def test_times_carry_the_offset_of_their_moment() -> None:
    spring_forward = np.array([1_772_953_199_250_000_000, 1_772_953_200_000_000_000])

    assert event_times(spring_forward, "America/New_York") == [
        "2026-03-08T01:59:59.250-05:00",
        "2026-03-08T03:00:00.000-04:00",
    ]


def test_disorder_keeps_every_row_and_repeats_a_few() -> None:
    places = disorder(10_000, generator(1, "disorder"))

    assert len(places) == 10_010
    assert np.unique(places).size == 10_000
    assert 10 <= np.count_nonzero(np.diff(places) < 0) <= 20
