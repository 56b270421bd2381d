"""What a worker's state survives: its own end, Redis, Kafka's retention, another universe."""

from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np
import pytest
from kafka import KafkaAdminClient, TopicPartition

from core.live_positioning import PositioningRows
from services.embedded_redis import EmbeddedRedis
from services.worker import EXIT_RESTART
from streams.fencing import partition_key, positioning_key
from streams.snapshots import Head
from streams.state_format import StateError, decode_state
from streams.topics import CLOSES, FLOWS, OPEN_INTEREST, PRICES
from tests.support.decoders import ACME_PARTITION, FUNDS, REFERENCES
from tests.support.imported_universes import import_universe
from tests.support.interest import BEFORE_OPEN_NS, level
from tests.support.kafka_reader import records_of
from tests.support.partials import assert_same_partial
from tests.support.records import TIME_NS, flow, heartbeat, price
from tests.support.running_worker import START_SECONDS, Deploy, Deployment
from tests.support.universes import fund, write_universe
from tests.support.waiting import eventually

SECOND_NS = 10**9
HOUR_NS = 3600 * SECOND_NS
CLOSE_NS = TIME_NS + 6 * HOUR_NS
NEXT_OPEN_NS = TIME_NS + 24 * HOUR_NS - HOUR_NS // 2


def head(deployment: Deployment, topic: str) -> Head | None:
    """Return what is saved of one of ACME's topics."""
    content = deployment.redis.hget(partition_key(ACME_PARTITION), topic)
    return decode_state(Head, content) if isinstance(content, bytes) else None


def saved_to(deployment: Deployment, topic: str, offset: int) -> None:
    """Wait until everything up to an offset is in the snapshot."""

    def is_saved() -> bool:
        saved = head(deployment, topic)
        return saved is not None and saved.next == offset

    eventually(is_saved, seconds=START_SECONDS)


def forget_log(deployment: Deployment, topic: str) -> None:
    """Delete all records of ACME's log, as Kafka's retention does."""
    admin = KafkaAdminClient(bootstrap_servers=deployment.bootstrap)
    admin.delete_records({TopicPartition(f"{deployment.prefix}{topic}", ACME_PARTITION): -1})
    admin.close()


def shows(deployment: Deployment, **columns: float) -> bool:
    partial = deployment.partial(ACME_PARTITION)
    return partial is not None and all(
        getattr(partial, name)[0] == value for name, value in columns.items()
    )


def calls_before(deployment: Deployment) -> float | None:
    """Return the open calls on ACME in the session before, as the alerter reads them."""
    content = deployment.redis.hget(positioning_key(ACME_PARTITION), "content")
    if content is None:
        return None
    found = decode_state(PositioningRows, cast("bytes", content))
    return float(found.history[0, -1, 0]) if found.symbol else None


def results(deployment: Deployment) -> dict[str, Any]:
    """Return the newest results of ACME, by session."""
    records = records_of(deployment.bootstrap, f"{deployment.prefix}{CLOSES}")
    found = [msgspec.json.decode(record.value) for record in records]
    return {one["session"]: one for one in found}


def play_a_session(deployment: Deployment, close: float) -> None:
    """Price ACME until its close at `close`, with creations, and say that the session is over."""
    # The creations first: once the session is over its result is written with what is there.
    deployment.send(FLOWS, flow("ACMU", 1e6), partition=ACME_PARTITION)
    saved_to(deployment, FLOWS, 1)
    deployment.send(
        PRICES,
        price(price=90.0),
        price(price=close, event_time=CLOSE_NS),
        heartbeat("", CLOSE_NS + HOUR_NS),
        partition=ACME_PARTITION,
    )


def price_next_session(deployment: Deployment, figure: float) -> None:
    deployment.send(
        PRICES,
        price(price=figure, event_time=NEXT_OPEN_NS + HOUR_NS),
        heartbeat("", NEXT_OPEN_NS + HOUR_NS),
        partition=ACME_PARTITION,
    )


def test_a_worker_goes_on_from_its_snapshot_without_the_log_behind_it(
    kafka: str, redis_url: str, deploy: Deploy
) -> None:
    deployment = deploy(kafka, redis_url)
    with deployment.serving() as worker:
        play_a_session(deployment, 80.0)
        saved_to(deployment, PRICES, 3)
        saved_to(deployment, FLOWS, 1)
        eventually(lambda: shows(deployment, price=80.0, creation_usd=2e6))
        before = deployment.partial(ACME_PARTITION)
        worker.kill()
    for topic in (PRICES, FLOWS):
        forget_log(deployment, topic)

    with deployment.serving("second") as second:
        eventually(lambda: shows(deployment, price=80.0, creation_usd=2e6))
        assert before is not None
        after = deployment.partial(ACME_PARTITION)
        assert after is not None
        assert_same_partial(after, before)
        # What is new is counted on top of what the first worker had applied.
        price_next_session(deployment, 70.0)
        saved_to(deployment, PRICES, 5)
        saved = head(deployment, PRICES)
        assert saved is not None
        assert saved.applied == 5
        assert second.metric("forcedflow_offset_gaps_total", topic=PRICES) == 0


def test_records_that_are_gone_before_they_were_read_are_a_visible_gap(
    kafka: str, redis_url: str, deploy: Deploy
) -> None:
    deployment = deploy(kafka, redis_url)
    with deployment.serving() as worker:
        play_a_session(deployment, 80.0)
        saved_to(deployment, PRICES, 3)
        worker.stop()
    price_next_session(deployment, 70.0)
    forget_log(deployment, PRICES)

    with deployment.serving("second") as second:
        eventually(lambda: shows(deployment, price=80.0))
        assert second.metric("forcedflow_offset_gaps_total", topic=PRICES) == 1


def test_a_session_leaves_its_result_in_kafka_once(
    kafka: str, redis_url: str, deploy: Deploy
) -> None:
    deployment = deploy(kafka, redis_url)
    with deployment.serving():
        play_a_session(deployment, 80.0)
        eventually(lambda: len(results(deployment)) == 1, seconds=START_SECONDS)
        saved_to(deployment, CLOSES, 1)

    (session, result) = next(iter(results(deployment).items()))
    assert session == "2026-06-23"
    assert result["figures"]["close"]["value"] == 80.0
    assert result["figures"]["creations"]["ACMU"]["value"] == 1e6
    # 8e8 x 2 x 1 and 1e8 x -1 x -2, times a fall of a fifth.
    assert result["leveraged_rebalance_usd"] == pytest.approx(-0.2 * (1.6e9 + 2e8))
    assert result["creation_redemption_usd"] == 2e6
    assert len(records_of(kafka, f"{deployment.prefix}{CLOSES}")) == 1


def test_closes_and_assets_survive_the_loss_of_redis_and_of_the_log(
    kafka: str, redis_url: str, deploy: Deploy
) -> None:
    deployment = deploy(kafka, redis_url)
    deployment.send(OPEN_INTEREST, level(event_time=BEFORE_OPEN_NS), partition=ACME_PARTITION)
    with deployment.serving():
        play_a_session(deployment, 80.0)
        saved_to(deployment, CLOSES, 1)
        price_next_session(deployment, 76.0)
        eventually(lambda: shows(deployment, price=76.0, previous_close=80.0))
        before = deployment.partial(ACME_PARTITION)
    deployment.redis.flushall()
    for topic in (PRICES, FLOWS):
        forget_log(deployment, topic)

    with deployment.serving("second") as second:
        assert second.log("read_from_the_start")
        price_next_session(deployment, 76.0)
        eventually(lambda: shows(deployment, price=76.0, previous_close=80.0))
        after = deployment.partial(ACME_PARTITION)
        # The past that positioning is compared with lies there too.
        eventually(lambda: calls_before(deployment) == 1200.0, seconds=START_SECONDS)

    assert before is not None
    assert after is not None
    # The assets behind it are those after the close and the creations that are in no log any more.
    np.testing.assert_allclose(after.leveraged_usd, before.leveraged_usd, rtol=1e-12)
    assert after.weight_usd[0] == before.weight_usd[0]


def test_a_redis_that_lost_everything_is_filled_anew_by_its_owners(
    kafka: str, own_redis: EmbeddedRedis, deploy: Deploy
) -> None:
    deployment = deploy(kafka, own_redis.url)
    with deployment.serving() as worker:
        play_a_session(deployment, 80.0)
        saved_to(deployment, PRICES, 3)
        deployment.redis.flushall()

        # Something has to change first, be it a heartbeat.
        deployment.send(PRICES, heartbeat("", CLOSE_NS + 2 * HOUR_NS), partition=ACME_PARTITION)
        saved_to(deployment, PRICES, 4)
        saved_to(deployment, FLOWS, 1)
        assert worker.returncode is None
        worker.kill()
    for topic in (PRICES, FLOWS):
        forget_log(deployment, topic)

    with deployment.serving("second"):
        eventually(lambda: shows(deployment, price=80.0, creation_usd=2e6))


def test_a_damaged_snapshot_is_refused_and_the_state_rebuilt_from_kafka(
    kafka: str, redis_url: str, deploy: Deploy
) -> None:
    deployment = deploy(kafka, redis_url)
    with deployment.serving():
        play_a_session(deployment, 80.0)
        saved_to(deployment, PRICES, 3)
    content = deployment.redis.hget(partition_key(ACME_PARTITION), PRICES)
    assert isinstance(content, bytes)
    damaged = content[:-1] + bytes([content[-1] ^ 255])
    deployment.redis.hset(partition_key(ACME_PARTITION), PRICES, damaged)

    with deployment.serving("second") as second:
        eventually(lambda: shows(deployment, price=80.0, creation_usd=2e6))
        assert second.log("snapshot_refused")
        reasons = {"topic": PRICES, "reason": "refused"}
        assert second.metric("forcedflow_gates_dropped_total", **reasons) == 1

        def is_whole() -> bool:
            try:
                saved = head(deployment, PRICES)
            except StateError:
                return False
            return saved is not None and saved.applied == 3

        eventually(is_whole)


def test_topics_made_anew_are_read_from_their_start(
    kafka: str, redis_url: str, deploy: Deploy
) -> None:
    deployment = deploy(kafka, redis_url)
    with deployment.serving():
        play_a_session(deployment, 80.0)
        saved_to(deployment, PRICES, 3)
    deployment.remake_topics()
    price_next_session(deployment, 76.0)

    with deployment.serving("second") as second:
        # State that was saved stays: what the new log holds comes on top.
        eventually(lambda: shows(deployment, price=76.0, previous_close=80.0))
        reasons = {"topic": PRICES, "reason": "other_log"}
        assert second.metric("forcedflow_gates_dropped_total", **reasons) > 0


def test_a_worker_refused_a_save_while_kafka_says_it_is_the_owner_ends_for_its_supervisor(
    kafka: str, redis_url: str, deploy: Deploy
) -> None:
    deployment = deploy(kafka, redis_url)
    with deployment.serving() as worker:
        deployment.redis.hincrby(partition_key(ACME_PARTITION), "token", 60_000)
        deployment.send(PRICES, heartbeat("", TIME_NS), partition=ACME_PARTITION)

        eventually(lambda: worker.returncode is not None)

    assert worker.returncode == EXIT_RESTART
    assert worker.metric("forcedflow_fenced_total") in {0.0, 1.0}


def test_a_planned_exit_gives_a_named_workers_partitions_away_at_once(
    kafka: str, redis_url: str, deploy: Deploy
) -> None:
    deployment = deploy(kafka, redis_url)
    with deployment.worker("first", "--instance-id", "one") as first:
        first.wait_until(first.serves, timeout_seconds=START_SECONDS)
        first.stop(grace_seconds=START_SECONDS)

    assert first.returncode == 0
    assert deployment.members() == []


def test_a_killed_worker_stays_a_member_until_it_is_back(
    kafka: str, redis_url: str, deploy: Deploy
) -> None:
    deployment = deploy(kafka, redis_url)
    with deployment.worker("first", "--instance-id", "one") as first:
        first.wait_until(first.serves, timeout_seconds=START_SECONDS)
        first.kill()

        assert deployment.members() == ["one"]


def test_workers_switch_to_a_universe_that_is_imported_while_they_run(
    kafka: str, redis_url: str, deploy: Deploy, tmp_path: Path
) -> None:
    deployment = deploy(kafka, redis_url)
    first = import_universe(kafka, tmp_path / "universe", prefix=deployment.prefix)
    with deployment.serving("following", is_pinned=False) as worker:
        play_a_session(deployment, 80.0)
        eventually(lambda: shows(deployment, price=80.0, creation_usd=2e6))
        assert deployment.universe.version == first.version

        # A correction of the assets, and a fund that was not known.
        corrected = [
            fund("ACMU", "ACME", 2, assets_usd=4e8),
            *FUNDS[1:],
            fund("ACM3", "ACME", 3, assets_usd=1e8),
        ]
        folder = write_universe(tmp_path / "second", references=REFERENCES, funds=corrected)
        import_universe(kafka, folder, prefix=deployment.prefix)
        deployment.follow(folder)

        demand = -0.2 * (4e8 * 2 + 1e8 * 2 + 1e8 * 6)
        eventually(lambda: shows(deployment, price=80.0), seconds=START_SECONDS)
        partial = deployment.partial(ACME_PARTITION)
        assert partial is not None
        assert partial.leveraged_usd[0] == pytest.approx(demand)
        eventually(lambda: worker.log("universe_switched"))
