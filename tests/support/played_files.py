"""Files played by the gateway, Kafka and the host's clock left out."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from core.sessions import NANOS_PER_SECOND, OFFICIAL_CLOSE_GRACE_NS
from core.universe import Universe
from services.event_files import ReadOptions, read_flows, read_prices
from services.gateway_course import Course
from services.gateway_events import EventRouter, Events
from services.gateway_outlet import Outlet
from services.gateway_playback import FullSpeed, Pace, Playback, SteadyPace, Timeline
from services.open_hours import OpenHours
from services.option_events import read_open_interest
from streams.topics import PRICES, partition_of
from tests.support.core_universe import Fund, Ref, at, core_universe
from tests.support.manual_clock import ManualClock
from tests.support.recording_producer import RecordingProducer, Sent

SECOND = NANOS_PER_SECOND
MINUTE = 60 * SECOND
UNIVERSE = core_universe(
    [Ref("ACME"), Ref("BOLT"), Ref("COIN", "ROUND")], [Fund("ACMU", "ACME", [])]
)
GRACE = OFFICIAL_CLOSE_GRACE_NS


class Begin(NamedTuple):
    from_ns: int = 0
    start_at_ns: int = 0


NOWHERE = Begin()


class PlayedFiles:
    """A playback of prices (symbol, event_ns), creations of ACMU (event_ns) and ``oi.jsonl``."""

    def __init__(
        self,
        folder: Path,
        prices: Sequence[tuple[str, int]],
        flows: Sequence[int] = (),
        *,
        universe: Universe = UNIVERSE,
        speed: float | None = None,
        begin: Begin = NOWHERE,
        bar_ns: int = 0,
        frame_rows: int = 0,
    ) -> None:
        lines = [f"{symbol},{time_ns},100,10" for symbol, time_ns in prices]
        (folder / "p.csv").write_text("\n".join(["symbol,event_time,price,volume", *lines]))
        creations = [f"ACMU,{time_ns},1" for time_ns in flows]
        (folder / "f.csv").write_text("\n".join(["fund,event_time,net_creation_usd", *creations]))
        self.producer = RecordingProducer()
        self.clock = ManualClock(start_ns=at(100, 0))
        self.outlet = Outlet(self.producer, partitions=12, frame_rows=frame_rows)
        router = EventRouter(universe, partitions=12, source="gateway", adds_volumes=bool(bar_ns))
        self.router = router
        events = Events(
            read_prices([folder / "p.csv"], ReadOptions(bar_ns=bar_ns)),
            read_flows([folder / "f.csv"], ReadOptions()),
            read_open_interest(sorted(folder.glob("oi.jsonl")), ReadOptions()),
        )
        timeline = self.timeline = Timeline(events, router)
        course = Course.of(
            timeline.of_universe(), universe, router=router, now_ns=self.clock.now_ns()
        )
        hours = OpenHours.of(universe.schedules, grace_ns=GRACE)
        pace: Pace = FullSpeed()
        if speed is not None:
            start_ns = max(begin) or course.first_ns
            pace = SteadyPace(hours, self.clock, start_ns=start_ns, speed=speed)
        self.playback = Playback(
            timeline,
            self.outlet,
            course=course,
            pace=pace,
            clock=self.clock,
            from_ns=begin.from_ns,
            start_at_ns=begin.start_at_ns,
        )

    def switch(self, universe: Universe) -> None:
        """Give it another universe, as the gateway does."""
        self.router.switch(universe)
        course = Course.of(
            self.timeline.of_universe(), universe, router=self.router, now_ns=self.clock.now_ns()
        )
        self.playback.switch(course, OpenHours.of(universe.schedules, grace_ns=GRACE))

    def run(self, *, host_seconds: float = 1e9) -> bool:
        """Step until the end or until so much host time has passed; say whether it ended."""
        limit = self.clock.monotonic() + host_seconds
        while (wait := self.playback.step()) is not None:
            if self.clock.monotonic() + wait > limit:
                self.clock.advance(limit - self.clock.monotonic())
                return self.playback.step() is None
            self.clock.advance(wait)
        return True

    def on(self, symbol: str, topic: str = PRICES) -> list[int | str]:
        """Return event times of rows, and of heartbeats as text, on a reference's partition."""
        return [told(sent) for sent in self.producer.on(topic, partition_of(symbol))]


def told(sent: Sent) -> int | str:
    fields = sent.json()
    return beat(fields["event_time"]) if "heartbeat" in fields else int(fields["event_time"])


def beat(time_ns: int) -> str:
    return f"all up to {time_ns}"
