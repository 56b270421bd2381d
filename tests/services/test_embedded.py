import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
from kafka import KafkaConsumer, KafkaProducer

from services.child_process import ChildError, ChildProcess
from services.embedded_kafka import EmbeddedKafka
from services.embedded_redis import EmbeddedRedis
from services.kafka_jars import locked_hashes
from services.kafka_nodes import DEPLOYED
from tests.support.listeners import listening_addresses
from tests.support.topics import create_topic
from tests.support.waiting import eventually

START_BOTH = """
import sys, time
from pathlib import Path
from services.embedded_kafka import EmbeddedKafka
from services.embedded_redis import EmbeddedRedis
here = Path(sys.argv[1])
with EmbeddedKafka(here / "kafka") as broker, EmbeddedRedis(here / "redis") as server:
    print(broker.pid, server.pid, flush=True)
    time.sleep(600)
"""


def write(bootstrap: str, topic: str, text: bytes) -> None:
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    producer.send(topic, text).get(timeout=30)
    producer.close()


def read(bootstrap: str, topic: str) -> list[bytes]:
    consumer = KafkaConsumer(
        topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=30_000
    )
    first = next(consumer)
    consumer.close()
    return [first.value]


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_record_written_to_kafka_is_read_back(kafka: str, make_topic: Callable[..., str]) -> None:
    topic = make_topic()

    write(kafka, topic, b"one")

    assert read(kafka, topic) == [b"one"]


def test_kafka_has_its_data_after_a_crash_and_in_another_run(
    own_kafka: EmbeddedKafka,
) -> None:
    create_topic(own_kafka.bootstrap, "kept")
    write(own_kafka.bootstrap, "kept", b"one")

    own_kafka.kill()
    own_kafka.start()
    assert read(own_kafka.bootstrap, "kept") == [b"one"]

    own_kafka.stop()
    with EmbeddedKafka(own_kafka.directory) as other_run:
        assert other_run.bootstrap != own_kafka.bootstrap
        assert read(other_run.bootstrap, "kept") == [b"one"]


def test_redis_starts_empty_and_keeps_what_is_set(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("key", "value")
        assert client.get("key") == b"value"
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_an_append_only_redis_has_its_data_after_a_crash(own_redis: EmbeddedRedis) -> None:
    with redis.Redis.from_url(own_redis.url) as client:
        client.set("key", "value")

    own_redis.kill()
    own_redis.start()

    with redis.Redis.from_url(own_redis.url) as client:
        assert client.get("key") == b"value"


def test_servers_listen_on_loopback_only(
    own_kafka: EmbeddedKafka, redis_server: EmbeddedRedis
) -> None:
    for server in (own_kafka, redis_server):
        assert {str(address) for address in listening_addresses(server.pid)} == {"127.0.0.1"}


def test_servers_end_with_their_block(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path) as server:
        pid = server.pid

    assert not is_running(pid)


def test_servers_die_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    parent = ChildProcess(
        "parent", [sys.executable, "-c", START_BOTH, str(tmp_path)], directory=tmp_path
    )
    parent.start()
    parent.wait_until(lambda: parent.log_file.read_text().endswith("\n"), timeout_seconds=60)
    servers = [int(pid) for pid in parent.log_file.read_text().split()]
    assert [is_running(pid) for pid in servers] == [True, True]

    parent.kill()

    eventually(lambda: not any(is_running(pid) for pid in servers))


def test_a_jar_that_is_not_the_locked_one_is_refused(tmp_path: Path) -> None:
    settings = tmp_path / "settings"
    shutil.copytree(DEPLOYED, settings)
    lock = settings / "jgo.lock.toml"
    lock.write_text(
        re.sub(r'sha256 = "[0-9a-f]{8}', 'sha256 = "00000000', lock.read_text(), count=1)
    )
    broker = EmbeddedKafka(tmp_path / "kafka", settings=settings)

    with pytest.raises(ChildError, match=r"expected sha256 00000000\w+ of kafka_2\.13-\S+\.jar"):
        broker.start()
    assert broker.returncode is None


def test_every_locked_jar_has_a_hash() -> None:
    hashes = locked_hashes(DEPLOYED / "jgo.lock.toml")

    assert len(hashes) > 40
    assert all(re.fullmatch("[0-9a-f]{64}", text) for text in hashes.values())
