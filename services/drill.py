"""The daily drill: before the first open of a session's day one alert goes the way of every page.

By host time, for it tests the way to the people, and those live by it: a replay of last year does
not drill. It needs no memory: in its minutes it is wanted, and outside of them it is not. Who
starts the alerter after them has no drill that day.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from core.alerts import AlertKey, AlertState, Phase
from core.sessions import NANOS_PER_SECOND, Int64s, SessionTable
from core.universe import Universe
from services.own_alerts import Wanted
from services.rows import time_text

DRILL_KEY = AlertKey("ForcedFlowDrill", "drill", "drill", "none", "service", "drill")
DRILL_NS = 120 * NANOS_PER_SECOND
"""How long it fires: longer than a group waits and than its interval, so that both are told."""


@dataclass(frozen=True, eq=False)
class _Days:
    """The first opens of the days on which a session opens, ascending by day; int64[n] each."""

    label: Int64s
    open_ns: Int64s
    zones: tuple[str, ...]


def drill_at(now_ns: int, lead_ns: int, universe: Universe) -> dict[AlertKey, Wanted]:
    """Return the drill if it should fire at `now_ns`, host time.

    Parameters
    ----------
    now_ns : int
    lead_ns : int        how long before the first open it begins; 0: there is none
    universe : Universe  whose schedules say when sessions open
    """
    if not lead_ns:
        return {}
    days = _days_of(universe.schedules)
    starts_ns = days.open_ns - lead_ns
    position = int(np.searchsorted(starts_ns, now_ns, side="right")) - 1
    if position < 0 or now_ns >= starts_ns[position] + DRILL_NS:
        return {}
    at_ns, open_ns = int(starts_ns[position]), int(days.open_ns[position])
    state = AlertState(
        phase=Phase.FIRING,
        label=int(days.label[position]),
        close_ns=open_ns,
        crossed_ns=at_ns,
        fires_ns=at_ns,
        hold_until_ns=at_ns,
        as_of_ns=at_ns,
        value=0.0,
        peak=0.0,
    )
    return {DRILL_KEY: Wanted(state, _texts(open_ns, days.zones[position]))}


def _texts(open_ns: int, zone: str) -> dict[str, str]:
    return {
        "summary": "DRILL, nothing to trade: this is the daily test of the way to you",
        "description": (
            "This is a drill and says nothing about any market. It is sent before the first open,"
            f" {time_text(open_ns, zone)}, through the ledger, the audit and every Alertmanager,"
            f" and resolves by itself after {DRILL_NS // NANOS_PER_SECOND} s. If it does not come"
            " on a day with a session, pages do not come either."
        ),
    }


@lru_cache(maxsize=4)
def _days_of(schedules: tuple[SessionTable, ...]) -> _Days:
    broken = [table for table in schedules if not _never_closes(table)]
    tables = broken or list(schedules)
    label = np.concatenate([table.label for table in tables])
    open_ns = np.concatenate([table.open_ns for table in tables])
    owner = np.repeat(np.arange(len(tables)), [len(table.label) for table in tables])
    order = np.lexsort((open_ns, label))
    days, first = np.unique(label[order], return_index=True)
    chosen = order[first]
    # Of two days that begin in the wrong order, across the date line, the later counts later.
    by_open = np.argsort(open_ns[chosen], kind="stable")
    return _Days(
        label=days[by_open],
        open_ns=open_ns[chosen][by_open],
        zones=tuple(tables[int(owner[at])].zone for at in chosen[by_open]),
    )


def _never_closes(table: SessionTable) -> bool:
    """Return whether each session begins where the one before it ends: no open to drill before."""
    return bool(np.all(table.open_ns[1:] <= table.close_ns[:-1]))
