"""Recorded bars through the gateway, Kafka left out."""

import csv
from collections import Counter

from services.event_files import ReadOptions, read_flows, read_prices
from services.gateway_course import Course
from services.gateway_events import EventRouter, Events
from services.gateway_outlet import Outlet
from services.gateway_playback import FullSpeed, Playback, Timeline
from streams.event_times import parse_time
from streams.topics import PRICES, partition_of
from tests.support.manual_clock import ManualClock
from tests.support.option_lines import no_levels
from tests.support.real_data import FOLDER, needs_real_data
from tests.support.recording_producer import RecordingProducer
from tests.support.universes import universe_from

pytestmark = needs_real_data

QQQ = FOLDER / "intraday" / "5min" / "QQQ.csv"


def play() -> tuple[RecordingProducer, Outlet]:
    universe = universe_from(references=["QQQ"])
    options = ReadOptions(
        columns=(("event_time", "datetime"), ("price", "close")),
        timezone="America/New_York",
        bar_ns=300 * 10**9,
    )
    producer = RecordingProducer()
    outlet = Outlet(producer, partitions=12)
    router = EventRouter(universe, partitions=12, source="gateway", adds_volumes=True)
    events = Events(read_prices([QQQ], options), read_flows([], options), no_levels())
    timeline = Timeline(events, router)
    now_ns = parse_time("2026-01-02T00:00:00Z")
    playback = Playback(
        timeline,
        outlet,
        course=Course.of(timeline.of_universe(), universe, router=router, now_ns=now_ns),
        pace=FullSpeed(),
        clock=ManualClock(0),
    )
    while playback.step() is not None:
        pass
    return producer, outlet


def test_half_a_year_of_bars() -> None:
    producer, outlet = play()

    with QQQ.open() as stream:
        bars = list(csv.DictReader(stream))
    volumes: Counter[str] = Counter()
    for bar in bars:
        day, time = bar["datetime"].split()
        if "09:30:00" <= time < "16:00:00":
            volumes[day] += int(bar["volume"])
    sent = [each.json() for each in producer.on(PRICES, partition_of("QQQ"))]
    rows = [row for row in sent if "symbol" in row]
    beats = [row["event_time"] for row in sent if "heartbeat" in row]
    of_time = {row["event_time"]: row for row in rows}
    first_close = of_time[parse_time("2025-05-12T16:00:00-04:00")]
    half_day = of_time[parse_time("2025-11-26T16:00:00-05:00")]

    assert len(rows) + outlet.counts.unused == len(bars)
    assert first_close["volume"] == volumes["2025-05-12"]
    assert half_day["volume"] == volumes["2025-11-26"]
    assert beats == sorted(set(beats))
    assert beats[-1] == parse_time("2025-12-31T17:00:00-05:00")
