"""Live feeds relayed: rows as they come, heartbeats as long as the feeds are there and speak."""

from itertools import chain

from core.universe import Universe
from services.clock import Clock
from services.gateway_events import EventRouter, Events
from services.gateway_outlet import Outlet
from services.gateway_voice import Voice
from services.open_hours import OpenHours


class LiveRelay:
    """Sends what feeds say, and beats while that can be all there is.

    Prices and creations are one voice. Open interest is another: it may be ahead of delayed
    prices, and goes on when they fall silent.

    Parameters
    ----------
    hours : OpenHours    sessions of the universe, without grace
    lateness_ns : int    how much later than the quickest event another may come
    speed : float        event time per host time

    Attributes
    ----------
    market, interest : Voice
    """

    def __init__(
        self,
        router: EventRouter,
        outlet: Outlet,
        *,
        hours: OpenHours,
        clock: Clock,
        lateness_ns: int,
        speed: float,
    ) -> None:
        self._router = router
        self._outlet = outlet
        self.market, self.interest = (
            Voice(clock, hours=hours, lateness_ns=lateness_ns, speed=speed) for _ in range(2)
        )
        self._voices = (self.market, self.interest)

    def switch(self, universe: Universe) -> None:
        """Go by another universe from the next row on."""
        self._router.switch(universe)
        for voice in self._voices:
            voice.hours = OpenHours.of(universe.schedules)

    def lose(self, upstream: str) -> None:
        """Stop beating: an upstream that may say anything is gone."""
        for voice in self._voices:
            voice.lose(upstream)

    def find(self, upstream: str) -> None:
        """Take note that such an upstream is there, for the first time or again."""
        for voice in self._voices:
            voice.find(upstream)

    def take(self, rows: Events) -> None:
        """Send rows at once; any line counts as a sign of life."""
        for reject in (*rows.prices.rejects, *rows.flows.rejects, *rows.interest.rejects):
            self._outlet.reject(reject)
        sent = self._router.of_universe(rows)
        self._outlet.counts.skipped += sent.skipped
        self._outlet.counts.unused += sent.unused
        for topic, sources in self._router.speakers(sent.events).items():
            is_interest = topic == self._router.interest_topic
            (self.interest if is_interest else self.market).speak(topic, sources)
        for outgoing in chain(*self._router.records(sent.events)):
            self._outlet.send(outgoing)
        self._hear(rows)

    def _hear(self, rows: Events) -> None:
        of_interest, *of_market = (
            bool(len(events) or events.rejects)
            for events in (rows.interest, rows.prices, rows.flows)
        )
        if of_interest:
            self.interest.hear(int(rows.interest.event_ns.max(initial=0)))
        if any(of_market) or not of_interest:
            latest = (int(events.event_ns.max(initial=0)) for events in (rows.prices, rows.flows))
            self.market.hear(max(latest))

    def tick(self) -> None:
        """Send a heartbeat if event time reached another second, or a second has passed."""
        self._outlet.close_frames()
        for voice in self._voices:
            event_ns = voice.beat_ns()
            if event_ns is not None:
                self._outlet.heartbeat(voice.speakers, event_ns)
