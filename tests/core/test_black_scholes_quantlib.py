"""Greeks and values of options beside those of QuantLib, on random contracts."""

import math

import numpy as np
import pytest
import QuantLib
from hypothesis import assume, given
from hypothesis import strategies as st

from core.black_scholes import black_76_value, black_scholes

SPOT = st.floats(0.5, 50_000.0)
RATE = st.floats(-0.05, 0.15)


@given(data=st.data(), spot=SPOT, is_call=st.booleans())
def test_quantlib_agrees_from_no_time_to_ten_years(
    *, data: st.DataObject, spot: float, is_call: bool
) -> None:
    strike = spot * data.draw(st.floats(0.05, 20.0))
    years = data.draw(st.floats(1e-9, 10.0))
    volatility = data.draw(st.floats(1e-4, 4.0))
    rate, other = data.draw(RATE), data.draw(RATE)
    deviation = volatility * math.sqrt(years)
    growth, discount = math.exp(-other * years), math.exp(-rate * years)
    kind = QuantLib.Option.Call if is_call else QuantLib.Option.Put
    oracle = QuantLib.BlackCalculator(
        QuantLib.PlainVanillaPayoff(kind, strike), spot * growth / discount, deviation, discount
    )

    found = black_scholes(
        spot,
        np.array([strike]),
        years=np.array([years]),
        volatility=np.array([volatility]),
        is_call=np.array([is_call]),
        rate=rate,
        dividend_yield=other,
    )
    value = black_76_value(
        spot * growth / discount,
        np.array([strike]),
        years=np.array([years]),
        volatility=np.array([volatility]),
        is_call=np.array([is_call]),
        rate=rate,
    )

    # What rounding of the log of the moneyness amounts to, in deviations.
    blur = 1e-14 + 4e-16 * (1.0 + abs(math.log(strike / spot))) / deviation
    assume(blur < 1e-3)
    assert found.delta[0] == pytest.approx(oracle.delta(spot), abs=10.0 * blur)
    top = 0.4 * growth / (spot * deviation)
    assert found.gamma[0] == pytest.approx(oracle.gamma(spot), rel=1e-9, abs=20.0 * blur * top)
    assert value[0] == pytest.approx(oracle.value(), rel=1e-9, abs=1e-12 * (spot + strike))
