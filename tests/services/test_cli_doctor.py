"""The doctor as an operator runs it: its words, its exit codes, and that it ends in time."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from services.embedded_kafka import EmbeddedKafka
from services.embedded_redis import EmbeddedRedis
from services.topics_admin import create_topics
from tests.support.alertmanager_server import AlertmanagerServer
from tests.support.running_worker import ROOT
from tests.support.service_processes import ServiceProcesses
from tests.support.universes import EXAMPLE
from tests.support.waiting import eventually

NOWHERE = ("--kafka-bootstrap", "127.0.0.1:1", "--redis-url", "redis://127.0.0.1:1/0")
LONGEST_SECONDS = 15.0
"""The doctor's promise, whatever hangs."""


@dataclass(frozen=True)
class Visit:
    """What one run of the doctor told."""

    exit_code: int
    seconds: float
    text: str
    complaint: str

    def found(self, verdict: str) -> list[str]:
        findings: list[dict[str, Any]] = json.loads(self.text)["findings"]
        return [
            f"{one['subject']}: {one['found']}" for one in findings if one["verdict"] == verdict
        ]

    @property
    def problems(self) -> list[str]:
        return self.found("problem")


def visit(
    *words: str, in_words: bool = False, program: Sequence[str] = ("-m", "services", "doctor")
) -> Visit:
    """Run the doctor as a process: threads that it leaves behind must not hold its end."""
    started = time.monotonic()
    result = subprocess.run(
        [sys.executable, *program, *words, *([] if in_words else ["--json"])],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ,
        timeout=60,
        check=False,
    )
    seconds = time.monotonic() - started
    assert "Traceback" not in result.stderr
    return Visit(result.returncode, seconds, result.stdout, result.stderr)


def test_where_nothing_is_each_part_is_one_problem() -> None:
    told = visit(*NOWHERE, "--alertmanager", "http://127.0.0.1:1", "--worker", "http://127.0.0.1:1")

    assert told.exit_code == 1
    assert [one.split(":")[0] for one in told.problems] == [
        "Kafka",
        "Redis 127.0.0.1",
        "Alertmanager http",
        "process http",
    ]
    assert told.seconds < LONGEST_SECONDS


def test_words_say_what_it_means_and_how_to_mend_it() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORCEDFLOW_STACK__ALERTMANAGER_PORT", "1")
        told = visit(*NOWHERE, in_words=True)

    assert "problem  Kafka: expected Kafka at 127.0.0.1:1: nothing accepts connections" in told.text
    assert "mend: start Redis, and see that redis.url names it" in told.text
    assert "none is named here, and none answers at http://127.0.0.1:1" in told.text
    assert told.text.endswith("2 problems, 4 notes\n")


@pytest.mark.debian("prometheus-alertmanager")
def test_where_no_alertmanager_is_named_the_local_stacks_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with AlertmanagerServer(tmp_path, "http://127.0.0.1:9/") as server:
        monkeypatch.setenv("FORCEDFLOW_STACK__ALERTMANAGER_PORT", server.url.rpartition(":")[2])
        told = visit(*NOWHERE)

    assert any(f"Alertmanager {server.url}: ready" in one for one in told.found("ok"))


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("--redis-url", "redis://:secret@127.0.0.1:1/0"), "expected no password in it"),
        (("--alertmanager", "nonsense"), "expected http://host:port"),
    ],
)
def test_settings_that_cannot_be_used_end_with_status_2(words: tuple[str, ...], fault: str) -> None:
    told = visit(*NOWHERE, *words)

    assert told.exit_code == 2
    assert fault in told.complaint
    assert "secret" not in told.complaint


def test_servers_that_hang_do_not_hold_it_up(
    own_kafka: EmbeddedKafka, own_redis: EmbeddedRedis
) -> None:
    create_topics(own_kafka.bootstrap)
    words = ("--kafka-bootstrap", own_kafka.bootstrap, "--redis-url", own_redis.url)
    own_redis.pause()
    silent = visit(*words)
    own_kafka.pause()
    both = visit(*words, in_words=True)
    own_redis.resume()
    own_kafka.resume()

    (hangs,) = [one for one in silent.problems if one.startswith("Redis")]
    assert "accepts connections and does not answer (Timeout" in hangs
    assert "topics: one copy of every topic" in silent.found("note")
    assert "it accepts connections and does not answer" in both.text
    assert max(silent.seconds, both.seconds) < LONGEST_SECONDS


FREEZES_KAFKA = """
import os, signal, sys
from services import doctor_kafka_facts
from services.cli import main
ask, process = doctor_kafka_facts._group, int(sys.argv.pop(1))
def freezing(*arguments):
    os.kill(process, signal.SIGSTOP)
    return ask(*arguments)
doctor_kafka_facts._group = freezing
main()
"""
"""The doctor, which finds that Kafka falls silent while it is asked for the group."""


def test_a_kafka_that_falls_silent_has_told_what_it_told(own_kafka: EmbeddedKafka) -> None:
    create_topics(own_kafka.bootstrap)

    told = visit(
        *NOWHERE,
        *("--kafka-bootstrap", own_kafka.bootstrap),
        program=("-c", FREEZES_KAFKA, str(own_kafka.pid), "doctor"),
    )
    own_kafka.resume()

    assert "fell silent while asking for the group" in told.problems[0]
    assert "topics: one copy of every topic" in told.found("note")
    assert told.seconds < LONGEST_SECONDS


@pytest.fixture
def service(
    own_kafka: EmbeddedKafka, own_redis: EmbeddedRedis, tmp_path: Path
) -> Iterator[ServiceProcesses]:
    with ServiceProcesses(
        tmp_path / "processes",
        bootstrap=own_kafka.bootstrap,
        redis_url=own_redis.url,
        universe=EXAMPLE / "universe",
        prefix="",
    ) as running:
        yield running


def test_a_service_at_work_is_well_and_what_is_killed_is_missed(
    service: ServiceProcesses, own_redis: EmbeddedRedis
) -> None:
    worker = service.worker()
    alerter = service.alerter(EXAMPLE / "rules.yaml")
    service.until_judged()
    common = [
        *("--kafka-bootstrap", service.bootstrap, "--redis-url", own_redis.url),
        *("--group-id", "workers", "--universe", str(EXAMPLE / "universe")),
    ]
    processes = [word for url in service.urls() for word in ("--worker", url)]

    visits: list[Visit] = []

    def is_well() -> bool:
        visits.append(visit(*common, *processes))
        return visits[-1].problems == []

    # On a busy machine the doctor's own start may keep a worker from writing for seconds.
    eventually(is_well, seconds=60)
    healthy = visits[-1]
    alerter.kill()
    worker.kill()
    eventually(lambda: _is_missed(visit(*common).problems), seconds=60)
    broken = visit(*common, *processes)

    assert (healthy.exit_code, healthy.problems) == (0, [])
    assert "partials: all 12 are fresh" in " ".join(healthy.found("ok"))
    assert "fencing: no partition has two writers" in healthy.found("ok")
    assert sum("a worker with 12 partitions" in one for one in healthy.found("ok")) == 1
    assert broken.exit_code == 1
    assert any(one.startswith("partials: partitions 0–11: last written") for one in broken.problems)
    assert sum("cannot be reached: Connection refused" in one for one in broken.problems) == 2


def _is_missed(problems: list[str]) -> bool:
    # Kafka knows that a worker is gone when its session is over, the doctor when its view is old.
    return "group workers: nobody is in it" in problems and "view: " in " ".join(problems)
