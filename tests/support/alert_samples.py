"""Hand-made alerts: keys, states and transitions, for tests of what becomes of them."""

from dataclasses import replace

from core.alerts import AlertKey, AlertState, Change, Phase, Reason, Transition
from core.sessions import NANOS_PER_SECOND
from services.alert_ledger import Ledger, advanced
from services.alert_messages import Annotations

HOST_NS = 1_790_000_000 * NANOS_PER_SECOND
CLOSE_NS = 1_782_244_800 * NANOS_PER_SECOND
"""2026-06-23 16:00 New York."""


def key(symbol: str = "ACME", severity: str = "watch", side: str = "sell") -> AlertKey:
    name = f"ForcedFlow{severity.capitalize()}"
    return AlertKey(name, severity, "forced-flow", side, "symbol", symbol)


def state(phase: Phase = Phase.FIRING, *, value: float = -0.03) -> AlertState:
    crossed_ns = CLOSE_NS - 3600 * NANOS_PER_SECOND
    return AlertState(
        phase=phase,
        label=20627,
        close_ns=CLOSE_NS,
        crossed_ns=crossed_ns,
        fires_ns=crossed_ns,
        hold_until_ns=crossed_ns + 300 * NANOS_PER_SECOND,
        as_of_ns=crossed_ns,
        value=value,
        peak=value,
    )


def transition(
    change: Change, alert: AlertKey | None = None, *, reason: Reason = Reason.NONE
) -> Transition:
    phase = Phase.UNKNOWN if change is Change.UNKNOWN else Phase.FIRING
    found = state(phase)
    return Transition(alert or key(), change, found.fires_ns, reason, found)


def happen(ledger: Ledger, *transitions: Transition, now_ns: int = HOST_NS) -> Ledger:
    """Return the ledger after these, with texts that say what was told."""
    states = ledger.states()
    for one in transitions:
        if one.change is Change.RESOLVED:
            states.pop(one.key)
        else:
            states[one.key] = one.state
    return advanced(
        ledger,
        states,
        transitions,
        now_ns=now_ns,
        tell=lambda _key, now, last: {**last, "summary": str(now.phase)},
        tell_end=_ended,
    )


def _ended(one: Transition, last: Annotations) -> Annotations:
    return {**last, "description": str(one.reason)}


def fired(symbol: str = "ACME") -> Transition:
    return transition(Change.FIRING, key(symbol))


def cleared(symbol: str = "ACME") -> Transition:
    return transition(Change.RESOLVED, key(symbol), reason=Reason.CLEARED)


def pending() -> AlertState:
    return replace(state(), phase=Phase.PENDING)
