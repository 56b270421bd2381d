import numpy as np
import pytest

from core.universe import Floats
from services.scenario_lines import disorder, event_times
from services.scenario_paths import (
    activity,
    generator,
    pinned,
    returns_by_second,
    unit_steps,
    variance_spent,
)
from services.scenario_tables import instruments, shapes
from services.scenario_trades import in_steps, price_scale

SECONDS = 23_400


def path_of(symbol: str, seed: int = 1) -> Floats:
    instrument = next(item for item in instruments() if item.symbol == symbol)
    return returns_by_second(
        instrument,
        shapes()[instrument.shape],
        factor=unit_steps(generator(seed, "factor"), SECONDS),
        own=unit_steps(generator(seed, symbol), SECONDS),
        is_continuous=False,
    )


def test_a_path_passes_through_the_knots_of_its_shape_and_ends_at_the_close() -> None:
    instrument = next(item for item in instruments() if item.symbol == "SOXX")
    shape = shapes()[instrument.shape]

    path = path_of("SOXX")

    knots = np.rint(shape.session_share * SECONDS).astype(np.int64)
    np.testing.assert_allclose(path[knots], instrument.close_return * shape.return_share, atol=1e-4)
    assert path[-1] == pytest.approx(instrument.close_return, abs=1e-12)


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
