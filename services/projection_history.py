"""The history of the projection: one row a reference and minute of market time, for Kafka.

A row is the last state seen up to the minute's end, its ``event_time`` says when: the rows of
``replay --every 60s``, as far as evaluations fall on them. It is written once a later minute is
seen; the last of a session, with its official close, half an hour of market time after the
close. Minutes that no evaluation saw have no row.
"""

from typing import Protocol

from core.columns import View
from core.minutes import MinuteTurns
from core.universe import Universe
from services.rows import Rows, rows_of


class ProjectionLog(Protocol):
    """Where rows are kept; putting them is quick and never fails."""

    def put(self, rows: Rows, universe: Universe) -> None:
        """Take some rows over, numbered by `universe`."""
        ...


class ProjectionHistory:
    """Watches the views of one alerter, and hands over the rows whose minute has ended."""

    def __init__(self, log: ProjectionLog) -> None:
        self._log = log
        self._universe: Universe | None = None
        self._turns: MinuteTurns

    def note(self, view: View, universe: Universe) -> None:
        """Take the next view; under another version of the universe the minute begins anew."""
        if universe is not self._universe:
            self._universe = universe
            self._turns = MinuteTurns(view)
            return
        before, rows = self._turns.ended(view)
        if len(rows):
            self._log.put(rows_of(before, rows), universe)
