"""The live book on a recorded chain of the S&P 500, beside the exact sums over its contracts."""

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from core.chain_profile import profile_chain
from core.closing_demand import USUAL_KNOTS, closing_curve
from core.columns import Floats
from core.contracts import OpenInterestColumns, OptionChain
from core.curve_workshop import RowTargets
from core.dealer_hedge import dealer_decay, dealer_hedge, demand_to_come, held_after
from core.dealer_signs import SIGN_MODELS, model_weights
from core.delta_curve import VALUE_ERROR
from core.forwards import Forwards, expiry_forwards
from core.open_positions import open_positions
from core.option_book import OptionBook
from core.row_calendar import RowCalendar
from core.sessions import NANOS_PER_SECOND, NO_SESSION, SessionTable
from tests.support.core_universe import Ref, core_universe
from tests.support.option_records import settle
from tests.support.real_data import needs_real_data
from tests.support.recorded_chains import spx_2024_01_07

MONDAY = 19_730
WEIGHTS = model_weights(SIGN_MODELS)
PRICES = np.array([4_697.2402, 4_702.0, 4_650.0, 4_763.54, 4_400.0, 5_100.0, 3_500.0])

pytestmark = needs_real_data


def new_york(text: str) -> int:
    when = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("America/New_York"))
    return int(when.timestamp()) * NANOS_PER_SECOND


OPEN, NOW, CLOSE = (new_york(f"2024-01-08T{hour}") for hour in ("09:30", "11:00", "16:00"))


@pytest.fixture(scope="module")
def chain() -> OptionChain:
    return spx_2024_01_07().unexpired()


@pytest.fixture(scope="module")
def forwards(chain: OptionChain) -> Forwards:
    return expiry_forwards(chain, rate=0.0, dividend_yield=0.0)


@pytest.fixture(scope="module")
def book(chain: OptionChain, forwards: Forwards) -> OptionBook:
    """A book on Monday at 11:00 that took the chain on Sunday."""
    table = SessionTable(
        name="monday",
        zone="America/New_York",
        label=np.array([MONDAY]),
        open_ns=np.array([OPEN]),
        close_ns=np.array([CLOSE]),
        cutoff_ns=np.array([CLOSE]),
    )
    universe = replace(core_universe([Ref("SPX")]), schedules=(table,))
    book = OptionBook(RowCalendar(universe, np.array([0], np.int32)), 1)
    size = len(chain)
    roots = np.array([book.state.root_index(root) for root in chain.roots], np.int32)
    book.state.source_index("cboe")
    at = np.searchsorted(forwards.settlement_ns, chain.settlement_ns)
    book.apply(
        OpenInterestColumns(
            reference=np.zeros(size, np.int32),
            root=roots[chain.root],
            expiry=chain.expiry,
            strike=chain.strike,
            is_call=chain.is_call,
            settlement_ns=chain.settlement_ns,
            open_interest=chain.open_interest,
            implied_volatility=chain.implied_volatility,
            multiplier=chain.multiplier,
            deliverable=chain.deliverable,
            is_cash_settled=chain.is_cash_settled,
            is_american=chain.is_american,
            forward=forwards.forward[at],
            event_ns=np.full(size, chain.as_of_ns),
            label=np.full(size, NO_SESSION, np.int64),
            source=np.zeros(size, np.int32),
        )
    )

    def one(figure: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.array([figure], np.int64)

    wanted = RowTargets(
        label=one(MONDAY),
        open_ns=one(OPEN),
        close_ns=one(CLOSE),
        since_ns=one(chain.as_of_ns),
        market_ns=one(NOW),
        previous_close=np.array([chain.spot]),
    )
    slices = settle(book, wanted)
    # The whole index at once would hold the loop for too long.
    assert slices >= 4
    return book


def figures(book: OptionBook, name: str) -> Floats:
    rows = np.array([0])
    return np.array([getattr(book.figures(rows, np.array([p])), name)[0] for p in PRICES])


def test_hedge_decay_and_what_is_to_come_are_those_of_the_contracts(
    book: OptionBook, chain: OptionChain, forwards: Forwards
) -> None:
    today = replace(chain, as_of_ns=NOW)
    held = held_after(today, CLOSE)
    alive = today.settlement_ns >= NOW
    now = open_positions(chain, forwards, now_ns=NOW, is_held=alive)
    start = open_positions(chain, forwards, is_held=alive)
    at_close = open_positions(chain, forwards, now_ns=CLOSE, is_held=held)

    hedges = dealer_hedge(now, PRICES, previous_close=chain.spot, weights=WEIGHTS)
    decay = [
        dealer_decay(now, now, start, price=price, previous_close=chain.spot, weights=WEIGHTS[:1])[
            0
        ]
        for price in PRICES.tolist()
    ]
    to_come = [
        demand_to_come(now, at_close, np.array([price]), price=price, weights=WEIGHTS[:1])[0, 0]
        for price in PRICES.tolist()
    ]

    # Stated is three times the error of a curve; errors of many contracts cancel.
    limit = 0.05 * 3.0 * VALUE_ERROR * PRICES * now.weight.sum()
    assert (limit < 3e7).all()
    for name, expected in (
        ("hedge_usd", hedges[0]),
        ("hedge_low_usd", hedges.min(axis=0)),
        ("hedge_high_usd", hedges.max(axis=0)),
        ("decay_usd", np.array(decay)),
        ("to_come_usd", np.array(to_come)),
    ):
        assert (np.abs(figures(book, name) - expected) <= limit).all(), name


def test_the_exposure_is_that_of_the_contracts(
    book: OptionBook, chain: OptionChain, forwards: Forwards
) -> None:
    now = open_positions(chain, forwards, now_ns=NOW)

    expected = (WEIGHTS @ now.gamma_profile(PRICES))[0]

    gross = now.gamma_profile(PRICES).sum(axis=0)
    found = figures(book, "gamma_usd_per_1pct")
    np.testing.assert_allclose(found / gross, expected / gross, rtol=0, atol=3e-5)


def test_the_curve_of_the_close_is_a_few_straight_pieces_near_that_of_the_contracts(
    book: OptionBook, chain: OptionChain, forwards: Forwards
) -> None:
    returns, hedge = closing_curve(book, 0, chain.spot)

    closes = chain.spot * np.exp(np.linspace(-0.05, 0.05, 501))
    at_close = open_positions(chain, forwards, now_ns=CLOSE, is_held=chain.settlement_ns >= NOW)
    exact = dealer_hedge(at_close, closes, previous_close=chain.spot, weights=WEIGHTS[:1])[0]
    straight = np.interp(closes / chain.spot - 1.0, returns, hedge)
    assert len(returns) <= USUAL_KNOTS
    assert np.abs(straight - exact).max() <= 5e-4 * np.ptp(hedge)


def test_a_row_taken_out_as_a_chain_has_the_profile_of_the_file(
    book: OptionBook, chain: OptionChain
) -> None:
    out = book.chain(0, underlying="SPX", spot=chain.spot)

    found, expected = (
        profile_chain(each, session_label=MONDAY, rate=0.0, dividend_yield=0.0)
        for each in (out, replace(chain, as_of_ns=NOW))
    )

    assert found.contracts == expected.contracts
    assert found.priced == expected.priced
    assert set(found.forwards.method) == {"given"}
    assert found.positioning.put_call_open_interest == pytest.approx(
        expected.positioning.put_call_open_interest, rel=1e-12
    )
    assert found.walls == expected.walls
    assert found.zero_gamma.levels[0].level == pytest.approx(
        expected.zero_gamma.levels[0].level, rel=1e-3
    )
    assert book.priced_share()[0] == pytest.approx(expected.priced_share, abs=1e-6)
