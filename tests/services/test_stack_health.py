from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Gauge

from services import stack_health, stack_probes
from services.child_process import free_port
from services.clock import SystemClock
from services.embedded_redis import EmbeddedRedis
from services.exposition import Exposition
from services.findings import Finding, Verdict
from services.stack_layout import Layout
from services.stack_probes import Answer
from services.stack_settings import StackSection
from services.supervisor import State, Supervisor
from streams.metric_catalogue import ALERTER, GATEWAY, WORKER
from streams.metric_registry import Metrics
from tests.support.manual_clock import ManualClock

NOW_NS = 1_782_237_600 * 10**9
RUNNING = State("RUNNING", 7, 0, 42, is_final=False)


def well(text: str) -> Answer:
    return Answer(is_ready=True, text=text)


def ill(text: str) -> Answer:
    return Answer(is_ready=False, text=text)


@contextmanager
def shown(registry: CollectorRegistry) -> Iterator[int]:
    with Exposition(registry, port=free_port()) as exposition:
        yield exposition.port


def test_a_worker_is_ready_once_it_has_caught_up() -> None:
    metrics = Metrics(WORKER)
    with shown(metrics.registry) as port:
        assert stack_probes.worker(port) == ill("owns no partition")

        metrics.gauge("forcedflow_partition_warming", "3").set(1)
        metrics.gauge("forcedflow_partition_warming", "4").set(0)
        reading = stack_probes.worker(port)
        assert reading == ill("owns 2 of 12 partitions, 1 still read what they missed")

        metrics.gauge("forcedflow_partition_warming", "3").set(0)
        metrics.gauge("forcedflow_consumer_lag_records", "prices", "3").set(5)
        assert stack_probes.worker(port) == well("owns 2 of 12 partitions, 5 records behind")
    assert stack_probes.worker(port) == ill("does not answer")


def test_a_proxy_for_the_world_outside_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("no_proxy", raising=False)
    with shown(Metrics(WORKER).registry) as port:
        assert stack_probes.worker(port) == ill("owns no partition")


def test_a_gateway_is_ready_while_its_heartbeats_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack_probes, "_BEAT_SECONDS", 0.1)
    metrics = Metrics(GATEWAY)
    with shown(metrics.registry) as port:
        assert stack_probes.gateway(port) == ill("has sent no heartbeat yet")

        metrics.gauge("forcedflow_gateway_event_timestamp_seconds").set(NOW_NS / 1e9)
        halted = stack_probes.gateway(port)
        assert halted.text == "sends no heartbeats; has sent all up to 2026-06-23 18:00:00 UTC"

    # Each look at this one is a heartbeat later.
    beating = CollectorRegistry()
    looks = iter(range(1000))
    beats = Gauge("forcedflow_gateway_heartbeats_total", "Beats.", registry=beating)
    beats.set_function(lambda: next(looks))
    Gauge("forcedflow_gateway_event_timestamp_seconds", "T.", registry=beating).set(NOW_NS / 1e9)
    with shown(beating) as port:
        assert stack_probes.gateway(port) == well("has sent all up to 2026-06-23 18:00:00 UTC")


def test_an_alerter_is_ready_while_it_judges_all_partitions() -> None:
    clock = ManualClock(start_ns=NOW_NS)
    metrics = Metrics(ALERTER)
    with shown(metrics.registry) as port:
        assert stack_probes.alerter(port, clock) == Answer(
            is_ready=True, text="stands by", stands_by=True
        )
        metrics.gauge("forcedflow_blind").set(1)
        blind = stack_probes.alerter(port, clock)
        unseen = "stands by, but cannot see the lease"
        assert blind == Answer(is_ready=False, text=unseen, stands_by=True)

        metrics.gauge("forcedflow_blind").set(0)
        metrics.gauge("forcedflow_alerter_active").set(1)
        assert stack_probes.alerter(port, clock) == ill("has judged nothing yet")

        metrics.gauge("forcedflow_last_evaluation_timestamp_seconds").set(NOW_NS / 1e9 - 8)
        assert stack_probes.alerter(port, clock) == ill("last judged 8 s ago")

        metrics.gauge("forcedflow_last_evaluation_timestamp_seconds").set(NOW_NS / 1e9 - 1)
        metrics.gauge("forcedflow_partitions_unknown").set(2)
        blind = stack_probes.alerter(port, clock)
        assert blind == ill("judges, but 2 of 12 partitions are unknown")

        metrics.gauge("forcedflow_partitions_unknown").set(0)
        metrics.gauge("forcedflow_alerts_active", "watch").set(3)
        judging = stack_probes.alerter(port, clock)
        assert judging == well("judges all 12 partitions; 3 alerts fire")


def test_redis_has_to_keep_what_it_is_told(own_redis: EmbeddedRedis, redis_url: str) -> None:
    kept = stack_probes.redis_server(own_redis.url)
    assert kept == well("answers PONG, keeps an append-only file")
    assert "keeps no append-only file" in stack_probes.redis_server(redis_url).text
    own_redis.kill()
    assert stack_probes.redis_server(own_redis.url) == ill("does not answer")


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> "Judge":
    return Judge(monkeypatch, tmp_path)


class Judge:
    """The findings of a stack whose supervisor and processes say what a test wants."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
        self._monkeypatch = monkeypatch
        self.layout = Layout(StackSection(directory=home, workers=1))
        self.states = dict.fromkeys(
            (
                "kafka-1",
                "redis",
                "alertmanager",
                "prometheus",
                "worker-1",
                "gateway",
                "alerter-1",
                "alerter-2",
            ),
            RUNNING,
        )
        self.answers = dict.fromkeys(self.states, well("is well"))

    def findings(self) -> dict[str, Finding]:
        questions = {name: lambda a=answer: a for name, answer in self.answers.items()}
        self._monkeypatch.setattr(stack_health, "_questions", lambda *_: questions)
        self._monkeypatch.setattr(Supervisor, "states", lambda _: self.states)
        found = stack_health.examine(self.layout, SystemClock())
        return {finding.subject: finding for finding in found}


def test_all_is_well_where_each_runs_and_answers(judged: Judge) -> None:
    found = judged.findings()

    assert {finding.verdict for finding in found.values()} == {Verdict.OK}
    assert found["supervisor"].found == "watches 8 processes"
    assert found["alerter-1"].found == "127.0.0.1:9475 is well"


def test_what_does_not_answer_is_a_problem_with_its_log(judged: Judge) -> None:
    judged.answers["worker-1"] = ill("does not answer")

    finding = judged.findings()["worker-1"]

    assert finding.verdict is Verdict.PROBLEM
    assert finding.found == "127.0.0.1:9464 does not answer (runs as process 7 for 42 s)"
    assert finding.means == "its partitions are unknown until a worker has read them"
    assert finding.mend == f"its log: {judged.layout.home}/logs/worker-1.log"


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (
            State("EXITED", 0, -1, 3, is_final=False),
            "ended by a signal, is just being started again",
        ),
        (State("EXITED", 0, 2, 3, is_final=True), "ended with status 2, is not started again"),
        (State("FATAL", 0, 1, 3, is_final=True), "ended at once again and again, is not tried any"),
        (State("STOPPED", 0, 0, 0, is_final=False), "is not started"),
    ],
)
def test_what_the_supervisor_does_about_it_is_said(judged: Judge, state: State, told: str) -> None:
    judged.states["alerter-1"] = state
    judged.answers["alerter-1"] = ill("does not answer")

    assert f"({told}" in judged.findings()["alerter-1"].found


def test_one_alerter_has_to_be_active(judged: Judge) -> None:
    stands_by = Answer(is_ready=True, text="stands by", stands_by=True)
    judged.answers["alerter-2"] = stands_by
    assert judged.findings()["alerter-2"].verdict is Verdict.OK

    judged.answers["alerter-1"] = stands_by
    found = judged.findings()
    for name in ("alerter-1", "alerter-2"):
        assert found[name].verdict is Verdict.PROBLEM
        assert "stands by, and no alerter is active" in found[name].found


def test_a_market_played_to_its_end_is_no_problem(judged: Judge) -> None:
    judged.states["gateway"] = State("EXITED", 0, 0, 3, is_final=True)
    judged.answers["gateway"] = ill("does not answer")

    finding = judged.findings()["gateway"]

    assert finding.verdict is Verdict.NOTE
    assert "--fresh" in finding.mend
