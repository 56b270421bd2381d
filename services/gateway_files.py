"""Files of a plan, read and set to be played."""

from dataclasses import replace

from core.sessions import OFFICIAL_CLOSE_GRACE_NS
from core.universe import Universe
from services.clock import Clock
from services.event_files import read_flows, read_prices
from services.gateway_events import EventRouter
from services.gateway_outlet import Outlet
from services.gateway_plan import GatewayPlan
from services.gateway_playback import (
    FullSpeed,
    Pace,
    Playback,
    SteadyPace,
    Timeline,
    last_heartbeat_ns,
)
from services.open_hours import OpenHours
from streams.wire import FUTURE_NS


def files_work(
    plan: GatewayPlan, universe: Universe, *, router: EventRouter, outlet: Outlet, clock: Clock
) -> Playback:
    """Read the files of a plan, send their bad rows to the dead letters, and get set to play.

    Raises
    ------
    ConfigError
        If a file or option cannot be used.
    """
    options = replace(plan.options, now_ns=clock.now_ns() + FUTURE_NS)
    prices, flows = read_prices(plan.prices, options), read_flows(plan.flows, options)
    for reject in (*prices.rejects, *flows.rejects):
        outlet.reject(reject)
    rows = router.of_universe(prices, flows)
    outlet.counts.skipped += rows.skipped
    outlet.counts.unused += rows.unused
    timeline = Timeline(rows, router)
    pace: Pace = FullSpeed()
    if plan.speed is not None and len(timeline):
        pace = SteadyPace(
            OpenHours.of(universe.schedules, grace_ns=OFFICIAL_CLOSE_GRACE_NS),
            clock,
            start_ns=max(plan.from_ns, plan.start_at_ns) or int(timeline.event_ns[0]),
            speed=plan.speed,
        )
    end_ns = last_heartbeat_ns(
        universe,
        event_ns=timeline.event_ns,
        reference=router.references(rows),
        now_ns=clock.now_ns(),
    )
    return Playback(
        timeline,
        outlet,
        sources=router.sources(rows),
        pace=pace,
        clock=clock,
        end_ns=end_ns,
        from_ns=plan.from_ns,
        start_at_ns=plan.start_at_ns,
    )
