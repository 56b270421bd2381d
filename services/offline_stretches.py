"""Which prices of a replay need not be judged one by one: stretches that change no alert.

A stretch lies between two boundaries, where something else than prices moves what rules read: a
session opens or closes, a rule begins to judge, a stated figure becomes known, a creation, open
interest or an official close comes in, an alert is due. What comes first after a boundary is
judged, and so is what comes last before one, so that everything else stands as if each price had
been judged.
"""

from collections.abc import Iterator

import numpy as np

from core.book import Book
from core.columns import Int64s, PriceColumns, View
from core.quiet import can_screen, extremes
from core.sessions import NEVER_NS, NO_TIME
from core.thresholds import Rule
from core.universe import Universe
from services.offline_alerts import OfflineAlerts
from services.offline_events import Feed, sliced

_FIRST_SIZE = 16
_MOST_SIZE = 1 << 14
_SMALLEST_SIZE = 4
_MOST_JUDGED = 32
"""Prices judged one by one after stretches that were not quiet, before the next is tried."""


class Stretches:
    """Looks for stretches of prices that can be applied unjudged.

    Parameters
    ----------
    alerts : OfflineAlerts
    universe : Universe
    book : Book         of the whole universe
    feed : Feed
    """

    def __init__(self, alerts: OfflineAlerts, universe: Universe, book: Book, feed: Feed) -> None:
        self._alerts = alerts
        self._book = book
        self._prices = feed.prices
        self._boundaries = _boundaries(alerts.rules, universe, feed)
        self._view: View | None = None
        self._limit_ns = NO_TIME
        self._size = _FIRST_SIZE
        self._refusals = 0
        self._to_judge = 0

    def note_judged(self, view: View, time_ns: int) -> None:
        """Take note of what was judged last, at a market time that all rows share."""
        self._view = view
        at = int(np.searchsorted(self._boundaries, time_ns, side="right"))
        boundary_ns = int(self._boundaries[at]) if at < len(self._boundaries) else NEVER_NS
        self._limit_ns = min(boundary_ns, self._alerts.changes_ns())

    def forget(self) -> None:
        """Have the next event judged: the book stands at another time than what was judged."""
        self._view = None

    def quiet_until(self, applied_ns: int, until_ns: int) -> int:
        """Return up to which time prices change no alert, `applied_ns` where the next one may."""
        view = self._view
        if view is None:
            return applied_ns
        if self._to_judge:
            self._to_judge -= 1
            return applied_ns
        first, last = self._within(applied_ns, until_ns)
        event_ns = self._prices.event_ns
        while first < last:
            wanted = min(first + self._size, last)
            # All that happens at one time is one evaluation.
            stop = int(np.searchsorted(event_ns, event_ns[wanted - 1], side="right"))
            if self._is_quiet(view, sliced(self._prices, first, stop)):
                self._refusals = 0
                self._size = min(2 * self._size, _MOST_SIZE)
                return int(event_ns[stop - 1])
            if self._size <= _SMALLEST_SIZE:
                self._refusals += 1
                self._to_judge = min(1 << self._refusals, _MOST_JUDGED)
                break
            self._size = max(min(self._size, stop - first) // 4, _SMALLEST_SIZE)
        return applied_ns

    def _within(self, applied_ns: int, until_ns: int) -> tuple[int, int]:
        """Return the first and one past the last price that may be left unjudged."""
        event_ns = self._prices.event_ns
        first = int(np.searchsorted(event_ns, applied_ns, side="right"))
        if until_ns < self._limit_ns:
            return first, int(np.searchsorted(event_ns, until_ns, side="right"))
        last = int(np.searchsorted(event_ns, self._limit_ns, side="left"))
        if last > first:
            last = int(np.searchsorted(event_ns, event_ns[last - 1], side="left"))
        return first, last

    def _is_quiet(self, view: View, prices: PriceColumns) -> bool:
        found = extremes(view, self._book, prices)
        return found is not None and self._alerts.stays(*found)


def stretches_of(
    alerts: OfflineAlerts, universe: Universe, book: Book, feed: Feed, *, close_share: float
) -> Stretches | None:
    """Return what finds stretches, None where every price must be judged.

    ``close_share`` is the share of the dealers' hedge in the forced flow: it moves with time.
    """
    if close_share or not can_screen(alerts.rules):
        return None
    return Stretches(alerts, universe, book, feed)


def _boundaries(rules: tuple[Rule, ...], universe: Universe, feed: Feed) -> Int64s:
    times = [feed.flows.event_ns, feed.interest.event_ns]
    # It may be of the session before the one that is open: then all returns of this are others.
    times.append(feed.prices.event_ns[feed.prices.official])
    times += [universe.fund_figures.known_ns, universe.price_factors.known_ns]
    for table in universe.schedules:
        times += [table.open_ns, table.close_ns]
        times += list(_active_from(rules, table.open_ns, table.close_ns))
    # What counts up to a time inclusive changes just after it.
    found = np.concatenate(times)
    return np.unique(np.concatenate((found, found + 1)))


def _active_from(rules: tuple[Rule, ...], open_ns: Int64s, close_ns: Int64s) -> Iterator[Int64s]:
    """Yield when rules begin to judge sessions; a group's is that of one of its members'."""
    for rule in rules:
        yield open_ns + rule.after_open_ns
        if rule.before_close_ns is not None:
            yield close_ns - rule.before_close_ns
