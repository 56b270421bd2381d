"""What dealers must trade to stay hedged: for the price, for time and volatility, by the close.

Dealers who hold open interest with a sign s are hedged with ``-sum s OI units delta`` of the
underlying, and trade the change of that. Since the previous close it has two parts, which are
kept apart since they differ in size and cause: the price-driven one, at one time and at the
volatilities of the session's start, which is zero at an unchanged price, and the rest (time,
volatility), which over a weekend can exceed any price term.

All figures are USD, buy > 0, and have one row a sign model: ``weights`` float64[models, CHANNELS]
comes from `core.dealer_signs.model_weights`.
"""

import numpy as np

from core.columns import Bools, Floats
from core.contracts import OptionChain
from core.open_positions import Positions


def dealer_hedge(
    positions: Positions, price: Floats, *, previous_close: float, weights: Floats
) -> Floats:
    """Return the price-driven hedging demand since the previous close, float64[models, p].

    Parameters
    ----------
    positions : Positions      now, at the volatilities of the session's start
    price : float64[p]         of the underlying
    previous_close : float
    weights : float64[models, CHANNELS]

    Notes
    -----
    ``-S sum s OI units (delta(S) - delta(S0))``, which for small moves is ``-gamma S^2 r``.
    """
    moved = positions.deltas(price) - positions.deltas(np.array([previous_close]))
    return np.asarray(-price * (weights @ moved))


def dealer_decay(
    now: Positions,
    now_at_start_volatility: Positions,
    start: Positions,
    *,
    price: float,
    previous_close: float,
    weights: Floats,
) -> Floats:
    """Return the hedging demand since the previous close that the price did not cause.

    Parameters
    ----------
    now : Positions                         at today's volatilities
    now_at_start_volatility : Positions     the same contracts at those of the session's start
    start : Positions                       the same contracts, at both start volatility and time
    price, previous_close : float

    Returns
    -------
    float64[models]    the whole change of the hedge less `dealer_hedge`
    """
    here, there = np.array([price]), np.array([previous_close])
    whole = now.deltas(here) - start.deltas(there)
    by_price = now_at_start_volatility.deltas(here) - now_at_start_volatility.deltas(there)
    return np.asarray(-price * (weights @ (whole - by_price))[:, 0])


def demand_to_come(
    now: Positions, at_close: Positions, close: Floats, *, price: float, weights: Floats
) -> Floats:
    """Return the hedging demand from now to the close as a function of the close.

    Parameters
    ----------
    now : Positions                 at today's volatilities
    at_close : Positions            those of them that are `held_after` the close, at its time
    close : float64[p]              closing prices to ask about
    price : float                   now

    Returns
    -------
    float64[models, p]    ``-C sum s OI units (delta(C, T at close) - delta(S, T now))``
    """
    moved = at_close.deltas(close) - now.deltas(np.array([price]))
    return np.asarray(-close * (weights @ moved))


def held_after(chain: OptionChain, close_ns: int) -> Bools:
    """Say of each contract, bool[n], whether its hedge is still held right after a close.

    One that is settled in cash by then is gone: its whole hedge is unwound at the settlement
    price. One that is settled by delivery is not: what is in the money is exchanged for the hedge
    itself, so its delta only goes on to 1 or 0. One settled before ``as_of_ns`` is no part of it.
    """
    is_open = chain.settlement_ns >= chain.as_of_ns
    return is_open & ((chain.settlement_ns > close_ns) | ~chain.is_cash_settled)
