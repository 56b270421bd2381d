"""Dashboard *Close*: who must trade what by the close, how sure that is, and how long is left."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from deploy.grafana.frame import FOCUS, SYMBOL, VENUE, Section, framed
from deploy.grafana.measures import in_focus, largest, leading, of_symbols
from deploy.grafana.panels import (
    CLOCK,
    MONEY,
    NUMBER,
    PRICE,
    SHARE,
    SIGNED,
    USD,
    Column,
    Look,
    Panels,
    Query,
    Said,
    big_number,
    grid,
    lines,
    states,
)

LEVELS = {
    "0": ("none", "green"),
    "1": ("watch", "yellow"),
    "2": ("warning", "orange"),
    "3": ("critical", "red"),
}
LEVEL_STEPS = ((None, "green"), (1.0, "yellow"), (2.0, "orange"), (3.0, "red"))
ADV_STEPS = ((None, "transparent"), (0.05, "orange"), (0.1, "red"))
"""The bounds of the bundled rules."""
TIME_STEPS = ((None, "red"), (300.0, "orange"), (900.0, "green"))

_FLOW = of_symbols("forced_flow_usd")


def build() -> Dashboard:
    """Return the dashboard."""
    return framed(
        "Close",
        "Who must trade what by today's close: size, side, certainty, and the time left.",
        choices=(VENUE, SYMBOL, FOCUS),
        sections=(
            Section("Now", _now()),
            Section("Who must trade what", _who()),
            Section("$focus", _focus()),
        ),
        since="now-3h",
    )


def _now() -> Panels:
    return [
        big_number(
            Said("To buy", "Sum of what must be bought by the close, over the references chosen."),
            Query(f"sum(clamp_min({_FLOW}, 0))"),
            Look(USD, ((None, "green"),)),
        ),
        big_number(
            Said("To sell", "Sum of what must be sold by the close; negative."),
            Query(f"sum(clamp_max({_FLOW}, 0))"),
            Look(USD, ((None, "red"),)),
        ),
        big_number(
            Said("Net", "Bought less sold; buy > 0, sell < 0."),
            Query(f"sum({_FLOW})"),
            MONEY,
        ),
        big_number(
            Said(
                "Next cut-off",
                "Market time until the next venue takes no more orders for its close; 0 once all "
                "cut-offs have passed.",
            ),
            Query(_soonest("seconds_to_cutoff")),
            Look(CLOCK, TIME_STEPS),
        ),
        big_number(
            Said("Next close", "Market time until the next close; 0 once all have closed."),
            Query(_soonest("seconds_to_close")),
            Look(CLOCK, TIME_STEPS),
        ),
        big_number(
            Said(
                "Alerts that fire",
                "Pages and notes of the rules, by severity, as the active alerter has them.",
            ),
            Query("max by (severity) (forcedflow_alerts_active)", "{{severity}}"),
            Look(NUMBER, ((None, "green"), (1.0, "orange"))),
        ),
    ]


def _who() -> Panels:
    return [
        grid(
            Said(
                "Largest forced flows",
                "The 25 references that must trade most by the close, with the 5 % and 95 % "
                "quantiles of the figure at the close, what it is of the usual liquidity, and the "
                "probability that it ends above the warning level.",
            ),
            "symbol",
            _columns(),
        ),
        lines(
            Said(
                "Forced flow",
                "Of the ten references that lead at the end of the range; buy > 0, sell < 0. A gap "
                "is a time at which it was unknown.",
            ),
            [Query(leading("forced_flow_usd"), "{{symbol}}")],
            Look(USD),
        ),
        lines(
            Said(
                "Share of the usual daily volume",
                "Forced flow over the average daily volume, of the same ten; the lines are the "
                "warning and critical bounds of the bundled rules.",
            ),
            [Query(leading("adv_ratio"), "{{symbol}}")],
            Look(SHARE, ADV_STEPS),
        ),
        states(
            Said("Levels", "The highest level of the rules that fires, of the same ten."),
            Query(leading("level"), "{{symbol}}"),
            Look(NUMBER, LEVEL_STEPS, LEVELS, range=(0.0, 3.0)),
        ),
        lines(
            Said(
                "Probability of a breach",
                "That the forced flow at the close is at or above the warning level of the first "
                "rule, of the same ten.",
            ),
            [Query(leading("breach_probability"), "{{symbol}}")],
            Look(SHARE, ((None, "transparent"), (0.5, "orange")), range=(0.0, 1.0)),
        ),
    ]


def _soonest(column: str) -> str:
    """Return the smallest that is above 0, and 0 where all that are known have come to it."""
    return f"min({of_symbols(column)} > 0) or 0 * max({of_symbols(column)})"


def _columns() -> list[Column]:
    shown = (
        ("Forced flow", "forced_flow_usd", MONEY),
        ("5 %", "forced_flow_lower_usd", MONEY),
        ("95 %", "forced_flow_upper_usd", MONEY),
        ("of daily volume", "adv_ratio", Look(SHARE, decimals=1)),
        ("of the auction", "auction_ratio", Look(SHARE, decimals=0)),
        ("Level", "level", Look(NUMBER, LEVEL_STEPS, LEVELS)),
        ("Breach", "breach_probability", Look(SHARE, decimals=0)),
        ("Return", "underlying_return", Look(SHARE, SIGNED, decimals=2)),
        ("Cut-off in", "seconds_to_cutoff", Look(CLOCK, TIME_STEPS)),
        ("Time to trade", "seconds_to_trade", Look(CLOCK)),
        ("Coverage", "coverage", Look(SHARE, ((None, "orange"), (0.99, "green")), decimals=0)),
    )
    return [Column(head, largest(column, "forced_flow_usd"), look) for head, column, look in shown]


def _focus() -> Panels:
    parts = (
        ("leveraged funds", "leveraged_rebalance_usd"),
        ("creations", "creation_redemption_usd"),
        ("dealers' hedges", "dealer_hedge_usd"),
    )
    return [
        lines(
            Said(
                "$focus: forced flow and its band",
                "The figure if the price stays, the 5 % and 95 % quantiles of the figure at the "
                "close, and the warning level on either side.",
            ),
            [
                Query(in_focus("forced_flow_usd"), "forced flow"),
                Query(in_focus("forced_flow_lower_usd"), "5 %"),
                Query(in_focus("forced_flow_upper_usd"), "95 %"),
                Query(in_focus("breach_threshold_usd"), "warning, buying"),
                Query(f"-{in_focus('breach_threshold_usd')}", "warning, selling"),
            ],
            Look(USD),
        ),
        lines(
            Said(
                "$focus: who it comes from",
                "Leveraged funds' rebalance, known creations, and the change of dealers' hedges "
                "since the previous close; a part that is unknown has no line.",
            ),
            [Query(in_focus(column), name) for name, column in parts],
            Look(USD),
        ),
        lines(
            Said(
                "$focus: size against liquidity",
                "Forced flow over the usual closing auction and over the usual volume of the last "
                "half hour; signed.",
            ),
            [
                Query(in_focus("auction_ratio"), "of the auction"),
                Query(in_focus("last_half_hour_ratio"), "of the last half hour"),
            ],
            Look(SHARE),
        ),
        lines(
            Said("$focus: price", "Last price, in the reference's own currency."),
            [Query(in_focus("price"), "price")],
            Look(PRICE),
        ),
    ]
