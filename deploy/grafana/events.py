"""Dated events of the rules of the game, shown on every dashboard as annotations.

A short list that changes with the code, because an annotation of Grafana's own lives in its
database, which nothing here may write to; Prometheus can say the same without being told: each
event is a constant that exists on its day alone.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

DAY_SECONDS = 86_400


@dataclass(frozen=True)
class Event:
    """What began on a day, and who says so."""

    day: str
    words: str
    source: str

    @property
    def start(self) -> int:
        """The day's beginning in UTC, seconds since 1970."""
        return int(datetime.fromisoformat(self.day).replace(tzinfo=UTC).timestamp())


EVENTS = (
    Event(
        "2022-08-19",
        "US funds must meet the derivatives rule, which bounds their leverage",
        "SEC rule 18f-4, release IC-34084, compliance date",
    ),
    Event(
        "2024-05-28",
        "US trades settle on the next day",
        "SEC rule 15c6-1, release 34-96930, compliance date",
    ),
    Event(
        "2026-04-28",
        "Korea allows leveraged funds on single stocks",
        "survey behind the bundled market, June 2026",
    ),
    Event(
        "2026-05-27",
        "Korea Exchange lists the first leveraged funds on single stocks",
        "services/data/scenario_market/funds.csv, listed_on",
    ),
    Event(
        "2026-06-29",
        "Korea Exchange means to trade before and after its session",
        "announced plan, survey behind the bundled market, June 2026",
    ),
)
"""Oldest first; a new one is added here with its source, and `make dashboards` run."""


def expression() -> str:
    """Return what Prometheus answers to: a 1 with the event's words, on the event's day."""
    return " or ".join(
        f"label_replace(vector(1) and on () (vector(time()) >= {event.start} < "
        f'{event.start + DAY_SECONDS}), "event", "{event.words}", "", "")'
        for event in EVENTS
    )
