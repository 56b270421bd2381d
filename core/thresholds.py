"""What a rule says: which measure, of whom, when in the session, and how high is too high."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from core.columns import Bools, Floats
from core.universe import Universe

SEVERITIES = ("watch", "warning", "critical")
"""Names of the levels, from the mildest; their place, counted from 1, is the ``level`` column."""

ESCALATED = ("warning", "critical")
"""The levels that a rule can escalate."""

SCOPES = ("symbol", "room", "venue", "market")
"""Whom a rule can judge: each reference, or a group that sums its members."""

LIQUIDITY_OF = {"adv_ratio": "adv_usd", "auction_ratio": "auction_usd"}
"""Measures that are forced flow over a liquidity, and the view's column of that."""

GROUP_MEASURES = frozenset(LIQUIDITY_OF) | {
    "leveraged_rebalance_usd",
    "creation_redemption_usd",
    "forced_flow_usd",
}
"""Measures a group can have: a sum of USD, or of forced flow over a sum of liquidity."""

MOVING_MEASURES = frozenset(
    {
        "seconds_to_close",
        "seconds_to_cutoff",
        "dealer_hedge_usd",
        "dealer_hedge_low_usd",
        "dealer_hedge_high_usd",
        "forced_flow_lower_usd",
        "forced_flow_upper_usd",
        "breach_probability",
        "dealer_decay_usd",
        "dealer_to_come_usd",
    }
)
"""Measures that change as time passes, without a new input."""

FLOW_MEASURES = frozenset(LIQUIDITY_OF) | {
    "forced_flow_usd",
    "last_half_hour_ratio",
    "hours_to_trade",
}
"""Measures of the forced flow, which do so too where a share of the dealers' hedge is in it."""


@dataclass(frozen=True, slots=True)
class Level:
    """One severity of a rule: crossed at |measure| >= ``raise_at``, left below ``clear_at``.

    ``name`` is one of ``SEVERITIES``; the bounds have the measure's unit, clear_at <= raise_at;
    ``for_ns`` is the market time above ``raise_at`` before it fires.
    """

    name: str
    raise_at: float
    clear_at: float
    for_ns: int = 0


@dataclass(frozen=True, slots=True)
class Where:
    """Which references count; ``None`` asks nothing, and every condition must hold.

    A reference is in ``room`` if it is in any of those rooms.
    """

    venue: frozenset[str] | None = None
    symbol: frozenset[str] | None = None
    room: frozenset[str] | None = None
    currency: frozenset[str] | None = None


@dataclass(frozen=True)
class Rule:
    """One rule of the rules file.

    Attributes
    ----------
    name : str                      lower case with hyphens: "forced-flow"
    measure : str                   a numeric column; of ``GROUP_MEASURES`` unless scope is symbol
    scope : str                     one of ``SCOPES``
    levels : tuple[Level, ...]      from the mildest, raise_at strictly ascending
    where : Where
    after_open_ns : int             it judges from this long after the open,
    before_close_ns : int | None    but not earlier than this long before the close,
                                    until the close
    minimum_hold_ns : int           once firing, it fires at least this long
    escalate_after_ns : int | None  host time after which a warning or critical that nobody has
                                    acknowledged raises another alert
    """

    name: str
    measure: str
    scope: str
    levels: tuple[Level, ...]
    where: Where = field(default_factory=Where)
    after_open_ns: int = 0
    before_close_ns: int | None = None
    minimum_hold_ns: int = 0
    escalate_after_ns: int | None = None

    @cached_property
    def alertnames(self) -> dict[str, str]:
        """The alert's name by severity: rule "forced-flow" has "ForcedFlowWatch", and so on."""
        stem = "".join(part.capitalize() for part in self.name.split("-"))
        return {severity: stem + severity.capitalize() for severity in SEVERITIES}


def covered(where: Where, universe: Universe) -> Bools:
    """Return bool[n]: which references of the universe meet the conditions."""
    meets = np.ones(len(universe.symbol), dtype=np.bool_)
    for column, wanted in (
        (universe.venue, where.venue),
        (universe.symbol, where.symbol),
        (universe.currency, where.currency),
    ):
        if wanted is not None:
            meets &= np.fromiter((cell in wanted for cell in column), np.bool_, len(column))
    if where.room is not None:
        in_room = np.zeros_like(meets)
        for room, references in universe.rooms.items():
            if room in where.room:
                in_room[references] = True
        meets &= in_room
    return meets


def breach_levels(rules: Iterable[Rule], universe: Universe) -> tuple[Floats, Floats]:
    """Return the bound whose breach is forecast for each reference.

    It is the warning level of the first rule of scope symbol on forced_flow_usd or adv_ratio that
    has one and covers the reference.

    Returns
    -------
    usd : float64[n]          |forced_flow_usd|, NaN unless that rule is on forced_flow_usd
    adv_ratio : float64[n]    |adv_ratio|, NaN unless that rule is on adv_ratio
    """
    bounds = {
        measure: np.full(len(universe.symbol), np.nan)
        for measure in ("forced_flow_usd", "adv_ratio")
    }
    is_open = np.ones(len(universe.symbol), dtype=np.bool_)
    for rule in rules:
        warning = next((level for level in rule.levels if level.name == "warning"), None)
        if rule.scope != "symbol" or rule.measure not in bounds or warning is None:
            continue
        decided = covered(rule.where, universe) & is_open
        bounds[rule.measure][decided] = warning.raise_at
        is_open &= ~decided
    return bounds["forced_flow_usd"], bounds["adv_ratio"]
