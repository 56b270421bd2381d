"""The columns that pass between the parts: events in, partials between, the view out."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def source_rank(source: str) -> int:
    """Return the rank of a source in ties: the order of the first seven bytes of its name."""
    return int.from_bytes(source.encode()[:7].ljust(7, b"\0"), "big")


@dataclass(frozen=True, eq=False)
class PriceColumns:
    """Valid prices of one partition, in any order.

    ``reference`` int32[n], row in the book; ``event_ns`` int64[n]; ``price`` float64[n], > 0, in
    the reference's currency; ``sequence`` int64[n], 0 where there is none; ``source`` int32[n],
    from `Book.source_index`; ``official`` bool[n], an official close; ``volume`` float64[n], units
    traded in the session so far, NaN or 0 where unknown, None where all are.
    """

    reference: Int32s
    event_ns: Int64s
    price: Floats
    sequence: Int64s
    source: Int32s
    official: Bools
    volume: Floats | None = None


@dataclass(frozen=True, eq=False)
class FlowColumns:
    """Cumulative net creations of one partition, in any order.

    ``fund`` int32[n], row in the book's funds; ``event_ns`` int64[n]; ``label`` int64[n], the
    session meant, ``NO_SESSION`` for the last one opened by ``event_ns``;
    ``net_creation_usd`` float64[n], creation > 0; ``sequence``, ``source`` as in `PriceColumns`.
    """

    fund: Int32s
    event_ns: Int64s
    label: Int64s
    net_creation_usd: Floats
    sequence: Int64s
    source: Int32s


@dataclass(frozen=True, eq=False)
class Curves:
    """Each row's demand as a piecewise-linear function of the return since its close.

    Row i has knots ``knot[first[i]-i : first[i+1]-i-1]`` (ascending: returns of wipe-outs, and
    where the dealers' demand bends if a share of it counts) and one more segment than knots:
    ``slope[first[i]:first[i+1]]`` USD per unit return and ``intercept[...]`` USD. A row whose
    funds are all unknown has one segment of NaN.
    ``centre`` int64[n] is the position of the segment that holds a return of 0, and
    ``low``/``high`` float64[n] its ends (-inf/inf without knots): the one that nearly every tick
    falls into.
    """

    first: Int64s
    knot: Floats
    slope: Floats
    intercept: Floats
    centre: Int64s
    low: Floats
    high: Floats


@dataclass(frozen=True, eq=False)
class FundAssets:
    """The funds behind the curves of some references, one entry a fund of known size.

    ``fund``, ``reference`` int32[k], their numbers in the universe; ``assets_usd`` float64[k], at
    the open of the reference's session; ``leverage_factor`` float64[k]; ``stated_label`` int64[k],
    the session that the assets were stated for.
    """

    fund: Int32s
    reference: Int32s
    assets_usd: Floats
    leverage_factor: Floats
    stated_label: Int64s

    def __len__(self) -> int:
        """Return the number of funds."""
        return len(self.fund)

    def where(self, mask: Bools) -> "FundAssets":
        """Return some of the funds."""
        return FundAssets(**{name: column[mask] for name, column in vars(self).items()})


NO_FUNDS = FundAssets(
    np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0), np.empty(0), np.empty(0, np.int64)
)


def joined_funds(parts: Sequence[FundAssets]) -> FundAssets:
    """Return the funds of all parts, in their order."""
    every = [vars(part) for part in (NO_FUNDS, *parts)]
    return FundAssets(**{name: np.concatenate([part[name] for part in every]) for name in every[0]})


@dataclass(frozen=True, eq=False)
class Partial:
    """What the references of one partition owe, at each row's own market time.

    One entry a reference: ``reference`` int32, its index in the universe; ``label`` int64, the
    session of the row (``NO_SESSION``: no market time yet); ``open_ns``, ``close_ns``,
    ``cutoff_ns`` int64 of that session; ``market_ns``, ``as_of_ns`` int64 (``NO_TIME``: none);
    ``price``, ``previous_close`` in the reference's currency; ``leveraged_usd`` float64, the gross
    rebalance at that price; ``creation_usd`` float64, sum of L F of the known creations, NaN where
    none is known; ``dealer_...`` float64 as `core.option_book.DealerFigures`, NaN where no open
    interest is loaded; ``dealer_close_usd`` float64, the share of the hedge that counts as forced
    flow, NaN where none does or it is unknown; ``curves``, whose demand at the close has that share
    in it; ``adv_usd``, ``auction_usd``; ``last_half_hour_usd``,
    ``hourly_usd`` float64, usually traded in the half hour before the close and in an hour;
    ``variance`` float64, of the log price from market time to the close; ``weight_usd`` float64,
    sum of |L (L - 1)| A; ``coverage`` float64, share of it that is fresh; ``is_stale`` bool,
    assets or open interest too old; ``is_interest_stale`` bool, the open interest is;
    ``beat_ns`` int64, Kafka time of the heartbeat behind ``market_ns`` (``NO_TIME`` offline).
    ``curves`` say what is owed at any price, ``funds`` which funds owe it.
    """

    reference: Int32s
    label: Int64s
    open_ns: Int64s
    close_ns: Int64s
    cutoff_ns: Int64s
    market_ns: Int64s
    as_of_ns: Int64s
    price: Floats
    previous_close: Floats
    leveraged_usd: Floats
    creation_usd: Floats
    dealer_hedge_usd: Floats
    dealer_hedge_low_usd: Floats
    dealer_hedge_high_usd: Floats
    dealer_decay_usd: Floats
    dealer_to_come_usd: Floats
    dealer_close_usd: Floats
    adv_usd: Floats
    auction_usd: Floats
    last_half_hour_usd: Floats
    hourly_usd: Floats
    variance: Floats
    weight_usd: Floats
    coverage: Floats
    is_stale: Bools
    is_interest_stale: Bools
    beat_ns: Int64s
    curves: Curves
    funds: FundAssets


_FIRST_NUMERIC = (
    "seconds_to_close",
    "seconds_to_cutoff",
    "price",
    "underlying_return",
    "leveraged_rebalance_usd",
    "creation_redemption_usd",
    "dealer_hedge_usd",
    "dealer_hedge_low_usd",
    "dealer_hedge_high_usd",
    "lookthrough_usd",
    "forced_flow_usd",
    "forced_flow_lower_usd",
    "forced_flow_upper_usd",
    "breach_threshold_usd",
    "breach_probability",
    "adv_ratio",
    "auction_ratio",
    "baseline_ratio",
    "impact_ratio",
    "amplification",
    "level",
    "coverage",
)
_LAST_NUMERIC = (
    "last_half_hour_ratio",
    "hours_to_trade",
    "dealer_decay_usd",
    "dealer_to_come_usd",
)
# Programs may read a row by position: what is new comes after all that was there.
NUMERIC_COLUMNS = _FIRST_NUMERIC + _LAST_NUMERIC
"""Numeric columns of the projection, in the public contract's order."""

COLUMNS = ("symbol", "event_time", "session", *_FIRST_NUMERIC, "stale", "as_of", *_LAST_NUMERIC)
"""All columns of the projection, in the public contract's order."""


@dataclass(frozen=True, eq=False)
class View:
    """The projection: one row a reference, in the universe's order.

    ``numeric`` holds every name of ``NUMERIC_COLUMNS`` as float64[n], NaN = unknown; the times
    are those of `Partial`; ``is_stale`` bool[n] is the published flag; ``is_unknown`` bool[n]
    marks rows that rules must not judge (no partial, a partial too old, or a stale price);
    ``is_drifting`` bool[n], a share of the dealers' hedge is in the forced flow;
    ``is_interest_stale`` bool[n], ``weight_usd``, ``adv_usd``, ``auction_usd`` float64[n] as in
    `Partial`, False and NaN where the partial is missing; ``funds`` are those of all partials.
    """

    reference: Int32s
    label: Int64s
    open_ns: Int64s
    close_ns: Int64s
    cutoff_ns: Int64s
    market_ns: Int64s
    as_of_ns: Int64s
    weight_usd: Floats
    adv_usd: Floats
    auction_usd: Floats
    is_stale: Bools
    is_interest_stale: Bools
    is_drifting: Bools
    is_unknown: Bools
    numeric: dict[str, Floats] = field(default_factory=dict)
    funds: FundAssets = NO_FUNDS
