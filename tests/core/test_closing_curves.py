"""The dealers' share of the forced flow: the figure, its band and its probability of a breach."""

import random
from collections.abc import Sequence

import numpy as np
import pytest

from core.assembly import BreachLevels, assemble
from core.book import Book
from core.columns import Floats, View
from core.dealer_assumptions import DealerAssumptions
from core.dealer_signs import ALL_SIGN_MODELS, CUSTOMERS_LONG, INDEX_CONVENTION, USER_SIGNED
from core.forecast import QUANTILE_Z, closing_returns, probability_below
from core.leveraged import leveraged_rebalance
from tests.support import naive_options
from tests.support.book_events import flows, prices, tick
from tests.support.core_universe import FIRST, Fund, Ref, at, core_universe
from tests.support.naive_options import Contract
from tests.support.option_records import Record, columns

UNIVERSE = core_universe(
    [Ref("AAA"), Ref("BBB"), Ref("CCC")],
    [
        Fund("UP2", "AAA", [(FIRST, 1e9, 2.0)]),
        Fund("UP3", "BBB", [(FIRST, 1e9, 3.0)]),
        Fund("NEW", "CCC", [(FIRST, float("nan"), 2.0)]),
    ],
)
HALF = DealerAssumptions(close_share=0.5)
NO_BREACH: BreachLevels = (np.full(3, np.nan), np.full(3, np.nan))
# In their last hours, puts below and calls above: against a 2x fund the demand rises and falls.
HUMPS = (
    Record(at(0, -1.0), 60_000.0, strike=102.0, settlement_ns=at(0, 7.0), volatility=0.3),
    Record(at(0, -1.0), 90_000.0, strike=98.0, is_call=False, settlement_ns=at(0, 7.0)),
    Record(at(0, -1.0), 20_000.0, strike=101.0, settlement_ns=at(3, 7.0)),
)


def book_of(
    *records: Record, dealers: DealerAssumptions = HALF, price: float = 102.0, hour: float = 5.0
) -> Book:
    """Return a book with all three references at a price, and open interest."""
    book = Book(UNIVERSE, np.arange(3, dtype=np.int32), dealers=dealers)
    book.apply_prices(prices(book, [tick(row, at(0, hour), price) for row in range(3)]))
    if records:
        book.options.apply(columns(book.options, records))
    return book


def view_of(book: Book, hour: float = 5.0, *, breach: BreachLevels = NO_BREACH) -> View:
    return assemble(UNIVERSE, [book.partial(market_ns=at(0, hour))], breach)


def figure(view: View, name: str) -> list[float]:
    column: list[float] = view.numeric[name].tolist()
    return column


def test_half_of_what_dealers_sell_comes_off_what_the_fund_buys() -> None:
    # Dealers hold 1 000 calls on 100 shares each. Worth nothing at the previous close of 100 and
    # as good as shares at 102, they have them sell 100 000 shares: 10.2 m USD. The fund of 1 bn
    # buys 1 bn x 2 x 1 x 2 % = 40 m USD.
    call = Record(at(0, -1.0), 1_000.0, strike=101.0, settlement_ns=at(0, 7.0), volatility=0.01)

    view = view_of(book_of(call))

    assert figure(view, "dealer_hedge_usd")[0] == pytest.approx(-10.2e6)
    assert figure(view, "leveraged_rebalance_usd")[0] == pytest.approx(40e6)
    assert figure(view, "forced_flow_usd")[0] == pytest.approx(40e6 - 0.5 * 10.2e6)
    assert figure(view, "adv_ratio")[0] == pytest.approx(34.9e6 / 1e9)


def test_without_a_share_nothing_changes_but_the_dealers_own_columns() -> None:
    nothing, default = DealerAssumptions(close_share=0.0), DealerAssumptions()
    breach = (np.full(3, 3e7), np.full(3, np.nan))
    plain = view_of(book_of(dealers=default), breach=breach)

    view = view_of(book_of(*HUMPS, dealers=nothing), breach=breach)

    book = book_of(*HUMPS, dealers=nothing)
    assert book.partial(market_ns=at(0, 5.0)).curves is book.standing.curves
    for name, column in plain.numeric.items():
        if not name.startswith("dealer_"):
            np.testing.assert_array_equal(view.numeric[name], column, err_msg=name)
    assert not np.isnan(figure(view, "dealer_hedge_usd")[0])


def test_where_no_hedge_is_known_the_rest_is_all_that_counts() -> None:
    plain = view_of(book_of(dealers=DealerAssumptions()))

    view = view_of(book_of(*HUMPS))

    for name in ("forced_flow_usd", "forced_flow_lower_usd", "forced_flow_upper_usd"):
        assert figure(view, name)[1] == figure(plain, name)[1]
        assert figure(view, name)[0] != figure(plain, name)[0]


def test_where_only_the_hedge_is_known_it_is_all_that_counts() -> None:
    own = [Record(each.event_ns, 5_000.0, row=2, strike=each.strike) for each in HUMPS]

    view = view_of(book_of(*own))

    assert np.isnan(figure(view, "leveraged_rebalance_usd")[2])
    assert figure(view, "forced_flow_usd")[2] == 0.5 * figure(view, "dealer_hedge_usd")[2]
    # What funds of unknown size will owe at another close cannot be said.
    assert np.isnan(figure(view, "forced_flow_lower_usd")[2])


@pytest.mark.parametrize("model", ALL_SIGN_MODELS, ids=lambda model: model.name)
def test_the_forced_flow_follows_the_sign_model_and_the_range_covers_all(model: object) -> None:
    signed = [
        Record(at(0, -1.0), 1_000.0, strike=101.0, sign=0.25),
        Record(at(0, -1.0), 3_000.0, strike=99.0, is_call=False, sign=-1.0),
    ]
    views = {
        each.name: view_of(book_of(*signed, dealers=DealerAssumptions(0.5, each)))
        for each in ALL_SIGN_MODELS
    }
    hedges = {name: figure(view, "dealer_hedge_usd")[0] for name, view in views.items()}
    view = views[model.name]  # type: ignore[attr-defined]

    hedge = hedges[model.name]  # type: ignore[attr-defined]
    assert len(set(hedges.values())) == 4
    assert figure(view, "forced_flow_usd")[0] == pytest.approx(40e6 + 0.5 * hedge)
    assert figure(view, "dealer_hedge_low_usd")[0] == min(hedges.values())
    assert figure(view, "dealer_hedge_high_usd")[0] == max(hedges.values())


def test_signs_that_nobody_states_are_no_hedge() -> None:
    view = view_of(book_of(*HUMPS, dealers=DealerAssumptions(0.5, USER_SIGNED)))

    for name in ("dealer_hedge_usd", "dealer_decay_usd", "dealer_to_come_usd"):
        assert np.isnan(figure(view, name)[0])
    assert figure(view, "dealer_hedge_low_usd")[0] < figure(view, "dealer_hedge_high_usd")[0]
    assert figure(view, "forced_flow_usd")[0] == pytest.approx(40e6)
    assert not np.isnan(figure(view, "forced_flow_lower_usd")[0])


def naive_demand(records: Sequence[Record], close: float, *, share: float) -> float:
    """Return what AAA owes at a close: the fund's formula and every contract by itself."""
    own = leveraged_rebalance(np.array([1e9]), np.array([2.0]), np.array([close / 100.0 - 1.0]))
    sold = 0.0
    for each in records:
        contract = Contract(
            each.is_call,
            each.strike,
            each.open_interest * each.deliverable,
            each.settlement_ns,
            each.is_cash_settled,
            log_carry=0.0,
            rate=0.0,
        )
        there, here = (
            naive_options.delta(contract, spot, at(0, 7.0), each.volatility)
            for spot in (close, 100.0)
        )
        sold += contract.units * (there - here) * (1.0 if each.is_call else -1.0)
    return float(own[0]) - share * close * sold


@pytest.mark.parametrize(("price", "hour"), [(97.0, 5.0), (100.5, 5.0), (104.0, 5.0), (100.0, 1.0)])
@pytest.mark.parametrize("share", [0.5, 1.0])
def test_band_and_probability_are_those_of_drawn_closes(
    price: float, hour: float, share: float
) -> None:
    creation, threshold = 2e7, 1.5e8
    book = book_of(*HUMPS, dealers=DealerAssumptions(share), price=price, hour=hour)
    book.apply_flows(flows(book, [(0, at(0, hour), FIRST, creation / 2.0, 0, "a")]))
    partial = book.partial(market_ns=at(0, hour))
    view = assemble(UNIVERSE, [partial], (np.full(3, threshold), np.full(3, np.nan)))

    # 1 500 closes, each as probable as any other.
    z = np.linspace(-9.0, 9.0, 40_001)
    evenly = (np.arange(1_500) + 0.5) / 1_500
    drawn = np.interp(evenly, probability_below(z), z)
    law = np.array([price / 100.0 - 1.0]), partial.variance[:1]
    closes = 100.0 * (1.0 + closing_returns(*law, drawn))
    demand = np.array([naive_demand(HUMPS, close, share=share) for close in closes.tolist()])
    demand += creation
    lower, upper = np.quantile(demand, [0.05, 0.95])
    spread = float(np.ptp(demand))

    assert figure(view, "forced_flow_lower_usd")[0] == pytest.approx(lower, abs=0.01 * spread)
    assert figure(view, "forced_flow_upper_usd")[0] == pytest.approx(upper, abs=0.01 * spread)
    breached = float(np.mean(np.abs(demand) >= threshold))
    assert figure(view, "breach_probability")[0] == pytest.approx(breached, abs=0.01)


def test_a_demand_that_turns_is_not_banded_by_the_ends_of_the_price() -> None:
    book = book_of(*HUMPS, price=100.0, hour=1.0)
    partial = book.partial(market_ns=at(0, 1.0))
    view = assemble(UNIVERSE, [partial], NO_BREACH)

    ends = closing_returns(np.zeros(1), partial.variance[:1], np.array([-QUANTILE_Z, QUANTILE_Z]))
    at_ends = [naive_demand(HUMPS, 100.0 * (1.0 + end), share=0.5) for end in ends.tolist()]

    # Dealers sell on either side, so that the most there is to buy lies between.
    assert max(at_ends) < -1e8
    assert figure(view, "forced_flow_upper_usd")[0] > -1e7


def test_the_figure_itself_says_whether_the_close_has_breached() -> None:
    book = book_of(*HUMPS, price=101.3, hour=6.9)
    forced = figure(view_of(book, 7.0), "forced_flow_usd")[0]

    for threshold, expected in ((abs(forced), 1.0), (abs(forced) * (1.0 + 1e-12), 0.0)):
        view = view_of(book, 7.0, breach=(np.full(3, threshold), np.full(3, np.nan)))
        assert figure(view, "breach_probability")[0] == expected
        assert figure(view, "forced_flow_lower_usd")[0] == forced
        assert figure(view, "forced_flow_upper_usd")[0] == forced


def test_a_tick_does_not_make_the_curves_anew_and_a_record_does() -> None:
    book = book_of(*HUMPS)
    first = book.partial(market_ns=at(0, 5.0))
    book.apply_prices(prices(book, [tick(0, at(0, 5.001), 99.0)]))

    second = book.partial(market_ns=at(0, 5.0))

    assert second.curves is first.curves
    assert second.dealer_close_usd[0] != first.dealer_close_usd[0]
    book.options.apply(columns(book.options, [Record(at(0, 4.0), 7_000.0, strike=97.0)]))
    third = book.partial(market_ns=at(0, 5.0))
    assert not np.array_equal(third.curves.slope, first.curves.slope)


def test_yesterdays_curves_say_nothing_of_todays_close() -> None:
    book = book_of(*HUMPS)
    source = book.source_index("a")
    book.market.beat(source, at(0, 5.0), 0)
    book.partial()
    while book.options.refresh():
        pass
    assert len(book.partial().curves.knot) > 10

    book.market.beat(source, at(1, 0.0), 0)

    partial = book.partial()
    assert partial.label[0] == FIRST + 1
    assert partial.curves is book.standing.curves
    assert np.isnan(partial.dealer_close_usd).all()


def shuffled_events(seed: int) -> tuple[list[Record], list[tuple[int, float]]]:
    """Return records, some of them repeated with other figures, and prices in order."""
    draw = random.Random(seed)
    records = [
        Record(
            at(0, draw.uniform(-1.0, 4.9)),
            float(draw.randint(1, 20_000)),
            volatility=draw.uniform(0.1, 0.6),
            row=draw.randrange(2),
            strike=float(draw.randint(90, 110)),
            is_call=draw.random() < 0.5,
            settlement_ns=at(draw.choice([0, 2, 5]), 7.0),
        )
        for _ in range(60)
    ]
    ticks = [(at(0, 0.1 + 4.8 * i / 40), draw.uniform(96.0, 104.0)) for i in range(40)]
    return records, ticks


@pytest.mark.parametrize("seed", range(6))
def test_event_by_event_is_the_same_as_all_at_once(seed: int) -> None:
    records, ticks = shuffled_events(seed)
    threshold = (np.full(3, 5e7), np.full(3, np.nan))
    live, whole = (Book(UNIVERSE, np.arange(3, dtype=np.int32), dealers=HALF) for _ in range(2))

    waiting = sorted(records, key=lambda each: each.event_ns)
    for time_ns, price in ticks:
        while waiting and waiting[0].event_ns <= time_ns:
            live.options.apply(columns(live.options, [waiting.pop(0)]))
        live.apply_prices(prices(live, [tick(row, time_ns, price) for row in range(3)]))
        live.partial(market_ns=time_ns)
    live.options.apply(columns(live.options, waiting or records[:1]))
    every = [tick(row, time_ns, price) for time_ns, price in ticks for row in range(3)]
    random.Random(seed).shuffle(records)
    whole.apply_prices(prices(whole, every))
    whole.options.apply(columns(whole.options, records))

    found, expected = (view_of(book, breach=threshold) for book in (live, whole))

    terms = terms_usd(records, price=ticks[-1][1])
    for name in ("forced_flow_usd", "forced_flow_lower_usd", "forced_flow_upper_usd"):
        difference = np.abs(found.numeric[name] - expected.numeric[name])[:2]
        assert (difference <= 1e-9 * terms).all(), (name, difference / terms)
    difference = np.abs(np.subtract(*(v.numeric["breach_probability"] for v in (found, expected))))
    assert (difference[:2] <= 1e-9).all()


def terms_usd(records: Sequence[Record], *, price: float) -> Floats:
    """Return float64[2], the sizes of all terms of the first two references together."""
    newest = {each.identity: each for each in sorted(records, key=lambda each: each.event_ns)}
    terms = np.array([2e9, 6e9]) * abs(price / 100.0 - 1.0)
    for each in newest.values():
        terms[each.row] += 0.5 * each.open_interest * each.deliverable * price
    return terms


def test_the_share_scales_the_dealers_part_alone() -> None:
    models = (INDEX_CONVENTION, CUSTOMERS_LONG)
    for model in models:
        flow = [
            figure(view_of(book_of(*HUMPS, dealers=DealerAssumptions(share, model))), name)[0]
            for name in ("forced_flow_usd", "dealer_hedge_usd")
            for share in (0.25, 0.75)
        ]
        assert flow[2] == flow[3]
        assert flow[1] - flow[0] == pytest.approx(0.5 * flow[2])
