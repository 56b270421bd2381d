"""The dealers' share of the forced flow: now, and in the curves of the close."""

import numpy as np

from core.closing_demand import closing_curve, with_dealers
from core.columns import Curves, Floats, Int64s
from core.leveraged import join_curves, split_curves
from core.option_book import NOT_MADE, OptionBook


class ClosingCurves:
    """Funds' curves with a share of the dealers' demand at the close on top, row by row.

    Parameters
    ----------
    options : OptionBook    row i is row i of the curves
    share : float           of the dealers' demand, from 0 to 1; with 0 nothing is done
    """

    def __init__(self, options: OptionBook, share: float) -> None:
        self._options = options
        self._share = share
        self._revision = np.full(len(options.has_contracts), NOT_MADE, np.int64)
        self._dealers: dict[int, tuple[Floats, Floats]] = {}
        self._funds: Curves | None = None
        self._joined: Curves | None = None

    def due_usd(self, hedge_usd: Floats) -> Floats:
        """Return what of the dealers' hedge is forced flow, float64[n], NaN = none counts."""
        return self._share * hedge_usd if self._share else np.full(len(hedge_usd), np.nan)

    def joined(self, funds: Curves, previous_close: Floats) -> Curves:
        """Return the sum of both, the funds' own curves where the dealers' are not known.

        Parameters
        ----------
        funds : Curves                  one row each; they are replaced, never altered
        previous_close : float64[n]     that the options' curves are of

        Notes
        -----
        It does not depend on the price. Cost: O(rows), and for each row whose options' curves have
        changed since the last call that of `core.closing_demand.closing_curve`.
        """
        if not (self._share and self._options.has_contracts.any()):
            return funds
        revision = self._options.revision()
        changed = np.flatnonzero(revision != self._revision)
        if self._joined is None or len(changed) or funds is not self._funds:
            self._renew(changed, revision, previous_close)
            self._joined = self._sum(funds)
            self._funds, self._revision = funds, revision
        return self._joined

    def _renew(self, rows: Int64s, revision: Int64s, previous_close: Floats) -> None:
        for row in rows.tolist():
            self._dealers.pop(row, None)
            if revision[row] != NOT_MADE:
                returns, demand = closing_curve(self._options, row, float(previous_close[row]))
                self._dealers[row] = returns, self._share * demand

    def _sum(self, funds: Curves) -> Curves:
        if not self._dealers:
            return funds
        pieces = split_curves(funds, np.arange(len(funds.centre)))
        for row, (returns, demand) in self._dealers.items():
            if not np.isnan(pieces[row][1]).any():
                pieces[row] = with_dealers(pieces[row], returns, demand)
        return join_curves(pieces)
