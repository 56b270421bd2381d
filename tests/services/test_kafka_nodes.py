import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from services.embedded_kafka import EmbeddedKafkaCluster
from services.kafka_nodes import DEPLOYED, KafkaNode, node_settings
from services.topics_admin import check_topics, create_topics
from streams.topics import PARTITIONS, PRICES, TOPICS
from tests.support.waiting import eventually

RECORDS = 600


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedKafkaCluster]:
    """Three nodes; a test leaves them all running."""
    with EmbeddedKafkaCluster(tmp_path_factory.mktemp("cluster")) as started:
        yield started


def nodes(count: int) -> list[KafkaNode]:
    return [KafkaNode(n, Path(f"/data/{n}"), 9000 + n, 9100 + n) for n in range(1, count + 1)]


def settings_of(number: int, count: int) -> dict[str, str]:
    every = nodes(count)
    text = node_settings(every[number - 1], every, settings=DEPLOYED)
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    pairs = [line.partition("=")[::2] for line in lines]
    assert Counter(key for key, _ in pairs).most_common(1)[0][1] == 1
    return dict(pairs)


def test_a_lone_node_has_the_deployed_settings_and_its_own_addresses() -> None:
    deployed = (DEPLOYED / "server.properties").read_text().splitlines()
    pairs = dict(line.partition("=")[::2] for line in deployed if line and line[0] != "#")

    lone = settings_of(1, 1)

    assert lone.keys() == pairs.keys()
    assert {key for key in pairs if pairs[key] != lone[key]} == {
        "controller.quorum.bootstrap.servers",
        "listeners",
        "advertised.listeners",
        "log.dirs",
    }


def test_of_three_nodes_each_knows_all_voters_and_keeps_three_copies() -> None:
    second = settings_of(2, 3)

    assert second["node.id"] == "2"
    assert second["listeners"] == "PLAINTEXT://127.0.0.1:9002,CONTROLLER://127.0.0.1:9102"
    voters = "1@127.0.0.1:9101,2@127.0.0.1:9102,3@127.0.0.1:9103"
    assert second["controller.quorum.voters"] == voters
    assert "controller.quorum.bootstrap.servers" not in second
    assert {text for key, text in second.items() if "replication.factor" in key} == {"3"}
    assert {text for key, text in second.items() if key.endswith(("min.isr", "insync.replicas"))}
    assert second["min.insync.replicas"] == second["transaction.state.log.min.isr"] == "2"


@pytest.mark.timeout(180)
def test_nothing_written_is_lost_when_a_node_is_killed(cluster: EmbeddedKafkaCluster) -> None:
    create_topics(cluster.bootstrap, replication=3)
    names = {spec.name for spec in TOPICS}
    eventually(lambda: all(names <= broker.node.topics_seen() for broker in cluster.brokers))
    findings = check_topics(cluster.bootstrap)
    assert (findings.broken, findings.unlike) == ([], [])
    assert needed_copies(cluster.bootstrap) == "2"
    killed = cluster.brokers[0]

    asyncio.run(write_while(cluster.bootstrap, killed.kill))
    killed.start()

    everyone = {broker.node.number for broker in cluster.brokers}
    eventually(lambda: killed.node.brokers_seen() == everyone, seconds=30)
    assert asyncio.run(all_of(cluster.bootstrap)) == {
        b"%s %d" % (part, n) for part in (b"before", b"after") for n in range(RECORDS)
    }


async def write_while(bootstrap: str, event: Callable[[], None]) -> None:
    """Write to all copies, and have `event` happen in the midst of it."""
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        sent = [await producer.send(PRICES, b"before %d" % n) for n in range(RECORDS)]
        event()
        sent += [await producer.send(PRICES, b"after %d" % n) for n in range(RECORDS)]
        await asyncio.wait_for(asyncio.gather(*sent), timeout=60)


async def all_of(bootstrap: str) -> set[bytes]:
    """Return the records of the topic."""
    found = set()
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap) as consumer:
        partitions = [TopicPartition(PRICES, n) for n in range(PARTITIONS)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning()
        for partition, end in (await consumer.end_offsets(partitions)).items():
            while await consumer.position(partition) < end:
                found.add((await consumer.getone(partition)).value)
    return found


def needed_copies(bootstrap: str) -> str:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        resource = ConfigResource(ConfigResourceType.TOPIC, PRICES)
        found = admin.describe_configs([resource], config_filter="all")["topic"][PRICES]
        return str(found["min.insync.replicas"]["value"])
    finally:
        admin.close()


@pytest.mark.timeout(180)
def test_a_node_that_does_not_answer_sees_nobody(cluster: EmbeddedKafkaCluster) -> None:
    frozen, other, _ = cluster.brokers

    frozen.pause()

    assert frozen.node.brokers_seen() == set()
    eventually(lambda: other.node.brokers_seen() == {2, 3}, seconds=30)
    frozen.resume()
    eventually(lambda: frozen.node.brokers_seen() == {1, 2, 3}, seconds=30)
