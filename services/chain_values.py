"""Which figures of a contract can be used, whatever file they come from."""

from services.chain_rows import Figures
from services.event_values import Numbers, Verdicts

LARGEST_VOLATILITY = 20.0
"""Per year, 2000 %; vendors print up to 9 on the last day of a far strike. More is a percentage."""


def mark_figures(
    *,
    open_interest: Numbers,
    implied_volatility: Numbers,
    bid: Numbers,
    ask: Numbers,
    gamma: Numbers,
    verdicts: Verdicts,
) -> Figures:
    """Return the figures of n contracts; those that cannot be right are marked bad."""
    level, volatility = open_interest.value, implied_volatility.value
    verdicts.mark(open_interest.bad | (level < 0.0), "bad_open_interest")
    verdicts.mark(
        implied_volatility.bad | (volatility < 0.0) | (volatility > LARGEST_VOLATILITY),
        "bad_implied_volatility",
    )
    verdicts.mark(gamma.bad | (gamma.value < 0.0), "bad_gamma")
    verdicts.mark(bid.bad | ask.bad, "bad_quote")
    return Figures(level, volatility, bid.value, ask.value, gamma.value)
