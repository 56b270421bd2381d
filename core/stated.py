"""Which stated figures are in force: of references, of funds and of splits, as of a session."""

import numpy as np

from core.columns import Bools, Floats, Int32s, Int64s
from core.sessions import NO_SESSION
from core.universe import Universe


class StatedFigures:
    """The stated figures of one book's references and of the funds that reset on them.

    Attributes
    ----------
    references : int32[n]        the book's rows, as universe references, ascending
    funds : int32[k]             their funds, as universe funds, ordered by row
    fund_row : int32[k]          each fund's row in the book, ascending
    known_ns : int64[...]        every instant at which some figure becomes known, ascending
    """

    def __init__(self, universe: Universe, references: Int32s) -> None:
        self.references = references
        row_of = np.full(len(universe.symbol), -1, np.int32)
        row_of[references] = np.arange(len(references), dtype=np.int32)
        every_row = row_of[universe.fund_reference]
        mine = np.flatnonzero(every_row >= 0)
        self.funds: Int32s = mine[np.argsort(every_row[mine], kind="stable")].astype(np.int32)
        self.fund_row: Int32s = every_row[self.funds]
        self._take_fund_figures(universe)
        self._take_reference_figures(universe, row_of)
        self._take_factors(universe, row_of)
        self.known_ns: Int64s = np.unique(np.concatenate((self._known_ns, self._factor_known_ns)))

    def _take_fund_figures(self, universe: Universe) -> None:
        figures = universe.fund_figures
        local = np.full(len(universe.fund), -1, np.int32)
        local[self.funds] = np.arange(len(self.funds), dtype=np.int32)
        which = local[figures.fund]
        keep = np.flatnonzero(which >= 0)
        keep = keep[np.argsort(which[keep], kind="stable")]
        self._figure_fund = which[keep]
        self._first = np.searchsorted(self._figure_fund, np.arange(len(self.funds)))
        self.effective_label: Int64s = figures.effective_label[keep]
        self._known_ns = figures.known_ns[keep]
        self.leverage_factor: Floats = figures.leverage_factor[keep]
        self.assets_usd: Floats = figures.assets_usd[keep]

    def _take_reference_figures(self, universe: Universe, row_of: Int32s) -> None:
        figures = universe.reference_figures
        which = row_of[figures.reference]
        keep = np.flatnonzero(which >= 0)
        keep = keep[np.argsort(which[keep], kind="stable")]
        self._reference_first = np.searchsorted(which[keep], np.arange(len(self.references)))
        self._reference_row = which[keep]
        self._reference_label = figures.effective_label[keep]
        self._previous_close = figures.previous_close[keep]
        self._adv_usd = figures.adv_usd[keep]
        self._auction_usd = figures.auction_usd[keep]
        self._daily_volatility = figures.daily_volatility[keep]

    def _take_factors(self, universe: Universe, row_of: Int32s) -> None:
        factors = universe.price_factors
        which = row_of[factors.reference]
        keep = which >= 0
        self._factor_row = which[keep]
        self._factor_label = factors.effective_label[keep]
        self._factor_known_ns = factors.known_ns[keep]
        self._factor = factors.factor[keep]

    def fund_figure(self, label: int, known_ns: int) -> Int64s:
        """Return int64[k], each fund's newest row in force on a session, -1 where none is yet."""
        in_force = (self.effective_label <= label) & (self._known_ns <= known_ns)
        return self._last(in_force, self._first)

    def asset_figure(self, label: int, known_ns: int) -> Int64s:
        """Return int64[k], each fund's newest row in force that states assets, -1 where none."""
        in_force = (self.effective_label <= label) & (self._known_ns <= known_ns)
        return self._last(in_force & ~np.isnan(self.assets_usd), self._first)

    def stated_close(self, label: int) -> tuple[Floats, Int64s]:
        """Return float64[n] previous closes stated for a session, and the session they are for.

        An undated figure is for the session asked about, and gives way to a dated one.
        """
        stated = ~np.isnan(self._previous_close) & (self._reference_label <= label)
        position = self._last(stated, self._reference_first)
        found = position >= 0
        close = np.where(found, self._previous_close[position], np.nan)
        effective = np.where(found, self._reference_label[position], NO_SESSION)
        return close, effective

    def liquidity(self, label: int) -> tuple[Floats, Floats, Floats]:
        """Return adv_usd, auction_usd and daily_volatility, float64[n], in force on a session."""
        position = self._last(self._reference_label <= label, self._reference_first)
        found = position >= 0
        columns = (self._adv_usd, self._auction_usd, self._daily_volatility)
        adv, auction, volatility = (np.where(found, c[position], np.nan) for c in columns)
        return adv, auction, volatility

    def price_factor(self, after: Int64s, label: int, known_ns: int) -> Floats:
        """Return float64[n], the splits effective after a session and by another, multiplied.

        ``after`` int64[n] is the session of each row's close, exclusive; ``label`` is inclusive.
        """
        factor = np.ones(len(self.references))
        due = (self._factor_label <= label) & (self._factor_known_ns <= known_ns)
        due &= self._factor_label > after[self._factor_row]
        np.multiply.at(factor, self._factor_row[due], self._factor[due])
        return factor

    @staticmethod
    def _last(mask: Bools, first: Int64s) -> Int64s:
        if not len(first):
            return np.empty(0, np.int64)
        return np.maximum.reduceat(np.where(mask, np.arange(len(mask)), -1), first)
