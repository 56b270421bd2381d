"""How options are positioned: put/call open interest, skew, concentration, and how unusual it is.

A level says little (index chains sit near 1.9 puts a call, single names near 1), so each measure
is shown beside its change since the session before and its distance from its own history.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.columns import Floats
from core.dealer_gamma import ExposureTable
from core.dealer_signs import CALLS, PUTS

LEAST_SESSIONS = 20
"""A history of fewer sessions gives no z-score."""


@dataclass(frozen=True)
class Positioning:
    """The measures of one underlying, or of a group, at one time; NaN = unknown.

    Attributes
    ----------
    call_open_interest, put_open_interest     contracts
    risk_reversal_25d_30d       volatility of the 25-delta call less that of the put, at 30 days
    open_interest_concentration     Herfindahl index of the open interest over the strikes: 1 where
                                all lies on one of them
    gamma_concentration         the same of the gross gamma exposure
    gross_gamma_usd_per_1pct    gamma exposure with all contracts held long
    """

    call_open_interest: float
    put_open_interest: float
    risk_reversal_25d_30d: float
    open_interest_concentration: float
    gamma_concentration: float
    gross_gamma_usd_per_1pct: float

    @property
    def open_interest(self) -> float:
        """Contracts, calls and puts."""
        return self.call_open_interest + self.put_open_interest

    @property
    def put_call_open_interest(self) -> float:
        """Puts for each call, NaN without calls."""
        calls = self.call_open_interest
        return self.put_open_interest / calls if calls > 0.0 else np.nan


def positioning(by_strike: ExposureTable, risk_reversal: float) -> Positioning:
    """Return the measures of one underlying from its exposures by strike."""
    calls, puts = by_strike.call_open_interest, by_strike.put_open_interest
    gamma = by_strike.exposure[CALLS] + by_strike.exposure[PUTS]
    return Positioning(
        call_open_interest=float(calls.sum()),
        put_open_interest=float(puts.sum()),
        risk_reversal_25d_30d=risk_reversal,
        open_interest_concentration=herfindahl(calls + puts),
        gamma_concentration=herfindahl(gamma),
        gross_gamma_usd_per_1pct=float(gamma.sum()),
    )


def joined(members: Sequence[Positioning]) -> Positioning:
    """Return the measures of a group (a room, say) from those of its members.

    Open interest and gamma add up. The risk reversal is the mean over the members that have one,
    weighted by their gross gamma. The concentration is that over the strikes of all members.
    """
    gamma = np.array([each.gross_gamma_usd_per_1pct for each in members])
    skew = np.array([each.risk_reversal_25d_30d for each in members])
    has_skew = ~np.isnan(skew) & (gamma > 0.0)
    weight = gamma[has_skew].sum()
    return Positioning(
        call_open_interest=sum(each.call_open_interest for each in members),
        put_open_interest=sum(each.put_open_interest for each in members),
        risk_reversal_25d_30d=(
            float(gamma[has_skew] @ skew[has_skew] / weight) if weight > 0.0 else np.nan
        ),
        open_interest_concentration=_herfindahl_of_union(
            np.array([each.open_interest for each in members]),
            np.array([each.open_interest_concentration for each in members]),
        ),
        gamma_concentration=_herfindahl_of_union(
            gamma, np.array([each.gamma_concentration for each in members])
        ),
        gross_gamma_usd_per_1pct=float(gamma.sum()),
    )


def herfindahl(amounts: Floats) -> float:
    """Return the sum of the squared shares of amounts >= 0, NaN where all are 0."""
    total = amounts.sum()
    return float(np.square(amounts / total).sum()) if total > 0.0 else np.nan


def _herfindahl_of_union(totals: Floats, indices: Floats) -> float:
    present = totals > 0.0
    if not present.any():
        return np.nan
    shares = totals[present] / totals[present].sum()
    return float(np.square(shares) @ indices[present])


def z_score(value: float, history: Floats) -> float:
    """Return how many standard deviations a figure lies above the mean of its own history.

    Parameters
    ----------
    value : float
    history : float64[sessions]     of earlier sessions only, NaN where there was no figure

    Returns
    -------
    float    NaN with fewer than ``LEAST_SESSIONS`` figures, or where they do not vary
    """
    known = history[~np.isnan(history)]
    if len(known) < LEAST_SESSIONS:
        return np.nan
    deviation = float(known.std(ddof=1))
    # A constant history has a deviation of rounding.
    is_constant = deviation <= 1e-12 * float(np.abs(known).max())
    return np.nan if is_constant else (value - float(known.mean())) / deviation


def change_since(value: float, history: Floats) -> float:
    """Return the figure less that of the session before, the last of its history, NaN = unknown."""
    return value - float(history[-1]) if len(history) else np.nan
