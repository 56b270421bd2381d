"""The state behind the options of some references: contracts, and what was said of them, in slots.

Any order, duplication or batching of records ends in the same state. Everything that is summed
from it lies elsewhere (`core.option_book`) and can be made anew.
"""

import numpy as np

from core.columns import Bools, Floats, Int64s, source_rank
from core.contract_days import ContractDays, InForce, in_force
from core.contract_records import contract_records
from core.contract_splits import Splits
from core.contract_table import ContractTable
from core.contracts import OpenInterestColumns, OptionChain
from core.row_calendar import RowCalendar
from core.sessions import NO_SESSION
from core.slots import Candidates


class OpenInterest:
    """Contracts of some references, and their figures by session.

    Attributes
    ----------
    table : ContractTable
    days : ContractDays
    roots : tuple[str, ...]     by the index that stands for them in columns
    sources : tuple[str, ...]   by the index that stands for them in columns
    ranks : int64[...]          of the sources in ties
    splits : Splits             of the rows
    since : int64[rows]         newest split that each row's contracts have been through
    version : int               grows with every batch
    unused : int                records of settled contracts or of sessions out of reach, counted
    """

    def __init__(self, calendar: RowCalendar, size: int, splits: Splits) -> None:
        self.table = ContractTable(size)
        self.splits = splits
        self.since = np.full(size, NO_SESSION, np.int64)
        self.days = ContractDays(capacity=self.table.capacity, rows=size)
        self.unused = 0
        self._calendar = calendar
        self._group = np.zeros(size, np.int64)
        for group, (_, rows) in enumerate(calendar.groups):
            self._group[rows] = group
        self._newest_label = NO_SESSION
        self._roots: dict[str, int] = {}
        self._sources: dict[str, int] = {}
        self.ranks: Int64s = np.empty(0, np.int64)
        self.version = 0

    @property
    def roots(self) -> tuple[str, ...]:
        """Names of the roots, in the order of their indices."""
        return tuple(self._roots)

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the sources, in the order of their indices."""
        return tuple(self._sources)

    def root_index(self, root: str) -> int:
        """Return the number that stands for a root in columns."""
        return self._roots.setdefault(root, len(self._roots))

    def source_index(self, source: str) -> int:
        """Return the number that stands for a source in columns."""
        if source not in self._sources:
            self._sources[source] = len(self._sources)
            self.ranks = np.append(self.ranks, source_rank(source))
        return self._sources[source]

    def apply(self, records: OpenInterestColumns, opened_ns: Int64s) -> tuple[Int64s, Int64s]:
        """Take a batch of records.

        Parameters
        ----------
        records : OpenInterestColumns
        opened_ns : int64[rows]     open of the session each row stands in: what settled before is
                                    of no use

        Returns
        -------
        (int64[m], int64[k])    contracts of which a figure changed, each once, and those whose
                                terms (settlement, deliverable, sign) changed
        """
        self.version += 1
        label, is_opening = self._sessions_of(records)
        used = (label != NO_SESSION) & (records.settlement_ns >= opened_ns[records.reference])
        if not used.all():
            self.unused += int(np.count_nonzero(~used))
            records, label, is_opening = records.at(used), label[used], is_opening[used]
        if not len(label):
            return _NOTHING, _NOTHING
        records, since = self._in_terms_of_now(records, label)
        number = self.table.numbers(records, since)
        self.days.grow(self.table.capacity)
        self._retire(int(label.max()))
        rank = self.ranks.take(records.source)
        altered = self.table.take_terms(number, records, label, rank)
        changed = [
            self._offer(int(each), number, records, rank, here=label == each, is_opening=is_opening)
            for each in np.unique(label)
        ]
        return np.unique(np.concatenate(changed)), altered

    def splits_due(self, label: Int64s, market_ns: Int64s) -> Int64s:
        """Return int64[rows], as `Splits.in_effect`, ``NO_SESSION`` where it has been gone through.

        ``label``, ``market_ns`` int64[rows] are what the rows stand for.
        """
        if not len(self.splits.row):
            return np.full(len(label), NO_SESSION, np.int64)
        newest = self.splits.in_effect(label, market_ns)
        return np.where(newest > self.since, newest, NO_SESSION)

    def go_through(self, row: int, split: int, opened_ns: Int64s) -> None:
        """Turn the contracts of a row that were listed before a split into what they became.

        ``opened_ns`` int64[rows] as in `apply`. Cost: O(contracts of the row).
        """
        self.since[row] = split
        self.remove_settled(row, int(opened_ns[row]))
        mine = self.table.members(row)
        before = mine[self.table.identity["since"][mine] < split]
        if len(before):
            records = contract_records(self.table, self.days, self.ranks, before)
            self._let_go(before, row)
            for each in records:
                self.apply(each, opened_ns)

    def in_force(self, contracts: Int64s, label: int) -> InForce:
        """Return what holds of some contracts in a session."""
        return in_force(self.days.ordered(), label, contracts)

    def remove_settled(self, row: int, before_ns: int) -> None:
        """Let the contracts of a row leave that settled before a time."""
        mine = self.table.members(row)
        gone = mine[self.table.settlement_ns[mine] < before_ns]
        if len(gone):
            self._let_go(gone, row)

    def chain(
        self, row: int, *, underlying: str, spot: float, now_ns: int, label: int
    ) -> OptionChain:
        """Return what is known of a row's contracts in a session as one chain."""
        table, mine = self.table, self.table.members(row)
        figures = self.in_force(mine, label)
        identity = table.identity[mine]
        unknown = np.full(len(mine), np.nan)
        return OptionChain(
            underlying=underlying,
            spot=spot,
            as_of_ns=now_ns,
            roots=self.roots,
            root=identity["root"].astype(np.int32),
            expiry=identity["expiry"].astype(np.int64),
            settlement_ns=table.settlement_ns[mine],
            strike=identity["strike"].astype(np.float64),
            is_call=identity["is_call"].astype(np.bool_),
            open_interest=figures.open_interest,
            implied_volatility=figures.volatility,
            multiplier=table.multiplier[mine],
            deliverable=table.deliverable[mine],
            is_cash_settled=table.is_cash_settled[mine],
            is_american=table.is_american[mine],
            forward=figures.forward,
            mid=unknown,
            vendor_gamma=unknown,
            effective_label=np.full(len(mine), label, np.int64),
        )

    def _let_go(self, contracts: Int64s, row: int) -> None:
        self.days.empty(contracts)
        self.table.free(contracts, row)

    def _in_terms_of_now(
        self, records: OpenInterestColumns, label: Int64s
    ) -> tuple[OpenInterestColumns, Int64s]:
        """Return records, those of before a split that the row went through adjusted, and since."""
        if not len(self.splits.row):
            return records, np.full(len(label), NO_SESSION, np.int64)
        stated = label if records.terms_label is None else records.terms_label
        stated = np.where(stated == NO_SESSION, label, stated)
        passed = self.since[records.reference]
        if (stated < passed).any():
            records = self.splits.adjusted(records, stated, passed)
        return records, np.maximum(self.splits.before(records.reference, stated), passed)

    def _sessions_of(self, records: OpenInterestColumns) -> tuple[Int64s, Bools]:
        """Return each record's session, and whether it is of a time up to its open.

        A session stated by the record may be up to one after that which closes next.
        """
        label = np.full(len(records.event_ns), NO_SESSION, np.int64)
        is_opening = np.zeros(len(label), np.bool_)
        group = self._group[records.reference]
        for each, (table, _) in enumerate(self._calendar.groups):
            here = np.flatnonzero(group == each)
            event_ns, stated = records.event_ns[here], records.label[here]
            closing = np.searchsorted(table.close_ns, event_ns, side="left")
            meant = np.searchsorted(table.label, stated)
            position = np.where(stated == NO_SESSION, closing, meant)
            known = (position < len(table.label)) & (position <= closing + 1)
            at = position[known]
            label[here[known]] = table.label[at]
            is_opening[here[known]] = event_ns[known] <= table.open_ns[at]
        return label, is_opening

    def _retire(self, newest: int) -> None:
        if newest > self._newest_label:
            self._newest_label = newest
            self.days.retire(self._calendar.keeps_whole(newest))

    def _offer(
        self,
        label: int,
        number: Int64s,
        records: OpenInterestColumns,
        rank: Int64s,
        *,
        here: Bools,
        is_opening: Bools,
    ) -> Int64s:
        """Offer the records of one session to its slots; return the contracts that changed."""
        day = self.days.day(label)
        changed = [_NOTHING]
        offers: tuple[tuple[str, Floats, Bools], ...] = (
            ("open_interest", records.open_interest, here),
            ("opening_volatility", records.implied_volatility, here & is_opening),
            ("volatility", records.implied_volatility, here & ~is_opening),
            ("opening_forward", records.forward, here & is_opening),
        )
        for figure, value, mine in offers:
            at = np.flatnonzero(mine & ~np.isnan(value))
            if len(at):
                own = np.full(len(at), label, np.int64)
                offered = Candidates(number[at], records.event_ns[at], own, rank[at], value[at])
                slots = day.slots_of(figure)
                best = slots.latest(offered)
                changed.append(best.slot[slots.offer(best)])
        at = np.flatnonzero(here)
        row = records.reference[at]
        np.maximum.at(day.newest_ns, row, records.event_ns[at])
        stated = row[~np.isnan(records.open_interest[at])]
        day.interest_label[stated] = np.maximum(day.interest_label[stated], label)
        return np.concatenate(changed)


_NOTHING: Int64s = np.empty(0, np.int64)
