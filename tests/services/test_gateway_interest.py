"""Open interest that is followed: rows as they come, a vendor's chain whenever it has changed."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.errors import ConfigError
from core.sessions import NANOS_PER_SECOND
from services.event_files import ReadOptions
from services.gateway_chains import STILL_SECONDS
from services.gateway_events import EventRouter
from services.gateway_live_work import LiveWork
from services.gateway_outlet import Outlet
from services.gateway_plan import GatewayPlan
from streams.event_times import parse_time
from streams.topics import DEAD_LETTERS, FLOWS, OPEN_INTEREST, PRICES, partition_of
from tests.support.chain_texts import Row, Side, cboe_text, write
from tests.support.manual_clock import ManualClock
from tests.support.option_lines import json_file, level
from tests.support.real_data import FOLDER, needs_real_data
from tests.support.recording_producer import RecordingProducer
from tests.support.universes import universe_from

UNIVERSE = universe_from(references=["ACME"])
ACME = partition_of("ACME")
NOW = parse_time("2026-06-22T11:00:00-04:00")
NEXT_DAY = "Date: June 23, 2026 at 9:00 AM EDT"
TABLE = [Row("2026-07-17", 100.0, call=Side("7", "0.3"), put=Side("9", "0.3"))]
LARGER = [Row("2026-07-17", 100.0, call=Side("70", "0.3"), put=Side("90", "0.3"))]


class World:
    """A live gateway on files of open interest; the host's clock is the test's."""

    def __init__(self, *files: Path) -> None:
        self.clock = ManualClock(start_ns=NOW)
        self.producer = RecordingProducer()
        self.outlet = Outlet(self.producer, partitions=12)
        self.live = LiveWork(
            GatewayPlan(open_interest=files, options=ReadOptions(), follow=True),
            UNIVERSE,
            router=EventRouter(UNIVERSE, partitions=12, source="gateway"),
            outlet=self.outlet,
            clock=self.clock,
        )

    def step(self, seconds: float = 0.1) -> None:
        for _ in range(round(seconds * 10)):
            self.live.step()
            self.clock.advance(0.1)

    def levels(self) -> list[Any]:
        sent = [each.json() for each in self.producer.on(OPEN_INTEREST, ACME)]
        return [each["open_interest"] for each in sent if "heartbeat" not in each]

    def reasons(self) -> list[str]:
        return [each.json()["reason"] for each in self.producer.on(DEAD_LETTERS, 0)]


Follow = Callable[[Path], World]


@pytest.fixture
def follow() -> Iterator[Follow]:
    """Makes a world whose files are closed at the end of the test."""
    worlds: list[World] = []

    def make(path: Path) -> World:
        worlds.append(World(path))
        return worlds[-1]

    yield make
    for world in worlds:
        asyncio.run(world.live.close())


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    """A vendor's file with the open interest of `TABLE`."""
    return write(tmp_path / "ACME_quotedata.csv", cboe_text(TABLE))


def csv_text(row: dict[str, object]) -> str:
    """Return a file of our own with one row."""
    return "\n".join([",".join(row), ",".join(map(str, row.values())), ""])


def test_rows_of_our_own_are_relayed_as_they_are_appended(follow: Follow, tmp_path: Path) -> None:
    path = json_file(tmp_path / "oi.jsonl", [level(), level(strike=0)])
    world = follow(path)

    world.step()
    with path.open("a") as stream:
        stream.write(json_file(tmp_path / "more.jsonl", [level(open_interest=11)]).read_text())
    world.step()

    assert world.levels() == [10.0, 11.0]
    assert world.reasons() == ["bad_strike"]


def test_a_file_that_is_still_empty_is_one_of_our_own(follow: Follow, tmp_path: Path) -> None:
    path = write(tmp_path / "oi.csv", "")
    world = follow(path)
    world.step()
    path.write_text(csv_text(level(open_interest=12)))

    world.step()

    assert world.levels() == [12.0]


def test_who_follows_open_interest_alone_beats_on_its_topic_alone(
    follow: Follow, tmp_path: Path
) -> None:
    world = follow(json_file(tmp_path / "oi.jsonl", [level(source="levels")]))

    world.step(3)

    for partition in range(12):
        sent = [each.json() for each in world.producer.on(OPEN_INTEREST, partition)]
        assert {each["heartbeat"] for each in sent if "heartbeat" in each} == {"levels"}
        assert world.producer.on(PRICES, partition) == []
        assert world.producer.on(FLOWS, partition) == []


def test_a_chain_is_sent_whole_and_again_once_it_has_changed(follow: Follow, chain: Path) -> None:
    world = follow(chain)
    world.step(5)
    first = world.levels()

    write(chain, cboe_text(LARGER, stated=NEXT_DAY)[:-40])
    world.clock.set_host(NOW + 24 * 3600 * NANOS_PER_SECOND)
    world.step(STILL_SECONDS / 2)
    write(chain, cboe_text(LARGER, stated=NEXT_DAY))
    world.step(STILL_SECONDS / 2)
    half = world.levels()
    world.step(STILL_SECONDS + 5)

    assert first == half == [7.0, 9.0]
    assert world.levels() == [7.0, 9.0, 70.0, 90.0]
    assert world.reasons() == []


def test_a_chain_that_has_gone_holds_on_and_its_successor_is_sent(
    follow: Follow, chain: Path
) -> None:
    world = follow(chain)
    world.step(1)

    chain.unlink()
    world.step(STILL_SECONDS + 1)
    gone = world.levels()
    write(chain, cboe_text(LARGER))
    world.step(STILL_SECONDS + 1)

    assert gone == [7.0, 9.0]
    assert world.levels() == [7.0, 9.0, 70.0, 90.0]


def test_another_universe_is_told_the_whole_chain(follow: Follow, chain: Path) -> None:
    world = follow(chain)
    world.live.switch(universe_from(references=["BOLT"]))
    world.step(STILL_SECONDS + 1)
    before = world.levels()

    world.live.switch(UNIVERSE)
    world.step(STILL_SECONDS + 1)

    assert before == []
    assert world.levels() == [7.0, 9.0]


def test_a_chain_that_became_unusable_is_a_dead_letter_and_ends_nothing(
    follow: Follow, chain: Path
) -> None:
    world = follow(chain)
    world.step(1)

    write(chain, "<html>Too many requests</html>\n")
    world.step(STILL_SECONDS + 1)
    write(chain, cboe_text(LARGER))
    world.step(STILL_SECONDS + 1)

    assert world.reasons() == ["bad_chain"]
    assert world.levels() == [7.0, 9.0, 70.0, 90.0]


LONG = [
    Row("2026-07-17", 90.0 + strike, call=Side("7", "0.3"), put=Side("9", "0.3"))
    for strike in range(10)
]
"""Twenty contracts."""


def successors(world: World, path: Path, *texts: str) -> list[Any]:
    """Let a file take the place of another, a day later; return the levels of all successors."""
    world.step(1)
    before = len(world.levels())
    world.clock.set_host(NOW + 24 * 3600 * NANOS_PER_SECOND)
    for text in texts:
        write(path, text)
        world.step(STILL_SECONDS + 1)
    return world.levels()[before:]


def test_the_same_table_under_a_fresh_head_is_not_sent_and_told_once(
    follow: Follow, chain: Path
) -> None:
    world = follow(chain)
    noon = "Date: June 23, 2026 at 12:00 PM EDT"

    sent = successors(
        world, chain, cboe_text(TABLE, stated=NEXT_DAY), cboe_text(TABLE, stated=noon)
    )

    assert sent == []
    assert world.reasons() == ["stale_body"]
    [letter] = world.producer.on(DEAD_LETTERS, 0)
    assert letter.json()["file"] == str(chain)
    assert successors(world, chain, cboe_text(LARGER, stated=noon)) == [70.0, 90.0]


def test_a_chain_far_shorter_than_the_last_is_not_sent_and_the_next_is_judged_by_that(
    follow: Follow, tmp_path: Path
) -> None:
    path = write(tmp_path / "ACME_quotedata.csv", cboe_text(LONG))
    world = follow(path)
    noon = "Date: June 23, 2026 at 12:00 PM EDT"

    cut = successors(world, path, cboe_text(LONG[:4], stated=NEXT_DAY))
    still_cut = successors(world, path, cboe_text(LONG[1:5], stated=noon))
    half = successors(world, path, cboe_text(LONG[:5], stated=noon))

    assert (cut, still_cut, len(half)) == ([], [], 10)
    assert world.reasons() == ["truncated", "truncated"]


def test_a_file_that_is_written_again_as_it_was_says_nothing_new(
    follow: Follow, chain: Path
) -> None:
    world = follow(chain)

    assert successors(world, chain, cboe_text(TABLE)) == []
    assert world.reasons() == []


def test_rows_of_our_own_in_the_place_of_a_chain_are_a_dead_letter(
    follow: Follow, chain: Path
) -> None:
    world = follow(chain)

    assert successors(world, chain, csv_text(level())) == []
    assert world.reasons() == ["bad_chain"]


def test_a_chain_that_has_gone_is_told_to_another_universe_too(follow: Follow, chain: Path) -> None:
    world = follow(chain)
    world.step(1)
    chain.unlink()

    world.live.switch(UNIVERSE)
    world.step(1)

    assert world.levels() == [7.0, 9.0, 7.0, 9.0]


def test_a_chain_that_is_none_at_the_start_is_an_error(follow: Follow, tmp_path: Path) -> None:
    path = write(tmp_path / "ACME_quotedata.csv", "<html>Too many requests</html>\n")

    with pytest.raises(ConfigError, match="expected the layout"):
        follow(path)


@needs_real_data
def test_a_recorded_stale_pair_is_told_apart_while_it_is_followed(
    follow: Follow, tmp_path: Path
) -> None:
    """Friday's table under Tuesday's head, then Tuesday's own."""
    names = ("May-2_6-47PM_9bf5229", "May-6_9-13AM_597fc0c", "May-6_6-14PM_995bedc")
    texts = [(FOLDER / f"chains/SPY_2025-{name}.csv").read_text() for name in names]
    path = write(tmp_path / "SPY_quotedata.csv", texts[0])
    world = follow(path)
    spy = universe_from(references=["SPY"])
    world.live.switch(spy)

    def sent() -> int:
        return len(world.producer.on(OPEN_INTEREST, partition_of("SPY")))

    world.step(0.2)
    friday = sent()
    for text in texts[1:]:
        write(path, text)
        world.step(STILL_SECONDS + 1)
        if text is texts[1]:
            assert world.reasons().count("stale_body") == 1
            assert sent() - friday < 100

    assert friday > 4_000
    assert sent() - friday > 4_000
    assert world.reasons().count("stale_body") == 1
