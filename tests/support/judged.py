"""One subject judged by one rule at hand-made moments; times are seconds of a session."""

import math
from dataclasses import dataclass, field

import numpy as np

from core.alerts import AlertKey, AlertState, Transition
from core.lifecycle import next_due_ns, step
from core.readings import Readings
from core.sessions import NANOS_PER_SECOND, NEVER_NS
from core.subjects import Subjects
from core.thresholds import Level, Rule

SUBJECT = "ACME"

Happened = tuple[str, str, str, float, str]
"""Severity, side, change, market time in seconds, reason."""


def rule_of(*levels: Level, **keys: object) -> Rule:
    """Return a rule of scope symbol on adv_ratio, with these levels."""
    named = {"name": "forced-flow", "measure": "adv_ratio", "scope": "symbol", **keys}
    return Rule(levels=levels, **named)  # type: ignore[arg-type]


def level(name: str, raise_at: float, clear_at: float, for_seconds: float = 0) -> Level:
    return Level(name, raise_at, clear_at, nanos(for_seconds))


def nanos(seconds: float) -> int:
    return round(seconds * NANOS_PER_SECOND)


def only(name: str = SUBJECT) -> Subjects:
    zero = np.zeros(1, np.int64)
    return Subjects(name=(name,), row={name: 0}, member=zero, owner=zero, first=zero)


@dataclass
class Judged:
    """The subject's readings, the states that `step` made of them, and all that happened."""

    rule: Rule
    name: str = SUBJECT
    open_s: float = 0
    close_s: float = 23_400
    label: int = 1
    states: dict[AlertKey, AlertState] = field(default_factory=dict)
    happened: list[Happened] = field(default_factory=list)

    def readings(
        self, now_s: float, value: float, *, as_of_s: float | None = None, is_known: bool = True
    ) -> Readings:
        active_s = self.open_s + self.rule.after_open_ns / NANOS_PER_SECOND
        if self.rule.before_close_ns is not None:
            before_s = self.rule.before_close_ns / NANOS_PER_SECOND
            active_s = max(active_s, self.close_s - before_s)

        def times(seconds: float) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
            return np.array([nanos(seconds)])

        return Readings(
            subjects=only(self.name),
            value=np.array([value]),
            is_known=np.array([is_known and math.isfinite(value)]),
            label=np.array([self.label]),
            active_from_ns=times(active_s),
            close_ns=times(self.close_s),
            market_ns=times(now_s),
            as_of_ns=times(now_s if as_of_s is None else as_of_s),
            changes_ns=np.array([NEVER_NS]),
        )

    def at(
        self, now_s: float, value: float, *, as_of_s: float | None = None, is_known: bool = True
    ) -> list[Happened]:
        """Judge the value as read at a market time; return what happened."""
        readings = self.readings(now_s, value, as_of_s=as_of_s, is_known=is_known)
        self.states, transitions = step(self.rule, readings, self.states)
        found = [said(transition) for transition in transitions]
        self.happened += found
        return found

    def due_s(self, now_s: float, value: float) -> float:
        due = next_due_ns(self.rule, self.readings(now_s, value), self.states)
        return math.inf if due == NEVER_NS else due / NANOS_PER_SECOND

    def live(self) -> dict[tuple[str, str], str]:
        """Return the phase of each live alert by severity and side."""
        return {(key.severity, key.side): str(state.phase) for key, state in self.states.items()}


def said(transition: Transition) -> Happened:
    key = transition.key
    at_s = transition.at_ns / NANOS_PER_SECOND
    return key.severity, key.side, str(transition.change), at_s, str(transition.reason)
