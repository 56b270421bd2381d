"""What a universe makes of files: who speaks in them, when the first row counts, when all ends."""

from dataclasses import dataclass
from typing import Self

from core.columns import Int32s, Int64s
from core.sessions import NANOS_PER_SECOND, OFFICIAL_CLOSE_GRACE_NS
from core.universe import Universe
from services.gateway_events import EventRouter, Sorted, Speakers


@dataclass(frozen=True)
class Course:
    """Who needs heartbeats where, and event times, 0 where no row is sent.

    ``first_ns`` is that of the first row that is sent, ``end_ns`` that of the last heartbeat.
    """

    speakers: Speakers
    first_ns: int
    end_ns: int

    @classmethod
    def of(cls, rows: Sorted, universe: Universe, *, router: EventRouter, now_ns: int) -> Self:
        """Return the course of the rows that are sent; `now_ns` is host time."""
        event_ns = rows.event_ns
        end_ns = last_heartbeat_ns(
            universe, event_ns=event_ns, reference=rows.reference, now_ns=now_ns
        )
        first_ns = int(event_ns.min()) if len(event_ns) else 0
        return cls(router.speakers(rows.events), first_ns, end_ns)


def last_heartbeat_ns(
    universe: Universe, *, event_ns: Int64s, reference: Int32s, now_ns: int
) -> int:
    """Return when files end: after each event, and 30 min after each close they touch.

    A close that lies in the host's future is not passed: more may come before it, and workers
    refuse heartbeats of the future.

    Parameters
    ----------
    event_ns : int64[n]     of all rows, any order
    reference : int32[n]    of each row, index in the universe

    Returns
    -------
    int    a whole second, ns UTC; 0 where there are no rows
    """
    latest = 0
    schedule_of = universe.schedule[reference]
    for number, schedule in enumerate(universe.schedules):
        times = event_ns[schedule_of == number]
        session = schedule.positions_within(times, OFFICIAL_CLOSE_GRACE_NS)
        closes = schedule.close_ns[session[session >= 0]]
        latest = max(latest, int(closes.max(initial=0)))
    passed = min(latest + OFFICIAL_CLOSE_GRACE_NS, now_ns) if latest else 0
    last = max(passed, int(event_ns.max(initial=0)))
    return -(-last // NANOS_PER_SECOND) * NANOS_PER_SECOND
