"""What peers report of their pushes and of what they do with silences."""

from dataclasses import dataclass, field

from services.alertmanager import Outcome, PushObserver
from services.resolve_gate import GateObserver, SilenceEvent


@dataclass
class PushReports:
    """In the order reported; `observer` is what a peer is given."""

    outcomes: list[tuple[str, Outcome]] = field(default_factory=list)
    refused: int = 0
    silences: list[tuple[str, SilenceEvent]] = field(default_factory=list)
    held: dict[str, int] = field(default_factory=dict)

    def observer(self) -> PushObserver:
        return PushObserver(
            pushed=lambda url, outcome, _seconds: self.outcomes.append((url, outcome)),
            refused=self._count_refused,
            gate=GateObserver(
                silences=lambda url, event: self.silences.append((url, event)),
                held=self.held.__setitem__,
            ),
        )

    def _count_refused(self, _url: str, count: int) -> None:
        self.refused += count
