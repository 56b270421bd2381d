"""Records of open interest into columns: one partition's contracts, each record judged once."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import numpy as np

from core.columns import Bools, Floats, Int32s
from core.contracts import OpenInterestColumns
from core.errors import BadInputError
from core.row_calendar import RowCalendar
from core.sessions import NO_TIME
from core.universe import Universe
from streams.event_fields import Heartbeat
from streams.event_kinds import shown
from streams.frames import is_frame, read_frame, row_frame
from streams.interest_rows import InterestRow, Level, frame_rows, level_of, read_json
from streams.parts import Sources
from streams.rejects import Record, Reject
from streams.routes import option_targets
from streams.wire import FUTURE_NS, NS_PER_MS, future_error, payload, source_error

MAX_ROOTS = 4_096
"""Roots a partition tells apart: a field filled with ids would be one root a record."""


@dataclass
class DecodedInterest:
    """What a batch holds: levels of contracts that belong here, and what cannot be used."""

    columns: OpenInterestColumns | None = None
    newest_ns: int = 0
    heartbeats: int = 0
    rejects: list[Reject] = field(default_factory=list)
    unknown: int = 0


@dataclass(frozen=True)
class _Item:
    """One event of a record: ``raw`` makes what a dead letter keeps of it, None: the record."""

    event: InterestRow | Heartbeat
    place: int = 0
    raw: Callable[[], bytes] | None = None


class _Found(NamedTuple):
    """A level of a row of the book, as stated: `factor` leads from its prices to the row's."""

    row: int
    factor: float
    level: Level


class InterestDecoder:
    """Decodes the open interest of one partition.

    Parameters
    ----------
    universe, references : Universe, int32[n]     as the book beside it has them
    calendar : RowCalendar                        of these references
    root_index, source_index : callable           name -> number, those of the book of options

    Notes
    -----
    Options on a listing (an index beside the fund that tracks it) are put in terms of the
    reference: strikes and forwards times its factor, multiplier and units divided by it.
    """

    def __init__(
        self,
        universe: Universe,
        references: Int32s,
        *,
        calendar: RowCalendar,
        root_index: Callable[[str], int],
        source_index: Callable[[str], int],
    ) -> None:
        self._target = option_targets(universe)
        self._row = {int(index): row for row, index in enumerate(references.tolist())}
        self._calendar = calendar
        self._root_index = root_index
        self._roots: dict[str, int] = {}
        self._sources = Sources(source_index)

    def decode(self, records: Sequence[Record]) -> DecodedInterest:
        """Decode a batch of one record or more; nothing that a record holds raises."""
        decoded = DecodedInterest()
        found: list[_Found] = []
        for record in records:
            try:
                items = list(_items(record))
            except BadInputError as error:
                decoded.rejects.append(Reject.of(record, error))
                continue
            for item in items:
                try:
                    level = self._judge(item.event, record, decoded)
                except BadInputError as error:
                    raw = item.raw() if item.raw else None
                    decoded.rejects.append(Reject.of(record, error, row=item.place, raw=raw))
                    continue
                if level is not None:
                    found.append(level)
        if found:
            decoded.columns = self._columns(found)
            decoded.newest_ns = int(decoded.columns.event_ns.max())
        return decoded

    def _judge(
        self, event: InterestRow | Heartbeat, record: Record, decoded: DecodedInterest
    ) -> _Found | None:
        """Return the level of an event that belongs here; count what is none.

        Raises
        ------
        BadInputError
            If it cannot be used.
        """
        if isinstance(event, Heartbeat):
            decoded.heartbeats += 1
            return None
        target = self._target.get(event.underlying)
        if target is None and event.underlying:
            decoded.unknown += 1
            return None
        level = level_of(event)
        if level.event_ns > record.timestamp * NS_PER_MS + FUTURE_NS:
            raise future_error(level.event_ns, record)
        reference, factor = target or (-1, 1.0)
        row = self._row.get(reference)
        if row is None:
            raise BadInputError(
                "misrouted",
                f"expected underlying {shown(level.underlying)} on the partition of its reference,"
                " it was on another",
            )
        if self._sources.number(level.source) < 0:
            raise source_error(level.source)
        if self._root(level.root) < 0:
            raise BadInputError(
                "bad_root", f"expected at most {MAX_ROOTS} roots, one more was {shown(level.root)}"
            )
        return _Found(row, factor, level)

    def _root(self, name: str) -> int:
        number = self._roots.get(name)
        if number is None:
            if len(self._roots) >= MAX_ROOTS:
                return -1
            number = self._roots[name] = self._root_index(name)
        return number

    def _columns(self, found: Sequence[_Found]) -> OpenInterestColumns:
        levels = [each.level for each in found]
        row = np.array([each.row for each in found], np.int32)
        factor = np.array([each.factor for each in found], np.float64)
        expiry = np.array([level.expiry for level in levels], np.int64)
        settlement_ns = np.array([level.settlement_ns for level in levels], np.int64)
        for each in np.unique(expiry[settlement_ns == NO_TIME]).tolist():
            here = (expiry == each) & (settlement_ns == NO_TIME)
            settlement_ns[here] = self._calendar.last_closes(each)[row[here]]

        def floats(name: str) -> Floats:
            return np.array([getattr(level, name) for level in levels], np.float64)

        def flags(name: str) -> Bools:
            return np.array([getattr(level, name) for level in levels], np.bool_)

        stated = OpenInterestColumns(
            reference=row,
            root=np.array([self._root(level.root) for level in levels], np.int32),
            expiry=expiry,
            strike=floats("strike"),
            is_call=flags("is_call"),
            settlement_ns=settlement_ns,
            open_interest=floats("open_interest"),
            implied_volatility=floats("implied_volatility"),
            multiplier=floats("multiplier"),
            deliverable=floats("deliverable"),
            is_cash_settled=flags("is_cash_settled"),
            is_american=flags("is_american"),
            forward=floats("forward"),
            event_ns=np.array([level.event_ns for level in levels], np.int64),
            label=np.array([level.label for level in levels], np.int64),
            source=np.array([self._sources.number(level.source) for level in levels], np.int32),
            dealer_sign=floats("dealer_sign"),
        )
        return stated.in_terms_of_reference(factor)


def _items(record: Record) -> Iterator[_Item]:
    """Yield the events of a record.

    Raises
    ------
    BadInputError
        If the record as a whole cannot be used.
    """
    value = payload(record)
    if not is_frame(value):
        yield _Item(read_json(value))
        return
    batch = read_frame(value)
    for place, event in enumerate(frame_rows(batch)):
        yield _Item(event, place, partial(row_frame, batch, place))
