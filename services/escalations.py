"""Escalation: an alert that nobody acknowledges raises another one in its group.

An acknowledgement is a silence that names exactly this alert, at any Alertmanager. Time is host
time, for it is people who are waited for. Where no Alertmanager can be asked about silences
nobody is known to have acknowledged: rather a page too many.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from core.alerts import AlertKey, is_judged
from core.sessions import NANOS_PER_SECOND
from core.thresholds import ESCALATED, Rule
from services.alert_ledger import Episode, Ledger
from services.alert_messages import Annotations, host_time_text
from services.durations import duration_text
from services.own_alerts import Wanted

SEVERITY = "escalated"
LOOK_AHEAD_NS = 15 * NANOS_PER_SECOND
"""How long before an escalation is due silences are read."""


@dataclass(frozen=True)
class Candidate:
    """An alert that fires and whose rule escalates it ``after_ns`` after people are first told."""

    episode: Episode
    after_ns: int
    is_raised: bool

    @property
    def due_ns(self) -> int:
        """Host time from which on it is escalated; what a storm left out at first waits anew."""
        placed_ns = self.episode.placed_ns
        return self.after_ns + (self.episode.starts_ns if placed_ns is None else placed_ns)

    @property
    def key(self) -> AlertKey:
        """Labels of the alert that escalates it."""
        return escalated_key(self.episode.key)


def escalated_key(key: AlertKey) -> AlertKey:
    """Return the labels under which an alert is escalated: of the same group."""
    return key._replace(alertname=f"{key.alertname}Escalated", severity=SEVERITY)


def candidates(ledger: Ledger, rules: Iterable[Rule]) -> list[Candidate]:
    """Return what may escalate, or has; what a storm left out was told to nobody and is not."""
    waits = {
        rule.name: rule.escalate_after_ns for rule in rules if rule.escalate_after_ns is not None
    }
    if not waits:
        return []
    firing = ledger.firing()
    raised = {one.key: one.starts_ns for one in firing if one.key.severity == SEVERITY}
    return list(_candidates(firing, waits, raised))


def _candidates(
    firing: Iterable[Episode], waits: Mapping[str, int], raised: Mapping[AlertKey, int]
) -> Iterator[Candidate]:
    for episode in firing:
        key = episode.key
        after_ns = waits.get(key.family)
        if after_ns is None or key.severity not in ESCALATED or not is_judged(key):
            continue
        if not episode.left_out:
            # One that was raised for an earlier alert of these labels ends, and begins anew.
            is_raised = raised.get(escalated_key(key), -1) >= episode.starts_ns
            yield Candidate(episode, after_ns, is_raised)


def escalations(
    found: Iterable[Candidate],
    *,
    now_ns: int,
    may_raise: Callable[[AlertKey], bool],
    texts: Mapping[AlertKey, Annotations],
) -> dict[AlertKey, Wanted]:
    """Return the escalations that should fire; one that was raised stays until its alert is over.

    ``may_raise`` says of an alert that silences were read and none acknowledges it; ``texts`` are
    the newest of all alerts.
    """
    wanted = {}
    for one in found:
        origin = one.episode
        if one.is_raised or (now_ns >= one.due_ns and may_raise(origin.key)):
            state = origin.state
            state = replace(state, fires_ns=max(state.fires_ns, state.as_of_ns))
            told = texts.get(origin.key, origin.annotations)
            wanted[one.key] = Wanted(state, _texts(one, told))
    return wanted


def _texts(one: Candidate, told: Annotations) -> Annotations:
    origin = one.episode
    waited = duration_text(one.after_ns)
    since = host_time_text(origin.starts_ns)
    return {
        "summary": f"Not acknowledged for {waited}: {told.get('summary', '')}",
        "description": (
            f"{origin.key.alertname} has fired since {since} and was not acknowledged by"
            f" {host_time_text(one.due_ns)}: no silence named exactly its alertname, side and"
            " symbol. This alert resolves when that one does."
        ),
    }
