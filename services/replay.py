"""The offline oracle: files in, the same core functions as the stream, rows and alerts out.

Time is event time alone. Nothing here waits, so the result depends on the files and on nothing
else, and no row shows what was not yet timestamped, save the official close in a session's last.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from core.assembly import BreachLevels, add_forecast, assemble, join_partials
from core.book import Book
from core.columns import Bools, Int64s, Partial, View
from core.sessions import NEVER_NS, NO_TIME, OFFICIAL_CLOSE_GRACE_NS
from core.universe import Universe
from services.offline_alerts import OfflineAlerts
from services.offline_events import Feed
from services.offline_stretches import Stretches
from services.report_samples import SampleTaker
from services.rows import Rows, rows_of

GRID, CLOSE, LAST = 0, 1, 2
"""What a step of the replay is for: rows of the grid, the alerts' end, the session's last rows."""


@dataclass(frozen=True, order=True)
class Step:
    """One stop of the replay, in order: at `due_ns`, rows of a session as of `market_ns`."""

    due_ns: int
    purpose: int
    schedule: int
    label: int
    market_ns: int


def session_steps(universe: Universe, feed: Feed, every_ns: int) -> list[Step]:
    """Return the stops of every session that a price of the feed belongs to, in order."""
    steps: list[Step] = []
    for number, table in enumerate(universe.schedules):
        mine = feed.prices.event_ns[universe.schedule[feed.prices.reference] == number]
        position = np.unique(table.positions_within(mine, OFFICIAL_CLOSE_GRACE_NS))
        for at in position[position >= 0].tolist():
            label, open_ns, close_ns = (
                int(column[at]) for column in (table.label, table.open_ns, table.close_ns)
            )
            steps += [
                Step(time_ns, GRID, number, label, time_ns)
                for time_ns in range(open_ns, close_ns, every_ns)
            ]
            last_ns = close_ns + OFFICIAL_CLOSE_GRACE_NS
            steps.append(Step(close_ns, CLOSE, number, label, close_ns))
            steps.append(Step(last_ns, LAST, number, label, close_ns))
    return sorted(steps)


class Replay:
    """One run of the replay over a feed."""

    def __init__(
        self,
        universe: Universe,
        book: Book,
        feed: Feed,
        *,
        alerts: OfflineAlerts | None,
        taker: SampleTaker | None,
        stretches: Stretches | None = None,
    ) -> None:
        self._universe = universe
        self._book = book
        self._feed = feed
        self._alerts = alerts
        self._taker = taker
        self._stretches = stretches
        self._breach = breach_of(universe, alerts)
        self._applied_ns = NO_TIME
        self._market_ns = NO_TIME

    def rows(self, steps: list[Step], *, progress: Callable[[int], None]) -> Iterator[Rows]:
        """Yield the rows of each stop; ``progress`` is told how many stops are done."""
        for number, step in enumerate(steps):
            self._advance(step.due_ns)
            partial = self._book.partial(market_ns=step.market_ns)
            view = self._judged_view(step, partial)
            if step.purpose != CLOSE:
                mine = (self._universe.schedule == step.schedule) & (view.label == step.label)
                mine &= ~np.isnan(view.numeric["price"])
                if self._taker is not None:
                    self._sample(self._taker, step, partial, view, mine)
                if mine.any():
                    yield rows_of(view, mine)
            progress(number + 1)
        self._apply(NEVER_NS)  # no row comes of the rest, and it is counted

    def _judged_view(self, step: Step, partial: Partial) -> View:
        view = assemble(self._universe, [partial], self._breach)
        if self._alerts is None:
            return view
        if step.market_ns > self._market_ns:
            self._market_ns = step.market_ns
            self._alerts.judge(view)
            self._note_judged(view, step.market_ns)
        elif self._stretches is not None and step.market_ns < self._market_ns:
            self._stretches.forget()
        self._alerts.set_levels(view)
        return view

    @staticmethod
    def _sample(taker: SampleTaker, step: Step, partial: Partial, view: View, which: Bools) -> None:
        if step.purpose == LAST:
            taker.take_last(view, which)
        else:
            taker.take(partial, view, which)

    def _judge(self, alerts: OfflineAlerts, time_ns: int) -> None:
        self._market_ns = time_ns
        partial = self._book.partial(market_ns=time_ns)
        view = join_partials(self._universe, [partial])
        if alerts.reads_forecast:
            add_forecast(view, partial, self._breach)
        alerts.judge(view)
        self._note_judged(view, time_ns)

    def _note_judged(self, view: View, time_ns: int) -> None:
        if self._stretches is not None:
            self._stretches.note_judged(view, time_ns)

    def _advance(self, until_ns: int) -> None:
        """Apply what was timestamped up to a time; judge the rules at every event on the way.

        What certainly changes no alert is applied at once: it is as if it had been judged.
        """
        while self._alerts is not None:
            time_ns = min(self._next_event_ns(), self._alerts.due_ns(after_ns=self._market_ns))
            if time_ns > until_ns:
                break
            quiet_ns = self._quiet_until(until_ns)
            if quiet_ns > self._applied_ns:
                self._apply(quiet_ns)
                continue
            self._apply(time_ns)
            self._judge(self._alerts, time_ns)
        self._apply(until_ns)

    def _quiet_until(self, until_ns: int) -> int:
        if self._stretches is None:
            return self._applied_ns
        return self._stretches.quiet_until(self._applied_ns, until_ns)

    def _next_event_ns(self) -> int:
        return min(
            _first_after(columns.event_ns, self._applied_ns)
            for columns in (self._feed.prices, self._feed.flows, self._feed.interest)
        )

    def _apply(self, until_ns: int) -> None:
        events = self._feed.between(self._applied_ns, until_ns)
        if len(events.prices.event_ns):
            self._book.apply_prices(events.prices)
        if len(events.flows.event_ns):
            self._book.apply_flows(events.flows)
        if len(events.interest):
            self._book.options.apply(events.interest)
        self._applied_ns = max(until_ns, self._applied_ns)


def breach_of(universe: Universe, alerts: OfflineAlerts | None) -> BreachLevels:
    """Return the breach thresholds of the rules, unknown everywhere without rules."""
    if alerts is not None:
        return alerts.breach
    unknown = np.full(len(universe.symbol), np.nan)
    return unknown, unknown


def _first_after(event_ns: Int64s, time_ns: int) -> int:
    at = int(np.searchsorted(event_ns, time_ns, side="right"))
    return int(event_ns[at]) if at < len(event_ns) else NEVER_NS
