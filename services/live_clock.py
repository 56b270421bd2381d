"""Event time of a live feed: what it has shown, carried on by the host's clock."""

from core.sessions import NANOS_PER_SECOND
from services.clock import Clock


class LiveClock:
    """Says up to which event time a feed must have spoken.

    The event that came with the least delay sets the clock; from then on event time passes
    with host time. It never lies ahead of the host's own time, nor goes back.

    Parameters
    ----------
    lateness_ns : int    how much later than the quickest event another may come
    speed : float        event time per host time; 0: it stands still between events
    """

    def __init__(self, clock: Clock, *, lateness_ns: int, speed: float) -> None:
        self._clock = clock
        self._lateness_ns = lateness_ns
        self._speed = speed
        self._ahead_ns: int | None = None
        self._latest_ns = 0

    def observe(self, event_ns: int) -> None:
        """Take note of an event that has just come."""
        ahead_ns = event_ns - self._passed_ns()
        self._ahead_ns = ahead_ns if self._ahead_ns is None else max(self._ahead_ns, ahead_ns)

    def event_ns(self) -> int | None:
        """Return the event time up to which all has come, None before the first event."""
        if self._ahead_ns is None:
            return None
        reached_ns = min(self._ahead_ns + self._passed_ns(), self._clock.now_ns())
        self._latest_ns = max(self._latest_ns, reached_ns - self._lateness_ns)
        return self._latest_ns

    def _passed_ns(self) -> int:
        return round(self._clock.monotonic() * self._speed * NANOS_PER_SECOND)
