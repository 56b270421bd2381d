"""Files of a plan, read and played."""

from dataclasses import replace

from core.sessions import OFFICIAL_CLOSE_GRACE_NS
from core.universe import Universe
from services.clock import Clock
from services.event_files import read_flows, read_prices
from services.gateway_course import Course
from services.gateway_events import EventRouter, Events
from services.gateway_outlet import Outlet
from services.gateway_plan import GatewayPlan
from services.gateway_playback import FullSpeed, Pace, Playback, SteadyPace, Timeline
from services.open_hours import OpenHours
from services.option_events import read_open_interest
from streams.wire import FUTURE_NS


class FilesWork:
    """Reads the files of a plan, sends their bad rows to the dead letters, and plays the others.

    Raises
    ------
    ConfigError
        If a file or option cannot be used.
    """

    def __init__(
        self,
        plan: GatewayPlan,
        universe: Universe,
        *,
        router: EventRouter,
        outlet: Outlet,
        clock: Clock,
    ) -> None:
        self._router = router
        self._clock = clock
        options = replace(plan.options, now_ns=clock.now_ns() + FUTURE_NS)
        prices, flows = read_prices(plan.prices, options), read_flows(plan.flows, options)
        interest = read_open_interest(plan.open_interest, options)
        for reject in (*prices.rejects, *flows.rejects, *interest.rejects):
            outlet.reject(reject)
        self._timeline = Timeline(Events(prices, flows, interest), router)
        course = self._course(universe)
        pace: Pace = FullSpeed()
        if plan.speed is not None and course.first_ns:
            pace = SteadyPace(
                _hours(universe),
                clock,
                start_ns=max(plan.from_ns, plan.start_at_ns) or course.first_ns,
                speed=plan.speed,
            )
        self._playback = Playback(
            self._timeline,
            outlet,
            course=course,
            pace=pace,
            clock=clock,
            from_ns=plan.from_ns,
            start_at_ns=plan.start_at_ns,
        )

    @property
    def done(self) -> int:
        """Rows that were sent or left out so far."""
        return self._playback.done

    @property
    def total(self) -> int:
        """Rows of the files."""
        return self._playback.total

    def step(self) -> float | None:
        """Send what is due; return the host seconds until more is due, None at the end."""
        return self._playback.step()

    def switch(self, universe: Universe) -> None:
        """Go by another universe from the next row on."""
        self._router.switch(universe)
        self._playback.switch(self._course(universe), _hours(universe))

    def _course(self, universe: Universe) -> Course:
        return Course.of(
            self._timeline.of_universe(), universe, router=self._router, now_ns=self._clock.now_ns()
        )


def _hours(universe: Universe) -> OpenHours:
    return OpenHours.of(universe.schedules, grace_ns=OFFICIAL_CLOSE_GRACE_NS)
