"""Forwards of expiries: given, from parity, or configured."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.black_scholes import black_76_value
from core.columns import Floats
from core.contracts import OptionChain
from core.forwards import CONFIGURED, GIVEN, PARITY, Forwards, expiry_forwards
from tests.support.core_universe import at
from tests.support.option_chains import DAY_NS, chain

STRIKES = np.arange(80.0, 121.0, 4.0)
NOW = at(0, 0.0)


def quoted(
    forwards: dict[float, float], *, rate: float = 0.0, strikes: Floats = STRIKES, **columns: object
) -> OptionChain:
    """Return a chain with quotes at fair value; ``forwards`` by days to settlement."""
    days = np.repeat(list(forwards), 2 * len(strikes))
    strike = np.tile(np.concatenate((strikes, strikes)), len(forwards))
    is_call = np.tile(np.repeat([True, False], len(strikes)), len(forwards))
    mid = black_76_value(
        np.repeat(list(forwards.values()), 2 * len(strikes)),
        strike,
        years=days / 365.0,
        volatility=np.full(len(strike), 0.3),
        is_call=is_call,
        rate=rate,
    )
    settlement_ns = NOW + (days * DAY_NS).astype(np.int64)
    plain = {"mid": mid, "is_call": is_call, "settlement_ns": settlement_ns, "as_of_ns": NOW}
    return chain(strike, **plain | columns)


def found(chain_: OptionChain, rate: float = 0.0, dividend_yield: float = 0.0) -> Forwards:
    return expiry_forwards(chain_, rate=rate, dividend_yield=dividend_yield)


def test_quotes_give_the_forward_by_parity_at_a_worked_point() -> None:
    # Calls and puts at 100 cost 3.10 and 2.60 with the rate at 0: the forward is 100.50.
    some = chain(
        [99.0, 99.0, 100.0, 100.0, 101.0, 101.0],
        is_call=[True, False] * 3,
        mid=[3.7, 2.2, 3.1, 2.6, 2.6, 3.1],
    )

    forwards = found(some)

    assert forwards.method == (PARITY,)
    np.testing.assert_allclose(forwards.forward, [100.5], rtol=1e-12)
    assert math.isnan(forwards.quotes_gap)


@given(carry=st.floats(-0.1, 0.1), rate=st.floats(0.0, 0.1))
def test_parity_recovers_any_carry(carry: float, rate: float) -> None:
    fair = {days: 100.0 * math.exp(carry * days / 365.0) for days in (3.0, 40.0, 400.0)}

    forwards = found(quoted(fair, rate=rate), rate=rate)

    assert forwards.method == (PARITY,) * 3
    np.testing.assert_allclose(forwards.forward, list(fair.values()), rtol=1e-9)
    assert forwards.quotes_gap == pytest.approx(0.0, abs=1e-9)
    chain_ = quoted(fair, rate=rate)
    np.testing.assert_allclose(forwards.dividend_yields(chain_), rate - carry, atol=1e-9)


def test_the_rate_need_not_be_known() -> None:
    fair = {days: 100.0 * math.exp(0.04 * days / 365.0) for days in (3.0, 700.0, 1_800.0)}

    forwards = found(quoted(fair, rate=0.06, strikes=np.arange(60.0, 181.0, 20.0)))

    assert forwards.method == (PARITY,) * 3
    np.testing.assert_allclose(forwards.forward, list(fair.values()), rtol=1e-9)


@given(moved=st.floats(-0.2, 0.2))
def test_quotes_of_another_time_give_their_carry_and_say_how_old_they_look(moved: float) -> None:
    fair = {days: 100.0 * math.exp(0.04 * days / 365.0) for days in (2.0, 30.0, 90.0)}
    spot = 100.0 * (1.0 + moved)

    forwards = found(quoted(fair, spot=spot))

    assert forwards.quotes_gap == pytest.approx(moved, abs=1e-9)
    assert forwards.method == (PARITY,) * 3
    np.testing.assert_allclose(forwards.forward / spot, np.array(list(fair.values())) / 100.0)


def test_quotes_far_from_the_spot_imply_nothing_and_show_why() -> None:
    forwards = found(quoted({2.0: 100.0, 30.0: 100.0}, spot=150.0))

    assert forwards.method == (CONFIGURED,) * 2
    np.testing.assert_array_equal(forwards.forward, 150.0)
    assert forwards.quotes_gap == pytest.approx(0.5, rel=1e-9)


def test_wrong_quotes_are_outvoted() -> None:
    some = quoted({30.0: 101.0})
    some.mid[np.flatnonzero(some.is_call)[[4, 5]]] += 40.0

    np.testing.assert_allclose(found(some).forward, [101.0], rtol=1e-9)


@pytest.mark.parametrize(
    "broken",
    [
        quoted({30.0: 101.0}, strikes=np.array([96.0, 104.0])),
        quoted({30.0: 101.0}, mid=np.nan),
        quoted({30.0: 115.0}),
        quoted({30.0: 101.0}, deliverable=150.0),
    ],
    ids=["two strikes", "no quotes", "a carry of 170 % a year", "adjusted contracts"],
)
def test_what_implies_nothing_is_priced_at_the_configured_carry(broken: OptionChain) -> None:
    forwards = found(broken, rate=0.05, dividend_yield=0.01)

    assert forwards.method == (CONFIGURED,)
    np.testing.assert_allclose(forwards.forward, 100.0 * math.exp(0.04 * 30.0 / 365.0))


def test_quotes_that_contradict_each_other_imply_nothing() -> None:
    some = quoted({30.0: 100.0})
    some.mid[some.is_call] += np.resize([-4.0, 1.0, 5.0, -2.0], len(STRIKES))

    assert found(some).method == (CONFIGURED,)


def test_a_given_forward_wins_over_parity_and_one_wrong_figure() -> None:
    some = quoted({30.0: 101.0, 60.0: 102.0})
    first = np.flatnonzero(some.settlement_ns == some.settlement_ns.min())
    some.forward[first] = 100.7
    some.forward[first[3]] = 7.0

    forwards = found(some)

    assert forwards.method == (GIVEN, PARITY)
    np.testing.assert_allclose(forwards.forward, [100.7, 102.0], rtol=1e-9)


def test_roots_are_not_paired_with_each_other() -> None:
    # Of one strike the call is of one root and the put of the other.
    some = quoted({30.0: 101.0}, roots=("A", "B"))
    some.root[:] = some.is_call

    assert found(some).method == (CONFIGURED,)


def test_within_the_last_hour_volatility_has_an_hour_and_carry_what_there_is() -> None:
    some = chain([100.0], as_of_ns=NOW, settlement_ns=NOW + DAY_NS // 48)

    forwards = found(some, rate=1.0)

    np.testing.assert_allclose(forwards.years, [1 / 8760])
    np.testing.assert_allclose(np.log(forwards.forward / 100.0), [1 / 2 / 8760], rtol=1e-9)
