"""What leveraged and inverse funds must trade at the close to restore their leverage.

A fund with start-of-day assets A and leverage factor L owes ``A L (L - 1) r`` after a return r of
its reference [1]_ [2]_: after the move its exposure is ``L A (1 + r)``, its assets are
``A (1 + L r)``, and it needs L times those. Where ``1 + L r <= 0`` the assets are gone, and what
is due is the whole exposure: ``-L A (1 + r)``. Creations F of the day, executed at the closing
NAV, need ``L F`` of exposure on top.

References
----------
.. [1] Cheng & Madhavan (2009), The Dynamics of Leveraged and Inverse Exchange-Traded Funds,
       Journal of Investment Management 7(4), 43-62.
.. [2] Shum, Hejazi, Haryanto & Rodier (2016), Intraday Share Price Volatility and Leveraged ETF
       Rebalancing, Review of Finance 20(6), equation (1).
"""

import numpy as np

from core.columns import Curves, Floats, Int32s, Int64s


def leveraged_rebalance(
    assets_usd: Floats, leverage_factor: Floats, underlying_return: Floats
) -> Floats:
    """Return what each fund must trade to restore its leverage, creations apart.

    Parameters
    ----------
    assets_usd : float64[n]           start-of-day assets, >= 0
    leverage_factor : float64[n]      daily target multiple, any real number
    underlying_return : float64[n]    since the previous close

    Returns
    -------
    float64[n]    USD, buy > 0; NaN where an input is NaN
    """
    rebalance = assets_usd * leverage_factor * (leverage_factor - 1.0) * underlying_return
    unwind = -leverage_factor * assets_usd * (1.0 + underlying_return)
    is_wiped_out = 1.0 + leverage_factor * underlying_return <= 0.0
    return np.where(is_wiped_out, unwind, rebalance)


def next_assets(
    assets_usd: Floats, leverage_factor: Floats, underlying_return: Floats, creation_usd: Floats
) -> Floats:
    """Return the assets at the next open: ``A (1 + L r) + F``, and 0 from a wipe-out on.

    ``creation_usd`` is 0 where none is known; the other arguments are those of
    `leveraged_rebalance`. A fund that is at 0 stays there until a new figure is stated.
    """
    growth = 1.0 + leverage_factor * underlying_return
    rolled = np.maximum(assets_usd * growth + creation_usd, 0.0)
    return np.where((growth <= 0.0) | (assets_usd == 0.0), 0.0, rolled)


def demand_curves(n_rows: int, row: Int32s, assets_usd: Floats, leverage_factor: Floats) -> Curves:
    """Sum funds into one piecewise-linear demand curve a row, so that a tick costs O(1).

    Parameters
    ----------
    n_rows : int                    rows (references) to build
    row : int32[n_funds]            each fund's row, ascending
    assets_usd : float64[n_funds]   NaN = unknown: the fund is left out
    leverage_factor : float64[n_funds]

    Returns
    -------
    Curves    a row without funds owes 0; a row whose funds are all unknown is NaN

    Notes
    -----
    Sums run in the order of the funds and are made anew at each call, never incremented, so the
    same funds give the same bits.
    """
    pieces = [_EMPTY] * n_rows
    bounds = np.searchsorted(row, np.arange(n_rows + 1))
    for i in range(n_rows):
        mine = slice(bounds[i], bounds[i + 1])
        if mine.stop > mine.start:
            pieces[i] = _curve(assets_usd[mine], leverage_factor[mine])
    return join_curves(pieces)


Piece = tuple[Floats, Floats, Floats]
"""One row's curve: knots, slopes and intercepts, as in `Curves`."""

_EMPTY: Piece = (np.empty(0), np.zeros(1), np.zeros(1))
_UNKNOWN: Piece = (np.empty(0), np.full(1, np.nan), np.full(1, np.nan))


def _curve(assets_usd: Floats, leverage_factor: Floats) -> Piece:
    known = ~np.isnan(assets_usd)
    if not known.any():
        return _UNKNOWN
    A, L = assets_usd[known], leverage_factor[known]
    alive = A * L * (L - 1.0)
    # A price stays above 0, so a return above -1: a fund with 0 <= L <= 1 is never wiped out.
    exposed = ((L > 1.0) | (L < 0.0)) & (A > 0.0)
    knot, which = np.unique(-1.0 / L[exposed], return_inverse=True)
    slope = np.full(len(knot) + 1, alive.sum())
    intercept = np.zeros(len(knot) + 1)
    if len(knot):
        is_long = L[exposed] > 0.0
        unwind = -L[exposed] * A[exposed]
        for segment, change in ((slope, unwind - alive[exposed]), (intercept, unwind)):
            fallen = np.bincount(which, np.where(is_long, change, 0.0), len(knot))
            risen = np.bincount(which, np.where(is_long, 0.0, change), len(knot))
            segment[:-1] += np.cumsum(fallen[::-1])[::-1]
            segment[1:] += np.cumsum(risen)
    return knot, slope, intercept


def join_curves(pieces: list[Piece]) -> Curves:
    """Join the curves of single rows into one table, in the order given."""
    first = np.concatenate(([0], np.cumsum([len(slope) for _, slope, _ in pieces]))).astype(
        np.int64
    )
    falls = np.array([np.searchsorted(knot, 0.0) for knot, _, _ in pieces], np.int64)
    padded = [np.concatenate(([-np.inf], knot, [np.inf])) for knot, _, _ in pieces]
    return Curves(
        first=first,
        knot=np.concatenate([knot for knot, _, _ in pieces]) if pieces else np.empty(0),
        slope=np.concatenate([slope for _, slope, _ in pieces]) if pieces else np.empty(0),
        intercept=np.concatenate([cash for _, _, cash in pieces]) if pieces else np.empty(0),
        centre=first[:-1] + falls,
        low=np.array([knot[fall] for knot, fall in zip(padded, falls, strict=True)]),
        high=np.array([knot[fall + 1] for knot, fall in zip(padded, falls, strict=True)]),
    )


def split_curves(curves: Curves, rows: Int64s) -> list[Piece]:
    """Return the curves of some rows one by one, the inverse of `join_curves`."""
    pieces = []
    for i in rows.tolist():
        start, stop = int(curves.first[i]), int(curves.first[i + 1])
        knot = curves.knot[start - i : stop - i - 1]
        pieces.append((knot, curves.slope[start:stop], curves.intercept[start:stop]))
    return pieces


def curve_demand(curves: Curves, rows: Int64s, underlying_return: Floats) -> Floats:
    """Return the demand of some rows at their returns, in USD, buy > 0, NaN = unknown.

    ``rows`` int64[n] and ``underlying_return`` float64[n] run side by side. Cost: O(n), whatever
    the number of funds; a return beyond a row's innermost wipe-outs adds a binary search.
    """
    segment = curves.centre[rows]
    beyond = (underlying_return <= curves.low[rows]) | (underlying_return >= curves.high[rows])
    if np.count_nonzero(beyond):
        for j in np.flatnonzero(beyond):
            i = int(rows[j])
            start, stop = int(curves.first[i]), int(curves.first[i + 1])
            knot = curves.knot[start - i : stop - i - 1]
            segment[j] = start + np.searchsorted(knot, underlying_return[j])
    return curves.slope[segment] * underlying_return + curves.intercept[segment]
