"""Workers that come, go, crash, freeze and lose Redis or Kafka: one owner, one state."""

import re
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition

from core.columns import Partial
from services.child_process import ChildProcess
from services.embedded_kafka import EmbeddedKafka
from services.embedded_redis import EmbeddedRedis
from services.worker import EXIT_RESTART
from streams.fencing import partition_key
from streams.topics import FLOWS, PARTITIONS, PRICES
from tests.support.decoders import ACME_PARTITION
from tests.support.partials import assert_same_partial
from tests.support.records import TIME_NS, flow, heartbeat, price
from tests.support.running_worker import START_SECONDS, Deploy, Deployment
from tests.support.waiting import eventually

SECOND_NS = 10**9
APPENDED = "appendonly.aof"


def send_a_morning(deployment: Deployment) -> None:
    """Send prices, creations, heartbeats and two bad records."""
    times = [TIME_NS + second * SECOND_NS for second in range(50)]
    good = [price(price=100.0 - step, event_time=time) for step, time in enumerate(times)]
    deployment.send(PRICES, *good, b"{", heartbeat("", times[-1]), partition=ACME_PARTITION)
    deployment.send(FLOWS, flow(), flow("ACMD", 5.0), b"{", partition=ACME_PARTITION)


def shows(deployment: Deployment, figure: float, partition: int = ACME_PARTITION) -> bool:
    partial = deployment.partial(partition)
    return partial is not None and bool((partial.price == figure).all())


def settled(deployment: Deployment) -> Partial:
    """Return ACME's partial once it shows the end of `send_a_morning`, of both topics."""
    found: list[Partial] = []

    def is_settled() -> bool:
        partial = deployment.partial(ACME_PARTITION)
        if partial is None:
            return False
        found[:] = [partial]
        # Twice a million, less five.
        return bool(partial.price[0] == 51.0 and partial.creation_usd[0] == 1_999_995.0)

    eventually(is_settled, seconds=START_SECONDS)
    return found[0]


def forget_partials(deployment: Deployment) -> None:
    for partition in range(PARTITIONS):
        deployment.redis.delete(f"{partition_key(partition)}:partial")


def ended_with(worker: ChildProcess) -> int:
    eventually(lambda: worker.returncode is not None, seconds=START_SECONDS)
    assert worker.returncode is not None
    return worker.returncode


def test_a_restarted_worker_ends_in_the_same_state_and_repeats_no_letter(
    kafka: str, redis_url: str, deploy: Deploy
) -> None:
    deployment = deploy(kafka, redis_url)
    with deployment.serving() as first:
        send_a_morning(deployment)
        before = settled(deployment)
        letters = deployment.wait_for_letters(2)
        first.stop(grace_seconds=START_SECONDS)
        assert first.returncode == 0
    token = deployment.token(ACME_PARTITION)
    forget_partials(deployment)

    with deployment.serving("second"):
        after = settled(deployment)
        letters_after = deployment.letters()

    assert_same_partial(after, before)
    assert deployment.token(ACME_PARTITION) > token
    assert [letter.id for letter in letters_after] == [letter.id for letter in letters]


def test_a_killed_worker_restarted_under_its_name_goes_on_without_the_session_timeout(
    kafka: str, redis_url: str, deploy: Deploy
) -> None:
    deployment = deploy(kafka, redis_url)
    with deployment.serving("named", "--instance-id", "one") as worker:
        send_a_morning(deployment)
        before = settled(deployment)
        worker.kill()
        forget_partials(deployment)

        worker.start()
        worker.wait_until(worker.serves, timeout_seconds=START_SECONDS)

        assert_same_partial(settled(deployment), before)


def test_two_workers_share_the_partitions_and_one_takes_over_what_the_other_leaves(
    kafka: str, redis_url: str, deploy: Deploy
) -> None:
    deployment = deploy(kafka, redis_url)
    send_a_morning(deployment)
    with deployment.serving("first") as first, deployment.worker("second") as second:
        before = settled(deployment)

        def are_shared() -> bool:
            mine, others = first.warming(), second.warming()
            parts = {**mine, **others}
            return (
                len(mine) + len(others) == len(parts) == PARTITIONS
                and len(mine) == len(others)
                and not any(parts.values())
            )

        second.wait_until(are_shared, timeout_seconds=START_SECONDS)
        kept = sorted(first.warming())
        tokens = {number: deployment.token(number) for number in kept}
        second.stop(grace_seconds=START_SECONDS)
        eventually(first.serves, seconds=START_SECONDS)

        assert_same_partial(settled(deployment), before)
        # What it kept it did not take over anew.
        assert {number: deployment.token(number) for number in kept} == tokens
        assert second.returncode == 0


def test_a_frozen_worker_that_wakes_up_after_its_replacement_writes_nothing(
    kafka: str, redis_url: str, deploy: Deploy
) -> None:
    deployment = deploy(kafka, redis_url)
    send_a_morning(deployment)
    with deployment.serving("frozen") as frozen:
        settled(deployment)
        frozen.pause()
        with deployment.serving("replacement"):
            deployment.send(
                PRICES,
                price(price=77.0, event_time=TIME_NS + 60 * SECOND_NS),
                partition=ACME_PARTITION,
            )
            eventually(lambda: shows(deployment, 77.0))
            assert frozen.returncode is None

            frozen.resume()

            def has_given_up() -> bool:
                assert not shows(deployment, 51.0)
                # It is refused, or hears of its replacement from Kafka first and joins anew.
                return frozen.returncode == EXIT_RESTART or frozen.log("dropped")

            eventually(has_given_up, seconds=30)
            eventually(lambda: shows(deployment, 77.0))


def test_a_worker_whose_token_was_replaced_ends_for_its_supervisor(
    kafka: str, redis_url: str, deploy: Deploy
) -> None:
    deployment = deploy(kafka, redis_url)
    with deployment.serving() as worker:
        deployment.redis.hincrby(partition_key(ACME_PARTITION), "token", 60_000)

        assert ended_with(worker) == EXIT_RESTART

    assert re.search(r"partition 1 was taken over", worker.log_file.read_text())


def test_without_redis_partitions_wait_and_are_taken_over_when_it_is_back(
    kafka: str, own_redis: EmbeddedRedis, deploy: Deploy
) -> None:
    deployment = deploy(kafka, own_redis.url)
    send_a_morning(deployment)
    own_redis.stop()
    with deployment.worker() as worker:
        worker.wait_until(
            lambda: worker.metric("forcedflow_claim_failures_total") >= 3,
            timeout_seconds=START_SECONDS,
        )
        assert worker.warming() == {}

        own_redis.start()

        worker.wait_until(worker.serves, timeout_seconds=START_SECONDS)
        settled(deployment)


@pytest.mark.parametrize("keeps_data", [True, False])
def test_a_redis_that_comes_back_is_written_to_again(
    *, keeps_data: bool, kafka: str, own_redis: EmbeddedRedis, deploy: Deploy
) -> None:
    deployment = deploy(kafka, own_redis.url)
    send_a_morning(deployment)
    with deployment.serving() as worker:
        before = settled(deployment)
        own_redis.kill()
        eventually(lambda: worker.metric("forcedflow_partial_writes_total", outcome="failed") > 0)

        if not keeps_data:
            # The wheel's Redis has one file, newer ones a folder.
            files = [*own_redis.directory.glob("appendonly*/*"), own_redis.directory / APPENDED]
            for file in files:
                file.unlink(missing_ok=True)
        own_redis.start()
        forget_partials(deployment)

        assert_same_partial(settled(deployment), before)
        assert worker.returncode is None


def test_a_broker_that_restarts_is_read_from_again(
    own_kafka: EmbeddedKafka, redis_url: str, deploy: Deploy
) -> None:
    deployment = deploy(own_kafka.bootstrap, redis_url)
    with deployment.serving() as worker:
        # The client of the test leaks its sockets when the broker dies under it.
        deployment.disconnect()
        own_kafka.kill()
        own_kafka.start()
        deployment.connect()

        send_a_morning(deployment)

        settled(deployment)
        assert worker.returncode is None


def test_tails_without_records_do_not_keep_a_partition_warming(
    kafka: str, redis_url: str, deploy: Deploy
) -> None:
    deployment = deploy(kafka, redis_url)
    # A transaction ends in a marker that no reader is handed; deleted records leave an empty log.
    transactions = KafkaProducer(bootstrap_servers=kafka, transactional_id=deployment.prefix)
    transactions.init_transactions()
    transactions.begin_transaction()
    transactions.send(f"{deployment.prefix}{PRICES}", price(price=51.0), partition=ACME_PARTITION)
    transactions.commit_transaction()
    transactions.close()
    deployment.send(FLOWS, flow(), flow(), partition=ACME_PARTITION)
    admin = KafkaAdminClient(bootstrap_servers=kafka)
    admin.delete_records({TopicPartition(f"{deployment.prefix}{FLOWS}", ACME_PARTITION): 2})
    admin.close()
    deployment.send(PRICES, heartbeat("", TIME_NS + 1), partition=ACME_PARTITION + 1)

    with deployment.serving():
        deployment.send(PRICES, heartbeat("", TIME_NS + 1), partition=ACME_PARTITION)

        eventually(lambda: shows(deployment, 51.0))


def test_a_signal_ends_a_worker_that_waits_for_kafka(
    kafka: str, redis_url: str, deploy: Deploy
) -> None:
    deployment = deploy(kafka, redis_url)
    with deployment.worker("waiting", "--kafka-bootstrap", "127.0.0.1:1") as worker:
        worker.wait_until(lambda: worker.log("kafka_unreachable"), timeout_seconds=START_SECONDS)

        worker.stop(grace_seconds=START_SECONDS)

        assert worker.returncode == 0


def test_missing_topics_end_with_status_2_and_say_which(
    kafka: str, redis_url: str, deploy: Deploy
) -> None:
    deployment = deploy(kafka, redis_url)
    with deployment.worker("lost", "--topics-prefix", "nowhere-") as worker:
        assert ended_with(worker) == 2

    assert "topics nowhere-prices, " in worker.log_file.read_text()


def test_a_broken_universe_ends_with_status_2_and_lists_every_finding(
    kafka: str, redis_url: str, deploy: Deploy, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "references.csv").write_text("symbol,name\nACME,Acme\n")
    deployment = deploy(kafka, redis_url)

    with deployment.worker("broken", "--universe", str(broken)) as worker:
        assert ended_with(worker) == 2

    log = worker.log_file.read_text()
    assert "references.csv" in log
    assert "funds.csv" in log


def test_the_metrics_of_two_workers_find_different_ports(
    kafka: str, redis_url: str, deploy: Deploy
) -> None:
    deployment = deploy(kafka, redis_url)
    with deployment.serving("first") as first:
        second = deployment.worker("second")
        second.command[-1] = str(first.port)
        with second:
            second.wait_until(lambda: second.log("metrics"), timeout_seconds=START_SECONDS)

    (port,) = re.findall(r'"port": (\d+)', second.log_file.read_text())
    assert int(port) > first.port
