"""Metrics of the market, exported by the active alerter alone; part of the catalogue."""

from core.columns import NUMERIC_COLUMNS
from core.positioning import MEASURES
from streams.metric import Metric

_MARKET_HELP = {
    "seconds_to_close": "Market time left until the close.",
    "seconds_to_cutoff": "Market time left to enter orders for the close.",
    "price": "Last price, in the reference's currency.",
    "underlying_return": "Return since the previous close; 0.01 is 1 %.",
    "leveraged_rebalance_usd": "What leveraged funds must trade by the close; buy > 0, sell < 0.",
    "creation_redemption_usd": "Known creations times leverage; buy > 0, sell < 0.",
    "dealer_hedge_usd": "Change of dealers' hedges since the previous close; buy > 0, sell < 0.",
    "dealer_hedge_low_usd": "Smallest dealer hedge over all sign models.",
    "dealer_hedge_high_usd": "Largest dealer hedge over all sign models.",
    "lookthrough_usd": "Demand that reaches the reference through baskets; buy > 0, sell < 0.",
    "forced_flow_usd": "Forced flow due at the close; buy > 0, sell < 0.",
    "forced_flow_lower_usd": "5 % quantile of the forced flow at the close.",
    "forced_flow_upper_usd": "95 % quantile of the forced flow at the close.",
    "breach_threshold_usd": "Size of forced flow at which the first rule's warning is raised.",
    "breach_probability": "Probability that the forced flow at the close reaches the threshold.",
    "adv_ratio": "Forced flow over the average daily volume; signed.",
    "auction_ratio": "Forced flow over the usual closing auction; signed.",
    "baseline_ratio": "Forced flow over what is usual at this time; signed.",
    "impact_ratio": "Expected impact of the forced flow on the price; signed.",
    "amplification": "How much the forced flow feeds on itself.",
    "level": "Highest level that fires: 0 none, 1 watch, 2 warning, 3 critical.",
    "coverage": "Share of the exposure whose inputs are fresh; 0 to 1.",
    "last_half_hour_ratio": "Forced flow over the usual last half hour's volume; signed.",
    "hours_to_trade": "Usual trading time that the forced flow takes at a tenth of the volume.",
    "dealer_decay_usd": "Change of dealers' hedges since the previous close for time and "
    "volatility alone; in no sum; buy > 0, sell < 0.",
    "dealer_to_come_usd": "What dealers must still trade by the close at an unchanged price; "
    "buy > 0, sell < 0.",
}

IN_BASE_UNITS = {"hours_to_trade": ("seconds_to_trade", 3600.0)}
"""Columns that are no base unit: the name under which each is a metric, and its factor."""

MARKET = tuple(
    Metric(
        f"forcedflow_{IN_BASE_UNITS.get(column, (column, 1.0))[0]}",
        "gauge",
        _MARKET_HELP[column],
        ("symbol",),
    )
    for column in NUMERIC_COLUMNS
)
"""The numeric columns of the projection, in their order, exported by the active alerter alone."""

LIQUIDITY = (
    Metric(
        "forcedflow_adv_usd",
        "gauge",
        "Average daily volume of the reference in USD, which adv_ratio is of.",
        ("symbol",),
    ),
)
"""What the ratios in `MARKET` are of: of several references only sums have one together."""

_POSITIONING_HELP = {
    "open_interest_contracts": "Open interest, calls and puts, contracts",
    "put_call_open_interest": "Open puts for each open call",
    "risk_reversal_25d_30d": "Volatility of the 25-delta call less that of the 25-delta put at 30 "
    "days, a fraction a year: below 0 the put is dearer",
    "open_interest_concentration": "Herfindahl index of the open interest over the strikes, 0 to "
    "1: 1 where all lies on one",
}
_COMPARED_HELP = {
    "": "{}.",
    "_change": "{}; less that of the session before.",
    "_z_score": "{}; standard deviations above its mean over up to 60 sessions before (20 at "
    "least).",
    "_change_z_score": "{}; standard deviations of its change since the session before above the "
    "mean of such changes.",
}

POSITIONING = (
    *(
        Metric(
            f"forcedflow_{measure}{ending}",
            "gauge",
            wording.format(_POSITIONING_HELP[measure]),
            ("scope", "symbol"),
        )
        for measure in MEASURES
        for ending, wording in _COMPARED_HELP.items()
    ),
    Metric(
        "forcedflow_open_interest_age_sessions",
        "gauge",
        "Sessions since the one that the open interest is of: 0 where it is of this one; of a "
        "room the oldest.",
        ("scope", "symbol"),
    ),
    Metric(
        "forcedflow_open_interest_coverage",
        "gauge",
        "Share of the open interest whose volatility is known, so that it is priced; 0 to 1.",
        ("scope", "symbol"),
    ),
)
"""Of each symbol and room that has open interest, exported by the active alerter alone."""

REFERENCE = (
    Metric(
        "forcedflow_reference_info",
        "gauge",
        "1 for each reference of the universe in force, with its venue (MIC) and currency.",
        ("symbol", "venue", "currency"),
    ),
)
ROOM = (
    Metric(
        "forcedflow_room_member_info",
        "gauge",
        "1 for each reference in a room; one in two rooms is there twice.",
        ("room", "symbol"),
    ),
)
"""What references are, to be joined to `MARKET` by symbol; of the active alerter alone."""
