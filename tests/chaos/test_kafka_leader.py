"""Three nodes, replication 3, two copies before a record counts: one node is killed."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from kafka import KafkaAdminClient

from services.embedded_kafka import EmbeddedKafkaCluster, KafkaProcess
from streams.topics import PRICES
from tests.chaos.conftest import Figure, MakeRun
from tests.support.chaos_fleet import Fleet
from tests.support.chaos_script import Script

RESUME_SECONDS = 15.0
COPIES = 3


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[EmbeddedKafkaCluster]:
    with EmbeddedKafkaCluster(tmp_path / "cluster") as started:
        yield started


def leader_of_most(cluster: EmbeddedKafkaCluster, topic: str) -> KafkaProcess:
    """Return the node that leads the most partitions of a topic."""
    admin = KafkaAdminClient(bootstrap_servers=cluster.bootstrap)
    (found,) = admin.describe_topics([topic])
    admin.close()
    leaders = [partition["leader_id"] for partition in found["partitions"]]
    number = max(set(leaders), key=leaders.count)
    return next(broker for broker in cluster.brokers if broker.node.number == number)


def test_a_killed_leader_loses_nothing_that_was_acknowledged(
    *,
    make_run: MakeRun,
    short_script: Script,
    cluster: EmbeddedKafkaCluster,
    random: np.random.Generator,
    figure: Figure,
) -> None:
    run = make_run(short_script, bootstrap=cluster.bootstrap, replication=COPIES)
    with Fleet(run.deployment, 2) as fleet:
        leader = leader_of_most(cluster, f"{run.deployment.prefix}{PRICES}")
        run.start()
        run.play_to(random.uniform(0.1, 0.6))
        killed_at, killed_ns = time.monotonic(), time.time_ns()
        leader.kill()

        # What Kafka gets once all partitions have a leader again is shown.
        run.play_until(lambda: run.watch.has_all_since(killed_ns))

        figure("resumed_seconds", time.monotonic() - killed_at)
        assert time.monotonic() - killed_at <= RESUME_SECONDS
        run.finish()
        assert fleet.ends == []
