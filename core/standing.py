"""What stands for a whole session: previous closes, coefficients, coverage, as of its open."""

from collections.abc import Iterator

import numpy as np

from core.carry import Days, FundState, fund_state, previous_close
from core.columns import Bools, Curves, Floats, FundAssets, Int32s, Int64s
from core.leveraged import demand_curves, join_curves, split_curves
from core.liquidity import MOST_SESSIONS, SessionLiquidity, learnt_volume, usual_volume
from core.row_calendar import RowCalendar
from core.sessions import NO_SESSION
from core.stated import StatedFigures
from core.universe import Universe

OLDEST_ASSETS_SESSIONS = 1
"""Assets stated for an earlier session than the one before are stale (public contract)."""


class Standing:
    """Figures that no tick changes, one entry a row, each of the row's own session.

    Attributes
    ----------
    label : int64[n]                the session they are of, ``NO_SESSION`` before the first
    previous_close, adv_usd, auction_usd, daily_volatility : float64[n]
    last_half_hour_usd, hourly_usd : float64[n]     usually traded before the close, and an hour
    curves : Curves                 leveraged demand by return
    weight_usd, coverage : float64[n]       sum of |L (L - 1)| A, and its fresh share
    is_stale : bool[n]              assets of some fund are too old
    leverage_factor : float64[k]    of each fund; NaN: not listed, or its creations do not count
    assets_usd : float64[k]         of each fund at its session's open, NaN = unknown
    stated_label : int64[k]         the session that they were stated for, ``NO_SESSION`` if never
    """

    def __init__(
        self, universe: Universe, stated: StatedFigures, *, rolled_counts_as_stated: bool
    ) -> None:
        size = len(stated.references)
        self._stated = stated
        self._rolled_counts = rolled_counts_as_stated
        resets = np.array([universe.fund_reset[k] for k in stated.funds], dtype="U16")
        self._is_daily: Bools = resets == "daily"
        self._owes: Bools = resets != "none"
        self._is_in_usd: Bools = (
            np.array(universe.currency, dtype="U16")[stated.references] == "USD"
        )
        self._is_physical = universe.fund_is_physical[stated.funds]
        self.label = np.full(size, NO_SESSION, np.int64)
        unknown = np.full((8, size), np.nan)
        self.previous_close, self.adv_usd, self.auction_usd = unknown[0], unknown[1], unknown[2]
        self.daily_volatility, self.weight_usd, self.coverage = unknown[3], unknown[4], unknown[5]
        self.last_half_hour_usd, self.hourly_usd = unknown[6], unknown[7]
        self.is_stale = np.zeros(size, np.bool_)
        self.leverage_factor = np.full(len(stated.funds), np.nan)
        self.assets_usd = np.full(len(stated.funds), np.nan)
        self.stated_label = np.full(len(stated.funds), NO_SESSION, np.int64)
        nothing: Int32s = np.empty(0, np.int32)
        self.curves: Curves = demand_curves(size, nothing, np.empty(0), np.empty(0))

    def set_up(
        self, rows: Int64s, *, label: int, known_ns: int, days: Days, calendar: RowCalendar
    ) -> None:
        """Compute anew what stands for some rows in one session, as known at a time."""
        self.label[rows] = label
        close = previous_close(self._stated, days, label, known_ns)
        self.previous_close[rows] = close[rows]
        adv, auction, volatility = self._stated.liquidity(label)
        self.adv_usd[rows], self.auction_usd[rows] = adv[rows], auction[rows]
        self.daily_volatility[rows] = volatility[rows]
        last, hourly = usual_volume(adv, calendar.usual_seconds())
        learnt = learnt_volume(_volumes_before(label, days), last, hourly)
        self.last_half_hour_usd[rows], self.hourly_usd[rows] = (
            np.where(self._is_in_usd, seen, stated)[rows]
            for seen, stated in zip(learnt, (last, hourly), strict=True)
        )
        funds = fund_state(self._stated, days, label, known_ns)
        self._set_curves(rows, funds)
        self._set_coverage(rows, funds, label, calendar)

    def fund_assets(self) -> FundAssets:
        """Return the funds behind the curves, those of known size."""
        every = FundAssets(
            fund=self._stated.funds,
            reference=self._stated.references[self._stated.fund_row],
            assets_usd=self.assets_usd,
            leverage_factor=self.leverage_factor,
            stated_label=self.stated_label,
        )
        return every.where(~np.isnan(self.assets_usd * self.leverage_factor))

    def _set_curves(self, rows: Int64s, funds: FundState) -> None:
        is_mine = np.zeros(len(self.label), np.bool_)
        is_mine[rows] = True
        fund_row = self._stated.fund_row
        counts = self._owes & ~np.isnan(funds.leverage_factor)
        mine = np.flatnonzero(is_mine[fund_row] & counts)
        summed = self._is_daily & ~(self._is_physical & (funds.leverage_factor == 1.0))
        of_rows = is_mine[fund_row]
        self.leverage_factor[of_rows] = np.where(summed, funds.leverage_factor, np.nan)[of_rows]
        self.assets_usd[of_rows] = funds.assets_usd[of_rows]
        self.stated_label[of_rows] = funds.stated_label[of_rows]
        assets = np.where(self._is_daily, funds.assets_usd, np.nan)[mine]
        fresh = demand_curves(len(self.label), fund_row[mine], assets, funds.leverage_factor[mine])
        every = np.arange(len(self.label))
        old_pieces, new_pieces = split_curves(self.curves, every), split_curves(fresh, every)
        self.curves = join_curves(
            [
                new if chosen else old
                for chosen, new, old in zip(is_mine, new_pieces, old_pieces, strict=True)
            ]
        )

    def _set_coverage(
        self, rows: Int64s, funds: FundState, label: int, calendar: RowCalendar
    ) -> None:
        fund_row, size = self._stated.fund_row, len(self.label)
        counts = self._owes & ~np.isnan(funds.leverage_factor)
        weight = np.abs(funds.leverage_factor * (funds.leverage_factor - 1.0)) * funds.assets_usd
        is_known = counts & ~np.isnan(weight)
        age = calendar.ages(label, funds.stated_label, fund_row)
        unexplained = age - funds.sessions_rolled if self._rolled_counts else age
        is_old = is_known & self._is_daily & (unexplained > OLDEST_ASSETS_SESSIONS)
        is_fresh = is_known & self._is_daily & ~is_old & (funds.sessions_rolled == 0)

        def total(mask: Bools, values: Floats) -> Floats:
            return np.bincount(fund_row[mask], values[mask], size).astype(np.float64)

        known, fresh = total(is_known, weight), total(is_fresh, weight)
        n_known = total(is_known, np.ones(len(weight)))
        n_unknown = total(counts & ~is_known, np.ones(len(weight)))
        # A fund of unknown size is taken for an average one of its reference, so that it lowers
        # the coverage; where nothing is known at all, nothing is covered.
        with np.errstate(divide="ignore", invalid="ignore"):
            share = fresh / (known * (1.0 + n_unknown / n_known))
        none_known = np.where(n_unknown > 0, 0.0, 1.0)
        coverage = np.where(known > 0.0, share, none_known)
        self.coverage[rows] = coverage[rows]
        self.weight_usd[rows] = total(is_known & self._is_daily, weight)[rows]
        self.is_stale[rows] = (total(is_old, np.ones(len(weight))) > 0)[rows]


def _volumes_before(label: int, days: Days) -> Iterator[SessionLiquidity]:
    """Yield what was traded in the sessions before one label, the newest first."""
    known = [
        (day, day.volumes) for day in days.values() if day.volumes is not None and day.label < label
    ]
    known.sort(key=lambda each: each[0].label, reverse=True)
    # Twice as many as count: other calendars' sessions are among them.
    for day, volumes in known[: 2 * MOST_SESSIONS]:
        yield volumes.liquidity(day.close(), day.close_ns - day.first_ns)
