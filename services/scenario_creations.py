"""Creations of the simulated day: whole units, valued at the fund's NAV of the moment."""

import numpy as np

from core.sessions import NANOS_PER_SECOND
from core.universe import Floats
from services.scenario_lines import event_times, json_line
from services.scenario_tables import Creation
from services.scenario_trades import Session

JITTER_SECONDS = 90
"""Creations are known up to this long after the time the table states."""
FINAL_SECONDS = 15 * 60
"""How long after its close a fund states the session's last figure, at the closing NAV."""


def creation_lines(
    creations: tuple[Creation, ...],
    *,
    sessions: dict[str, Session],
    returns: dict[str, Floats],
    label: str,
    random: np.random.Generator,
) -> list[str]:
    """Return one line a figure, cumulative for the session, by event time.

    ``sessions`` and ``returns`` (float64[seconds + 1] since the previous close) are those of the
    references; ``label`` is the session's date. A unit is worth what it was worth at the previous
    close, times 1 + L r: what the order would cost if the close were now.
    """
    figures: list[tuple[int, str]] = []
    sequence: dict[str, int] = {}
    for creation in creations:
        session, path = sessions[creation.reference], returns[creation.reference]
        second = round(creation.session_share * session.seconds)
        second = min(second + int(random.integers(0, JITTER_SECONDS)), session.seconds - 1)
        sequence[creation.fund] = sequence.get(creation.fund, 0) + 1
        event_ns = session.open_ns + second * NANOS_PER_SECOND
        line = _line(creation, session, event_ns, path[second], sequence=sequence[creation.fund])
        figures.append((event_ns, json_line(line)))
    for creation in {creation.fund: creation for creation in creations}.values():
        session, path = sessions[creation.reference], returns[creation.reference]
        event_ns = session.close_ns + FINAL_SECONDS * NANOS_PER_SECOND
        last = sequence[creation.fund] + 1
        line = _line(creation, session, event_ns, path[-1], sequence=last)
        # Where sessions follow each other without a pause, the next one is open by now.
        figures.append((event_ns, json_line({**line, "session": label})))
    return [line for _, line in sorted(figures)]


def _line(
    creation: Creation, session: Session, event_ns: int, underlying_return: float, *, sequence: int
) -> dict[str, str | int]:
    unit_usd = creation.unit_usd * (1.0 + creation.leverage_factor * underlying_return)
    return {
        "fund": creation.fund,
        "event_time": event_times(np.array([event_ns]), session.zone)[0],
        "net_creation_usd": round(creation.units * max(unit_usd, 0.0)),
        "sequence": sequence,
    }
