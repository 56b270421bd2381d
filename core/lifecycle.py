"""The life of alerts: from readings and the states before to the states after, in market time.

A level is *pending* from its crossing until it has been above ``raise_at`` for its ``for``; then
it *fires*, at least for the rule's minimum hold, until it is seen below ``clear_at`` or its
session closes. Without data it is *unknown*: it fires on, and only the close can resolve it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from core.alerts import (
    SIDE_SIGN,
    AlertKey,
    AlertState,
    Change,
    Phase,
    Reason,
    Transition,
    key_of,
)
from core.readings import Reading, Readings
from core.sessions import NEVER_NS, NO_TIME
from core.subjects import subjects
from core.thresholds import Level, Rule
from core.universe import Universe

States = Mapping[AlertKey, AlertState]
Outcome = tuple[AlertState | None, list[Transition]]
"""The state after, None where the alert is over, and what happened."""


def step(
    rule: Rule, readings: Readings, states: States
) -> tuple[dict[AlertKey, AlertState], list[Transition]]:
    """Judge one rule once.

    Parameters
    ----------
    rule : Rule
    readings : Readings     of this rule
    states : States         of this rule alone, as the last step returned them; left as they are

    Returns
    -------
    states : dict[AlertKey, AlertState]     at most one a key, none that is over
    transitions : list[Transition]          in the order in which they happened, key by key
    """
    after: dict[AlertKey, AlertState] = {}
    transitions: list[Transition] = []
    levels = {level.name: level for level in rule.levels}
    for key, state in states.items():
        outcome, happened = _go_on(key, state, readings.of(key.symbol), level=levels[key.severity])
        if outcome is not None:
            after[key] = outcome
        transitions += happened
    for key, state, judged_ns in _crossings(rule, readings, after):
        after[key], happened = _fire_if_due(key, state, judged_ns)
        transitions += happened
    return after, transitions


def next_due_ns(rule: Rule, readings: Readings, states: States) -> int:
    """Return when `step` may next do something although no input changes, ``NEVER_NS`` if never.

    `states` are those that `step` returned for `readings`; the time is after every market time
    that it belongs to: a ``for`` or a hold that runs out, a close, the start of an active window
    in which the value is already above a bound, or the value's own next change.
    """
    market_ns = readings.market_ns
    waits = np.abs(readings.value) >= rule.levels[0].raise_at
    waits &= readings.is_known & (market_ns < readings.active_from_ns)
    waits &= readings.active_from_ns < readings.close_ns
    due: list[int] = [NEVER_NS, *readings.active_from_ns[waits].tolist()]
    due += readings.changes_ns[readings.changes_ns > market_ns].tolist()
    for key, state in states.items():
        reading = readings.of(key.symbol)
        if reading is not None:
            ends = (state.close_ns, state.fires_ns, _clears_ns(state))
            due += [end_ns for end_ns in ends if end_ns > reading.market_ns]
    return min(due)


def withdraw(
    rules: Iterable[Rule], universe: Universe, states: States
) -> tuple[dict[AlertKey, AlertState], list[Transition]]:
    """End the alerts that no rule can judge any more, after a change of rules or universe.

    Returns
    -------
    states : dict[AlertKey, AlertState]     those whose rule, level and subject still exist
    transitions : list[Transition]          a resolve for each other that fires, at its last time
    """
    by_name = {rule.name: rule for rule in rules}
    kept = {}
    transitions = []
    for key, state in states.items():
        rule = by_name.get(key.family)
        if rule is not None and _judges(rule, key, universe):
            kept[key] = state
        elif state.phase is not Phase.PENDING:
            at_ns = max(state.fires_ns, state.as_of_ns)
            transitions.append(Transition(key, Change.RESOLVED, at_ns, Reason.WITHDRAWN, state))
    return kept, transitions


def _judges(rule: Rule, key: AlertKey, universe: Universe) -> bool:
    is_level = any(level.name == key.severity for level in rule.levels)
    return is_level and rule.scope == key.scope and key.symbol in subjects(rule, universe).row


def _go_on(key: AlertKey, state: AlertState, reading: Reading | None, *, level: Level) -> Outcome:
    if reading is None:
        return _without_data(key, state, NO_TIME)
    if reading.market_ns >= state.close_ns:
        if state.phase is Phase.PENDING:
            return None, []
        at_ns = state.close_ns
        return None, [Transition(key, Change.RESOLVED, at_ns, Reason.SESSION_CLOSED, state)]
    if not reading.is_known or reading.label != state.label:
        return _without_data(key, state, reading.market_ns)
    return _with_data(key, state, reading, level=level)


def _without_data(key: AlertKey, state: AlertState, market_ns: int) -> Outcome:
    if state.phase is not Phase.FIRING:
        return state, []
    state = replace(state, phase=Phase.UNKNOWN)
    at_ns = max(market_ns, state.as_of_ns, state.fires_ns)
    return state, [Transition(key, Change.UNKNOWN, at_ns, Reason.NONE, state)]


def _with_data(key: AlertKey, state: AlertState, reading: Reading, *, level: Level) -> Outcome:
    above = SIDE_SIGN[key.side] * reading.value
    if state.phase is Phase.PENDING and above < level.raise_at:
        return None, []
    state = _seen(state, reading, SIDE_SIGN[key.side])
    if state.phase is Phase.PENDING:
        return _fire_if_due(key, state, reading.market_ns)
    happened = []
    if state.phase is Phase.UNKNOWN:
        state = replace(state, phase=Phase.FIRING)
        at_ns = max(reading.market_ns, state.fires_ns)
        happened.append(Transition(key, Change.KNOWN, at_ns, Reason.NONE, state))
    if above >= level.clear_at:
        return _below_since(state, NO_TIME), happened
    if state.below_since_ns == NO_TIME:
        state = _below_since(state, max(reading.as_of_ns, state.fires_ns))
    clears_ns = _clears_ns(state)
    if clears_ns > _judged_ns(key.scope, reading.market_ns, state.below_since_ns, state.close_ns):
        return state, happened
    happened.append(Transition(key, Change.RESOLVED, clears_ns, Reason.CLEARED, state))
    return None, happened


def _seen(state: AlertState, reading: Reading, sign: float) -> AlertState:
    if reading.value == state.value and reading.as_of_ns == state.as_of_ns:
        return state
    peak = max(sign * state.peak, sign * reading.value) * sign
    return replace(state, value=reading.value, as_of_ns=reading.as_of_ns, peak=peak)


def _below_since(state: AlertState, since_ns: int) -> AlertState:
    if state.below_since_ns == since_ns:
        return state
    return replace(state, below_since_ns=since_ns)


def _clears_ns(state: AlertState) -> int:
    """Return when a state seen below its clear bound clears, ``NO_TIME`` if it was not."""
    if state.below_since_ns == NO_TIME:
        return NO_TIME
    return max(state.below_since_ns, state.hold_until_ns)


def _fire_if_due(
    key: AlertKey, state: AlertState, judged_ns: int
) -> tuple[AlertState, list[Transition]]:
    if judged_ns < state.fires_ns:
        return state, []
    state = replace(state, phase=Phase.FIRING)
    return state, [Transition(key, Change.FIRING, state.fires_ns, Reason.NONE, state)]


def _crossings(
    rule: Rule, readings: Readings, live: States
) -> Iterator[tuple[AlertKey, AlertState, int]]:
    """Yield what is above a bound and not yet live, pending, with the time it is judged at."""
    size = np.abs(readings.value)
    is_judged = readings.is_known & (readings.market_ns < readings.close_ns)
    is_judged &= readings.market_ns >= readings.active_from_ns
    for level in rule.levels:
        for row in np.flatnonzero(is_judged & (size >= level.raise_at)).tolist():
            value = float(readings.value[row])
            key = key_of(rule, level.name, value=value, subject=readings.subjects.name[row])
            if key in live:
                continue
            state = _pending(rule, level, readings, row=row)
            if state.fires_ns < state.close_ns:
                market_ns = int(readings.market_ns[row])
                yield (
                    key,
                    state,
                    _judged_ns(rule.scope, market_ns, state.crossed_ns, state.close_ns),
                )


def _judged_ns(scope: str, market_ns: int, seen_ns: int, close_ns: int) -> int:
    """Return the time up to which a subject is judged, where something was seen at `seen_ns`.

    A reference's own input may be ahead of the heartbeat that its market time waits for, and is
    not waited for: a level without ``for`` is told at once. A group is judged only up to where
    all its members are; nobody is judged past the close by what came after it.
    """
    return max(market_ns, seen_ns) if scope == "symbol" and seen_ns < close_ns else market_ns


def _pending(rule: Rule, level: Level, readings: Readings, *, row: int) -> AlertState:
    as_of_ns = int(readings.as_of_ns[row])
    value = float(readings.value[row])
    crossed_ns = max(as_of_ns, int(readings.active_from_ns[row]))
    fires_ns = crossed_ns + level.for_ns
    return AlertState(
        phase=Phase.PENDING,
        label=int(readings.label[row]),
        close_ns=int(readings.close_ns[row]),
        crossed_ns=crossed_ns,
        fires_ns=fires_ns,
        hold_until_ns=fires_ns + rule.minimum_hold_ns,
        as_of_ns=as_of_ns,
        value=value,
        peak=value,
    )
