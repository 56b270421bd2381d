"""What dealers in the options of one partition's references must trade, kept live.

A record costs O(contracts it changes), a tick O(1): what depends on the price is read from curves
(`core.row_curves`) that changed contracts are added to and taken out of. Time passes on a timer:
`OptionBook.refresh` makes the curves of a row anew, slice by slice, from the slots of
`core.open_interest`, and with that no rounding piles up.

The figures equal a full recompute at the time the curves stand at, but for three times
``delta_curve.VALUE_ERROR`` (together 2e-5) of the units behind each contract, times the price.
"""

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, replace
from typing import TypeVar

import numpy as np

from core.columns import Bools, Floats, Int64s
from core.contract_splits import NO_SPLITS, Splits
from core.contracts import OpenInterestColumns, OptionChain
from core.curve_reader import CurveReader, Readings
from core.curve_workshop import CurveWorkshop, RowTargets
from core.dealer_gamma import exposure_table
from core.dealer_signs import SIGN_MODELS, USER_SIGNED, SignModel, model_weights
from core.forwards import expiry_forwards
from core.open_interest import OpenInterest
from core.open_positions import open_positions, unit_strikes
from core.positioning import positioning
from core.row_calendar import RowCalendar
from core.row_curves import HELD, NOW, REACH, START_AT_CLOSE
from core.row_positioning import RowPositioning
from core.sessions import NO_SESSION
from core.skew import risk_reversal

SLICE_CONTRACTS = 4_000
"""What one call of `OptionBook.refresh` does at most: some 20 ms."""
Column = TypeVar("Column", Int64s, Bools)
NOT_MADE = -1
"""`OptionBook.revision` of a row whose curves do not stand."""


@dataclass(frozen=True, eq=False)
class DealerFigures:
    """What dealers must trade, one entry a row, USD, buy > 0, NaN = unknown.

    Attributes
    ----------
    hedge_usd                   price-driven since the previous close, under the row's sign model
    hedge_low_usd, hedge_high_usd       the least and the most over all sign models
    decay_usd                   since the previous close for time and volatility, never summed in
    to_come_usd                 from now to the close at an unchanged price
    gamma_usd_per_1pct          gamma exposure, at the volatilities of now
    """

    hedge_usd: Floats
    hedge_low_usd: Floats
    hedge_high_usd: Floats
    decay_usd: Floats
    to_come_usd: Floats
    gamma_usd_per_1pct: Floats


class OptionBook:
    """The options of some references; row i is that of the book beside it.

    Parameters
    ----------
    calendar : RowCalendar
    size : int                              rows
    models : Sequence[SignModel]            what low and high range over, the user's signs apart
    model : int64[rows] | None              the model of each row, by its position in ``models``,
                                            or ``len(models)`` for the user's signs; 0 by default
    rate, dividend_yield : float64[rows] | None     a year, where no forward is given; 0 by default
    splits : Splits                         of the rows

    Attributes
    ----------
    state : OpenInterest                    all that a snapshot holds
    positioning : RowPositioning            as `make_positioning` has made it
    targets : RowTargets                    what the rows stand for
    """

    def __init__(
        self,
        calendar: RowCalendar,
        size: int,
        *,
        models: Sequence[SignModel] = SIGN_MODELS,
        model: Int64s | None = None,
        rate: Floats | None = None,
        dividend_yield: Floats | None = None,
        splits: Splits = NO_SPLITS,
    ) -> None:
        self.state = OpenInterest(calendar, size, splits)
        self._rate = np.zeros(size) if rate is None else rate
        self._yield = np.zeros(size) if dividend_yield is None else dividend_yield
        self._workshop = CurveWorkshop(self.state, rate=self._rate, dividend_yield=self._yield)
        self._reader = CurveReader(size)
        self._weights = model_weights((*models, USER_SIGNED))
        self._model = np.zeros(size, np.int64) if model is None else model
        self._revision = np.zeros(size, np.int64)
        self.positioning = RowPositioning(size)
        self.targets = self._workshop.targets

    @property
    def has_contracts(self) -> Bools:
        """bool[rows], whether open interest of the row is loaded."""
        return self._workshop.has_contracts

    @property
    def is_busy(self) -> bool:
        """Whether `refresh` has something to do."""
        return self._workshop.is_busy

    def apply(self, records: OpenInterestColumns) -> Int64s:
        """Take a batch of records; return the rows that changed, ascending.

        Cost: O(batch). The curves follow at the next `refresh`.
        """
        changed, altered = self.state.apply(records, self.targets.open_ns)
        rows = self._workshop.note(changed, altered)
        self.positioning.note(rows)
        return rows

    def follow(self, targets: RowTargets) -> None:
        """Take over which session and market time the rows stand at; O(rows)."""
        self.targets = targets
        self.positioning.note(self._workshop.follow(targets))

    def refresh(self) -> bool:
        """Bring the curves nearer to what was applied and followed; say whether more is due.

        One call does a slice of some 20 ms; until nothing is due, a timer calls again.
        """
        touched = self._workshop.work(SLICE_CONTRACTS)
        for row in touched:
            self._reader.renew(row, self._workshop.curves[row], self._weights[self._model[row]])
            self._revision[row] += 1
        return self._workshop.is_busy

    def figures(self, rows: Int64s, price: Floats) -> DealerFigures:
        """Return what the dealers of some rows must trade at their prices; O(rows).

        ``rows`` int64[n], each once; ``price`` float64[n], NaN = unknown. The figures are NaN
        where nothing is open that can be priced, and where the curves of the row's session are
        still to be made. A price beyond the curves (``row_curves.REACH``) costs a pass over the
        row's contracts.
        """
        with np.errstate(invalid="ignore", divide="ignore"):
            log_distance = np.log(price / self.targets.previous_close.take(rows))
        known = self._is_known(rows)
        on_grid = known & (np.abs(log_distance) <= REACH)
        if np.count_nonzero(on_grid) == len(rows):
            return DealerFigures(*self._figures(rows, price, self._reader.read(rows, log_distance)))
        figures = np.full((6, len(rows)), np.nan)
        at = np.flatnonzero(on_grid)
        readings = self._reader.read(rows[at], log_distance[at])
        figures[:, at] = self._figures(rows[at], price[at], readings)
        beyond = known & ~on_grid & np.isfinite(log_distance)
        for i in np.flatnonzero(beyond).tolist():
            weights = self._weights[self._model[rows[i]]]
            readings = self._workshop.readings(int(rows[i]), float(price[i]), weights)
            figures[:, [i]] = self._figures(rows[[i]], price[[i]], readings)
        return DealerFigures(*figures)

    def revision(self) -> Int64s:
        """Return int64[rows], another number whenever what `hedge_at_close` says has changed.

        ``NOT_MADE`` where that is NaN.
        """
        return np.where(self._is_hedged(np.arange(len(self._model))), self._revision, NOT_MADE)

    def hedge_at_close(self, row: int, close: Floats) -> Floats:
        """Return `DealerFigures.hedge_usd` of a row as a function of its close, float64[c].

        ``close`` float64[c]; NaN where `figures` are. Cost: O(c) on the curves.
        """
        previous_close = self.targets.previous_close[[row]]
        return self._of_close(
            row, close, kind=START_AT_CLOSE, since=(START_AT_CLOSE, previous_close)
        )

    def demand_to_come(self, row: int, price: float, close: Floats) -> Floats:
        """Return the hedging demand of a row from a price now to its close, float64[c], USD.

        At the volatilities of now; what settles in cash at the close is unwound there.
        """
        return self._of_close(row, close, kind=HELD, since=(NOW, np.array([price])))

    def as_of_ns(self) -> Int64s:
        """Return int64[rows], the newest event that counts, ``NO_TIME`` where there is none."""
        return self._by_session(self.state.days.newest_ns)

    def is_stale(self) -> Bools:
        """Return bool[rows]: open interest is loaded, and none of it is of the row's session."""
        has_own = self._by_session(self.state.days.has_open_interest)
        return self._workshop.has_contracts & ~has_own

    def priced_share(self) -> Floats:
        """Return float64[rows], the share of the open interest that could be priced."""
        whole = self._workshop.open_interest
        return np.where(whole > 0.0, self._workshop.priced / np.maximum(whole, 1.0), np.nan)

    def interest_labels(self) -> Int64s:
        """Return int64[rows], the session that the newest open interest which counts is of.

        ``NO_SESSION`` where there is none.
        """
        return self._by_session(self.state.days.interest_labels)

    def chain(self, row: int, *, underlying: str, spot: float) -> OptionChain:
        """Return a row's contracts as they stand, for what `core.chain_profile` can say of them."""
        targets = self.targets
        return self.state.chain(
            row,
            underlying=underlying,
            spot=spot,
            now_ns=int(targets.market_ns[row]),
            label=int(targets.label[row]),
        )

    def make_positioning(self, row: int, spot: float) -> None:
        """Make the positioning of a row anew at a price, as of its market time or its close.

        Cost: a pass over the row's contracts.
        """
        targets = self.targets
        label, close_ns = int(targets.label[row]), int(targets.close_ns[row])
        now_ns = min(int(targets.market_ns[row]), close_ns)
        chain = replace(self.chain(row, underlying="", spot=spot), as_of_ns=now_ns).unexpired()
        forwards = expiry_forwards(
            chain, rate=float(self._rate[row]), dividend_yield=float(self._yield[row])
        )
        positions = open_positions(chain, forwards)
        strike = unit_strikes(chain.strike, chain.multiplier, chain.deliverable)
        by_strike = exposure_table(strike, chain, positions, positions.gamma_exposures(spot))
        found = positioning(by_strike, risk_reversal(chain, forwards))
        figures = np.array(astuple(found))
        self.positioning.put(row, figures, label=label, market_ns=now_ns, spot=spot)

    def _figures(self, rows: Int64s, price: Floats, readings: Readings) -> Floats:
        """Return the columns of `DealerFigures`, float64[6, n]."""
        weights = self._weights
        hedges = weights @ readings.by_price.T
        hedges *= -price
        # Where no contract has a sign stated by the user, that is no model.
        hedges[-1, ~self._reader.is_signed.take(rows)] = np.nan
        model = self._model.take(rows)
        by_price = (weights.take(model, axis=0) * readings.by_price).sum(axis=1)
        figures = np.empty((6, len(rows)))
        figures[0] = hedges[model, np.arange(len(rows))]
        np.fmin.reduce(hedges, axis=0, out=figures[1])
        np.fmax.reduce(hedges, axis=0, out=figures[2])
        figures[3] = price * (by_price - readings.whole)
        figures[4] = -price * readings.to_come
        figures[5] = 0.01 * price * readings.slope
        figures[3:, np.isnan(figures[0])] = np.nan
        # Nothing to trade is 0, not the -0 that a sell of nothing comes to.
        figures += 0.0
        return figures

    def _of_close(self, row: int, close: Floats, *, kind: int, since: tuple[int, Floats]) -> Floats:
        """Return what is traded when the deltas go from one curve and price to those of closes."""
        if not self._is_hedged(np.array([row]))[0]:
            return np.full(len(close), np.nan)
        moved = self._workshop.deltas(row, kind, close) - self._workshop.deltas(row, *since)
        return np.asarray(0.0 - close * (self._weights[self._model[row]] @ moved))

    def _by_session(self, said: Callable[[int], Column]) -> Column:
        """Return of each row what is said of it, [rows], in the session it stands in."""
        label = self.targets.label
        found = said(NO_SESSION)
        for each in np.unique(label).tolist():
            rows = label == each
            found[rows] = said(each)[rows]
        return found

    def _is_known(self, rows: Int64s) -> Bools:
        return self._workshop.is_current(rows) & self._reader.is_open[rows]

    def _is_hedged(self, rows: Int64s) -> Bools:
        """Say of some rows whether their own sign model has something to say of them."""
        is_stated = self._reader.is_signed[rows] | (self._model[rows] < len(self._weights) - 1)
        return self._is_known(rows) & is_stated
