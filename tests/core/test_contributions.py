"""Who stands behind a figure: what is listed adds up to it, whatever the market does."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.assembly import join_partials
from core.book import Book
from core.columns import PriceColumns, View
from core.contributions import (
    fund_contributions,
    member_contributions,
    old_assets,
    unknown_members,
)
from core.groups import sum_groups
from core.subjects import subjects
from core.thresholds import Rule
from core.universe import Universe
from tests.support.core_universe import FIRST, Fund, Ref, at, core_universe
from tests.support.rule_world import flags

FACTORS = (-3.0, -2.0, -1.0, 0.5, 1.0, 2.0, 3.0)


def view_of(
    universe: Universe, prices: list[float], *, session: int = 0, partitions: int = 2
) -> View:
    """Return the view after one trade of each reference, joined from several partials."""
    partials = []
    for partition in range(partitions):
        owned = np.arange(partition, len(universe.symbol), partitions, dtype=np.int32)
        book = Book(universe, owned)
        time_ns = at(session, 5.0)
        book.apply_prices(
            PriceColumns(
                reference=np.arange(len(owned), dtype=np.int32),
                event_ns=np.full(len(owned), time_ns),
                price=np.array(prices)[owned],
                sequence=np.zeros(len(owned), np.int64),
                source=np.full(len(owned), book.source_index("feed"), np.int32),
                official=np.zeros(len(owned), np.bool_),
            )
        )
        book.market.beat(book.source_index("feed"), time_ns, time_ns)
        partials.append(book.partial())
    return join_partials(universe, partials)


def universe_of(funds: list[tuple[int, float, float]], n_references: int = 3) -> Universe:
    return core_universe(
        [Ref(f"R{n}") for n in range(n_references)],
        [
            Fund(f"F{k}", f"R{row}", [(FIRST, assets, factor)], is_physical=k % 5 == 0)
            for k, (row, assets, factor) in enumerate(funds)
        ],
    )


@given(
    funds=st.lists(
        st.tuples(
            st.integers(0, 2),
            st.one_of(st.floats(0.0, 1e11), st.just(float("nan"))),
            st.sampled_from(FACTORS),
        ),
        max_size=12,
    ),
    # From nearly nothing to a tripling: also past every wipe-out.
    prices=st.lists(st.floats(1.0, 300.0), min_size=3, max_size=3),
)
def test_what_each_fund_owes_sums_to_the_leveraged_part(
    funds: list[tuple[int, float, float]], prices: list[float]
) -> None:
    universe = universe_of(funds)
    view = view_of(universe, prices)

    for row in range(3):
        parts = fund_contributions(view, row)
        whole = view.numeric["leveraged_rebalance_usd"][row]
        assert np.all(np.diff(np.abs(parts.usd)) <= 0.0)
        assert {universe.fund_reference[k] for k in parts.number} <= {row}
        if np.isnan(whole):
            assert len(parts) == 0
        else:
            assert abs(parts.usd.sum() - whole) <= 1e-9 * max(parts.gross_usd, 1e-9)


@given(
    flows=st.lists(st.floats(50.0, 150.0), min_size=3, max_size=3),
    unknown=st.sets(st.integers(0, 2)),
)
def test_what_each_member_owes_sums_to_the_groups_flow(
    flows: list[float], unknown: set[int]
) -> None:
    universe = universe_of([(0, 1e9, 2.0), (1, 3e9, -1.0), (2, 1e7, 3.0)])
    view = view_of(universe, flows)
    view.is_unknown[:] = flags(3, *unknown)
    whom = subjects(Rule("all", "forced_flow_usd", "market", ()), universe)

    total = sum_groups("forced_flow_usd", view, universe, subjects=whom)
    parts = member_contributions(view, whom.member)

    if not unknown:
        assert parts.usd.sum() == pytest.approx(total.value[0])
    assert not unknown & set(parts.number.tolist())
    assert set(unknown_members(view, whom.member).tolist()) == unknown


def test_unknown_members_are_named_heaviest_first() -> None:
    universe = universe_of([(0, 1e9, 2.0), (1, 3e9, 2.0), (2, 1e7, 2.0)])
    view = view_of(universe, [99.0, 99.0, 99.0])
    view.is_unknown[:] = True

    members = np.arange(3)
    assert unknown_members(view, members).tolist() == [1, 0, 2]


def test_old_assets_are_counted_and_the_oldest_is_named() -> None:
    universe = core_universe(
        [Ref("R0"), Ref("R1")],
        [
            Fund("NEW", "R0", [(FIRST + 4, 1e9, 2.0)]),
            Fund("OLD", "R0", [(FIRST + 2, 1e9, 2.0)]),
            Fund("OLDER", "R0", [(FIRST + 1, 1e9, 2.0)]),
            Fund("OTHER", "R1", [(FIRST + 3, 1e9, 2.0)]),
        ],
    )
    view = view_of(universe, [99.0, 99.0], session=4)

    old = old_assets(view, universe, 0)
    assert old is not None
    assert (old.count, universe.fund[old.fund], old.label, old.sessions) == (
        2,
        "OLDER",
        FIRST + 1,
        3,
    )
    # Stated for the session before: not too old.
    assert old_assets(view, universe, 1) is None


def test_nothing_is_old_before_there_is_a_session() -> None:
    universe = universe_of([(0, 1e9, 2.0)])
    view = join_partials(universe, [None])

    assert old_assets(view, universe, 0) is None
    assert len(fund_contributions(view, 0)) == 0
