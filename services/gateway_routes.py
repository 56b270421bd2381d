"""Where the gateway sends the rows of a symbol or fund: the partition of its reference."""

from collections.abc import Sequence
from typing import NamedTuple

from core.universe import Universe
from streams.routes import option_targets
from streams.topics import partition_of


class Route(NamedTuple):
    """A reference of the universe, by index, its partition, and the key of its records."""

    reference: int
    partition: int
    key: bytes


class Routes:
    """Routes of all names of a universe."""

    def __init__(self, universe: Universe, partitions: int) -> None:
        by_reference = [
            Route(index, partition_of(symbol, partitions), symbol.encode())
            for index, symbol in enumerate(universe.symbol)
        ]
        listed = {
            name: by_reference[reference]
            for name, (reference, _) in universe.price_listings.items()
        }
        # A reference's own symbol wins over a listing of the same name.
        self._of_symbol = listed | dict(zip(universe.symbol, by_reference, strict=True))
        self._of_fund = {
            name: by_reference[reference]
            for name, reference in zip(universe.fund, universe.fund_reference.tolist(), strict=True)
        }
        self._of_underlying = {
            name: by_reference[reference]
            for name, (reference, _) in option_targets(universe).items()
        }

    def of_symbols(self, symbols: Sequence[str]) -> list[Route | None]:
        """Return the route of each symbol's prices, None outside the universe."""
        return [self._of_symbol.get(symbol) for symbol in symbols]

    def of_funds(self, funds: Sequence[str]) -> list[Route | None]:
        """Return the route of each fund's creations, None outside the universe."""
        return [self._of_fund.get(fund) for fund in funds]

    def of_underlyings(self, underlyings: Sequence[str]) -> list[Route | None]:
        """Return the route of the options on each underlying, None outside the universe."""
        return [self._of_underlying.get(underlying) for underlying in underlyings]
