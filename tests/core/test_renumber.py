"""A partial seen from another version of the universe."""

import numpy as np

from core.book import Book
from core.columns import Partial, PriceColumns
from core.renumber import GONE, numbers_in, renumbered
from core.universe import Universe
from tests.support.core_universe import FIRST, Fund, Ref, at, core_universe
from tests.support.partials import assert_same_partial

FUNDS = [
    Fund("ACMU", "ACME", [(FIRST, 1e9, 2.0)]),
    Fund("ACMT", "ACME", [(FIRST, 2e9, -3.0)]),
    Fund("BOLD", "BOLT", [(FIRST, 1e9, -1.0)]),
    Fund("CORU", "CORE", [(FIRST, 3e9, 2.0)]),
]


def universe_of(*symbols: str) -> Universe:
    funds = [fund for fund in FUNDS if fund.reference in symbols]
    return core_universe([Ref(symbol) for symbol in symbols], funds)


def partial_of(universe: Universe, *symbols: str) -> Partial:
    """Return the partial of some references after a trade of each at 90, 91, and so on."""
    owned = np.array(sorted(universe.symbol.index(symbol) for symbol in symbols), np.int32)
    book = Book(universe, owned)
    rows = np.arange(len(owned), dtype=np.int32)
    names = [universe.symbol[row] for row in owned]
    book.apply_prices(
        PriceColumns(
            reference=rows,
            event_ns=np.full(len(rows), at(0, 1.0), np.int64),
            price=np.array([90.0 + ord(name[0]) for name in names]),
            sequence=np.zeros(len(rows), np.int64),
            source=np.full(len(rows), book.source_index("feed"), np.int32),
            official=np.zeros(len(rows), np.bool_),
        )
    )
    book.market.beat(book.source_index("feed"), at(0, 1.0), 2**61)
    return book.partial()


def test_numbers_are_found_by_symbol() -> None:
    old, new = universe_of("ACME", "BOLT", "CORE"), universe_of("CORE", "ACME")

    assert numbers_in(new, old).tolist() == [1, GONE, 0]
    assert numbers_in(old, new).tolist() == [2, 0]


def test_rows_keep_their_figures_and_curves_under_new_numbers() -> None:
    old, new = universe_of("ACME", "BOLT", "CORE"), universe_of("CORE", "ACME")
    partial = renumbered(partial_of(old, "ACME", "BOLT", "CORE"), target=new, source=old)

    assert partial.reference.tolist() == [1, 0]
    for row, symbol in enumerate(("ACME", "CORE")):
        [alone] = [partial_of(old, symbol)]
        taken = renumbered(alone, target=new, source=old)
        assert taken.leveraged_usd[0] == partial.leveraged_usd[row] != 0.0
        assert taken.price[0] == partial.price[row]
        assert taken.curves.slope.tolist() == (
            partial.curves.slope[partial.curves.first[row] : partial.curves.first[row + 1]].tolist()
        )


def test_the_same_numbers_change_nothing() -> None:
    universe = universe_of("ACME", "BOLT", "CORE")
    partial = partial_of(universe, "ACME", "CORE")

    assert_same_partial(renumbered(partial, target=universe, source=universe), partial)


def test_nothing_is_left_of_a_partition_whose_symbols_are_gone() -> None:
    old, new = universe_of("ACME", "BOLT"), universe_of("BOLT")
    partial = renumbered(partial_of(old, "ACME"), target=new, source=old)

    assert len(partial.reference) == len(partial.curves.centre) == 0
    assert partial.curves.first.tolist() == [0]
