"""Alerts of the alerter's own making, beside those that rules judge: how they begin and end.

They go the way of every alert: into the ledger and the audit, then to every Alertmanager, with
the same six labels from fire to resolve. What should fire now is worked out anew at each
evaluation; the difference to what fires are their transitions.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from core.alerts import AlertKey, AlertState, Change, Reason, Transition, is_judged
from services.alert_ledger import Ledger
from services.alert_messages import Annotations


@dataclass(frozen=True)
class Wanted:
    """One alert that should fire now, with the texts it has now."""

    state: AlertState
    texts: Annotations


def own_changes(ledger: Ledger, wanted: Mapping[AlertKey, Wanted]) -> list[Transition]:
    """Return what turns the own alerts that fire in a ledger into those wanted.

    One that is no longer wanted resolves at its last known time.
    """
    firing = {one.key: one.state for one in ledger.firing() if not is_judged(one.key)}
    ends = [
        Transition(key, Change.RESOLVED, max(state.as_of_ns, state.fires_ns), Reason.CLEARED, state)
        for key, state in firing.items()
        if key not in wanted
    ]
    starts = [
        Transition(key, Change.FIRING, one.state.fires_ns, Reason.NONE, one.state)
        for key, one in wanted.items()
        if key not in firing
    ]
    return ends + starts
