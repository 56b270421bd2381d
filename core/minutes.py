"""Minutes of market time: which one each row of a view belongs to, and when one has ended."""

from dataclasses import fields, replace
from typing import Any

import numpy as np

from core.columns import Bools, Int64s, View, joined_funds
from core.sessions import NANOS_PER_SECOND, NO_SESSION, NO_TIME, OFFICIAL_CLOSE_GRACE_NS

MINUTE_NS = 60 * NANOS_PER_SECOND


def minutes_of(view: View) -> Int64s:
    """Return the minute that each row's market time belongs to, named by its end, included.

    From the close on it is the close's, for as long as an official close may come.

    Returns
    -------
    int64[n]    ns UTC, ``NO_TIME`` outside of sessions
    """
    market_ns, close_ns = view.market_ns, view.close_ns
    is_timed = (view.label != NO_SESSION) & (view.open_ns <= market_ns)
    is_timed &= market_ns < close_ns + OFFICIAL_CLOSE_GRACE_NS
    minute = -(-np.minimum(market_ns, close_ns) // MINUTE_NS) * MINUTE_NS
    return np.where(is_timed, minute, NO_TIME)


class MinuteTurns:
    """Finds, view by view, the last row of each minute; all views have the same references.

    A row is known to be the last once a later minute, or none, has come. Rows without market
    time, whose partial is missing, end nothing; a minute that has ended does not come back.
    """

    def __init__(self, view: View) -> None:
        self._last = view
        self._minute = minutes_of(view)
        self._newest = self._minute

    def ended(self, view: View) -> tuple[View, Int64s]:
        """Take the next view.

        Returns
        -------
        before : View      the newest that was known of each row before `view`
        rows : int64[k]    those that were the last of their minute
        """
        is_missing = view.market_ns == NO_TIME
        minute = np.where(is_missing, self._minute, minutes_of(view))
        goes_on = (minute > self._newest) | (minute == self._minute)
        minute = np.where(goes_on, minute, NO_TIME)
        before, rows = self._last, (minute != self._minute) & (self._minute != NO_TIME)
        self._last = _with_rows_of(view, before, is_missing) if is_missing.any() else view
        self._minute = minute
        self._newest = np.maximum(self._newest, minute)
        return before, np.flatnonzero(rows)


def _with_rows_of(view: View, other: View, which: Bools) -> View:
    def chosen(mine: Any, theirs: Any) -> Any:  # noqa: ANN401  any array of the view
        return np.where(which, theirs, mine)

    columns = {
        field.name: chosen(getattr(view, field.name), getattr(other, field.name))
        for field in fields(View)
        if field.name not in {"numeric", "funds"}
    }
    numeric = {name: chosen(mine, other.numeric[name]) for name, mine in view.numeric.items()}
    mine, theirs = view.funds, other.funds
    funds = joined_funds(
        [mine.where(~which[mine.reference]), theirs.where(which[theirs.reference])]
    )
    return replace(view, **columns, numeric=numeric, funds=funds)
