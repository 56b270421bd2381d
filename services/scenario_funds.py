"""The simulated funds: what they hold, session by session, and what is said about it.

Assets are stated once, before the first session. From there they move with the reference and with
what investors create; figures that come late, and changes of leverage, are stated when they come.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from core.sessions import NANOS_PER_SECOND
from services import scenario_tables as tables
from services.scenario_lines import event_times
from services.scenario_sessions import Session
from services.scenario_tables import Instrument, Row

ROUND_USD = 10_000_000
"""Assets are stated in multiples of this, and never below."""


@dataclass
class Fund:
    """A fund as it stands at the open of a session; the truth that statements follow.

    ``unit_value`` is what a unit of creation is worth, relative to before the first Monday.
    """

    row: Row
    leverage_factor: float
    assets_usd: float
    unit_value: float = 1.0

    @property
    def name(self) -> str:
        """Return its symbol."""
        return self.row["fund"]

    def carry(self, underlying_return: float, net_creation_usd: float = 0.0) -> None:
        """Move from one open to the next."""
        growth = max(1.0 + self.leverage_factor * underlying_return, 0.0)
        self.assets_usd = self.assets_usd * growth + net_creation_usd
        self.unit_value *= growth


@dataclass(frozen=True)
class Statement:
    """A row of funds.csv; without assets, it only changes the leverage factor."""

    fund: str
    leverage_factor: float
    assets_usd: float | None
    effective_at: str
    known_at: str


class Funds:
    """All funds, carried from session to session; ``statements`` grows as they are made."""

    def __init__(self, references: Iterable[Instrument], starts: Mapping[str, Session]) -> None:
        """Open every fund at its reference's first session, without creations until then."""
        self.by_name: dict[str, Fund] = {}
        self.statements: list[Statement] = []
        instruments = {instrument.symbol: instrument for instrument in references}
        for row in tables.table("funds"):
            fund = Fund(row, float(row["leverage_factor"]), float(row["assets_usd"]))
            start = starts[row["reference"]]
            for weekday in range(start.weekday):
                self._change_leverage(fund, weekday)
                fund.carry(instruments[row["reference"]].close_returns[weekday])
            self._change_leverage(fund, start.weekday)
            fund.assets_usd = in_round_usd(fund.assets_usd)
            self._state(fund, start, known_at=start.day, assets_usd=fund.assets_usd)
            self.by_name[fund.name] = fund

    def open(self, sessions: Mapping[str, Session], *, until_ns: Mapping[str, int]) -> None:
        """Make the statements of a day, those that change figures of its sessions.

        Parameters
        ----------
        sessions : Mapping[str, Session]    of the day, by reference
        until_ns : Mapping[str, int]        by reference; what becomes known later is left out
        """
        for fund in self.by_name.values():
            session = sessions.get(fund.row["reference"])
            if session is not None and self._change_leverage(fund, session.weekday):
                self._state(fund, session, known_at=session.day, assets_usd=None)
        for correction in tables.corrections():
            fund = self.by_name[correction.fund]
            session = sessions.get(fund.row["reference"])
            if session is None or session.weekday != correction.weekday:
                continue
            known_ns = session.open_ns + correction.known_after_seconds * NANOS_PER_SECOND
            if known_ns <= until_ns[fund.row["reference"]]:
                fund.assets_usd = in_round_usd(fund.assets_usd * (1.0 + correction.assets_change))
                known_at = event_times(np.array([known_ns]), session.zone)[0]
                self._state(fund, session, known_at=known_at, assets_usd=fund.assets_usd)

    def close(self, sessions: Mapping[str, Session], net_creation_usd: Mapping[str, float]) -> None:
        """Carry every fund through its reference's session of a day."""
        for fund in self.by_name.values():
            session = sessions.get(fund.row["reference"])
            if session is not None:
                underlying_return = session.close / session.previous_close - 1.0
                fund.carry(underlying_return, net_creation_usd.get(fund.name, 0.0))

    def _change_leverage(self, fund: Fund, weekday: int) -> bool:
        changed = tables.leverage_changes().get((fund.name, weekday), fund.leverage_factor)
        is_new = changed != fund.leverage_factor
        fund.leverage_factor = changed
        return is_new

    def _state(
        self, fund: Fund, session: Session, *, known_at: str, assets_usd: float | None
    ) -> None:
        statement = Statement(fund.name, fund.leverage_factor, assets_usd, session.day, known_at)
        self.statements.append(statement)


def in_round_usd(assets_usd: float) -> float:
    """Return assets as they are stated."""
    return float(max(round(assets_usd / ROUND_USD), 1) * ROUND_USD)
