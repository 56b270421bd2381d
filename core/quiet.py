"""Whether a stretch of prices leaves every alert as it is, told without judging each price.

While nothing but prices changes, what a rule reads of a reference lies between the least and the
most that any price of the stretch would make of it, and a group's sum between the sums of those:
every step from a price to a reading only ever rises with what goes into it, in floating point too.
So where neither end could begin, end or turn anything, nothing in between can.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from core.alerts import SIDE_SIGN, AlertKey, AlertState, Phase, key_of
from core.assembly import sum_known
from core.book import Book
from core.columns import Floats, PriceColumns, View
from core.leveraged import curve_demand
from core.readings import Readings
from core.sessions import NO_TIME
from core.thresholds import Level, Rule

SCREENED_MEASURES = frozenset(
    {
        "leveraged_rebalance_usd",
        "creation_redemption_usd",
        "forced_flow_usd",
        "adv_ratio",
        "auction_ratio",
    }
)
"""Measures that prices alone move, as long as no dealer's hedge is part of the forced flow."""


def can_screen(rules: Iterable[Rule]) -> bool:
    """Return whether `extremes` bound what all of the rules read."""
    return all(rule.measure in SCREENED_MEASURES for rule in rules)


def extremes(view: View, book: Book, prices: PriceColumns) -> tuple[View, View] | None:
    """Return views with the least and the most that each row owes over a stretch of prices.

    Parameters
    ----------
    view : View             as last judged, of the whole universe
    book : Book             of the whole universe; it has taken everything before the stretch, and
                            no session has opened or closed and no figure become known since `view`
    prices : PriceColumns   the stretch

    Returns
    -------
    tuple[View, View] | None    alike in all but the measures of ``SCREENED_MEASURES``; None where
                                a row becomes known or unknown on the way
    """
    rows = prices.reference.astype(np.int64)
    change = prices.price / book.standing.previous_close[rows] - 1.0
    demand = curve_demand(book.standing.curves, rows, change)
    now = book.leveraged_usd
    known = np.isfinite(demand)
    if np.any(known != np.isfinite(now[rows])):
        return None
    low, high = now.copy(), now.copy()
    np.minimum.at(low, rows[known], demand[known])
    np.maximum.at(high, rows[known], demand[known])
    return _with(view, low, book.creation_usd), _with(view, high, book.creation_usd)


def _with(view: View, leveraged_usd: Floats, creation_usd: Floats) -> View:
    forced = sum_known(leveraged_usd, creation_usd)
    return replace(
        view,
        numeric=view.numeric
        | {
            "leveraged_rebalance_usd": leveraged_usd,
            "creation_redemption_usd": creation_usd,
            "forced_flow_usd": forced,
            "adv_ratio": forced / view.adv_usd,
            "auction_ratio": forced / view.auction_usd,
        },
    )


def stays(rule: Rule, low: Readings, high: Readings, states: Mapping[AlertKey, AlertState]) -> bool:
    """Return whether no value between two readings of a rule changes any of its alerts.

    ``states`` are those that `core.lifecycle.step` returned last; its due times lie ahead.
    """
    levels = {level.name: level for level in rule.levels}
    for key, state in states.items():
        row = low.subjects.row.get(key.symbol)
        if row is None or not _goes_on(key, state, levels[key.severity], low, high, row=row):
            return False
    return not _may_cross(rule, low, high, states)


def _goes_on(
    key: AlertKey, state: AlertState, level: Level, low: Readings, high: Readings, *, row: int
) -> bool:
    if not low.is_known[row] or low.label[row] != state.label:
        return state.phase is not Phase.FIRING
    if SIDE_SIGN[key.side] > 0.0:
        least, most = float(low.value[row]), float(high.value[row])
    else:
        least, most = -float(high.value[row]), -float(low.value[row])
    match state.phase:
        case Phase.PENDING:
            return least >= level.raise_at
        case Phase.FIRING if state.below_since_ns == NO_TIME:
            return least >= level.clear_at
        case Phase.FIRING:
            return most < level.clear_at
        case _:
            return False


def _may_cross(
    rule: Rule, low: Readings, high: Readings, states: Mapping[AlertKey, AlertState]
) -> bool:
    size = np.maximum(np.abs(low.value), np.abs(high.value))
    is_judged = low.is_known & (low.market_ns < low.close_ns)
    is_judged &= low.market_ns >= low.active_from_ns
    for row in np.flatnonzero(is_judged & (size >= rule.levels[0].raise_at)).tolist():
        name = low.subjects.name[row]
        for level in rule.levels:
            for value in (float(low.value[row]), float(high.value[row])):
                is_above = abs(value) >= level.raise_at
                if is_above and key_of(rule, level.name, value=value, subject=name) not in states:
                    return True
    return False
