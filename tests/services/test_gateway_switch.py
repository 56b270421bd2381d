"""Files played while the universe changes."""

from pathlib import Path

from services.gateway_events import EventRouter
from services.gateway_files import FilesWork
from services.gateway_outlet import Outlet
from services.gateway_plan import GatewayPlan
from streams.topics import PRICES, partition_of
from tests.support.core_universe import Ref, at, core_universe
from tests.support.manual_clock import ManualClock
from tests.support.played_files import GRACE, MINUTE, UNIVERSE, PlayedFiles, beat
from tests.support.recording_producer import RecordingProducer

ACME_ALONE = core_universe([Ref("ACME")])


def rows_on(feed: PlayedFiles, symbol: str) -> list[int | str]:
    return [each for each in feed.on(symbol) if isinstance(each, int)]


def test_a_newer_universe_counts_from_the_next_row_on(tmp_path: Path) -> None:
    start = at(0, 1)
    symbols = ("ACME", "BOLT", "ZZZZ")
    rows = [(symbol, start + step * MINUTE) for step in range(4) for symbol in symbols]
    feed = PlayedFiles(tmp_path, rows, universe=ACME_ALONE, speed=60)
    feed.run(host_seconds=1.5)

    feed.switch(UNIVERSE)
    feed.run(host_seconds=1)
    feed.switch(core_universe([Ref("BOLT")]))
    feed.run()

    assert rows_on(feed, "ACME") == [start, start + MINUTE, start + 2 * MINUTE]
    assert rows_on(feed, "BOLT") == [start + 2 * MINUTE, start + 3 * MINUTE]
    counts = feed.outlet.counts
    assert (counts.rows, counts.skipped, feed.playback.done) == (5, 7, 12)


def test_a_newer_universe_may_end_later_or_earlier(tmp_path: Path) -> None:
    rows = [("ACME", at(0, 1)), ("BOLT", at(1, 1)), ("ACME", at(2, 1))]
    later = PlayedFiles(tmp_path, rows[:2], universe=ACME_ALONE, speed=3600)
    later.run(host_seconds=2)
    later.switch(UNIVERSE)
    later.run()
    earlier = PlayedFiles(tmp_path, rows, speed=3600)
    earlier.run(host_seconds=2)
    earlier.switch(core_universe([Ref("BOLT")]))
    earlier.run()

    assert later.on("ACME")[-1] == beat(at(1, 7) + GRACE)
    assert earlier.on("ACME")[-1] == beat(at(1, 7) + GRACE)
    assert rows_on(earlier, "ACME") == [at(0, 1)]


def test_the_hours_of_a_newer_universe_take_their_time(tmp_path: Path) -> None:
    rows = [("ACME", at(0, 6)), ("COIN", at(1, 6, "ROUND")), ("ACME", at(1, 1))]
    feed = PlayedFiles(tmp_path, rows, universe=ACME_ALONE, speed=3600)
    feed.run(host_seconds=0.5)

    feed.switch(UNIVERSE)
    # From 16:30 to 18:00 no other venue is open.
    feed.run(host_seconds=1.4)
    before = rows_on(feed, "COIN")
    feed.run(host_seconds=0.2)

    assert before == []
    assert rows_on(feed, "COIN") == [at(1, 6, "ROUND")]


def test_sources_that_a_newer_universe_hears_get_their_heartbeats(tmp_path: Path) -> None:
    start = at(0, 1)
    (tmp_path / "p.csv").write_text(
        f"symbol,event_time,price,source\nACME,{start},1,one\nBOLT,{start + MINUTE},2,two\n"
    )
    producer, clock = RecordingProducer(), ManualClock(start_ns=at(100, 0))
    router = EventRouter(ACME_ALONE, partitions=12, source="gateway")
    plan = GatewayPlan(prices=(tmp_path / "p.csv",))
    work = FilesWork(
        plan, ACME_ALONE, router=router, outlet=Outlet(producer, partitions=12), clock=clock
    )
    work.step()
    clock.advance(30)
    work.step()
    before = {each.json().get("heartbeat") for each in producer.sent}

    work.switch(UNIVERSE)
    clock.advance(45)
    work.step()

    bolt = [each.json() for each in producer.on(PRICES, partition_of("BOLT"))]
    assert before == {None, "one"}
    assert [each["price"] for each in bolt if "price" in each] == [2]
    assert {each.get("heartbeat") for each in bolt} == {None, "one", "two"}


def test_volumes_of_a_symbol_that_came_late_are_unknown_for_that_session(tmp_path: Path) -> None:
    rows = [("BOLT", at(0, hour)) for hour in (1, 2, 3)] + [("BOLT", at(1, 1)), ("ACME", at(0, 1))]
    feed = PlayedFiles(tmp_path, rows, universe=ACME_ALONE, speed=3600, bar_ns=5 * MINUTE)
    feed.run(host_seconds=0.5)

    feed.switch(UNIVERSE)
    feed.run()

    sent = [each.json() for each in feed.producer.on(PRICES, partition_of("BOLT"))]
    assert [row.get("volume") for row in sent if "symbol" in row] == [None, None, 10]
