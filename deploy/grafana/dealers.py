"""Dashboard *Options*: what dealers of options have hedged, and what they must still hedge."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from deploy.grafana.frame import FOCUS, SYMBOL, VENUE, Section, framed
from deploy.grafana.measures import TOP, in_focus, largest, of_symbols
from deploy.grafana.panels import (
    MONEY,
    NUMBER,
    SHARE,
    SIGNED,
    USD,
    Column,
    Look,
    Panels,
    Query,
    Said,
    bars,
    big_number,
    grid,
    lines,
)

_HEDGE = of_symbols("dealer_hedge_usd")
_WIDTH = f"{of_symbols('dealer_hedge_high_usd')} - {of_symbols('dealer_hedge_low_usd')}"


def build() -> Dashboard:
    """Return the dashboard."""
    return framed(
        "Options",
        "The hedges of those who sold and bought options, under the sign model the worker is set "
        "to, between the smallest and largest of all sign models. None of it is in the forced "
        "flow, save the share that the worker is told to add.",
        choices=(VENUE, SYMBOL, FOCUS),
        sections=(
            Section("Now", _now()),
            Section("$focus", _focus()),
            Section("Largest", _largest()),
            Section("Positioning", _positioning()),
        ),
        since="now-3h",
    )


def _now() -> Panels:
    return [
        big_number(
            Said(
                "Hedged since the previous close",
                "Sum of the change of dealers' hedges, for price alone; buy > 0, sell < 0.",
            ),
            Query(f"sum({_HEDGE})"),
            MONEY,
            span=6,
        ),
        big_number(
            Said(
                "Width of the sign models",
                "Sum of largest less smallest hedge: how little is known of who holds what.",
            ),
            Query(f"sum({_WIDTH})"),
            Look(USD),
            span=6,
        ),
        big_number(
            Said(
                "Decay",
                "Sum of the change of dealers' hedges since the previous close for time and "
                "volatility alone; in no other sum.",
            ),
            Query(f"sum({of_symbols('dealer_decay_usd')})"),
            MONEY,
            span=6,
        ),
        big_number(
            Said(
                "To come by the close",
                "Sum of what dealers must still trade by the close if prices stay where they are.",
            ),
            Query(f"sum({of_symbols('dealer_to_come_usd')})"),
            MONEY,
            span=6,
        ),
    ]


def _focus() -> Panels:
    return [
        lines(
            Said(
                "$focus: dealers' hedge and its band",
                "The change since the previous close under the configured sign model, and the "
                "smallest and largest over all of them.",
            ),
            [
                Query(in_focus("dealer_hedge_usd"), "hedge"),
                Query(in_focus("dealer_hedge_low_usd"), "smallest"),
                Query(in_focus("dealer_hedge_high_usd"), "largest"),
            ],
            Look(USD),
        ),
        lines(
            Said(
                "$focus: decay and what is to come",
                "Hedges changed by time and volatility alone, and what must still be traded by the "
                "close at an unchanged price.",
            ),
            [
                Query(in_focus("dealer_decay_usd"), "decay"),
                Query(in_focus("dealer_to_come_usd"), "to come"),
            ],
            Look(USD),
        ),
        lines(
            Said(
                "$focus: dealers beside leveraged funds",
                "Both follow the price: dealers trade through the day, funds near the close.",
            ),
            [
                Query(in_focus("dealer_hedge_usd"), "dealers"),
                Query(in_focus("leveraged_rebalance_usd"), "leveraged funds"),
            ],
            Look(USD),
        ),
        lines(
            Said("$focus: return", "Since the previous close; what the hedges answer to."),
            [Query(in_focus("underlying_return"), "return")],
            Look(SHARE),
        ),
    ]


def _largest() -> Panels:
    shown = (
        ("Hedge", "dealer_hedge_usd", MONEY),
        ("Smallest", "dealer_hedge_low_usd", MONEY),
        ("Largest", "dealer_hedge_high_usd", MONEY),
        ("Decay", "dealer_decay_usd", MONEY),
        ("To come", "dealer_to_come_usd", MONEY),
        ("Leveraged funds", "leveraged_rebalance_usd", MONEY),
        ("Return", "underlying_return", Look(SHARE, SIGNED, decimals=2)),
    )
    return [
        bars(
            Said("Most to come", "The references whose dealers must still trade most."),
            Query(largest("dealer_to_come_usd", "dealer_to_come_usd", count=TOP), "{{symbol}}"),
            MONEY,
        ),
        bars(
            Said(
                "Least certain",
                "The references whose sign models differ most: largest less smallest hedge.",
            ),
            Query(f"topk({TOP}, {_WIDTH})", "{{symbol}}"),
            Look(USD),
        ),
        grid(
            Said(
                "Largest hedges",
                "The 25 references whose dealers' hedges changed most since the previous close.",
            ),
            "symbol",
            [
                Column(head, largest(column, "dealer_hedge_usd"), look)
                for head, column, look in shown
            ],
        ),
    ]


MEASURES = (
    ("open interest", "open_interest_contracts", Look(NUMBER)),
    ("put/call", "put_call_open_interest", Look(NUMBER, decimals=2)),
    ("risk reversal", "risk_reversal_25d_30d", Look(SHARE, decimals=1)),
    ("concentration", "open_interest_concentration", Look(SHARE, decimals=1)),
)
_SCORE = Look(NUMBER, ((None, "text"), (2.0, "orange")), decimals=1)


def _positioning() -> Panels:
    ages = (
        Column("age, sessions", _measured("open_interest_age_sessions"), Look(NUMBER, decimals=0)),
        Column("priced", _measured("open_interest_coverage"), Look(SHARE, decimals=0)),
    )
    levels = [Column(head, _measured(name), look) for head, name, look in MEASURES]
    compared = [
        column
        for head, name, look in MEASURES
        for column in (
            Column(f"Δ {head}", _measured(f"{name}_change"), look),
            Column(f"z {head}", _measured(f"{name}_z_score"), _SCORE),
            Column(f"z Δ {head}", _measured(f"{name}_change_z_score"), _SCORE),
        )
    ]
    return [
        grid(
            Said(
                "How options are positioned",
                "Open interest, open puts for each open call, the volatility of the 25-delta call "
                "less that of the put at 30 days, how much lies on few strikes; how old the open "
                "interest is, and how much of it is priced.",
            ),
            "symbol",
            [*levels, *ages],
        ),
        grid(
            Said(
                "Against their own past",
                "The same since the session before (Δ), in standard deviations over up to 60 "
                "sessions (z), and the change likewise; empty before there are 20 sessions.",
            ),
            "symbol",
            compared,
        ),
        lines(
            Said(
                "$focus: risk reversal",
                "Volatility of the 25-delta call less that of the 25-delta put at 30 days, a "
                "fraction a year: below 0 the put is dearer.",
            ),
            [Query(_focused("risk_reversal_25d_30d"), "risk reversal")],
            Look(SHARE),
        ),
        lines(
            Said(
                "$focus: put/call and concentration",
                "Open puts for each open call; Herfindahl index of the open interest over the "
                "strikes, 1 where all lies on one.",
            ),
            [
                Query(_focused("put_call_open_interest"), "put/call"),
                Query(_focused("open_interest_concentration"), "concentration"),
            ],
            Look(NUMBER, range=(0.0, None)),
        ),
    ]


def _measured(name: str) -> str:
    return f'max by (symbol) (forcedflow_{name}{{scope="symbol", symbol=~"$symbol"}})'


def _focused(name: str) -> str:
    return f'max by (symbol) (forcedflow_{name}{{scope="symbol", symbol="$focus"}})'
