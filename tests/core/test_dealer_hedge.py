"""Dealers' hedging demand: hand-worked cases, what its parts add up to, a slow oracle."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.columns import Floats
from core.contracts import OptionChain
from core.dealer_hedge import dealer_decay, dealer_hedge, demand_to_come, held_after
from core.dealer_signs import CUSTOMERS_LONG, INDEX_CONVENTION, SIGN_MODELS, model_weights
from core.forwards import Forwards, expiry_forwards
from core.open_positions import Positions, open_positions
from tests.support import naive_options
from tests.support.core_universe import HOUR_NS, at
from tests.support.option_chains import DAY_NS, chain

START, NOW, CLOSE = at(0, 0.0), at(0, 3.0), at(0, 7.0)
WEIGHTS = model_weights(SIGN_MODELS)
PRICE = st.floats(70.0, 140.0)
CONTRACT = st.tuples(
    st.floats(80.0, 120.0),
    st.booleans(),
    st.integers(0, 10_000).map(float),
    st.floats(0.1, 1.5),
    st.floats(0.1, 1.5),
    st.floats(0.0, 400.0),
    st.booleans(),
)
CONTRACTS = st.lists(CONTRACT, min_size=1, max_size=10)


def flat(some: OptionChain) -> Forwards:
    return expiry_forwards(some, rate=0.0, dividend_yield=0.0)


def chain_of(rows: list[tuple[float, ...]]) -> tuple[OptionChain, Floats]:
    """Return a chain as of NOW and the volatilities of the session's start."""
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    some = chain(
        columns[0],
        is_call=columns[1].astype(np.bool_),
        open_interest=columns[2],
        implied_volatility=columns[4],
        settlement_ns=CLOSE + (columns[5] * DAY_NS).astype(np.int64),
        is_cash_settled=columns[6].astype(np.bool_),
        as_of_ns=NOW,
    )
    return some, columns[3]


def test_for_small_moves_the_hedge_is_gamma_against_the_move() -> None:
    some = chain([98.0, 101.0], is_call=[True, False], open_interest=[2e3, 1e3])
    positions = open_positions(some, flat(some))

    hedge = dealer_hedge(positions, np.array([100.01]), previous_close=100.0, weights=WEIGHTS)[:, 0]

    exposure = WEIGHTS @ positions.gamma_profile(np.array([100.0]))[:, 0]
    np.testing.assert_allclose(hedge, -exposure * 0.01, rtol=2e-3)


def test_dealers_short_a_call_buy_the_shares_its_delta_gains() -> None:
    # From far below to far above the strike the delta of 1000 calls on 100 shares goes from 0 to
    # 1: who is short them buys 100 000 shares at 150.
    some = chain([100.0], implied_volatility=0.05)

    hedge = dealer_hedge(
        open_positions(some, flat(some)),
        np.array([150.0]),
        previous_close=50.0,
        weights=model_weights([CUSTOMERS_LONG]),
    )

    assert hedge[0, 0] == pytest.approx(150.0 * 100_000.0, rel=1e-12)


@given(rows=CONTRACTS, price=PRICE)
def test_at_an_unchanged_price_nothing_is_due_for_the_price(
    rows: list[tuple[float, ...]], price: float
) -> None:
    some, _ = chain_of(rows)

    hedge = dealer_hedge(
        open_positions(some, flat(some)), np.array([price]), previous_close=price, weights=WEIGHTS
    )

    np.testing.assert_array_equal(hedge, 0.0)


@given(rows=CONTRACTS, price=PRICE, previous_close=PRICE)
def test_price_and_decay_add_up_to_the_whole_change_of_the_hedge(
    rows: list[tuple[float, ...]], price: float, previous_close: float
) -> None:
    some, start_volatility = chain_of(rows)
    forwards = flat(some)
    now = open_positions(some, forwards)
    frozen = open_positions(some, forwards, volatility=start_volatility)
    start = open_positions(some, forwards, volatility=start_volatility, now_ns=START)

    by_price = dealer_hedge(
        frozen, np.array([price]), previous_close=previous_close, weights=WEIGHTS
    )[:, 0]
    decay = dealer_decay(
        now, frozen, start, price=price, previous_close=previous_close, weights=WEIGHTS
    )

    expected = np.zeros(2)
    gross = 0.0
    for i, contract, volatility in naive_options.contracts(some):
        before = naive_options.delta(contract, previous_close, START, start_volatility[i])
        after = naive_options.delta(contract, price, NOW, volatility)
        expected[0 if contract.is_call else 1] += contract.units * (after - before)
        gross += contract.units
    whole = -price * np.array([[1.0, -1.0], [-1.0, -1.0], [-1.0, 1.0]]) @ expected
    np.testing.assert_allclose(by_price + decay, whole, rtol=0, atol=1e-9 * price * gross)


@given(rows=CONTRACTS, price=PRICE)
def test_what_is_still_to_come_is_the_slow_sum(rows: list[tuple[float, ...]], price: float) -> None:
    some, _ = chain_of(rows)
    forwards = flat(some)
    closes = np.array([0.9, 1.0, 1.07]) * price

    to_come = demand_to_come(
        open_positions(some, forwards),
        open_positions(some, forwards, now_ns=CLOSE, is_held=held_after(some, CLOSE)),
        closes,
        price=price,
        weights=WEIGHTS,
    )

    gross = 0.0
    moved = np.zeros((2, len(closes)))
    for _, contract, volatility in naive_options.contracts(some):
        is_gone = contract.is_cash_settled and contract.settlement_ns <= CLOSE
        held = naive_options.delta(contract, price, NOW, volatility)
        for j, close in enumerate(closes):
            after = 0.0 if is_gone else naive_options.delta(contract, close, CLOSE, volatility)
            moved[0 if contract.is_call else 1, j] += contract.units * (after - held)
        gross += contract.units
    whole = -closes * (np.array([[1.0, -1.0], [-1.0, -1.0], [-1.0, 1.0]]) @ moved)
    np.testing.assert_allclose(to_come, whole, rtol=0, atol=1e-9 * closes.max() * gross)


@pytest.mark.parametrize(("is_cash_settled", "unwound"), [(True, -110.0 * 100_000.0), (False, 0.0)])
def test_cash_settlement_unwinds_a_hedge_and_delivery_does_not(
    *, is_cash_settled: bool, unwound: float
) -> None:
    # 1000 calls struck at 100, the share at 110 in the last hour: dealers short them hold the
    # 100 000 shares. Settled in cash they sell them at the close; else they deliver them.
    some = chain(
        [100.0],
        implied_volatility=0.1,
        settlement_ns=CLOSE,
        is_cash_settled=is_cash_settled,
        as_of_ns=CLOSE - HOUR_NS,
        spot=110.0,
    )
    forwards = flat(some)

    to_come = demand_to_come(
        open_positions(some, forwards),
        open_positions(some, forwards, now_ns=CLOSE, is_held=held_after(some, CLOSE)),
        np.array([110.0]),
        price=110.0,
        weights=model_weights([CUSTOMERS_LONG]),
    )

    assert to_come[0, 0] == pytest.approx(unwound, abs=1.0)


def test_what_settled_before_now_is_no_part_of_what_is_to_come() -> None:
    some = chain(
        [100.0] * 4,
        is_cash_settled=[True, False, True, False],
        settlement_ns=[NOW - 1, NOW - 1, CLOSE, CLOSE],
        as_of_ns=NOW,
    )

    np.testing.assert_array_equal(held_after(some, CLOSE), [False, False, False, True])


def test_time_alone_moves_the_hedge_by_charm() -> None:
    # Out of the money the delta decays: dealers short the calls sell shares they held.
    some = chain([103.0], as_of_ns=NOW, settlement_ns=START + 10 * DAY_NS)
    forwards = flat(some)
    day = 2 * HOUR_NS
    later = open_positions(some, forwards, now_ns=NOW + day)
    now = open_positions(some, forwards)

    decay = dealer_decay(
        later,
        later,
        now,
        price=100.0,
        previous_close=100.0,
        weights=model_weights([CUSTOMERS_LONG, INDEX_CONVENTION]),
    )

    assert decay[0] < 0.0 < decay[1]
    years = (10.0 - 3.0 / 24.0) / 365.0
    z = (math.log(100.0 / 103.0) + 0.02 * years) / (0.2 * math.sqrt(years))
    charm = naive_options.density(z) * (z - 0.2 * math.sqrt(years)) / (2.0 * years)
    assert decay[0] == pytest.approx(100.0 * 1e5 * charm * 2.0 / 8_760.0, rel=0.02)


def test_positions_of_nothing_owe_nothing() -> None:
    some = chain([100.0], open_interest=np.nan)
    nothing: Positions = open_positions(some, flat(some))

    hedge = dealer_hedge(nothing, np.array([110.0]), previous_close=100.0, weights=WEIGHTS)

    np.testing.assert_array_equal(hedge, 0.0)
