"""Creations of a simulated day: whole units, valued at the fund's NAV of the moment."""

from collections.abc import Mapping

import numpy as np

from core.sessions import NANOS_PER_SECOND
from core.universe import Floats
from services import scenario_tables as tables
from services.scenario_funds import Fund
from services.scenario_lines import event_times, json_line
from services.scenario_paths import unit_steps
from services.scenario_sessions import Session
from services.scenario_tables import Creations

ORDERS = ((0.35, 0.2), (0.72, 0.5), (0.92, 1.0))
"""Share of the session gone at which orders become known, and of its creations known by then."""
JITTER_SECONDS = 900
"""Creations are known up to this long after that."""
NOISE = 0.004
"""Standard deviation of a session's creations that nothing explains, as a share of assets."""
FINAL_SECONDS = 15 * 60
"""How long after its close a fund states the session's last figure, at the closing NAV."""

Figures = list[tuple[int, str]]
"""Event times, int64 ns, and lines."""


def creation_figures(
    funds: Mapping[str, Fund],
    sessions: Mapping[str, Session],
    *,
    returns: Mapping[str, Floats],
    random: np.random.Generator,
) -> tuple[Figures, dict[str, float]]:
    """Return one day's figures, cumulative for the session, and each fund's last one in USD.

    ``sessions`` and ``returns`` (float64[seconds + 1] since the previous close) are those of the
    references. Investors act on the day's return: three orders, then a figure at the closing NAV.
    """
    figures: Figures = []
    last: dict[str, float] = {}
    for creations in tables.creations():
        fund = funds[creations.fund]
        surprise = NOISE * float(unit_steps(random, 1)[0])
        jitter = random.integers(0, JITTER_SECONDS, len(ORDERS)).tolist()
        session = sessions.get(fund.row["reference"])
        if session is None:
            continue
        path = returns[fund.row["reference"]]
        unit_usd = creations.unit_usd * fund.unit_value
        share = creations.steady - creations.dip_buying * session.close_return + surprise
        units = share * fund.assets_usd / unit_usd
        for sequence, ((gone, known), late) in enumerate(zip(ORDERS, jitter, strict=True), 1):
            second = min(round(gone * session.seconds) + late, session.seconds - 1)
            event_ns = session.open_ns + second * NANOS_PER_SECOND
            usd = _usd(round(units * known), unit_usd, fund, path[second])
            figures.append((event_ns, _line(creations, session, event_ns, usd, sequence=sequence)))
        event_ns = session.close_ns + FINAL_SECONDS * NANOS_PER_SECOND
        last[fund.name] = usd = _usd(round(units), unit_usd, fund, path[-1])
        figures.append((event_ns, _final_line(creations, session, event_ns, usd)))
    return figures, last


def _usd(units: int, unit_usd: float, fund: Fund, underlying_return: float) -> int:
    """Return what an order costs if the close were now."""
    nav = max(1.0 + fund.leverage_factor * underlying_return, 0.0)
    return round(units * unit_usd * nav)


def _line(creations: Creations, session: Session, event_ns: int, usd: int, *, sequence: int) -> str:
    return json_line(
        {
            "fund": creations.fund,
            "event_time": event_times(np.array([event_ns]), session.zone)[0],
            "net_creation_usd": usd,
            "sequence": sequence,
        }
    )


def _final_line(creations: Creations, session: Session, event_ns: int, usd: int) -> str:
    # Where sessions follow each other without a pause, the next one is open by now.
    return json_line(
        {
            "fund": creations.fund,
            "event_time": event_times(np.array([event_ns]), session.zone)[0],
            "net_creation_usd": usd,
            "sequence": len(ORDERS) + 1,
            "session": session.day,
        }
    )
