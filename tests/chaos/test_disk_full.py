"""A broker whose disk is full."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from services.embedded_kafka import EmbeddedKafka
from tests.chaos.conftest import Figure, MakeRun
from tests.support.chaos_alerts import pager_of
from tests.support.chaos_disk import Disk, small_disk
from tests.support.chaos_fleet import Fleet
from tests.support.chaos_script import Script
from tests.support.waiting import eventually

DEATH_SECONDS = 60.0
TRADING = 48
"""References that trade while New York does."""


@pytest.fixture
def kafka_on_disk(tmp_path: Path) -> Iterator[tuple[EmbeddedKafka, Disk]]:
    kafka = EmbeddedKafka(tmp_path / "kafka")
    with small_disk(kafka) as disk, kafka:
        yield kafka, disk


def test_prices_grow_stale_while_the_disk_is_full_and_nothing_acknowledged_is_lost(
    *,
    make_run: MakeRun,
    short_script: Script,
    kafka_on_disk: tuple[EmbeddedKafka, Disk],
    random: np.random.Generator,
    figure: Figure,
    tmp_path: Path,
) -> None:
    kafka, disk = kafka_on_disk
    run = make_run(short_script, bootstrap=kafka.bootstrap)
    with Fleet(run.deployment, 2) as fleet, pager_of(run, tmp_path / "alerter") as pager:
        run.start()
        # In the second day's session of New York.
        run.play_to(random.uniform(0.7, 0.9))
        disk.fill()

        # The broker says why it ends, and the page says that prices are old.
        eventually(lambda: kafka.returncode is not None, seconds=DEATH_SECONDS)
        eventually(lambda: len(pager.stale()) >= TRADING, seconds=DEATH_SECONDS)
        stale = pager.stale()
        eventually(lambda: not any(pager.shows_prices(symbol=symbol) for symbol in stale))

        disk.free()
        kafka.start()
        back_at, back_ns = time.monotonic(), time.time_ns()
        run.play_until(lambda: run.watch.has_all_since(back_ns))
        figure("resumed_seconds", time.monotonic() - back_at)
        run.finish()
        assert fleet.ends == []
