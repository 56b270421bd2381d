"""The state of one partition's references, updated by columns of events in O(rows touched)."""

import numpy as np

from core.closing_curves import ClosingCurves
from core.columns import Floats, FlowColumns, Int32s, Int64s, Partial, PriceColumns, source_rank
from core.contract_splits import Splits
from core.curve_workshop import RowTargets
from core.day import Day
from core.dealer_assumptions import DealerAssumptions
from core.dealer_signs import ALL_SIGN_MODELS
from core.leveraged import curve_demand
from core.market_time import MarketTime
from core.option_book import DealerFigures, OptionBook
from core.outlook import Outlook
from core.row_calendar import RowCalendar
from core.sessions import NO_SESSION, NO_TIME, OFFICIAL_CLOSE_GRACE_NS
from core.slots import Candidates, Slots
from core.standing import Standing
from core.stated import StatedFigures
from core.universe import Universe

_NOTHING: Int64s = np.empty(0, np.int64)
_NO_SHARE = DealerAssumptions()


class Book:
    """Slots, carried figures and running coefficients of some references.

    Parameters
    ----------
    universe : Universe
    references : int32[n]             the book's references, ascending; row i is references[i]
    rolled_counts_as_stated : bool    offline: assets carried through known closes are not stale
    dealers : DealerAssumptions

    Attributes
    ----------
    funds, fund_row : int32[k]        universe funds of these references, and their rows here
    symbols, fund_names : tuple       of the references, and of ``funds``
    sources : list[str]               names by source number
    market : MarketTime               takes the heartbeats
    options : OptionBook              takes the open interest; row i is that of this book
    unused_prices, unused_flows : int     events that belong to no session, counted

    Notes
    -----
    ``price``, ``as_of_ns``, ``leveraged_usd`` and ``creation_usd`` of each row's current session
    are kept up to date event by event; `partial` moves rows into the session of their market
    time, where everything is computed anew from the slots.
    """

    def __init__(
        self,
        universe: Universe,
        references: Int32s,
        *,
        rolled_counts_as_stated: bool = False,
        dealers: DealerAssumptions = _NO_SHARE,
    ) -> None:
        size = len(references)
        stated = StatedFigures(universe, references)
        self.references = references
        self.symbols = tuple(universe.symbol[i] for i in references.tolist())
        self.fund_names = tuple(universe.fund[k] for k in stated.funds.tolist())
        self.funds: Int32s = stated.funds
        self.fund_row = stated.fund_row
        self._known_ns = stated.known_ns
        self._known_seen = -1
        self.standing = Standing(universe, stated, rolled_counts_as_stated=rolled_counts_as_stated)
        self.calendar = RowCalendar(universe, references)
        self.outlook = Outlook(self.calendar, size)
        self.market = MarketTime()
        self.options = OptionBook(
            self.calendar,
            size,
            model=np.full(size, ALL_SIGN_MODELS.index(dealers.sign_model), np.int64),
            rate=np.full(size, dealers.rate),
            dividend_yield=np.full(size, dealers.dividend_yield),
            splits=Splits.of(universe.price_factors, references),
        )
        self._closing = ClosingCurves(self.options, dealers.close_share)
        self.days: dict[int, Day] = {}
        self._hot: Day | None = None
        self._newest_label = NO_SESSION
        self.sources: list[str] = []
        self._ranks: Int64s = _NOTHING
        self._position = np.full(size, -1, np.int64)
        self._outdated = np.zeros(size, np.bool_)
        self.price = np.full(size, np.nan)
        self.as_of_ns = np.full(size, NO_TIME, np.int64)
        self.leveraged_usd = np.full(size, np.nan)
        self.creation_usd = np.full(size, np.nan)
        self.unused_prices = 0
        self.unused_flows = 0

    def source_index(self, source: str) -> int:
        """Return the number that stands for a source in columns and heartbeats."""
        if source in self.sources:
            return self.sources.index(source)
        self.sources.append(source)
        self._ranks = np.append(self._ranks, source_rank(source))
        return len(self.sources) - 1

    def apply_prices(self, prices: PriceColumns) -> Int64s:
        """Take a batch of prices; return the rows that changed, each once.

        Cost: O(batch), whatever the universe; any order, duplication or batching ends alike.
        """
        ticks = Candidates(
            prices.reference.astype(np.int64),
            prices.event_ns,
            prices.sequence,
            self._ranks.take(prices.source),
            prices.price,
        )
        hot = self._hot
        if hot is not None and len(ticks.slot) and not np.count_nonzero(prices.official):
            best = hot.trades.latest(ticks)
            bucket = hot.shared_buckets(best, ticks.event_ns.min())
            if bucket is not None or hot.takes(ticks.slot, ticks.event_ns):
                rows = hot.offer_trades(ticks, best, bucket)
                self._note_sources(hot, ticks.slot, prices.source, rows=best.slot)
                self._refresh(hot, rows)
                if prices.volume is not None:
                    self._offer_volumes(hot, ticks, prices.volume)
                return rows
        return self._apply_by_session(ticks, prices)

    def _apply_by_session(self, ticks: Candidates, prices: PriceColumns) -> Int64s:
        label = self.calendar.labels_taking(prices.reference, ticks.event_ns, 0)
        if prices.official.any():
            late = self.calendar.labels_taking(
                prices.reference, ticks.event_ns, OFFICIAL_CLOSE_GRACE_NS
            )
            label = np.where(prices.official, late, label)
        self.unused_prices += int((label == NO_SESSION).sum())
        touched = [_NOTHING]
        for each in np.unique(label[label != NO_SESSION]).tolist():
            day = self.priced_day(each)
            for kind in (False, True):
                here = np.flatnonzero((label == each) & (prices.official == kind))
                if len(here):
                    rows = self._offer(day, ticks.at(here), official=kind)
                    row = ticks.slot[here]
                    self._note_sources(day, row, prices.source[here], rows=row)
                    self._refresh(day, rows)
                    touched.append(rows)
                    # What vendors put beside an official close is a day's volume or a print's.
                    if prices.volume is not None and not kind:
                        self._offer_volumes(day, ticks.at(here), prices.volume[here])
        return np.unique(np.concatenate(touched))

    def _offer_volumes(self, day: Day, ticks: Candidates, volume: Floats) -> None:
        known = np.flatnonzero(volume > 0.0)
        if len(known):
            offered = Candidates(
                ticks.slot[known],
                ticks.event_ns[known],
                ticks.sequence[known],
                ticks.rank[known],
                volume[known],
            )
            rows = day.offer_volumes(offered)
            self._outdated[rows[self.standing.label[rows] > day.label]] = True

    def _offer(self, day: Day, ticks: Candidates, *, official: bool) -> Int64s:
        if official:
            return day.offer_officials(ticks)
        self._hot = day
        best = day.trades.latest(ticks)
        return day.offer_trades(ticks, best, day.shared_buckets(best, ticks.event_ns.min()))

    def _note_sources(self, day: Day, row: Int64s, source: Int32s, *, rows: Int64s) -> None:
        """Note which source priced which row; ``rows`` are those of ``row``, once or more."""
        first = int(source[0])
        if len(self.sources) == 1 or not np.count_nonzero(source != first):
            day.note_source(first, rows)
            return
        for each in np.unique(source).tolist():
            day.note_source(each, row[source == each])

    def _refresh(self, day: Day, rows: Int64s) -> None:
        """Bring the current figures of rows up to date after slots of a day changed."""
        label = self.standing.label[rows]
        is_current = label == day.label
        if np.count_nonzero(is_current) != len(rows):
            self._outdated[rows[label > day.label]] = True
            rows = rows[is_current]
        price, event_ns = day.last_prices(rows)
        self.price[rows] = price
        self.as_of_ns[rows] = np.maximum(self.as_of_ns[rows], event_ns)
        change = price / self.standing.previous_close[rows] - 1.0
        self.leveraged_usd[rows] = curve_demand(self.standing.curves, rows, change)

    def apply_flows(self, flows: FlowColumns) -> Int64s:
        """Take a batch of cumulative creations; return the rows that changed, ascending."""
        row = self.fund_row[flows.fund]
        label = np.where(
            flows.label == NO_SESSION,
            self.calendar.labels_opened(row, flows.event_ns),
            flows.label,
        )
        touched = [_NOTHING]
        used = 0
        for each in np.unique(label[label != NO_SESSION]).tolist():
            close_ns = self.calendar.bounds(each)[1][row]
            here = np.flatnonzero((label == each) & (close_ns != NO_TIME))
            used += len(here)
            if len(here):
                day = self.day(each)
                touched.append(self._apply_creations(day, flows, here, close_ns[here]))
        self.unused_flows += len(row) - used
        return np.unique(np.concatenate(touched))

    def _apply_creations(
        self, day: Day, flows: FlowColumns, here: Int64s, close_ns: Int64s
    ) -> Int64s:
        self._offer_creations(day.later_creation_slots(len(self.funds)), flows, here)
        rows: Int64s = np.unique(self.fund_row[flows.fund[here]]).astype(np.int64)
        day.flows_version += 1
        day.recorded.touch(rows)
        self._outdated[rows[self.standing.label[rows] > day.label]] = True
        in_time = here[flows.event_ns[here] <= close_ns]
        if len(in_time):
            self._offer_creations(day.creation_slots(len(self.funds)), flows, in_time)
            self._sum_creations(day, rows[self.standing.label[rows] == day.label])
        return rows

    def _offer_creations(self, slots: Slots, flows: FlowColumns, here: Int64s) -> None:
        creations = Candidates(
            flows.fund[here].astype(np.int64),
            flows.event_ns[here],
            flows.sequence[here],
            self._ranks.take(flows.source[here]),
            flows.net_creation_usd[here],
        )
        slots.offer(slots.latest(creations))

    def _sum_creations(self, day: Day, rows: Int64s) -> None:
        """Sum the creations of rows anew, in the order of their funds."""
        size = len(self.price)
        has_funds = np.bincount(self.fund_row, minlength=size) > 0
        self.creation_usd[rows] = np.where(has_funds, np.nan, 0.0)[rows]
        if day.creations is None:
            return
        term = self.standing.leverage_factor * day.creations.value
        known = np.flatnonzero(~np.isnan(term))
        total = np.bincount(self.fund_row[known], term[known], size)
        known_rows = np.intersect1d(rows, self.fund_row[known])
        self.creation_usd[known_rows] = total[known_rows]
        newest = np.full(size, NO_TIME, np.int64)
        np.maximum.at(newest, self.fund_row, day.creations.event_ns)
        self.as_of_ns[rows] = np.maximum(self.as_of_ns[rows], newest[rows])

    def partial(self, *, market_ns: int | None = None) -> Partial:
        """Return what every row owes at its market time, moving rows into their session first.

        Offline, `market_ns` is the market time of all rows.
        """
        size = len(self.price)
        if market_ns is None:
            market, beat = self.market.rows(self.calendar, self.days, size)
        else:
            market, beat = np.full(size, market_ns, np.int64), np.full(size, NO_TIME, np.int64)
        self._position = self.calendar.positions_at(market)
        label, open_ns, close_ns, cutoff_ns = self.calendar.columns(self._position)
        self._outdated[self.outlook.follow(self.days, self.standing.label)] = True
        self._move(label, market)
        standing = self.standing
        targets = RowTargets(
            label=label,
            open_ns=open_ns,
            close_ns=close_ns,
            since_ns=self.calendar.closes_before(self._position),
            market_ns=market,
            previous_close=standing.previous_close.copy(),
        )
        dealers = self._dealers(targets, is_offline=market_ns is not None)
        is_interest_stale, as_of_ns = np.zeros(size, np.bool_), self.as_of_ns
        if self.options.has_contracts.any():
            is_interest_stale = self.options.is_stale()
            as_of_ns = np.maximum(as_of_ns, self.options.as_of_ns())
        return Partial(
            reference=self.references,
            label=label,
            open_ns=open_ns,
            close_ns=close_ns,
            cutoff_ns=cutoff_ns,
            market_ns=market,
            as_of_ns=as_of_ns.copy(),
            price=self.price.copy(),
            previous_close=standing.previous_close.copy(),
            leveraged_usd=self.leveraged_usd.copy(),
            creation_usd=self.creation_usd.copy(),
            dealer_hedge_usd=dealers.hedge_usd,
            dealer_hedge_low_usd=dealers.hedge_low_usd,
            dealer_hedge_high_usd=dealers.hedge_high_usd,
            dealer_decay_usd=dealers.decay_usd,
            dealer_to_come_usd=dealers.to_come_usd,
            dealer_close_usd=self._closing.due_usd(dealers.hedge_usd),
            adv_usd=standing.adv_usd.copy(),
            auction_usd=standing.auction_usd.copy(),
            last_half_hour_usd=standing.last_half_hour_usd.copy(),
            hourly_usd=standing.hourly_usd.copy(),
            variance=self.outlook.variance(
                self.days, label=label, market_ns=market, close_ns=close_ns
            ),
            weight_usd=standing.weight_usd.copy(),
            coverage=standing.coverage.copy(),
            is_stale=standing.is_stale | is_interest_stale,
            is_interest_stale=is_interest_stale,
            beat_ns=beat,
            curves=self._closing.joined(standing.curves, standing.previous_close),
            funds=standing.fund_assets(),
        )

    def _dealers(self, targets: RowTargets, *, is_offline: bool) -> DealerFigures:
        """Return what dealers must trade at the rows' prices, as far as the curves are made."""
        if not self.options.has_contracts.any():
            return DealerFigures(*np.full((6, len(self.price)), np.nan))
        self.options.follow(targets)
        # A stream makes its curves between two batches; offline nothing is shown before they are.
        while is_offline and self.options.refresh():
            pass
        return self.options.figures(np.arange(len(self.price)), self.price)

    def _move(self, label: Int64s, market_ns: Int64s) -> None:
        """Set up the rows whose session, or whose knowledge of it, is another than before."""
        known_seen = int(np.searchsorted(self._known_ns, market_ns.max(initial=NO_TIME), "right"))
        if known_seen != self._known_seen:
            self._known_seen = known_seen
            self._outdated[:] = True
        due = (label != NO_SESSION) & (self._outdated | (label != self.standing.label))
        self._outdated[:] = False
        self._note_demand(np.flatnonzero(due & (label != self.standing.label)))
        for each in np.unique(label[due]).tolist():
            rows = np.flatnonzero(due & (label == each))
            self.standing.set_up(
                rows,
                label=each,
                known_ns=int(market_ns[rows].max()),
                days=self.days,
                calendar=self.calendar,
            )
            day = self.day(each)
            self.outlook.set_up(
                rows, day=day, days=self.days, daily_volatility=self.standing.daily_volatility
            )
            self.as_of_ns[rows] = NO_TIME
            self._refresh(day, rows)
            self._sum_creations(day, rows)

    def _note_demand(self, leaving: Int64s) -> None:
        """Keep what rows owed at the end of the session that they are about to leave."""
        label = self.standing.label[leaving]
        for each in np.unique(label[label != NO_SESSION]).tolist():
            rows = leaving[label == each]
            self.days[each].recorded.note_demand(
                rows, leveraged_usd=self.leveraged_usd[rows], creation_usd=self.creation_usd[rows]
            )

    def outdate(self) -> None:
        """Have everything that stands for a session computed anew when it is next asked for."""
        self._outdated[:] = True

    def day(self, label: int) -> Day:
        """Return the slots of one session, empty ones where there are none yet."""
        day = self.days.get(label)
        if day is None:
            day = self.days[label] = Day(label, *self.calendar.bounds(label))
            if self._is_over(label, self.calendar.keeps_whole(self._newest_label)):
                day.buckets = None
        return day

    def priced_day(self, label: int) -> Day:
        """Return a session that a price fell into; only prices decide which are the latest."""
        day = self.day(label)
        newest = self._newest_label = max(label, self._newest_label)
        whole = self.calendar.keeps_whole(newest)
        for other in self.days.values():
            if other.buckets is not None and self._is_over(other.label, whole):
                self.outlook.retire(other)
                other.buckets = None
        return day

    def _is_over(self, label: int, whole: set[int]) -> bool:
        return label < self._newest_label and label not in whole
