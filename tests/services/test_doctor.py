"""The doctor's looking, on a real Kafka and a real Redis in states of every kind."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import redis
from aiokafka import AIOKafkaConsumer

from services.clock import SystemClock
from services.doctor import Report, examine
from services.doctor_settings import DoctorSettings
from services.embedded_redis import EmbeddedRedis
from services.findings import Finding
from services.topics_admin import create_topics
from streams.fencing import partial_key, partition_key
from streams.partials import FORMAT
from streams.topics import INPUTS, PRICES, TopicSpec
from tests.support.doctor_facts import notes, problems
from tests.support.imported_universes import import_universe
from tests.support.universes import EXAMPLE


def findings(report: Report) -> list[Finding]:
    return [one for area in report.areas for one in area.findings]


def examined(**flags: object) -> list[Finding]:
    """Return what is found with these settings, ``kafka_bootstrap`` for ``kafka.bootstrap``."""
    nowhere = {"kafka.bootstrap": "127.0.0.1:1", "redis.url": "redis://127.0.0.1:1/0"}
    given = {name.replace("_", ".", 1): value for name, value in flags.items()}
    settings = DoctorSettings.load(nowhere | given)
    # No part is left behind, on however busy a machine: its sockets would be, too.
    return findings(examine(settings, processes=(), clock=SystemClock(), seconds=60))


@pytest.fixture
def prefix(kafka: str, topic_suffix: str) -> str:
    """Topics of a test's own."""
    create_topics(kafka, prefix=f"{topic_suffix}-")
    return f"{topic_suffix}-"


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as connected:
        yield connected


def write_partial(client: redis.Redis, number: int, *, token: int, time_ms: int) -> None:
    """Write a partial of the universe "other", without columns."""
    content = msgspec.msgpack.encode([FORMAT, "other", number, {}])
    client.hset(partial_key(number), items=["token", token, "time_ms", time_ms, "content", content])


def test_a_password_that_is_wrong_or_missing_is_told(
    own_redis: EmbeddedRedis, tmp_path: Path
) -> None:
    with redis.Redis.from_url(own_redis.url) as client:
        client.config_set("requirepass", "right")
    for word in ("wrong", "right"):
        (tmp_path / word).write_text(f"{word}\n")

    missing = problems(examined(redis_url=own_redis.url))
    wrong = problems(examined(redis_url=own_redis.url, redis_password_file=tmp_path / "wrong"))
    right = problems(examined(redis_url=own_redis.url, redis_password_file=tmp_path / "right"))
    nothing = problems(examined(redis_url=own_redis.url, redis_password_file=tmp_path / "none"))

    assert missing[1].endswith(": asks for a password, and none is given")
    assert ": refuses the password (invalid username-password pair" in wrong[1]
    assert "password" not in " ".join(right)
    assert "redis.password_file: expected a text file" in nothing[1]


def test_topics_with_other_partitions_are_problems(kafka: str, topic_suffix: str) -> None:
    prefix = f"{topic_suffix}-"
    create_topics(kafka, prefix=prefix, specs=[TopicSpec(PRICES, 6, 7)])
    create_topics(kafka, prefix=prefix)

    found = problems(examined(kafka_bootstrap=kafka, kafka_topics_prefix=prefix))

    assert f"topic {prefix}prices: expected 12 partitions, it has 6" in found


async def joined_and_died(kafka: str, prefix: str) -> None:
    """Leave a member in the group that ends without a word: static, with a long session."""
    dead = AIOKafkaConsumer(
        *(f"{prefix}{topic}" for topic in INPUTS),
        bootstrap_servers=kafka,
        group_id=f"{prefix}group",
        group_instance_id="worker-7",
        session_timeout_ms=60_000,
    )
    await dead.start()
    try:
        async with asyncio.timeout(30):
            while len(dead.assignment()) < 12 * len(INPUTS):
                await dead.getmany(timeout_ms=100)
    finally:
        await dead.stop()


def test_a_member_that_died_is_named_with_its_partitions(
    kafka: str, prefix: str, redis_url: str, client: redis.Redis
) -> None:
    asyncio.run(joined_and_died(kafka, prefix))
    token = round(time.time() * 1000) - 60_000
    for number in range(12):
        client.hset(partition_key(number), "token", token)
        write_partial(client, number, token=token, time_ms=token + 1000)

    found = examined(
        kafka_bootstrap=kafka,
        kafka_topics_prefix=prefix,
        worker_group_id=f"{prefix}group",
        redis_url=redis_url,
    )

    (old_partials,) = [one for one in found if "last written" in one.found]
    assert old_partials.found.startswith("partitions 0–11: last written ")
    assert old_partials.mend.startswith("owned by worker-7 on 127.0.0.1: it catches up, hangs,")
    assert "nobody" not in " ".join(problems(found))


def test_a_writer_that_goes_on_after_its_replacement_is_found(
    redis_url: str, client: redis.Redis
) -> None:
    now = round(time.time() * 1000)
    for number in range(12):
        client.hset(partition_key(number), "token", now - 5_000)
        write_partial(client, number, token=now - 9_000, time_ms=now)

    found = problems(examined(redis_url=redis_url))

    assert any(one.startswith("fencing: partitions 0–11: an unfenced writer") for one in found)


def test_keys_that_something_else_wrote_are_told(redis_url: str, client: redis.Redis) -> None:
    client.hset(partition_key(0), mapping={"token": "x", "prices": b"\xff", b"\xff": "y"})
    client.hset(partial_key(0), mapping={"token": "", "time_ms": "soon", "content": b"\xc1"})
    client.set("forcedflow:view", b"[1,")
    client.hset("forcedflow:alerter", mapping={"until_ms": "never"})
    hashes = problems(examined(redis_url=redis_url))
    client.set(partition_key(1), "a text")
    texts = problems(examined(redis_url=redis_url))

    assert "1 bytes that are no partial" in " ".join(hashes)
    assert "3 bytes that are no view" in " ".join(hashes)
    assert "WRONGTYPE" in " ".join(texts)


def test_a_broken_universe_is_told_by_its_first_fault(tmp_path: Path) -> None:
    (tmp_path / "references.csv").write_text("symbol\n")

    found = problems(examined(universe_directory=tmp_path))

    assert f"universe: the folder {tmp_path} cannot be used: " in found[-1]


def test_the_newest_universe_in_kafka_is_the_one_that_is_meant(
    kafka: str, prefix: str, redis_url: str, client: redis.Redis
) -> None:
    where = {"kafka_bootstrap": kafka, "kafka_topics_prefix": prefix, "redis_url": redis_url}
    now = round(time.time() * 1000)
    client.hset(partition_key(3), "token", now)
    write_partial(client, 3, token=now, time_ms=now + 1)

    none = examined(**where)
    import_universe(kafka, EXAMPLE / "universe", prefix=prefix)
    client.hset(partial_key(3), "time_ms", round(time.time() * 1000) + 5_000)
    imported = problems(examined(**where))

    assert "universe: none in Kafka" in notes(none)
    assert any(one.startswith("universe: workers compute by other, the newest") for one in imported)
