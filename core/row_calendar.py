"""The sessions of a book's rows: rows of one schedule are looked up together."""

import numpy as np

from core.columns import Floats, Int32s, Int64s
from core.sessions import NANOS_PER_SECOND, NEVER_NS, NO_SESSION, NO_TIME, SessionTable
from core.universe import Universe


class RowCalendar:
    """Sessions of some references.

    Attributes
    ----------
    groups : list[tuple[SessionTable, int64[...]]]     each schedule with its rows
    """

    def __init__(self, universe: Universe, references: Int32s) -> None:
        self._schedule = universe.schedule[references]
        self.groups: list[tuple[SessionTable, Int64s]] = [
            (universe.schedules[s], np.flatnonzero(self._schedule == s))
            for s in np.unique(self._schedule)
        ]
        self._size = len(references)

    def usual_seconds(self) -> Floats:
        """Return float64[n], the length of a usual session of each row: the table's median."""
        seconds = np.full(self._size, np.nan)
        for table, rows in self.groups:
            if len(table.open_ns):
                seconds[rows] = np.median(table.close_ns - table.open_ns) / NANOS_PER_SECOND
        return seconds

    def positions_at(self, market_ns: Int64s) -> Int64s:
        """Return int64[n], each row's session at its market time, -1 where there is none yet."""
        position = np.full(self._size, -1, np.int64)
        for table, rows in self.groups:
            mine = market_ns[rows]
            if (mine == mine[0]).all():
                if mine[0] != NO_TIME:
                    position[rows] = table.position_at(int(mine[0]))
                continue
            for time_ns in np.unique(mine).tolist():
                if time_ns != NO_TIME:
                    position[rows[mine == time_ns]] = table.position_at(time_ns)
        return position

    def columns(self, position: Int64s) -> tuple[Int64s, Int64s, Int64s, Int64s]:
        """Return label, open_ns, close_ns and cutoff_ns, int64[n], of each row's session."""
        label = np.full(self._size, NO_SESSION, np.int64)
        times = [np.full(self._size, NO_TIME, np.int64) for _ in range(3)]
        for table, members in self.groups:
            rows = members[position[members] >= 0]
            at = position[rows]
            label[rows] = table.label[at]
            for column, source in zip(
                times, (table.open_ns, table.close_ns, table.cutoff_ns), strict=True
            ):
                column[rows] = source[at]
        return label, times[0], times[1], times[2]

    def closes_before(self, position: Int64s) -> Int64s:
        """Return int64[n], the close before each row's session, ``NO_TIME`` where there is none."""
        close_ns = np.full(self._size, NO_TIME, np.int64)
        for table, members in self.groups:
            rows = members[position[members] > 0]
            close_ns[rows] = table.close_ns[position[rows] - 1]
        return close_ns

    def bounds(self, label: int) -> tuple[Int64s, Int64s]:
        """Return the first and last instant, int64[n], of each row's session of one label.

        An open that is also the close before it belongs to that close. Rows without a session of
        the label get an empty range.
        """
        first = np.full(self._size, NEVER_NS, np.int64)
        last = np.full(self._size, NO_TIME, np.int64)
        for table, rows in self.groups:
            at = int(np.searchsorted(table.label, label))
            if at < len(table.label) and table.label[at] == label:
                opens_at_close = at > 0 and table.close_ns[at - 1] == table.open_ns[at]
                first[rows] = table.open_ns[at] + int(opens_at_close)
                last[rows] = table.close_ns[at]
        return first, last

    def last_closes(self, label: int) -> Int64s:
        """Return int64[n], each row's last close up to a date, ``NO_TIME`` where there is none.

        A contract that expires on a Saturday settles with the session before.
        """
        close_ns = np.full(self._size, NO_TIME, np.int64)
        for table, rows in self.groups:
            at = int(np.searchsorted(table.label, label, side="right")) - 1
            if at >= 0:
                close_ns[rows] = table.close_ns[at]
        return close_ns

    def labels_taking(self, row: Int32s, event_ns: Int64s, grace_ns: int) -> Int64s:
        """Return int64[m], the session that takes each event, ``NO_SESSION`` where none does."""
        label = np.full(len(row), NO_SESSION, np.int64)
        schedule = self._schedule[row]
        for table, rows in self.groups:
            here = np.flatnonzero(schedule == self._schedule[rows[0]])
            position = table.positions_within(event_ns[here], grace_ns)
            label[here] = np.where(position >= 0, table.label[position], NO_SESSION)
        return label

    def labels_opened(self, row: Int32s, event_ns: Int64s) -> Int64s:
        """Return int64[m], the last session opened by each event, ``NO_SESSION`` where none."""
        return np.array(
            [
                self._table(int(i)).label_at(int(time_ns))
                for i, time_ns in zip(row, event_ns, strict=True)
            ],
            np.int64,
        )

    def ages(self, label: int, earlier: Int64s, row: Int32s) -> Int64s:
        """Return int64[m], how many sessions of its row lie between each label and a later one."""
        age = np.zeros(len(row), np.int64)
        schedule = self._schedule[row]
        for table, rows in self.groups:
            here = np.flatnonzero(schedule == self._schedule[rows[0]])
            now = np.searchsorted(table.label, label)
            age[here] = now - np.searchsorted(table.label, earlier[here])
        return age

    def labels_before(self, label: Int64s, count: int) -> Int64s:
        """Return int64[n, count], the sessions before that of each row, ascending.

        ``NO_SESSION`` where the row's schedule has no more; of a row without a session all are.
        """
        before = np.full((self._size, count), NO_SESSION, np.int64)
        for table, rows in self.groups:
            for each in np.unique(label[rows]).tolist():
                at = int(np.searchsorted(table.label, each))
                known = table.label[max(at - count, 0) : at]
                before[rows[label[rows] == each], count - len(known) :] = known
        return before

    def keeps_whole(self, newest: int) -> set[int]:
        """Return the labels of every row's two latest sessions up to one label."""
        kept: set[int] = set()
        for table, _ in self.groups:
            at = int(np.searchsorted(table.label, newest, side="right"))
            kept.update(table.label[max(at - 2, 0) : at].tolist())
        return kept

    def _table(self, row: int) -> SessionTable:
        for table, rows in self.groups:
            if self._schedule[rows[0]] == self._schedule[row]:
                return table
        raise AssertionError(row)
