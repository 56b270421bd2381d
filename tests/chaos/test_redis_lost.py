"""Redis killed, set back, emptied; with the owners alive, and with everyone and the log gone."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import redis
from kafka import KafkaAdminClient, TopicPartition

from services.embedded_redis import EmbeddedRedis
from streams.topics import PARTITIONS
from tests.chaos.conftest import Figure, MakeRun
from tests.support.chaos_alerts import Pager, pager_of
from tests.support.chaos_fleet import Fleet
from tests.support.chaos_run import ChaosRun
from tests.support.chaos_script import Script
from tests.support.chaos_windows import Place
from tests.support.running_worker import START_SECONDS
from tests.support.waiting import eventually

CUT_SECONDS = 1.0


def says_so(pager: Pager) -> None:
    """Wait until the alerter says that it is blind, and shows no price as if it were one."""
    eventually(pager.is_blind)
    eventually(lambda: not pager.shows_prices())


def restart(server: EmbeddedRedis, pager: Pager) -> None:
    server.kill()
    says_so(pager)
    server.start()


def restart_cut(server: EmbeddedRedis, pager: Pager) -> None:
    """Lose the last second of writes, as `appendfsync everysec` may when the machine dies."""
    file = server.directory / "appendonly.aof"
    size = file.stat().st_size
    began = time.monotonic()
    eventually(lambda: time.monotonic() >= began + CUT_SECONDS and file.stat().st_size > size)
    server.kill()
    os.truncate(file, size)
    says_so(pager)
    server.start()


def wipe(server: EmbeddedRedis, _: Pager | None = None) -> None:
    with redis.Redis.from_url(server.url) as client:
        client.flushall()


Damage = Callable[[EmbeddedRedis, Pager], None]


@pytest.mark.parametrize("damage", [restart, restart_cut, wipe])
def test_owners_make_a_damaged_redis_whole_and_nobody_is_paged(
    *,
    make_run: MakeRun,
    short_script: Script,
    own_redis: EmbeddedRedis,
    random: np.random.Generator,
    figure: Figure,
    tmp_path: Path,
    damage: Damage,
) -> None:
    run = make_run(short_script, redis_url=own_redis.url)
    *_, middle, last = short_script.market.marks
    with Fleet(run.deployment, 1) as fleet, pager_of(run, tmp_path / "alerter") as pager:
        run.start()
        run.play_to(random.uniform(0.1, 0.5))
        damage(own_redis, pager)
        run.hold_at(middle)
        pages = pager.pages()
        assert pages

        damage(own_redis, pager)

        damaged_at = time.monotonic()
        run.compare(middle)
        figure("whole_again_seconds", time.monotonic() - damaged_at)
        assert pager.pages() == pages
        run.finish()
        assert fleet.ends == []
        # What was saved since is whole, too: it is all that the next owners have.
        before = tokens(run)
        names = fleet.kill_all()
        delete_records(run.deployment.bootstrap, run.deployment.prefix, run.feed.sent)
        for name in names:
            fleet.join(name)
        eventually(lambda: min(tokens(run)) > max(before), seconds=START_SECONDS)
        run.compare(last)
        run.compare_counts()


def tokens(run: ChaosRun) -> list[int]:
    """Return the token under which each partition was last written, 0 where nothing lies."""
    return [0 if seen is None else seen.token for seen in run.watch.seen()]


@pytest.mark.parametrize("is_log_cut", [False, True])
def test_everything_is_rebuilt_from_kafka_after_a_wipe_without_owners(
    *,
    make_run: MakeRun,
    short_script: Script,
    own_redis: EmbeddedRedis,
    figure: Figure,
    tmp_path: Path,
    is_log_cut: bool,
) -> None:
    run = make_run(short_script, redis_url=own_redis.url)
    first, middle, _ = short_script.market.marks
    with Fleet(run.deployment, 2) as fleet, pager_of(run, tmp_path / "alerter") as pager:
        run.start()
        run.hold_at(first)
        of_first_day = dict(run.feed.sent)
        run.hold_at(middle)
        pages = pager.pages()

        names = fleet.kill_all()
        wipe(own_redis)
        if is_log_cut:
            delete_records(run.deployment.bootstrap, run.deployment.prefix, of_first_day)
        eventually(lambda: pager.unknown_partitions() == PARTITIONS)
        eventually(lambda: not pager.shows_prices())
        began = time.monotonic()
        for name in names:
            fleet.join(name)

        run.compare(middle)
        figure("whole_again_seconds", time.monotonic() - began)
        assert pager.pages() == pages
        run.finish(counts=not is_log_cut)
        assert fleet.ends == []


def delete_records(bootstrap: str, prefix: str, until: dict[Place, int]) -> None:
    """Delete all records below some offsets, as Kafka's retention does."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.delete_records(
        {
            TopicPartition(f"{prefix}{topic}", number): offset
            for (topic, number), offset in until.items()
        }
    )
    admin.close()
