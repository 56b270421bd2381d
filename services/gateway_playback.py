"""Files played as a feed: events in event time, at the pace of a clock or as fast as they go."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from core.columns import Int64s
from core.sessions import NANOS_PER_SECOND
from services.clock import Clock
from services.event_files import rows_of
from services.gateway_course import Course
from services.gateway_events import EventRouter, Events, Sorted
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

    def switch(self, hours: OpenHours) -> None:
        """Go by other hours from now on."""
        ...


class FullSpeed:
    """Everything is due at once."""

    def event_ns(self) -> int:
        """Return a time after every event."""
        return 2**62

    def seconds_until(self, event_ns: int) -> float:  # noqa: ARG002 - all times are alike
        """Return 0."""
        return 0.0

    def switch(self, hours: OpenHours) -> None:
        """Do nothing: no hours matter."""


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

    def switch(self, hours: OpenHours) -> None:
        """Go by other hours from now on."""
        self._elapsed_ns = hours.elapsed_ns(self.event_ns())
        self._host_seconds = self._clock.monotonic()
        self._hours = hours

    def _passed(self) -> float:
        return (self._clock.monotonic() - self._host_seconds) * self._speed


class Taken(NamedTuple):
    """Rows of a timeline in their order, None where one is left out, and why so many are."""

    records: Sequence[Outgoing | None]
    skipped: int
    unused: int


class Timeline:
    """Events of files in one order: time, then prices, creations, open interest, then file.

    Whether a row is sent is asked when its turn comes: by then the universe may be another.
    """

    def __init__(self, events: Events, router: EventRouter) -> None:
        self._events = events
        self._router = router
        times = np.concatenate([kind.event_ns for kind in events])
        self._first: Int64s = np.cumsum([0, *(len(kind.event_ns) for kind in events)])
        self._order: Int64s = np.argsort(times, kind="stable")
        self.event_ns: Int64s = times[self._order]

    def __len__(self) -> int:
        return len(self.event_ns)

    def of_universe(self) -> Sorted:
        """Return all rows that are sent if the universe stays as it is."""
        return self._router.of_universe(self._events)

    def take(self, first: int, last: int) -> Taken:
        """Return the records from position `first` up to `last`, exclusive."""
        chosen = self._order[first:last]
        kind = np.searchsorted(self._first, chosen, side="right") - 1
        prices, flows, interest = (chosen[kind == each] - self._first[each] for each in range(3))
        rows = self._router.of_universe(
            Events(
                rows_of(self._events.prices, prices),
                rows_of(self._events.flows, flows),
                self._events.interest.at(interest),
            )
        )
        is_sent = np.empty(len(chosen), np.bool_)
        for each, sent in enumerate(rows.is_sent):
            is_sent[kind == each] = sent
        outgoing = self._router.records(rows.events)
        records = [
            next(outgoing[each]) if sent else None
            for each, sent in zip(kind.tolist(), is_sent.tolist(), strict=True)
        ]
        return Taken(records, rows.skipped, rows.unused)


class Playback:
    """Sends a timeline with its heartbeats; `step` does what is due.

    A heartbeat goes out before each event that lies in a later second than the one before it,
    at every whole second of a steady pace, and each second of host time. Events before `from_ns`
    are left out; those before `start_at_ns` go out at once, without heartbeats. The last heartbeat
    is at the end of the course.
    """

    def __init__(
        self,
        timeline: Timeline,
        outlet: Outlet,
        *,
        course: Course,
        pace: Pace,
        clock: Clock,
        from_ns: int = 0,
        start_at_ns: int = 0,
    ) -> None:
        self._timeline = timeline
        self._outlet = outlet
        self._speakers = course.speakers
        self._pace = pace
        self._clock = clock
        self._end_ns = course.end_ns
        self._start_at_ns = start_at_ns
        self._seconds = ((timeline.event_ns - 1) // NANOS_PER_SECOND).tolist()
        self._next = int(np.searchsorted(timeline.event_ns, from_ns))
        self._beat_second = max(course.first_ns - 1, 0) // NANOS_PER_SECOND
        if from_ns:
            # All up to there was sent by an earlier run, which may have died before it said so.
            self._beat_second = from_ns // NANOS_PER_SECOND - 1
        self._beat_host_seconds: float | None = None

    @property
    def done(self) -> int:
        """Rows of the timeline that were sent or left out so far."""
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
        if due_ns >= self._end_ns:
            # What is left is none of the universe's.
            while self._next < len(self._timeline):
                self._send(min(len(self._timeline), self._next + CHUNK_ROWS))
            self._outlet.close_frames()
            return None
        return self._wait()

    def switch(self, course: Course, hours: OpenHours) -> None:
        """Go by what another universe makes of the timeline; who has spoken goes on beating."""
        self._speakers = {
            topic: sources | self._speakers.get(topic, frozenset())
            for topic, sources in course.speakers.items()
        }
        self._end_ns = course.end_ns
        self._pace.switch(hours)

    def _send(self, until: int) -> None:
        if until <= self._next:
            return
        taken = self._timeline.take(self._next, until)
        self._outlet.counts.skipped += taken.skipped
        self._outlet.counts.unused += taken.unused
        for outgoing in taken.records:
            if outgoing is not None:
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
        self._outlet.heartbeat(self._speakers, self._beat_second * NANOS_PER_SECOND)

    def _wait(self) -> float:
        following = (self._beat_second + 1) * NANOS_PER_SECOND
        if self._next < len(self._timeline):
            following = min(following, int(self._timeline.event_ns[self._next]))
        seconds = min(self._pace.seconds_until(following), REPEAT_SECONDS)
        return max(seconds, _SHORTEST_WAIT_SECONDS)
