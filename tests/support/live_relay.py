"""A live gateway on one feed; the host's clock is the test's."""

from dataclasses import replace

from core.sessions import NANOS_PER_SECOND
from services.event_files import ReadOptions, rules_of
from services.gateway_events import EventRouter
from services.gateway_live import LiveRelay
from services.gateway_outlet import Outlet
from services.live_feeds import JsonFeed
from services.open_hours import OpenHours
from streams.topics import PRICES
from tests.support.core_universe import Fund, Ref, at, core_universe
from tests.support.manual_clock import ManualClock
from tests.support.recording_producer import RecordingProducer

SECOND = NANOS_PER_SECOND
RULES = rules_of(ReadOptions())
LATENESS = SECOND // 2
UNIVERSE = core_universe([Ref("ACME"), Ref("BOLT")], [Fund("ACMU", "ACME", [])])


def price(event_ns: int, symbol: str = "ACME", value: float = 100) -> bytes:
    return f'{{"symbol": "{symbol}", "event_time": {event_ns}, "price": {value}}}\n'.encode()


class RelayWorld:
    """A relay whose host clock stands at an hour of session 1, in its tenth of a second."""

    def __init__(self, hour: float, *, lag_seconds: float = 0.0, speed: float = 1.0) -> None:
        self.clock = ManualClock(start_ns=at(1, hour))
        self.producer = RecordingProducer()
        self.outlet = Outlet(self.producer, partitions=12)
        self.lag_ns = round(lag_seconds * SECOND)
        self.relay = LiveRelay(
            EventRouter(UNIVERSE, partitions=12, source="gateway"),
            self.outlet,
            hours=OpenHours.of(UNIVERSE.schedules),
            clock=self.clock,
            lateness_ns=LATENESS,
            speed=speed,
        )
        self.feed = JsonFeed("feed", ())

    def say(self, data: bytes) -> None:
        self.relay.take(self.feed.read(data, replace(RULES, now_ns=self.clock.now_ns())))

    def tick_price(self) -> None:
        self.say(price(self.clock.now_ns() - self.lag_ns))

    def pass_seconds(self, seconds: float) -> None:
        for _ in range(round(seconds * 10)):
            self.clock.advance(0.1)
            self.relay.tick()

    def beats(self, partition: int = 0, topic: str = PRICES) -> list[int]:
        sent = [each.json() for each in self.producer.on(topic, partition)]
        return [each["event_time"] for each in sent if "heartbeat" in each]
