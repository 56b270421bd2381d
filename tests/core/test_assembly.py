"""The view: partials joined, unknown kept unknown, the band and the breach probability."""

import numpy as np
import pytest

from core.assembly import FORECAST_COLUMNS, assemble, join_partials, sum_known
from core.book import Book
from core.columns import NUMERIC_COLUMNS, Floats, Int32s, Partial, PriceColumns
from core.universe import Universe
from tests.support.core_universe import FIRST, Fund, Ref, at, core_universe

UNIVERSE = core_universe(
    [Ref("AAA"), Ref("BBB", adv_usd=2e9), Ref("CCC")],
    [
        Fund("UP2", "AAA", [(FIRST, 1e9, 2.0)]),
        Fund("DOWN2", "BBB", [(FIRST, 1e9, -2.0)]),
        Fund("BUFFER", "CCC", [(FIRST, 1e9, 0.5)]),
    ],
)
NONE: tuple[Floats, Floats] = (np.full(3, np.nan), np.full(3, np.nan))


def partial_of(
    references: list[int],
    prices: dict[int, float],
    *,
    hour: float = 5.0,
    universe: Universe = UNIVERSE,
) -> Partial:
    book = Book(universe, np.array(references, np.int32))
    rows: Int32s = np.array([references.index(i) for i in prices], np.int32)
    source = book.source_index("feed")
    book.apply_prices(
        PriceColumns(
            reference=rows,
            event_ns=np.full(len(rows), at(0, hour), np.int64),
            price=np.array(list(prices.values())),
            sequence=np.zeros(len(rows), np.int64),
            source=np.zeros(len(rows), np.int32),
            official=np.zeros(len(rows), np.bool_),
        )
    )
    book.market.beat(source, at(0, hour), 1_000)
    return book.partial()


def test_rows_of_all_partitions_stand_in_the_order_of_the_universe() -> None:
    view = assemble(
        UNIVERSE, [partial_of([1], {1: 99.0}), partial_of([0, 2], {0: 101.0, 2: 102.0})], NONE
    )

    assert set(view.numeric) == set(NUMERIC_COLUMNS)
    np.testing.assert_allclose(view.numeric["forced_flow_usd"], [20e6, -60e6, -5e6])
    np.testing.assert_allclose(view.numeric["adv_ratio"], [0.02, -0.03, -0.005])
    np.testing.assert_allclose(view.numeric["auction_ratio"], [0.2, -0.6, -0.05])
    assert view.numeric["seconds_to_close"].tolist() == [7200.0] * 3
    assert view.numeric["seconds_to_cutoff"].tolist() == [6600.0] * 3
    assert not view.is_unknown.any()


def test_a_missing_partial_leaves_its_rows_unknown() -> None:
    view = assemble(UNIVERSE, [None, partial_of([0], {0: 101.0})], NONE)

    assert view.is_unknown.tolist() == [False, True, True]
    assert view.is_stale.tolist() == [False, True, True]
    assert np.isnan(view.numeric["forced_flow_usd"][1:]).all()
    assert np.isnan(view.weight_usd[1:]).all()


def test_a_reference_that_no_source_has_priced_is_unknown() -> None:
    view = assemble(UNIVERSE, [partial_of([0, 1, 2], {0: 101.0})], NONE)

    assert view.is_unknown.tolist() == [False, True, True]


@pytest.mark.parametrize(("oldest_beat_ns", "is_blind"), [(1_000, False), (1_001, True)])
def test_a_price_is_stale_in_session_when_its_heartbeat_is_too_old(
    oldest_beat_ns: int, *, is_blind: bool
) -> None:
    partials = [partial_of([0, 1, 2], {0: 101.0, 1: 99.0, 2: 100.0})]

    view = assemble(UNIVERSE, partials, NONE, oldest_beat_ns=oldest_beat_ns)

    assert view.is_stale.tolist() == [is_blind] * 3
    assert view.is_unknown.tolist() == [is_blind] * 3
    np.testing.assert_allclose(view.numeric["price"], [101.0, 99.0, 100.0])


def test_after_the_close_nothing_is_stale_and_the_band_is_the_value() -> None:
    partials = [partial_of([0, 1, 2], {0: 101.0, 1: 99.0, 2: 100.0}, hour=7.0)]

    view = assemble(UNIVERSE, partials, NONE, oldest_beat_ns=0)

    np.testing.assert_array_equal(
        view.numeric["forced_flow_lower_usd"], view.numeric["forced_flow_usd"]
    )
    np.testing.assert_array_equal(
        view.numeric["forced_flow_upper_usd"], view.numeric["forced_flow_usd"]
    )


def test_the_band_holds_the_value_also_where_demand_falls_with_the_price() -> None:
    view = assemble(UNIVERSE, [partial_of([0, 1, 2], {0: 101.0, 1: 99.0, 2: 103.0})], NONE)

    low, now, high = (
        view.numeric[name]
        for name in ("forced_flow_lower_usd", "forced_flow_usd", "forced_flow_upper_usd")
    )
    assert (low < now).all()
    assert (now < high).all()


def test_the_threshold_is_in_usd_or_a_share_of_adv() -> None:
    breach = (np.array([15e6, np.nan, np.nan]), np.array([np.nan, 0.05, np.nan]))

    view = assemble(
        UNIVERSE, [partial_of([0, 1, 2], {0: 101.0, 1: 99.0, 2: 100.0}, hour=7.0)], breach
    )

    np.testing.assert_allclose(view.numeric["breach_threshold_usd"], [15e6, 100e6, np.nan])
    np.testing.assert_allclose(view.numeric["breach_probability"], [1.0, 0.0, np.nan])


def test_joining_leaves_only_the_forecast_open() -> None:
    partials = [partial_of([0, 1, 2], {0: 101.0, 1: 99.0, 2: 100.0})]

    joined, whole = join_partials(UNIVERSE, partials), assemble(UNIVERSE, partials, NONE)

    for name in set(NUMERIC_COLUMNS) - FORECAST_COLUMNS:
        np.testing.assert_array_equal(joined.numeric[name], whole.numeric[name])
    for name in FORECAST_COLUMNS:
        assert np.isnan(joined.numeric[name]).all()


def test_the_known_parts_are_summed() -> None:
    total = sum_known(np.array([1.0, np.nan, np.nan]), np.array([2.0, 3.0, np.nan]))

    np.testing.assert_array_equal(total, [3.0, 3.0, np.nan])
