"""A Redis that is full, wants another password, or takes half a second for everything."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import pytest
import redis

from services.embedded_redis import EmbeddedRedis
from tests.chaos.conftest import Figure, MakeRun
from tests.support.chaos_alerts import pager_of
from tests.support.chaos_fleet import Fleet
from tests.support.chaos_proxy import SlowProxy
from tests.support.chaos_script import Script
from tests.support.waiting import eventually

DELAY_SECONDS = 0.5


@contextmanager
def full(client: redis.Redis) -> Iterator[None]:
    client.config_set("maxmemory", "1")
    yield
    client.config_set("maxmemory", "1gb")


@contextmanager
def locked(client: redis.Redis) -> Iterator[None]:
    """Have Redis want a password that nobody was told, of old connections too."""
    client.config_set("requirepass", "changed")
    client.client_kill_filter(_type="normal", skipme=True)
    yield
    client.auth("changed")
    client.config_set("requirepass", "")


Hurt = Callable[[redis.Redis], AbstractContextManager[None]]


@pytest.mark.parametrize("hurt", [full, locked])
def test_a_redis_that_refuses_is_waited_for(
    *,
    make_run: MakeRun,
    short_script: Script,
    own_redis: EmbeddedRedis,
    random: np.random.Generator,
    figure: Figure,
    tmp_path: Path,
    hurt: Hurt,
) -> None:
    run = make_run(short_script, redis_url=own_redis.url)
    with (
        redis.Redis.from_url(own_redis.url, single_connection_client=True) as client,
        Fleet(run.deployment, 1) as fleet,
        pager_of(run, tmp_path / "alerter") as pager,
    ):
        client.ping()
        run.start()
        run.play_to(random.uniform(0.1, 0.6))
        with hurt(client):
            eventually(pager.is_blind)
            eventually(lambda: not pager.shows_prices())
        healed_at = time.monotonic()
        pager.until_sees_all()
        figure("resumed_seconds", time.monotonic() - healed_at)
        run.finish()
        assert fleet.ends == []


WORDS: dict[Hurt, str] = {full: "maxmemory", locked: "AuthenticationError"}


@pytest.mark.parametrize("hurt", [full, locked])
def test_a_worker_says_why_redis_refuses(
    *, make_run: MakeRun, short_script: Script, own_redis: EmbeddedRedis, hurt: Hurt
) -> None:
    run = make_run(short_script, redis_url=own_redis.url)
    with (
        redis.Redis.from_url(own_redis.url, single_connection_client=True) as client,
        Fleet(run.deployment, 1) as fleet,
        hurt(client),
    ):
        eventually(lambda: WORDS[hurt] in fleet.logs())


def test_a_slow_redis_is_lived_with(
    *,
    make_run: MakeRun,
    short_script: Script,
    own_redis: EmbeddedRedis,
    random: np.random.Generator,
    figure: Figure,
) -> None:
    with SlowProxy(own_redis.port) as proxy:
        run = make_run(short_script, redis_url=f"redis://127.0.0.1:{proxy.port}/0")
        with Fleet(run.deployment, 1) as fleet:
            run.start()
            run.play_to(random.uniform(0.1, 0.2))
            proxy.delay_seconds = DELAY_SECONDS
            slow_ns = time.time_ns()
            run.play_to(0.6)
            # Who starts meanwhile takes its partitions over, too.
            fleet.kill(random.choice(fleet.names()))
            run.play_to(0.9)
            figure("stall_seconds", run.watch.longest(slow_ns))
            run.finish()
            assert [ended.exit_code for ended in fleet.ends] == [-9]
