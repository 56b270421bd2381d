"""What is carried from one session to the next: previous closes and start-of-day assets.

Both are computed anew from the newest stated figure and the closes since; nothing is rolled in
place, so a close or a figure that arrives late corrects everything after it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.columns import Bools, Floats, Int64s
from core.day import Day
from core.leveraged import next_assets
from core.sessions import NO_SESSION
from core.stated import StatedFigures

Days = Mapping[int, Day]
"""The known sessions of a book, by label."""


def previous_close(stated: StatedFigures, days: Days, label: int, known_ns: int) -> Floats:
    """Return float64[n], the close before a session, in that session's units, NaN = unknown.

    The newest of the closes that were seen and the figure that was stated counts: a figure for
    session E is the close of the session before E, and an undated one serves only where no close
    was seen. Later splits are applied.
    """
    figure, effective = stated.stated_close(label)
    close = np.full(len(figure), np.nan)
    found_in = np.full(len(figure), NO_SESSION, np.int64)
    missing = np.ones(len(figure), np.bool_)
    for earlier in sorted((day for day in days if day < label), reverse=True):
        missing &= effective <= earlier
        if not missing.any():
            break
        seen = days[earlier].close()
        here = missing & ~np.isnan(seen)
        close[here], found_in[here] = seen[here], earlier
        missing &= ~here
    stands = np.isnan(close)
    close[stands] = figure[stands]
    is_undated = effective == NO_SESSION
    found_in[stands] = np.where(is_undated, label, effective)[stands] - 1
    return close * stated.price_factor(found_in, label, known_ns)


@dataclass(frozen=True, eq=False)
class FundState:
    """The funds of a book at a session's open, one entry a fund.

    ``assets_usd``, ``leverage_factor`` float64[k], NaN = unknown (leverage NaN: not listed yet);
    ``stated_label`` int64[k], the session the assets were stated for, ``NO_SESSION`` if never;
    ``sessions_rolled`` int64[k], how many closes they were carried through since.
    """

    assets_usd: Floats
    leverage_factor: Floats
    stated_label: Int64s
    sessions_rolled: Int64s


def fund_state(stated: StatedFigures, days: Days, label: int, known_ns: int) -> FundState:
    """Return every fund's start-of-day assets: the newest figure, carried by ``A (1 + L r) + F``.

    A session without a close moves nothing: the next return spans the gap.
    """
    now = stated.fund_figure(label, known_ns)
    base = stated.asset_figure(label, known_ns)
    has_figure = base >= 0
    assets = np.where(has_figure, stated.assets_usd[base], np.nan)
    effective = np.where(has_figure, stated.effective_label[base], NO_SESSION)
    rolled = np.zeros(len(base), np.int64)
    if has_figure.any():
        oldest = int(effective[has_figure].min())
        for earlier in sorted(day for day in days if oldest <= day < label):
            due = has_figure & (effective <= earlier)
            moved = _carry(stated, days, earlier, known_ns, assets=assets, due=due)
            rolled += moved
    return FundState(
        assets_usd=assets,
        leverage_factor=np.where(now >= 0, stated.leverage_factor[now], np.nan),
        stated_label=effective,
        sessions_rolled=rolled,
    )


def _carry(
    stated: StatedFigures, days: Days, label: int, known_ns: int, *, assets: Floats, due: Bools
) -> Bools:
    day = days[label]
    change = day.close() / previous_close(stated, days, label, known_ns) - 1.0
    underlying_return = change[stated.fund_row]
    figure = stated.fund_figure(label, known_ns)
    leverage = np.where(figure >= 0, stated.leverage_factor[figure], np.nan)
    creation = np.zeros(len(assets))
    if day.later_creations is not None:
        creation = np.nan_to_num(day.later_creations.value, nan=0.0)
    moved = due & ~np.isnan(underlying_return) & ~np.isnan(leverage)
    assets[moved] = next_assets(
        assets[moved], leverage[moved], underlying_return[moved], creation[moved]
    )
    return moved
