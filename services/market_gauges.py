"""The market as the active alerter shows it on /metrics: figures, and what the references are."""

import numpy as np

from core.columns import NUMERIC_COLUMNS, Floats, View
from core.universe import Universe
from services.clock import Clock
from services.gauge_tables import GaugeTable
from streams.market_metrics import IN_BASE_UNITS, LIQUIDITY, MARKET, REFERENCE, ROOM


class MarketGauges:
    """Each numeric column of the newest view as a gauge; what is unknown has no sample."""

    def __init__(self, clock: Clock) -> None:
        self._figures = GaugeTable((*MARKET, *LIQUIDITY), clock)
        self._references = GaugeTable(REFERENCE, clock)
        self._members = GaugeTable(ROOM, clock)
        self.tables = (self._figures, self._references, self._members)
        self._members_of: Universe | None = None
        self._member_names: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())

    def show(self, view: View, universe: Universe) -> None:
        """Show this view from now on, whose rows are the references of `universe`."""
        symbols = universe.symbol
        columns = [_in_base_units(view, column) for column in NUMERIC_COLUMNS]
        columns.append(view.adv_usd)
        self._figures.show((symbols,), columns, is_known=~view.is_unknown)
        names = (symbols, universe.venue, universe.currency)
        self._references.show(names, [np.ones(len(symbols))])
        if self._members_of is not universe:
            self._members_of, self._member_names = universe, _members(universe)
        self._members.show(self._member_names, [np.ones(len(self._member_names[0]))])

    def hide(self) -> None:
        """Show nothing from now on."""
        for table in self.tables:
            table.hide()


def _members(universe: Universe) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the room and the symbol of each membership."""
    pairs = [
        (room, universe.symbol[index])
        for room, members in universe.rooms.items()
        for index in members.tolist()
    ]
    return tuple(room for room, _ in pairs), tuple(symbol for _, symbol in pairs)


def _in_base_units(view: View, column: str) -> Floats:
    figures = view.numeric[column]
    return figures * IN_BASE_UNITS[column][1] if column in IN_BASE_UNITS else figures
