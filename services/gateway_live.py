"""Live feeds relayed: rows as they come, heartbeats as long as the feeds are there and speak."""

from itertools import chain

from core.sessions import NANOS_PER_SECOND
from core.universe import Universe
from services.clock import Clock
from services.gateway_events import EventRouter, Events
from services.gateway_outlet import Outlet
from services.gateway_playback import REPEAT_SECONDS
from services.live_clock import LiveClock
from services.open_hours import OpenHours
from streams.parts import MAX_SOURCES

SILENCE_SECONDS = 10.0
"""In session, feeds that send nothing for this long have lost their upstream (contract)."""


class LiveRelay:
    """Sends what feeds say, and beats while that can be all there is.

    Parameters
    ----------
    hours : OpenHours    sessions of the universe, without grace
    speed : float        event time per host time, as in `live_clock`
    """

    def __init__(
        self,
        router: EventRouter,
        outlet: Outlet,
        *,
        hours: OpenHours,
        clock: Clock,
        live_clock: LiveClock,
        speed: float,
    ) -> None:
        self._router = router
        self._outlet = outlet
        self._hours = hours
        self._clock = clock
        self._live_clock = live_clock
        self._speakers: dict[str, set[str]] = {}
        self._silence_ns = round(SILENCE_SECONDS * speed * NANOS_PER_SECOND)
        self._lost: set[str] = set()
        self._heard_ns = 0
        self._beat_second = 0
        self._beat_host_seconds = clock.monotonic()

    def switch(self, universe: Universe) -> None:
        """Go by another universe from the next row on."""
        self._router.switch(universe)
        self._hours = OpenHours.of(universe.schedules)

    def lose(self, upstream: str) -> None:
        """Stop beating: an upstream is gone."""
        self._lost.add(upstream)

    def find(self, upstream: str) -> None:
        """Take note that an upstream is there, for the first time or again."""
        self._lost.discard(upstream)

    def take(self, rows: Events) -> None:
        """Send rows at once; any line counts as a sign of life."""
        for reject in (*rows.prices.rejects, *rows.flows.rejects, *rows.interest.rejects):
            self._outlet.reject(reject)
        sent = self._router.of_universe(rows)
        self._outlet.counts.skipped += sent.skipped
        self._outlet.counts.unused += sent.unused
        for topic, sources in self._router.speakers(sent.events).items():
            speakers = self._speakers.setdefault(topic, set())
            for source in sorted(sources):
                # Workers refuse the rows of any more sources, as they would run out of memory.
                if len(speakers) < MAX_SOURCES:
                    speakers.add(source)
        for outgoing in chain(*self._router.records(sent.events)):
            self._outlet.send(outgoing)
        latest_ns = max(int(events.event_ns.max(initial=0)) for events in rows)
        if latest_ns:
            self._live_clock.observe(latest_ns)
        event_ns = self._live_clock.event_ns()
        if event_ns is not None:
            self._heard_ns = event_ns

    def tick(self) -> None:
        """Send a heartbeat if event time reached another second, or a second has passed."""
        self._outlet.close_frames()
        event_ns = self._live_clock.event_ns()
        if event_ns is None or self._lost or self._is_silent(event_ns):
            return
        second = event_ns // NANOS_PER_SECOND
        host_seconds = self._clock.monotonic()
        is_late = host_seconds - self._beat_host_seconds >= REPEAT_SECONDS
        if second <= self._beat_second and not is_late:
            return
        self._beat_second = max(second, self._beat_second)
        self._beat_host_seconds = host_seconds
        self._outlet.heartbeat(self._speakers, self._beat_second * NANOS_PER_SECOND)

    def _is_silent(self, event_ns: int) -> bool:
        # Open time only: overnight a feed may be quiet, but what fell silent in session stays
        # so beyond the close, which nobody has seen.
        silent_ns = self._hours.elapsed_ns(event_ns) - self._hours.elapsed_ns(self._heard_ns)
        return silent_ns > self._silence_ns
