"""A broker that is killed, and one whose data are gone while Redis is kept."""

import shutil
import time
from pathlib import Path

import msgspec
import numpy as np

from services.embedded_kafka import EmbeddedKafka
from services.topics_admin import create_topics
from services.worker import EXIT_RESTART
from streams.topics import CLOSES, PARTITIONS
from tests.chaos.conftest import Figure, MakeRun
from tests.support.chaos_fleet import Fleet
from tests.support.chaos_market import DAYS, make_market
from tests.support.chaos_run import ChaosRun
from tests.support.chaos_script import Script, plain_script
from tests.support.chaos_watch import snapshot_counts
from tests.support.kafka_reader import records_of
from tests.support.waiting import eventually

RESUME_SECONDS = 15.0


def test_a_broker_killed_and_restarted_loses_nothing_it_acknowledged(
    *,
    make_run: MakeRun,
    short_script: Script,
    own_kafka: EmbeddedKafka,
    random: np.random.Generator,
    figure: Figure,
) -> None:
    run = make_run(short_script, bootstrap=own_kafka.bootstrap)
    with Fleet(run.deployment, 2) as fleet:
        run.start()
        run.play_to(random.uniform(0.1, 0.6))
        killed_at = time.monotonic()
        own_kafka.kill()
        own_kafka.start()
        back_at, back_ns = time.monotonic(), time.time_ns()

        run.play_until(lambda: run.watch.has_all_since(back_ns))

        figure("resumed_seconds", time.monotonic() - killed_at)
        assert time.monotonic() - back_at <= RESUME_SECONDS
        # Every record that Kafka acknowledged lies where it said, and was applied once.
        run.finish()
        assert fleet.ends == []


def lose_its_data(kafka: EmbeddedKafka, prefix: str) -> None:
    """Have a broker come back as another, empty cluster at the same address."""
    kafka.kill()
    shutil.rmtree(kafka.node.data)
    kafka.start()
    create_topics(kafka.bootstrap, prefix=prefix)


def test_a_new_cluster_is_told_and_read_from_its_start_onto_the_state_there_is(
    *, make_run: MakeRun, short_script: Script, own_kafka: EmbeddedKafka, figure: Figure
) -> None:
    run = make_run(short_script, bootstrap=own_kafka.bootstrap)
    with Fleet(run.deployment, 2) as fleet:
        run.start()
        run.hold_at(short_script.market.marks[0])
        run.end_feed()
        run.compare_counts()

        lose_its_data(own_kafka, run.deployment.prefix)

        back_at, back_ns = time.monotonic(), time.time_ns()
        run.feed_anew()
        run.play_until(lambda: run.watch.has_all_since(back_ns))
        figure("resumed_seconds", time.monotonic() - back_at)
        # Nothing of the new log is skipped, and nothing of the first day is forgotten.
        run.finish()
        assert {ended.exit_code for ended in fleet.ends} <= {EXIT_RESTART}
        assert fleet.logs().count('"why": "other_log"') >= PARTITIONS


def test_results_of_ended_sessions_are_written_to_a_new_cluster(
    *, make_run: MakeRun, seed: int, own_kafka: EmbeddedKafka, tmp_path: Path
) -> None:
    script = plain_script(make_market(tmp_path / "universe", seed=seed, events=8_000))
    run = make_run(script, bootstrap=own_kafka.bootstrap)
    with Fleet(run.deployment, 1):
        run.start()
        run.hold_at(script.market.marks[0])
        prefix = run.deployment.prefix
        # The owner has read back what it wrote, and saved that it has.
        eventually(lambda: len(results(own_kafka, prefix)) >= len(script.market.universe.symbol))
        eventually(lambda: results_read(run) == len(results(own_kafka, prefix)))
        run.end_feed()
        lose_its_data(own_kafka, prefix)
        run.feed_anew()
        run.finish()

        eventually(lambda: DAYS[0] in results(own_kafka, prefix))


def results(kafka: EmbeddedKafka, prefix: str) -> list[str]:
    """Return the session of each result in the log."""
    records = records_of(kafka.bootstrap, f"{prefix}{CLOSES}")
    return [msgspec.json.decode(record.value)["session"] for record in records]


def results_read(run: ChaosRun) -> int:
    """Return how many results the snapshots say were read."""
    counts = snapshot_counts(run.deployment.redis)
    return sum(applied for (topic, _), (_, applied) in counts.items() if topic == CLOSES)
