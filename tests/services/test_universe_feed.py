"""The feed on a real Kafka: what was imported, and what comes while it runs."""

import asyncio
import threading
from collections.abc import AsyncIterator, MutableMapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient
from structlog.testing import capture_logs

from core.universe import Universe
from services.embedded_kafka import EmbeddedKafka
from services.scenario import write_scenario
from services.settings_base import KafkaSection, UniverseSection
from services.topics_admin import create_topics
from services.universe_feed import (
    UniverseFeed,
    first_universe,
    open_universe,
    universe_source,
)
from services.universe_files import load_universe
from streams.topics import TOPICS, UNIVERSE
from tests.support.imported_universes import (
    append,
    commit_key,
    import_universe,
    leaves,
    make_universe_topic,
    version_records,
)
from tests.support.kafka_litter import KAFKA_LITTER
from tests.support.universes import EXAMPLE, fund, write_universe
from tests.support.waiting import eventually

pytestmark = KAFKA_LITTER

SECONDS = 30.0
QUIET_SECONDS = 1.0
"""Longer than the feed takes for any version on a busy machine, where none may come."""
SPECS = [spec for spec in TOPICS if spec.name == UNIVERSE]


@pytest.fixture
def topic(kafka: str, topic_suffix: str) -> KafkaSection:
    """A universe topic of this test's own."""
    return make_universe_topic(kafka, f"{topic_suffix}-")


@asynccontextmanager
async def feed_of(topic: KafkaSection) -> AsyncIterator[UniverseFeed]:
    feed = UniverseFeed(topic)
    try:
        yield feed
    finally:
        await feed.close()


def folder(directory: Path, assets_usd: float) -> Path:
    """A universe of one fund of that size."""
    return write_universe(
        directory,
        references=["ACME", "BOLT"],
        funds=[fund("ACMU", "ACME", 2, assets_usd=assets_usd)],
    )


async def put(topic: KafkaSection, directory: Path) -> str:
    """Import a folder; return its version."""
    commit = await asyncio.to_thread(
        import_universe, topic.bootstrap, directory, prefix=topic.topics_prefix
    )
    return commit.version


async def following(feed: UniverseFeed) -> Universe:
    async with asyncio.timeout(SECONDS):
        return await feed.next()


async def nothing_follows(feed: UniverseFeed) -> bool:
    try:
        async with asyncio.timeout(QUIET_SECONDS):
            await feed.next()
    except TimeoutError:
        return True
    return False


async def in_force(topic: KafkaSection) -> str:
    """Return what a process that starts now begins with."""
    async with feed_of(topic) as feed:
        return (await following(feed)).version


@pytest.mark.parametrize("name", ["example", "scenario"])
async def test_what_was_imported_is_what_the_folder_holds(
    name: str, topic: KafkaSection, tmp_path: Path
) -> None:
    directory = EXAMPLE / "universe"
    if name == "scenario":
        write_scenario(tmp_path)
        directory = tmp_path / "universe"

    await put(topic, directory)
    async with feed_of(topic) as feed:
        universe = await following(feed)

    assert leaves(universe) == leaves(load_universe(directory))


async def test_the_first_version_is_waited_for(topic: KafkaSection, tmp_path: Path) -> None:
    async with feed_of(topic) as feed:
        assert await nothing_follows(feed)
        version = await put(topic, folder(tmp_path, 1e8))

        assert (await following(feed)).version == version
        assert await nothing_follows(feed)


async def test_of_several_newer_versions_only_the_newest_comes(
    topic: KafkaSection, tmp_path: Path
) -> None:
    await put(topic, folder(tmp_path / "a", 1e8))
    async with feed_of(topic) as feed:
        await following(feed)
        with capture_logs() as logs:
            await put(topic, folder(tmp_path / "b", 2e8))
            newest = await put(topic, folder(tmp_path / "c", 3e8))
            await asyncio.to_thread(
                eventually,
                lambda: any(entry.get("version") == newest for entry in logs),
                seconds=SECONDS,
            )

        universe = await following(feed)

        assert universe.version == newest
        assert universe.fund_figures.assets_usd.tolist() == [3e8]
        assert await nothing_follows(feed)


async def test_a_version_that_is_imported_again_comes_again(
    topic: KafkaSection, tmp_path: Path
) -> None:
    first = await put(topic, folder(tmp_path / "a", 1e8))
    second = await put(topic, folder(tmp_path / "b", 2e8))
    async with feed_of(topic) as feed:
        assert (await following(feed)).version == second

        await put(topic, tmp_path / "a")

        assert (await following(feed)).version == first
    assert await in_force(topic) == first


async def test_an_import_that_died_half_way_is_used_by_nobody(
    topic: KafkaSection, tmp_path: Path
) -> None:
    version = await put(topic, folder(tmp_path / "a", 1e8))
    records = version_records(folder(tmp_path / "b", 2e8))
    half = dict(list(records.items())[: len(records) // 2])
    async with feed_of(topic) as feed:
        await following(feed)

        append(topic.bootstrap, half, prefix=topic.topics_prefix)

        assert await nothing_follows(feed)
    assert await in_force(topic) == version


def damaged(directory: Path, how: str) -> dict[bytes, bytes | None]:
    """The records of a version that must be refused."""
    changes: dict[str, object] = {"format": 2} if how == "other format" else {}
    records = version_records(directory, **changes)
    *rows, commit = records
    version = commit.decode()
    match how:
        case "row missing":
            del records[rows[-1]]
        case "row changed":
            records[rows[-1]] = (records[rows[-1]] or b"").replace(b"ACMU", b"ACMV")
        case "row too many":
            records[f"{version}|funds.csv|2".encode()] = records[rows[-1]]
        case "file too many":
            records[f"{version}|rooms.csv|0".encode()] = b"room,symbol"
        case "no commit":
            records[commit] = b"{}"
    # The feed may look when half of them have come: what is whole until then would be used.
    records[commit] = records.pop(commit)
    return records


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("row missing", "funds.csv: expected rows 0 to 1, 1 missing"),
        ("row changed", "expected rows of sha256"),
        ("row too many", "funds.csv: expected 1 rows, 2 exist"),
        ("file too many", "expected no rows of rooms.csv, 1 exist"),
        ("no commit", "expected a commit"),
        ("other format", "expected format 1, it was 2"),
    ],
)
async def test_a_damaged_version_is_refused_and_the_old_one_stays(
    how: str, reason: str, topic: KafkaSection, tmp_path: Path
) -> None:
    version = await put(topic, folder(tmp_path / "a", 1e8))
    records = damaged(folder(tmp_path / "b", 2e8), how)
    async with feed_of(topic) as feed:
        await following(feed)

        with capture_logs() as logs:
            append(topic.bootstrap, records, prefix=topic.topics_prefix)
            # Of a damaged version that a newer one follows at once nothing is said.
            await asyncio.to_thread(eventually, lambda: "universe_refused" in events(logs))
            assert await nothing_follows(feed)
            again = folder(tmp_path / "c", 3e8)
            append(topic.bootstrap, version_records(again), prefix=topic.topics_prefix)
            assert (await following(feed)).version != version

    refused = [entry for entry in logs if entry["event"] == "universe_refused"]
    assert len(refused) == 1
    assert reason in refused[0]["reason"]
    assert refused[0]["in_force"] == version


async def test_whole_rows_that_are_no_universe_are_refused(
    topic: KafkaSection, tmp_path: Path
) -> None:
    version = await put(topic, folder(tmp_path / "a", 1e8))
    write_universe(tmp_path / "b", references=["ACME"], funds=[fund("ACMU", "NONE", 2)])
    with capture_logs() as logs:
        records = version_records(tmp_path / "b")
        append(topic.bootstrap, records, prefix=topic.topics_prefix)

        assert await in_force(topic) == version

    refused = [entry["reason"] for entry in logs if entry["event"] == "universe_refused"]
    assert refused == [
        "funds.csv:2: reference: expected a symbol that references.csv lists, was 'NONE'"
    ]


async def test_records_of_others_are_left_alone(topic: KafkaSection, tmp_path: Path) -> None:
    version = await put(topic, folder(tmp_path, 1e8))
    strange: dict[bytes, bytes | None] = {
        b"\xff": b"1",
        b"a|b": b"2",
        b"a|b|c": b"3",
        f"{version}|funds.csv|01".encode(): b"4",
    }

    append(topic.bootstrap, strange, prefix=topic.topics_prefix)

    assert await in_force(topic) == version


async def test_a_version_that_is_spoilt_later_is_left_by_all(
    topic: KafkaSection, tmp_path: Path
) -> None:
    older = await put(topic, folder(tmp_path / "a", 1e8))
    newer = await put(topic, folder(tmp_path / "b", 2e8))
    async with feed_of(topic) as feed:
        assert (await following(feed)).version == newer

        append(topic.bootstrap, {commit_key(newer): None}, prefix=topic.topics_prefix)

        # One that starts now could not do otherwise, and all have to agree.
        assert (await following(feed)).version == older
    assert await in_force(topic) == older


def test_a_restart_of_the_broker_is_waited_out(own_kafka: EmbeddedKafka, tmp_path: Path) -> None:
    topic = make_universe_topic(own_kafka.bootstrap)
    import_universe(topic.bootstrap, folder(tmp_path / "a", 1e8))
    # A broker is not started from within a running loop.
    with capture_logs() as logs, asyncio.Runner() as runner:
        feed = UniverseFeed(topic)
        runner.run(following(feed))
        own_kafka.kill()
        eventually(lambda: "universe_feed_waits" in events(logs), seconds=SECONDS)
        own_kafka.start()

        commit = import_universe(topic.bootstrap, folder(tmp_path / "b", 2e8))

        assert runner.run(following(feed)).version == commit.version
        runner.run(feed.close())

    told = [event for event in events(logs) if event.startswith("universe_feed")]
    # It waits once for each kind of trouble: a broker may answer before it has its topics.
    assert told[0] == "universe_feed_waits"
    assert told[-1] == "universe_feed_goes_on"
    assert told.count("universe_feed_goes_on") == 1


async def test_a_topic_that_is_made_anew_is_read_anew(topic: KafkaSection, tmp_path: Path) -> None:
    await put(topic, folder(tmp_path / "a", 1e8))
    await put(topic, folder(tmp_path / "b", 2e8))
    async with feed_of(topic) as feed:
        await following(feed)
        admin = KafkaAdminClient(bootstrap_servers=topic.bootstrap)
        admin.delete_topics([f"{topic.topics_prefix}{UNIVERSE}"])
        admin.close()
        assert await nothing_follows(feed)
        await asyncio.to_thread(eventually, lambda: is_made_anew(topic), seconds=SECONDS)

        version = await put(topic, folder(tmp_path / "c", 3e8))

        assert (await following(feed)).version == version


def is_made_anew(topic: KafkaSection) -> bool:
    return bool(create_topics(topic.bootstrap, prefix=topic.topics_prefix, specs=SPECS))


def test_a_feed_may_be_there_before_kafka_and_the_topic(
    own_kafka: EmbeddedKafka, tmp_path: Path
) -> None:
    topic = KafkaSection(bootstrap=own_kafka.bootstrap)
    own_kafka.stop()
    with asyncio.Runner() as runner:
        feed = UniverseFeed(topic)
        assert runner.run(nothing_follows(feed))
        own_kafka.start()
        assert runner.run(nothing_follows(feed))
        create_topics(own_kafka.bootstrap, specs=SPECS)

        commit = import_universe(topic.bootstrap, folder(tmp_path, 1e8))

        assert runner.run(following(feed)).version == commit.version
        runner.run(feed.close())


async def test_closing_ends_the_thread_whatever_it_waits_for(topic: KafkaSection) -> None:
    before = set(threading.enumerate())
    async with feed_of(topic) as feed, feed_of(KafkaSection(bootstrap="127.0.0.1:1")) as away:
        assert await nothing_follows(feed)
        assert await nothing_follows(away)
        names = [thread.name for thread in set(threading.enumerate()) - before]
        assert names.count("universe-feed") == 2

    left = {thread.name for thread in set(threading.enumerate()) - before}
    assert "universe-feed" not in left


async def test_a_folder_in_the_settings_pins_the_universe(tmp_path: Path) -> None:
    section = UniverseSection(directory=folder(tmp_path, 1e8))
    source = universe_source(section, KafkaSection(bootstrap="127.0.0.1:1"))

    universe = await source.next()

    assert leaves(universe) == leaves(load_universe(tmp_path))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await source.next()
    await source.close()


async def test_a_run_that_never_switches_takes_what_is_there(
    topic: KafkaSection, tmp_path: Path
) -> None:
    version = await put(topic, folder(tmp_path, 1e8))

    assert (await open_universe(UniverseSection(), topic)).version == version


async def test_waiting_for_the_first_version_can_be_stopped(topic: KafkaSection) -> None:
    stop = asyncio.Event()
    async with feed_of(topic) as feed:
        waiting = asyncio.create_task(first_universe(feed, stop))
        await asyncio.sleep(0)
        stop.set()

        assert await waiting is None


def events(logs: Sequence[MutableMapping[str, Any]]) -> list[str]:
    return [str(entry["event"]) for entry in logs]
