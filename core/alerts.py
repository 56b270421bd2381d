"""The words of alerts: what identifies one, what is remembered of it, what can happen to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from core.columns import Floats
from core.sessions import NO_TIME
from core.subjects import symbol_rows
from core.thresholds import SEVERITIES, Rule
from core.universe import Universe


class AlertKey(NamedTuple):
    """The labels of an alert, the same from fire to resolve.

    ``family`` is the rule's name, ``side`` buy or sell, ``symbol`` the subject's name: of the
    reference, the room or the venue, or "market".
    """

    alertname: str
    severity: str
    family: str
    side: str
    scope: str
    symbol: str


class Phase(StrEnum):
    """Where an alert stands; an ``UNKNOWN`` one fires on, for want of data to judge it by."""

    PENDING = "pending"
    FIRING = "firing"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class AlertState:
    """What is remembered of a live alert: plain values, all times in market time.

    ``label`` and ``close_ns`` are its session's; ``fires_ns`` is the crossing time plus the
    level's ``for``; before ``hold_until_ns`` it cannot clear; ``below_since_ns`` is when it was
    first seen below the clear bound, ``NO_TIME`` while it is not. ``value`` is the measure at
    ``as_of_ns``, the last known, and ``peak`` the one furthest on the alert's side, both signed.
    """

    phase: Phase
    label: int
    close_ns: int
    crossed_ns: int
    fires_ns: int
    hold_until_ns: int
    as_of_ns: int
    value: float
    peak: float
    below_since_ns: int = NO_TIME


class Change(StrEnum):
    """What can happen to an alert that fires; ``KNOWN`` ends ``UNKNOWN``."""

    FIRING = "firing"
    UNKNOWN = "unknown"
    KNOWN = "known"
    RESOLVED = "resolved"


class Reason(StrEnum):
    """Why an alert resolved; ``NONE`` for every other change."""

    NONE = ""
    CLEARED = "cleared"
    SESSION_CLOSED = "session_closed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of one alert; ``at_ns`` is market time, ``state`` the last there is of it."""

    key: AlertKey
    change: Change
    at_ns: int
    reason: Reason
    state: AlertState


SIDE_SIGN = {"buy": 1.0, "sell": -1.0}
"""The sign of a measure on each side."""


def key_of(rule: Rule, severity: str, *, value: float, subject: str) -> AlertKey:
    """Return the labels under which `value` of the subject's measure alerts."""
    return AlertKey(
        alertname=rule.alertnames[severity],
        severity=severity,
        family=rule.name,
        side="buy" if value > 0.0 else "sell",
        scope=rule.scope,
        symbol=subject,
    )


def is_judged(key: AlertKey) -> bool:
    """Return whether a rule judges this alert; all others are the alerter's own."""
    return key.severity in SEVERITIES and key.alertname.endswith(key.severity.capitalize())


def levels_of(states: Mapping[AlertKey, AlertState], universe: Universe) -> Floats:
    """Return the ``level`` column: the highest severity that fires for each reference.

    Returns
    -------
    float64[n]    0 none, 1 watch, 2 warning, 3 critical, by the rules of scope symbol
    """
    levels = np.zeros(len(universe.symbol))
    rows = symbol_rows(universe)
    for key, state in states.items():
        row = rows.get(key.symbol)
        if key.scope == "symbol" and row is not None and state.phase != Phase.PENDING:
            levels[row] = max(levels[row], SEVERITIES.index(key.severity) + 1.0)
    return levels
