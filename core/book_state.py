"""What a book holds, session by session and by name, so that another book can take it up.

Taking up is offering: slots are won as they are by events, so a state can be taken twice, or by a
book that has read some of the same events, or whose universe has other references and funds.
Names that the book does not have are left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.book import Book
from core.columns import Bools, Floats, Int64s
from core.day import BUCKET_NS, Day
from core.history import SessionCloses, session_closes
from core.interest_state import InterestState, take_up
from core.liquidity import SessionVolumes
from core.recorded import NOT_READ
from core.sessions import NO_TIME
from core.slots import Candidates, Slots

NONE: Int64s = np.empty(0, np.int64)
EMPTY = Candidates(NONE, NONE, NONE, NONE, np.empty(0))


@dataclass(frozen=True, eq=False)
class PriceState:
    """What prices have left behind in one session; slots are rows of the book that wrote it.

    ``buckets`` has one entry a bucket, its ``slot`` the row; ``closes`` are the five-minute
    closes of rows whose buckets are gone. ``priced_row``, ``priced_source`` int64[k] are the pairs
    of a row and a source that priced it.
    """

    label: int
    trades: Candidates
    officials: Candidates
    volumes_before: Candidates
    volumes_within: Candidates
    buckets: Candidates
    priced_row: Int64s
    priced_source: Int64s
    closes: list[SessionCloses]


@dataclass(frozen=True, eq=False)
class FlowState:
    """Creations of one session: known by its close, and at last; slots are funds of the book."""

    label: int
    creations: Candidates
    later_creations: Candidates


@dataclass(frozen=True, eq=False)
class RecordedState:
    """What was read of one session's results: its slots, and the columns of `Recorded`.

    ``row`` int64[k]; the other columns run beside it, ``positioning`` is float64[k, 6].
    """

    prices: PriceState
    flows: FlowState
    row: Int64s
    figures: Int64s
    path: Int64s
    leveraged_usd: Floats
    creation_usd: Floats
    positioning: Floats


@dataclass(frozen=True, eq=False)
class Beats:
    """Heartbeats by source number: ``event_ns``, ``beat_ns`` int64[k], ``NO_TIME`` without one."""

    event_ns: Int64s
    beat_ns: Int64s


@dataclass(frozen=True, eq=False)
class Names:
    """How the rows, funds and sources of a state are called, in the order of their numbers."""

    symbols: tuple[str, ...]
    funds: tuple[str, ...]
    sources: tuple[str, ...]


def names_of(book: Book) -> Names:
    """Return the names that the states of a book's sessions refer to."""
    return Names(book.symbols, book.fund_names, tuple(book.sources))


def beats_of(book: Book) -> Beats:
    """Return a copy of the heartbeats."""
    times = [book.market.of(source) for source in range(len(book.sources))]
    event_ns, beat_ns = zip(*times, strict=True) if times else ((), ())
    return Beats(np.array(event_ns, np.int64), np.array(beat_ns, np.int64))


def price_state(book: Book, day: Day) -> PriceState:
    """Return a copy of a session's slots: of all rows while it is whole.

    Of an older session, of those that its recorded results may not hold.
    """
    return _price_state(book, day, None if day.buckets is not None else day.recorded.changed)


def flow_state(book: Book, day: Day) -> FlowState:
    """Return a copy of a session's creations, of the rows that `price_state` returns."""
    return _flow_state(book, day, None if day.buckets is not None else day.recorded.changed)


def recorded_state(book: Book, day: Day) -> RecordedState:
    """Return a copy of a session's slots for the rows whose results were read."""
    return result_state(book, day, np.flatnonzero(day.recorded.figures != NOT_READ))


def result_state(book: Book, day: Day, rows: Int64s) -> RecordedState:
    """Return a copy of what some rows' results have to say; its digests are what was last read."""
    recorded = day.recorded
    chosen = np.zeros(len(book.symbols), np.bool_)
    chosen[rows] = True
    row = np.flatnonzero(chosen)
    is_current = book.standing.label[row] == day.label
    return RecordedState(
        prices=_price_state(book, day, chosen),
        flows=_flow_state(book, day, chosen),
        row=row,
        figures=recorded.figures[row],
        path=recorded.path[row],
        leveraged_usd=np.where(is_current, book.leveraged_usd[row], recorded.leveraged_usd[row]),
        creation_usd=np.where(is_current, book.creation_usd[row], recorded.creation_usd[row]),
        positioning=recorded.positioning_of(row),
    )


def _price_state(book: Book, day: Day, chosen: Bools | None) -> PriceState:
    buckets = _filled(day.buckets)
    row = buckets.slot // day.buckets_per_row
    pairs = [(source, np.flatnonzero(priced)) for source, priced in day.priced_by.items()]
    priced_row = np.concatenate([NONE, *(rows for _, rows in pairs)])
    priced_source = np.repeat(
        np.array([source for source, _ in pairs], np.int64), [len(rows) for _, rows in pairs]
    )
    is_chosen = slice(None) if chosen is None else chosen[priced_row]
    volumes = day.volumes
    return PriceState(
        label=day.label,
        trades=_chosen(_filled(day.trades), chosen),
        officials=_chosen(_filled(day.officials), chosen),
        volumes_before=_chosen(_filled(volumes.before if volumes else None), chosen),
        volumes_within=_chosen(_filled(volumes.within if volumes else None), chosen),
        buckets=_chosen(buckets.into(row), chosen),
        priced_row=priced_row[is_chosen],
        priced_source=priced_source[is_chosen],
        closes=[
            group
            for each in book.outlook.history.closes(day.label)
            if len((group := _chosen_closes(each, chosen)).row)
        ],
    )


def _flow_state(book: Book, day: Day, chosen: Bools | None) -> FlowState:
    of_fund = None if chosen is None else chosen[book.fund_row]
    return FlowState(
        day.label,
        _chosen(_filled(day.creations), of_fund),
        _chosen(_filled(day.later_creations), of_fund),
    )


def _filled(slots: Slots | None) -> Candidates:
    return EMPTY if slots is None else slots.filled()


def _chosen(candidates: Candidates, chosen: Bools | None) -> Candidates:
    return candidates if chosen is None else candidates.at(chosen[candidates.slot])


def _chosen_closes(group: SessionCloses, chosen: Bools | None) -> SessionCloses:
    if chosen is None:
        return group
    here = chosen[group.row]
    return SessionCloses(group.row[here], group.seconds[here], group.closes[here])


class Restorer:
    """Offers the states of one book, or of what it was encoded from, to another.

    Parameters
    ----------
    book : Book         takes the states up
    names : Names       of the book that the states are of
    """

    def __init__(self, book: Book, names: Names) -> None:
        self._book = book
        rows = {name: row for row, name in enumerate(book.symbols)}
        funds = {name: fund for fund, name in enumerate(book.fund_names)}
        self._row = np.array([rows.get(name, -1) for name in names.symbols], np.int64)
        self._fund = np.array([funds.get(name, -1) for name in names.funds], np.int64)
        self._source = [book.source_index(name) for name in names.sources]

    def beats(self, beats: Beats) -> None:
        """Take heartbeats up."""
        columns = (self._source, beats.event_ns.tolist(), beats.beat_ns.tolist())
        for source, event_ns, beat_ns in zip(*columns, strict=True):
            if event_ns != NO_TIME:
                self._book.market.beat(source, event_ns, beat_ns)

    def prices(self, state: PriceState) -> None:
        """Take up what prices left behind in a session."""
        book = self._book
        trades = self._of(self._row, state.trades)
        officials = self._of(self._row, state.officials)
        is_priced = len(trades.slot) or len(officials.slot)
        day = book.priced_day(state.label) if is_priced else book.day(state.label)
        _offer(day.trades, _within(day, trades))
        if len(officials.slot):
            day.officials = day.officials or Slots(len(book.symbols))
            _offer(day.officials, officials)
        self._volumes(day, state)
        self._buckets(day, state.buckets)
        self._paths(day, state.closes)
        priced_row = self._row[state.priced_row]
        for number in np.unique(state.priced_source).tolist():
            rows = priced_row[state.priced_source == number]
            day.note_source(self._source[number], rows[rows >= 0])
        day.version += 1
        book.outdate()

    def flows(self, state: FlowState) -> None:
        """Take up the creations of a session."""
        day = self._book.day(state.label)
        for slots, found in (
            (day.creation_slots, state.creations),
            (day.later_creation_slots, state.later_creations),
        ):
            mine = self._of(self._fund, found)
            if len(mine.slot):
                _offer(slots(len(self._book.funds)), mine)
        day.flows_version += 1
        self._book.outdate()

    def open_interest(self, state: InterestState) -> None:
        """Take up what is known of contracts."""
        take_up(self._book.options, state, self._row)

    def recorded(self, state: RecordedState) -> None:
        """Take up what was read of a session's results."""
        self.prices(state.prices)
        self.flows(state.flows)
        row = self._row[state.row]
        mine = row >= 0
        row = row[mine]
        recorded = self._book.day(state.prices.label).recorded
        recorded.read(row, state.figures[mine], state.path[mine])
        recorded.note_demand(
            row,
            leveraged_usd=state.leveraged_usd[mine],
            creation_usd=state.creation_usd[mine],
        )
        recorded.note_positioning(row, state.positioning[mine])

    def _volumes(self, day: Day, state: PriceState) -> None:
        for name, found in (("before", state.volumes_before), ("within", state.volumes_within)):
            mine = self._of(self._row, found)
            if len(mine.slot):
                day.volumes = day.volumes or SessionVolumes(len(self._book.symbols))
                _offer(getattr(day.volumes, name), mine)

    def _buckets(self, day: Day, found: Candidates) -> None:
        """Take up buckets: as slots while the session is whole, else as history."""
        mine = _within(day, self._of(self._row, found))
        if not len(mine.slot):
            return
        # The same slots, where the session's own are gone.
        whole = day if day.buckets is not None else Day(day.label, day.first_ns, day.close_ns)
        if whole.buckets is not None:
            _offer(whole.buckets, mine.into(whole.bucket_slots(mine.slot, mine.event_ns)))
        if whole is not day:
            self._book.outlook.history.keep(day.label, session_closes(whole))

    def _paths(self, day: Day, closes: Sequence[SessionCloses]) -> None:
        """Take up five-minute closes: as slots while the session is whole, else as history."""
        for group in closes:
            row = self._row[group.row]
            mine = np.flatnonzero(row >= 0)
            mine = mine[np.argsort(row[mine])]
            row, values = row[mine], group.closes[mine]
            if day.buckets is None:
                kept = SessionCloses(row, group.seconds[mine], values)
                self._book.outlook.history.keep(day.label, [kept])
                continue
            length_ns = day.close_ns[row] - day.first_ns[row]
            has_room = np.arange(values.shape[1]) * BUCKET_NS < length_ns[:, np.newaxis]
            at, bucket = np.nonzero(~np.isnan(values) & has_room)
            _offer(day.buckets, bucket_closes(day, row[at], bucket, price=values[at, bucket]))

    @staticmethod
    def _of(number: Int64s, found: Candidates) -> Candidates:
        mine = number[found.slot]
        return found.into(mine) if (mine >= 0).all() else found.into(mine).at(mine >= 0)


def _within(day: Day, trades: Candidates) -> Candidates:
    """Return the trades that fall into the session: another universe may have other hours."""
    if day.takes(trades.slot, trades.event_ns):
        return trades
    is_inside = trades.event_ns >= day.first_ns[trades.slot]
    return trades.at(is_inside & (trades.event_ns <= day.close_ns[trades.slot]))


def bucket_closes(day: Day, row: Int64s, bucket: Int64s, *, price: Floats) -> Candidates:
    """Return five-minute closes without their times as what any trade of the bucket wins over."""
    first_ns = day.first_ns[row] + bucket * BUCKET_NS
    zero = np.zeros(len(row), np.int64)
    return Candidates(
        day.bucket_slots(row, first_ns + 1),
        np.minimum(first_ns + 1, day.close_ns[row]),
        zero,
        zero,
        price,
    )


def _offer(slots: Slots, candidates: Candidates) -> None:
    slots.offer(slots.latest(candidates))
