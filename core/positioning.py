"""How options are positioned: put/call open interest, skew, concentration, and how unusual it is.

A level says little (index chains sit near 1.9 puts a call, single names near 1), so each measure
is shown beside its change since the session before and its distance from its own history.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np

from core.columns import Bools, Floats
from core.dealer_gamma import ExposureTable
from core.dealer_signs import CALLS, PUTS

LEAST_SESSIONS = 20
"""A history of fewer sessions gives no z-score."""


HISTORY_SESSIONS = 60
"""A figure is compared with those of so many sessions before its own: a quarter."""


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


FIGURES = tuple(Positioning.__dataclass_fields__)
"""What a session's positioning is remembered by, and a group's is joined from."""

MEASURES = (
    "open_interest_contracts",
    "put_call_open_interest",
    "risk_reversal_25d_30d",
    "open_interest_concentration",
)
"""What is compared with its history."""


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
    """Return the measures of a group (a room, say) from those of its members."""
    figures = np.array([astuple(each) for each in members], np.float64)
    return Positioning(*joined_figures(figures.reshape(-1, len(FIGURES))).tolist())


def joined_figures(members: Floats) -> Floats:
    """Return the measures of a group from those of its members, for many times at once.

    Open interest and gamma add up. The risk reversal is the mean over the members that have one,
    weighted by their gross gamma. The concentration is that over the strikes of all members.

    Parameters
    ----------
    members : float64[m, ..., 6]    ``FIGURES`` of each member

    Returns
    -------
    float64[..., 6]
    """
    calls, puts, skew, spread, gamma_spread, gamma = np.moveaxis(members, -1, 0)
    has_skew = ~np.isnan(skew) & (gamma > 0.0)
    return np.stack(
        [
            calls.sum(axis=0),
            puts.sum(axis=0),
            _mean(skew, gamma, has_skew),
            _herfindahl_of_union(calls + puts, spread),
            _herfindahl_of_union(gamma, gamma_spread),
            gamma.sum(axis=0),
        ],
        axis=-1,
    )


def herfindahl(amounts: Floats) -> float:
    """Return the sum of the squared shares of amounts >= 0, NaN where all are 0."""
    total = amounts.sum()
    return float(np.square(amounts / total).sum()) if total > 0.0 else np.nan


def _herfindahl_of_union(totals: Floats, indices: Floats) -> Floats:
    present = totals > 0.0
    amounts = np.where(present, totals, 0.0)
    whole = amounts.sum(axis=0)
    with np.errstate(invalid="ignore"):
        index = (np.square(amounts / whole) * np.where(present, indices, 0.0)).sum(axis=0)
    return np.where(whole > 0.0, index, np.nan)


def _mean(values: Floats, weights: Floats, counts: Bools) -> Floats:
    """Return the weighted mean over the first axis of the values that count, NaN without one."""
    weight = np.where(counts, weights, 0.0)
    with np.errstate(invalid="ignore"):
        return np.asarray((weight * np.where(counts, values, 0.0)).sum(axis=0) / weight.sum(axis=0))


def measures(figures: Floats) -> Floats:
    """Return ``MEASURES``, float64[..., 4], of some ``FIGURES``, float64[..., 6]; NaN = unknown."""
    calls, puts, skew, spread = np.moveaxis(figures, -1, 0)[:4]
    ratio = np.divide(puts, calls, out=np.full_like(calls, np.nan), where=calls > 0.0)
    return np.stack([calls + puts, ratio, skew, spread], axis=-1)


@dataclass(frozen=True, eq=False)
class Standing:
    """How unusual some figures are, float64[...] each, NaN = unknown.

    ``change`` is since the session before, ``z_score`` and ``change_z_score`` how many standard
    deviations the figure lies above the mean of its history, and its change above that of the
    changes from session to session.
    """

    change: Floats
    z_score: Floats
    change_z_score: Floats


def standing(value: Floats, history: Floats) -> Standing:
    """Compare figures, float64[...], with their history, float64[..., sessions].

    The history is of the sessions before, one entry a session, the newest last, NaN where there
    was no figure.
    """
    if not history.shape[-1]:
        unknown = np.full(value.shape, np.nan)
        return Standing(unknown, unknown, unknown)
    change = value - history[..., -1]
    return Standing(
        change=change,
        z_score=z_scores(value, history),
        change_z_score=z_scores(change, np.diff(history)),
    )


def z_scores(value: Floats, history: Floats) -> Floats:
    """Return how many standard deviations figures lie above the means of their own histories.

    Parameters
    ----------
    value : float64[...]
    history : float64[..., sessions]    of earlier sessions only, NaN where there was no figure

    Returns
    -------
    float64[...]    NaN with fewer than ``LEAST_SESSIONS`` figures, or where they do not vary
    """
    is_known = ~np.isnan(history)
    count = is_known.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(is_known, history, 0.0).sum(axis=-1) / count
        beyond = np.where(is_known, history - mean[..., np.newaxis], 0.0)
        deviation = np.sqrt(np.square(beyond).sum(axis=-1) / (count - 1))
        largest = np.abs(np.where(is_known, history, 0.0)).max(axis=-1, initial=0.0)
        # A constant history has a deviation of rounding.
        says = (count >= LEAST_SESSIONS) & (deviation > 1e-12 * largest)
        return np.where(says, (value - mean) / deviation, np.nan)
