"""The view: what the partials of all partitions add up to, one row a reference."""

from collections.abc import Sequence

import numpy as np

from core.columns import NUMERIC_COLUMNS, Curves, Floats, Int64s, Partial, View
from core.forecast import QUANTILE_Z, breach_probability, closing_returns
from core.leveraged import curve_demand
from core.sessions import NANOS_PER_SECOND, NO_SESSION, NO_TIME
from core.universe import Universe

BreachLevels = tuple[Floats, Floats]
"""Per reference the breach threshold in USD, or as a share of ADV; NaN where there is none."""


def assemble(
    universe: Universe,
    partials: Sequence[Partial | None],
    breach: BreachLevels,
    *,
    oldest_beat_ns: int = NO_TIME,
) -> View:
    """Join the partials of all partitions into the view.

    Parameters
    ----------
    universe : Universe
    partials : Sequence[Partial | None]     None: missing or too old, its rows are unknown
    breach : BreachLevels                   as `core.thresholds.breach_levels` gives them
    oldest_beat_ns : int                    a price whose heartbeat is older is stale, in session

    Returns
    -------
    View    rows in the universe's order; a reference that no partial holds is unknown
    """
    size = len(universe.symbol)
    view = _empty_view(size)
    for partial in partials:
        if partial is not None:
            _fill(view, partial, breach, oldest_beat_ns)
    return view


def _empty_view(size: int) -> View:
    def times() -> Int64s:
        return np.full(size, NO_TIME, np.int64)

    def unknown() -> Floats:
        return np.full(size, np.nan)

    return View(
        reference=np.arange(size, dtype=np.int32),
        label=np.full(size, NO_SESSION, np.int64),
        open_ns=times(),
        close_ns=times(),
        cutoff_ns=times(),
        market_ns=times(),
        as_of_ns=times(),
        weight_usd=unknown(),
        adv_usd=unknown(),
        auction_usd=unknown(),
        is_stale=np.ones(size, np.bool_),
        is_unknown=np.ones(size, np.bool_),
        numeric={name: unknown() for name in NUMERIC_COLUMNS},
    )


def _fill(view: View, partial: Partial, breach: BreachLevels, oldest_beat_ns: int) -> None:
    at = partial.reference
    has_session = partial.label != NO_SESSION
    in_session = has_session & (partial.market_ns <= partial.close_ns)
    in_session &= partial.market_ns >= partial.open_ns
    is_blind = in_session & (partial.beat_ns < oldest_beat_ns)
    for name in ("label", "open_ns", "close_ns", "cutoff_ns", "market_ns", "as_of_ns"):
        getattr(view, name)[at] = getattr(partial, name)
    for name in ("weight_usd", "adv_usd", "auction_usd"):
        getattr(view, name)[at] = getattr(partial, name)
    view.is_stale[at] = is_blind | (in_session & partial.is_stale)
    view.is_unknown[at] = is_blind | ~has_session
    for name, column in projection(partial, breach[0][at], breach[1][at]).items():
        view.numeric[name][at] = column


def projection(partial: Partial, breach_usd: Floats, breach_adv_ratio: Floats) -> dict[str, Floats]:
    """Return the numeric columns that a partial alone decides, by their public names.

    ``breach_usd`` and ``breach_adv_ratio`` float64[n] run beside the partial's rows.
    """
    seconds = NANOS_PER_SECOND
    has_session = partial.label != NO_SESSION
    to_close = np.maximum(partial.close_ns - partial.market_ns, 0) / seconds
    to_cutoff = np.maximum(partial.cutoff_ns - partial.market_ns, 0) / seconds
    change = partial.price / partial.previous_close - 1.0
    forced = sum_known(partial.leveraged_usd, partial.creation_usd)
    known = np.where(np.isnan(partial.creation_usd), 0.0, partial.creation_usd)
    low, high = _band(partial.curves, change, partial.variance, known)
    is_settled = partial.variance == 0.0
    threshold = np.where(np.isnan(breach_usd), breach_adv_ratio * partial.adv_usd, breach_usd)
    return {
        "seconds_to_close": np.where(has_session, to_close, np.nan),
        "seconds_to_cutoff": np.where(has_session, to_cutoff, np.nan),
        "price": partial.price,
        "underlying_return": change,
        "leveraged_rebalance_usd": partial.leveraged_usd,
        "creation_redemption_usd": partial.creation_usd,
        "forced_flow_usd": forced,
        "forced_flow_lower_usd": np.where(is_settled, forced, low),
        "forced_flow_upper_usd": np.where(is_settled, forced, high),
        "breach_threshold_usd": threshold,
        "breach_probability": breach_probability(
            partial.curves,
            underlying_return=change,
            variance=partial.variance,
            known_usd=known,
            threshold_usd=threshold,
        ),
        "adv_ratio": forced / partial.adv_usd,
        "auction_ratio": forced / partial.auction_usd,
        "level": np.zeros(len(forced)),
        "coverage": partial.coverage,
    }


def sum_known(*parts: Floats) -> Floats:
    """Return the sum of the parts that are known, NaN where none is; float64[n] each."""
    stacked = np.stack(parts)
    return np.where(np.isnan(stacked).all(axis=0), np.nan, np.nansum(stacked, axis=0))


def _band(
    curves: Curves, underlying_return: Floats, variance: Floats, known_usd: Floats
) -> tuple[Floats, Floats]:
    """Return the demand at the 5 % and 95 % quantiles of the close, the smaller first."""
    rows = np.arange(len(underlying_return))
    ends = [
        curve_demand(curves, rows, closing_returns(underlying_return, variance, z)) + known_usd
        for z in (-QUANTILE_Z, QUANTILE_Z)
    ]
    return np.minimum(*ends), np.maximum(*ends)
