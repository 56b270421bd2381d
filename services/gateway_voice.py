"""What feeds of one kind promise: "all up to now has been said", as long as they speak."""

from collections.abc import Iterable

from core.sessions import NANOS_PER_SECOND
from services.clock import Clock
from services.gateway_playback import REPEAT_SECONDS
from services.live_clock import LiveClock
from services.open_hours import OpenHours
from streams.parts import MAX_SOURCES

SILENCE_SECONDS = 10.0
"""In session, feeds that send nothing for this long have lost their upstream (contract)."""


class Voice:
    """Says when which heartbeat is due, from what feeds have said.

    Parameters
    ----------
    hours : OpenHours    sessions of the universe, without grace; may be replaced
    lateness_ns : int    how much later than the quickest event another may come
    speed : float        event time per host time

    Attributes
    ----------
    speakers : dict[str, set[str]]    topic -> the sources that have spoken on it
    """

    def __init__(self, clock: Clock, *, hours: OpenHours, lateness_ns: int, speed: float) -> None:
        self.hours = hours
        self.speakers: dict[str, set[str]] = {}
        self._clock = clock
        self._live_clock = LiveClock(clock, lateness_ns=lateness_ns, speed=speed)
        self._silence_ns = round(SILENCE_SECONDS * speed * NANOS_PER_SECOND)
        self._lost: set[str] = set()
        self._heard_ns = 0
        self._beat_second = 0
        self._beat_host_seconds = clock.monotonic()

    def lose(self, upstream: str) -> None:
        """Stop beating: an upstream is gone."""
        self._lost.add(upstream)

    def find(self, upstream: str) -> None:
        """Take note that an upstream is there, for the first time or again."""
        self._lost.discard(upstream)

    def speak(self, topic: str, sources: Iterable[str]) -> None:
        """Take note of who has spoken on a topic."""
        speakers = self.speakers.setdefault(topic, set())
        for source in sorted(sources):
            # Workers refuse the rows of any more sources, as they would run out of memory.
            if len(speakers) < MAX_SOURCES:
                speakers.add(source)

    def hear(self, latest_ns: int) -> None:
        """Take a sign of life; ``latest_ns`` is the newest event time in it, 0 without any."""
        if latest_ns:
            self._live_clock.observe(latest_ns)
        event_ns = self._live_clock.event_ns()
        if event_ns is not None:
            self._heard_ns = event_ns

    def beat_ns(self) -> int | None:
        """Return the event time of a heartbeat if one is to be sent now: it counts as sent."""
        event_ns = self._live_clock.event_ns()
        if event_ns is None or self._lost or self._is_silent(event_ns):
            return None
        second = event_ns // NANOS_PER_SECOND
        host_seconds = self._clock.monotonic()
        is_late = host_seconds - self._beat_host_seconds >= REPEAT_SECONDS
        if second <= self._beat_second and not is_late:
            return None
        self._beat_second = max(second, self._beat_second)
        self._beat_host_seconds = host_seconds
        return self._beat_second * NANOS_PER_SECOND

    def _is_silent(self, event_ns: int) -> bool:
        # Open time only: overnight a feed may be quiet, but what fell silent in session stays
        # so beyond the close, which nobody has seen.
        silent_ns = self.hours.elapsed_ns(event_ns) - self.hours.elapsed_ns(self._heard_ns)
        return silent_ns > self._silence_ns
