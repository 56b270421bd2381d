"""Gauges of what is open and how complete the view of it is; see `services.market_hours`."""

from core.columns import View
from core.universe import Universe
from services.clock import Clock
from services.market_hours import MarketHours
from streams.metric_registry import Metrics

EVERY_SECONDS = 1.0
"""How often the gauges are renewed; they are read every few seconds."""
_GAUGES = {
    "forcedflow_market_session_open": "is_open",
    "forcedflow_references_in_session": "references",
    "forcedflow_references_unknown": "unknown",
    "forcedflow_exposure_coverage": "coverage",
}


class HoursGauges:
    """Shows the hours of one alerter's terms, by calendar."""

    def __init__(self, metrics: Metrics, clock: Clock) -> None:
        self._metrics = metrics
        self._clock = clock
        self._hours = MarketHours(clock)
        self._next_at = clock.monotonic()
        self._shown: set[str] = set()

    def show(self, view: View, universe: Universe) -> None:
        """Go by the newest view."""
        if self._is_due():
            self._hours.see(view, universe)
            self._write()

    def go_on(self) -> None:
        """Go by the clock and the last view, while there is no newer one."""
        if self._is_due():
            self._write()

    def hide(self) -> None:
        """Forget the views and show nothing."""
        self._hours = MarketHours(self._clock)
        self._write()

    def _is_due(self) -> bool:
        now = self._clock.monotonic()
        if now < self._next_at:
            return False
        self._next_at = now + EVERY_SECONDS
        return True

    def _write(self) -> None:
        now = {hours.calendar: hours for hours in self._hours.calendars()}
        for gauge, attribute in _GAUGES.items():
            for calendar in self._shown - now.keys():
                self._metrics.forget(gauge, calendar)
            for calendar, hours in now.items():
                self._metrics.gauge(gauge, calendar).set(getattr(hours, attribute))
        self._shown = set(now)
