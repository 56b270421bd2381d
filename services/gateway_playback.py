"""Files played as a feed: events in event time, at the pace of a clock or as fast as they go."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from core.columns import Int32s, Int64s
from core.sessions import NANOS_PER_SECOND, OFFICIAL_CLOSE_GRACE_NS
from core.universe import Universe
from services.clock import Clock
from services.gateway_events import EventRouter, Sorted
from services.gateway_outlet import Outlet
from services.gateway_records import Outgoing
from services.open_hours import OpenHours

CHUNK_ROWS = 2000
"""Rows sent between two looks at the clock; some ten milliseconds of work."""
REPEAT_SECONDS = 1.0
"""Host time after which a heartbeat is repeated although no event time has passed (contract)."""
_SHORTEST_WAIT_SECONDS = 0.01


class Pace(Protocol):
    """Which event time it is."""

    def event_ns(self) -> int:
        """Return the event time up to which events are due."""
        ...

    def seconds_until(self, event_ns: int) -> float:
        """Return the host seconds until an event time is due, <= 0 if it is."""
        ...


class FullSpeed:
    """Everything is due at once."""

    def event_ns(self) -> int:
        """Return a time after every event."""
        return 2**62

    def seconds_until(self, event_ns: int) -> float:  # noqa: ARG002 - all times are alike
        """Return 0."""
        return 0.0


class SteadyPace:
    """Event time passes `speed` times as fast as host time, closed hours in none.

    Parameters
    ----------
    start_ns : int     event time at the first look
    speed : float      > 0
    """

    def __init__(self, hours: OpenHours, clock: Clock, *, start_ns: int, speed: float) -> None:
        self._hours = hours
        self._clock = clock
        self._speed = speed
        self._elapsed_ns = hours.elapsed_ns(start_ns)
        self._host_seconds = clock.monotonic()

    def event_ns(self) -> int:
        """Return the event time up to which events are due."""
        return self._hours.time_at(self._elapsed_ns + round(self._passed() * NANOS_PER_SECOND))

    def seconds_until(self, event_ns: int) -> float:
        """Return the host seconds until an event time is due, <= 0 if it is."""
        ahead_ns = self._hours.elapsed_ns(event_ns) - self._elapsed_ns
        return (ahead_ns / NANOS_PER_SECOND - self._passed()) / self._speed

    def _passed(self) -> float:
        return (self._clock.monotonic() - self._host_seconds) * self._speed


class Timeline:
    """Prices and creations of files in one order: event time, then prices first, then file."""

    def __init__(self, rows: Sorted, router: EventRouter) -> None:
        self._rows = rows
        self._router = router
        times = np.concatenate((rows.prices.event_ns, rows.flows.event_ns))
        self._order: Int64s = np.argsort(times, kind="stable")
        self.event_ns: Int64s = times[self._order]

    def __len__(self) -> int:
        return len(self.event_ns)

    def records(self, first: int, last: int) -> Sequence[Outgoing]:
        """Return the records from position `first` up to `last`, exclusive."""
        chosen = self._order[first:last]
        is_price = chosen < len(self._rows.prices)
        prices = self._router.prices(self._rows.prices, chosen[is_price])
        flows = self._router.flows(self._rows.flows, chosen[~is_price] - len(self._rows.prices))
        return [next(prices if of_price else flows) for of_price in is_price.tolist()]


class Playback:
    """Sends a timeline with its heartbeats; `step` does what is due.

    A heartbeat goes out before each event that lies in a later second than the one before it,
    at every whole second of a steady pace, and each second of host time. Events before `from_ns`
    are left out; those before `start_at_ns` go out at once, without heartbeats. The last heartbeat
    is at `end_ns`.
    """

    def __init__(
        self,
        timeline: Timeline,
        outlet: Outlet,
        *,
        sources: set[str],
        pace: Pace,
        clock: Clock,
        end_ns: int,
        from_ns: int = 0,
        start_at_ns: int = 0,
    ) -> None:
        self._timeline = timeline
        self._outlet = outlet
        self._sources = sources
        self._pace = pace
        self._clock = clock
        self._end_ns = end_ns
        self._start_at_ns = start_at_ns
        self._seconds = ((timeline.event_ns - 1) // NANOS_PER_SECOND).tolist()
        self._next = int(np.searchsorted(timeline.event_ns, from_ns))
        self._beat_second = self._seconds[0] if self._seconds else 0
        if from_ns:
            # All up to there was sent by an earlier run, which may have died before it said so.
            self._beat_second = from_ns // NANOS_PER_SECOND - 1
        self._beat_host_seconds: float | None = None

    @property
    def done(self) -> int:
        """Rows of the timeline sent so far, or left out."""
        return self._next

    @property
    def total(self) -> int:
        """Rows of the timeline."""
        return len(self._timeline)

    def step(self) -> float | None:
        """Send what is due; return the host seconds until more is due, None at the end."""
        due_ns = min(self._pace.event_ns(), self._end_ns)
        last = int(np.searchsorted(self._timeline.event_ns, due_ns, side="right"))
        until = min(last, self._next + CHUNK_ROWS)
        self._send(until)
        if until < last:
            return 0.0
        self._beat(due_ns // NANOS_PER_SECOND)
        if due_ns >= self._end_ns and last == len(self._timeline):
            self._outlet.close_frames()
            return None
        return self._wait()

    def _send(self, until: int) -> None:
        for outgoing in self._timeline.records(self._next, until):
            if outgoing.record.event_time >= self._start_at_ns:
                self._beat(self._seconds[self._next])
            self._outlet.send(outgoing)
            self._next += 1

    def _beat(self, second: int) -> None:
        """Send a heartbeat if event time reached `second`, or for host time's sake."""
        host_seconds = self._clock.monotonic()
        last = self._beat_host_seconds
        is_late = last is not None and host_seconds - last >= REPEAT_SECONDS
        if second <= self._beat_second and not is_late:
            return
        self._beat_second = max(second, self._beat_second)
        self._beat_host_seconds = host_seconds
        self._outlet.heartbeat(self._sources, self._beat_second * NANOS_PER_SECOND)

    def _wait(self) -> float:
        following = (self._beat_second + 1) * NANOS_PER_SECOND
        if self._next < len(self._timeline):
            following = min(following, int(self._timeline.event_ns[self._next]))
        seconds = min(self._pace.seconds_until(following), REPEAT_SECONDS)
        return max(seconds, _SHORTEST_WAIT_SECONDS)


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
