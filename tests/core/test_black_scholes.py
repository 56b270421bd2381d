"""Greeks: worked examples, identities, finite differences, extremes."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.black_scholes import Greeks, black_76, black_76_value, black_scholes
from core.columns import Floats

SPOT = st.floats(0.5, 50_000.0)
MONEYNESS = st.floats(0.3, 3.0)
YEARS = st.floats(1.0 / 8_760.0, 5.0)
VOLATILITY = st.floats(0.03, 3.0)
RATE = st.floats(-0.05, 0.15)


def greeks(spot: float, strike: float, years: float, volatility: float, **more: float) -> Greeks:
    """Return the Greeks of a call and of a put."""
    return black_scholes(
        spot,
        np.full(2, strike),
        years=np.full(2, years),
        volatility=np.full(2, volatility),
        is_call=np.array([True, False]),
        **more,
    )


def test_the_worked_point_of_charm_and_vanna() -> None:
    worked = greeks(100.0, 105.0, 0.25, 0.35, rate=0.03, dividend_yield=0.01)

    np.testing.assert_allclose(
        worked.charm, [-0.30579937909669025, -0.3157744103206649], rtol=0, atol=1e-9
    )
    np.testing.assert_allclose(worked.vanna, 0.3789440057640578, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("strike", "gamma", "call", "put"),
    [
        (28_000, 0.0001094178164645857, 1277.8029889086756, 10.552988908674706),
        (29_000, 0.0005107053863433261, 441.4765816056315, 174.2265816056315),
        (29_267.25, 0.0005493453136212468, 289.6877623752662, 289.6877623752662),
        (29_500, 0.0005241228024444843, 189.1608810281432, 421.91088102813956),
        (30_500, 0.0001407260207652456, 14.832062166891546, 1247.5820621668936),
    ],
)
def test_the_published_options_on_the_nasdaq_future(
    strike: float, gamma: float, call: float, put: float
) -> None:
    contract = {"years": np.full(2, 0.019), "volatility": np.full(2, 0.18)}
    strikes, is_call = np.full(2, strike), np.array([True, False])

    found = black_76(29_267.25, strikes, is_call=is_call, **contract).gamma
    value = black_76_value(29_267.25, strikes, is_call=is_call, **contract)

    np.testing.assert_allclose(found, gamma, rtol=1e-10)
    np.testing.assert_allclose(value, [call, put], rtol=1e-10)


@given(spot=SPOT, moneyness=MONEYNESS, years=YEARS, volatility=VOLATILITY, rate=RATE, other=RATE)
def test_call_and_put_differ_by_the_forward(
    *, spot: float, moneyness: float, years: float, volatility: float, rate: float, other: float
) -> None:
    both = greeks(spot, spot * moneyness, years, volatility, rate=rate, dividend_yield=other)

    growth = math.exp(-other * years)
    assert both.delta[0] - both.delta[1] == pytest.approx(growth, rel=1e-12)
    assert both.gamma[0] == both.gamma[1]
    assert both.vanna[0] == both.vanna[1]
    tolerance = 1e-9 * (1.0 + abs(both.charm[0]))
    assert both.charm[0] - both.charm[1] == pytest.approx(other * growth, abs=tolerance)


@given(
    spot=SPOT,
    log_moneyness=st.floats(-4.0, 4.0),
    years=YEARS,
    volatility=st.floats(0.05, 1.5),
    rate=RATE,
    other=RATE,
)
def test_greeks_are_the_differences_of_delta(
    *,
    spot: float,
    log_moneyness: float,
    years: float,
    volatility: float,
    rate: float,
    other: float,
) -> None:
    # Strikes within four deviations of the spot: farther out there is nothing to difference.
    strike = spot * math.exp(log_moneyness * volatility * math.sqrt(years))

    def delta(spot: float, years: float, volatility: float) -> Floats:
        return greeks(spot, strike, years, volatility, rate=rate, dividend_yield=other).delta

    def slope(step: float, *, of_spot: float = 0, of_years: float = 0, of_vol: float = 0) -> Floats:
        def moved(k: float) -> Floats:
            return delta(
                spot + k * step * of_spot,
                years + k * step * of_years,
                volatility + k * step * of_vol,
            )

        # Five points: the error is of the fourth order in the step.
        return (8.0 * (moved(1) - moved(-1)) - (moved(2) - moved(-2))) / (12.0 * step)

    found = greeks(spot, strike, years, volatility, rate=rate, dividend_yield=other)

    width = 2e-3 * volatility * math.sqrt(years)
    by_spot = slope(width, of_spot=spot) / spot
    by_years = -slope(1e-3, of_years=years) / years
    by_volatility = slope(1e-3, of_vol=volatility) / volatility
    np.testing.assert_allclose(found.gamma, by_spot, rtol=1e-6, atol=1e-9 / (spot * width))
    scale = (1.0 + abs(rate - other) * math.sqrt(years) / volatility) / years
    np.testing.assert_allclose(found.charm, by_years, rtol=1e-6, atol=1e-8 * scale)
    np.testing.assert_allclose(found.vanna, by_volatility, rtol=1e-6, atol=1e-8 / volatility)


@given(
    spot=SPOT,
    moneyness=st.floats(1e-6, 1e6).filter(lambda ratio: abs(ratio - 1.0) > 1e-6),
    years=st.sampled_from([0.0, 1e-300, 1e-20, 1e-12]),
    volatility=st.sampled_from([0.0, 1e-300, 1e-20, 0.2]),
)
def test_without_time_the_delta_is_a_step_and_nothing_else_is_left(
    spot: float, moneyness: float, years: float, volatility: float
) -> None:
    found = greeks(spot, spot * moneyness, years, volatility)

    step = float(moneyness < 1.0)
    np.testing.assert_array_equal(found.delta, [step, step - 1.0])
    for figure in (found.gamma, found.charm, found.vanna):
        np.testing.assert_array_equal(figure, 0.0)


def test_without_volatility_the_step_is_at_the_forward() -> None:
    carry = {"rate": 0.05, "dividend_yield": 0.01}
    growth = math.exp(-0.01)

    below = greeks(100.0, 104.07, 1.0, 0.0, **carry)
    above = greeks(100.0, 104.09, 1.0, 0.0, **carry)

    np.testing.assert_allclose(below.delta, [growth, 0.0], rtol=1e-15)
    np.testing.assert_allclose(above.delta, [0.0, -growth], rtol=1e-15)


def test_exactly_at_the_forward_half_the_step_counts_and_the_gamma_is_infinite() -> None:
    found = greeks(100.0, 100.0, 0.0, 0.2)

    np.testing.assert_array_equal(found.delta, [0.5, -0.5])
    np.testing.assert_array_equal(found.gamma, np.inf)


@pytest.mark.parametrize("name", ["spot", "strike", "years", "volatility"])
def test_unknown_inputs_give_unknown_greeks(name: str) -> None:
    known = {"spot": 100.0, "strike": 100.0, "years": 0.1, "volatility": 0.2}

    found = greeks(**known | {name: math.nan})

    for figure in vars(found).values():
        assert np.isnan(figure).all()
