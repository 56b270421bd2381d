"""The files of a universe folder and their columns, as the public contract names them."""

from collections.abc import Mapping
from dataclasses import dataclass

REFERENCES = "references.csv"
FUNDS = "funds.csv"
ROOMS = "rooms.csv"
LISTINGS = "listings.csv"
CORPORATE_ACTIONS = "corporate_actions.csv"
FX = "fx.csv"
NOT_USED_YET = ("baskets.csv", "complexes.csv", "wrappers.csv")
"""Files of the public contract that no part reads so far."""


@dataclass(frozen=True)
class Layout:
    """The columns of one file of the public contract."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    is_required: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns, in a fixed order."""
        return self.required + self.optional


LAYOUTS: Mapping[str, Layout] = {
    REFERENCES: Layout(
        (
            "symbol",
            "name",
            "venue",
            "currency",
            "previous_close",
            "adv_usd",
            "auction_usd",
            "daily_volatility",
        ),
        ("effective_at", "calendar", "strike_time", "strike_zone"),
        is_required=True,
    ),
    FUNDS: Layout(
        (
            "fund",
            "name",
            "issuer",
            "venue",
            "reference",
            "leverage_factor",
            "reset",
            "vehicle",
            "assets_usd",
            "effective_at",
            "known_at",
            "listed_on",
        ),
        ("reset_price",),
        is_required=True,
    ),
    ROOMS: Layout(("room", "symbol")),
    LISTINGS: Layout(("symbol", "reference", "kind", "factor")),
    CORPORATE_ACTIONS: Layout(("symbol", "effective_at", "known_at", "price_factor")),
    FX: Layout(("currency", "usd", "effective_at", "known_at")),
}
"""Columns by file, in the order in which files are read and findings reported."""
