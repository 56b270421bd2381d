"""Market time: what the sources' heartbeats say of "all up to here has been sent"."""

from collections.abc import Mapping

import numpy as np

from core.columns import Int64s
from core.day import Day
from core.row_calendar import RowCalendar
from core.sessions import NO_TIME


class MarketTime:
    """The latest heartbeat of each source, and the market time of each row that follows.

    A row's market time is the latest heartbeat among the sources that priced it in the session of
    that heartbeat or in the one before; a row that none of them priced has none.
    """

    def __init__(self) -> None:
        self._event_ns: dict[int, int] = {}
        self._beat_ns: dict[int, int] = {}

    def beat(self, source: int, event_ns: int, beat_ns: int) -> None:
        """Take a heartbeat: all up to `event_ns` was sent, as Kafka's clock said `beat_ns`.

        Neither ever goes back: a heartbeat read again changes nothing.
        """
        self._event_ns[source] = max(event_ns, self._event_ns.get(source, NO_TIME))
        self._beat_ns[source] = max(beat_ns, self._beat_ns.get(source, NO_TIME))

    def of(self, source: int) -> tuple[int, int]:
        """Return a source's latest heartbeat and Kafka's time of it, ``NO_TIME`` without one."""
        return self._event_ns.get(source, NO_TIME), self._beat_ns.get(source, NO_TIME)

    def rows(
        self, calendar: RowCalendar, days: Mapping[int, Day], size: int
    ) -> tuple[Int64s, Int64s]:
        """Return market_ns and beat_ns, int64[size], ``NO_TIME`` where no source counts."""
        market = np.full(size, NO_TIME, np.int64)
        beat = np.full(size, NO_TIME, np.int64)
        for source, event_ns in self._event_ns.items():
            for table, rows in calendar.groups:
                position = table.position_at(event_ns)
                labels = table.label[max(position - 1, 0) : position + 1].tolist()
                masks = [
                    days[label].priced_by[source][rows]
                    for label in labels
                    if label in days and source in days[label].priced_by
                ]
                if masks:
                    priced = rows[np.logical_or.reduce(masks)]
                    market[priced] = np.maximum(market[priced], event_ns)
                    beat[priced] = np.maximum(beat[priced], self._beat_ns[source])
        return market, beat
