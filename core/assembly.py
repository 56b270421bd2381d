"""The view: what the partials of all partitions add up to, one row a reference."""

from collections.abc import Sequence

import numpy as np

from core.columns import NUMERIC_COLUMNS, Bools, Floats, FundAssets, Partial, View, joined_funds
from core.forecast import breach_probability, demand_band
from core.liquidity import hours_to_trade
from core.sessions import NANOS_PER_SECOND, NEVER_NS, NO_SESSION, NO_TIME
from core.universe import Universe

BreachLevels = tuple[Floats, Floats]
"""Per reference the breach threshold in USD, or as a share of ADV; NaN where there is none."""

FORECAST_COLUMNS = frozenset(
    {
        "forced_flow_lower_usd",
        "forced_flow_upper_usd",
        "breach_threshold_usd",
        "breach_probability",
    }
)
"""What `add_forecast` writes; all other columns are there from `join_partials` on."""


def assemble(
    universe: Universe,
    partials: Sequence[Partial | None],
    breach: BreachLevels,
    *,
    oldest_beat_ns: int = NO_TIME,
    newest_beat_ns: int = NEVER_NS,
) -> View:
    """Join the partials of all partitions into the whole view.

    Parameters
    ----------
    universe : Universe
    partials : Sequence[Partial | None]     None: missing or too old, its rows are unknown
    breach : BreachLevels                   as `core.thresholds.breach_levels` gives them
    oldest_beat_ns, newest_beat_ns : int    a price whose heartbeat is older, or from a future that
                                            only another clock knows, is stale in session

    Returns
    -------
    View    rows in the universe's order; a reference that no partial holds is unknown
    """
    view = join_partials(
        universe, partials, oldest_beat_ns=oldest_beat_ns, newest_beat_ns=newest_beat_ns
    )
    for partial in partials:
        if partial is not None:
            add_forecast(view, partial, breach)
    return view


def join_partials(
    universe: Universe,
    partials: Sequence[Partial | None],
    *,
    oldest_beat_ns: int = NO_TIME,
    newest_beat_ns: int = NEVER_NS,
) -> View:
    """Join the partials into a view whose band and breach columns are still unknown."""
    funds = joined_funds([partial.funds for partial in partials if partial is not None])
    view = _empty_view(len(universe.symbol), funds)
    for partial in partials:
        if partial is not None:
            is_fresh = partial.beat_ns >= oldest_beat_ns
            is_fresh &= partial.beat_ns <= newest_beat_ns
            _fill(view, partial, is_fresh)
    return view


def add_forecast(view: View, partial: Partial, breach: BreachLevels) -> None:
    """Write the band and breach columns of a partial's rows into the view it was joined to."""
    at = partial.reference
    breach_usd, breach_adv_ratio = breach[0][at], breach[1][at]
    change = view.numeric["underlying_return"][at]
    forced = view.numeric["forced_flow_usd"][at]
    known = np.where(np.isnan(partial.creation_usd), 0.0, partial.creation_usd)
    low, high = demand_band(
        partial.curves, underlying_return=change, variance=partial.variance, known_usd=known
    )
    is_settled = partial.variance == 0.0
    threshold = np.where(np.isnan(breach_usd), breach_adv_ratio * partial.adv_usd, breach_usd)
    numeric = view.numeric
    numeric["forced_flow_lower_usd"][at] = np.where(is_settled, forced, low)
    numeric["forced_flow_upper_usd"][at] = np.where(is_settled, forced, high)
    numeric["breach_threshold_usd"][at] = threshold
    probability = breach_probability(
        partial.curves,
        underlying_return=change,
        variance=partial.variance,
        known_usd=known,
        threshold_usd=threshold,
    )
    is_certain = is_settled & ~np.isnan(probability)
    # Straight pieces follow the dealers' curve nearly; what has come about is the figure itself.
    numeric["breach_probability"][at] = np.where(
        is_certain, np.abs(forced) >= threshold, probability
    )


def _empty_view(size: int, funds: FundAssets) -> View:
    times = np.full((5, size), NO_TIME, np.int64)
    unknown = np.full((3 + len(NUMERIC_COLUMNS), size), np.nan)
    return View(
        reference=np.arange(size, dtype=np.int32),
        label=np.full(size, NO_SESSION, np.int64),
        open_ns=times[0],
        close_ns=times[1],
        cutoff_ns=times[2],
        market_ns=times[3],
        as_of_ns=times[4],
        weight_usd=unknown[0],
        adv_usd=unknown[1],
        auction_usd=unknown[2],
        is_stale=np.ones(size, np.bool_),
        is_interest_stale=np.zeros(size, np.bool_),
        is_drifting=np.zeros(size, np.bool_),
        is_unknown=np.ones(size, np.bool_),
        numeric=dict(zip(NUMERIC_COLUMNS, unknown[3:], strict=True)),
        funds=funds,
    )


def _fill(view: View, partial: Partial, is_fresh: Bools) -> None:
    at = partial.reference
    has_session = partial.label != NO_SESSION
    in_session = has_session & (partial.market_ns <= partial.close_ns)
    in_session &= partial.market_ns >= partial.open_ns
    is_blind = in_session & ~is_fresh
    for name in ("label", "open_ns", "close_ns", "cutoff_ns", "market_ns", "as_of_ns"):
        getattr(view, name)[at] = getattr(partial, name)
    for name in ("weight_usd", "adv_usd", "auction_usd"):
        getattr(view, name)[at] = getattr(partial, name)
    view.is_interest_stale[at] = partial.is_interest_stale
    view.is_drifting[at] = ~np.isnan(partial.dealer_close_usd)
    view.is_stale[at] = is_blind | (in_session & partial.is_stale)
    view.is_unknown[at] = is_blind | ~has_session
    for name, column in _present(partial).items():
        view.numeric[name][at] = column


def _present(partial: Partial) -> dict[str, Floats]:
    """Return the columns that say how things stand now, by their public names."""
    has_session = partial.label != NO_SESSION
    to_close = np.maximum(partial.close_ns - partial.market_ns, 0) / NANOS_PER_SECOND
    to_cutoff = np.maximum(partial.cutoff_ns - partial.market_ns, 0) / NANOS_PER_SECOND
    forced = sum_known(partial.leveraged_usd, partial.creation_usd, partial.dealer_close_usd)
    return {
        "seconds_to_close": np.where(has_session, to_close, np.nan),
        "seconds_to_cutoff": np.where(has_session, to_cutoff, np.nan),
        "price": partial.price,
        "underlying_return": partial.price / partial.previous_close - 1.0,
        "leveraged_rebalance_usd": partial.leveraged_usd,
        "creation_redemption_usd": partial.creation_usd,
        "dealer_hedge_usd": partial.dealer_hedge_usd,
        "dealer_hedge_low_usd": partial.dealer_hedge_low_usd,
        "dealer_hedge_high_usd": partial.dealer_hedge_high_usd,
        "forced_flow_usd": forced,
        "adv_ratio": forced / partial.adv_usd,
        "auction_ratio": forced / partial.auction_usd,
        "level": np.zeros(len(forced)),
        "coverage": partial.coverage,
        "last_half_hour_ratio": forced / partial.last_half_hour_usd,
        "hours_to_trade": hours_to_trade(forced, partial.hourly_usd),
        "dealer_decay_usd": partial.dealer_decay_usd,
        "dealer_to_come_usd": partial.dealer_to_come_usd,
    }


def sum_known(*parts: Floats) -> Floats:
    """Return the sum of the parts that are known, NaN where none is; float64[n] each."""
    total = np.zeros(len(parts[0]))
    is_known = np.zeros(len(parts[0]), np.bool_)
    for part in parts:
        part_known = ~np.isnan(part)
        total[part_known] += part[part_known]
        is_known |= part_known
    return np.where(is_known, total, np.nan)
