"""Looking at every part of the service at once, and saying in words what is wrong with it."""

from collections.abc import Iterable
from dataclasses import dataclass

from services.clock import Clock
from services.doctor_alerter import judge_alerter
from services.doctor_alertmanager import (
    AlertmanagerFacts,
    judge_alertmanager,
    judge_password_file,
    look_at_alertmanager,
)
from services.doctor_gather import Question, ask_all
from services.doctor_group import judge_group, judge_lag
from services.doctor_kafka import judge_arrivals, judge_brokers, judge_logs
from services.doctor_kafka_facts import KafkaFacts, look_at_kafka
from services.doctor_partitions import judge_partials, judge_versions
from services.doctor_processes import ProcessFacts, judge_process, look_at_process
from services.doctor_redis import judge_server
from services.doctor_redis_facts import RedisFacts, look_at_redis
from services.doctor_settings import DoctorSettings
from services.doctor_snapshots import judge_snapshots
from services.doctor_universe import judge_universe, look_at_universe, universe_facts
from services.findings import Finding, Verdict, note

LONGEST_SECONDS = 12.0
"""How long after the start of its process the doctor stops waiting: it ends within 15 s."""
LEAST_SECONDS = 3.0
"""What the parts have on a machine so busy that Python alone takes most of that."""


@dataclass(frozen=True)
class Area:
    """Findings on one part of the service."""

    title: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Report:
    """Everything that was found, part by part."""

    areas: tuple[Area, ...]

    def count(self, verdict: Verdict) -> int:
        """Return how many findings have a verdict."""
        return sum(one.verdict is verdict for area in self.areas for one in area.findings)


def examine(
    settings: DoctorSettings, *, processes: Iterable[str], clock: Clock, seconds: float
) -> Report:
    """Ask all parts at once and judge what they told; never raises for what a part does.

    Parameters
    ----------
    processes : base addresses of /metrics to look at
    seconds : how long the parts are waited for; what has not answered then is told as silent
    """
    kafka, redis = _servers(settings, clock)
    universe = Question(
        universe_facts(settings.universe),
        lambda facts: look_at_universe(facts, settings.universe, settings.kafka),
    )
    named = settings.alerter.alertmanagers
    peers = [
        Question(
            AlertmanagerFacts(url=url),
            lambda facts: look_at_alertmanager(facts, settings.alertmanager),
        )
        for url in named or (settings.stack.alertmanager_url,)
    ]
    others = [Question(ProcessFacts(url=url), look_at_process) for url in processes]
    ask_all([kafka, redis, universe, *peers, *others], seconds=seconds, clock=clock)
    of_kafka, of_redis, of_universe = kafka.told(), redis.told(), universe.told()
    met = [told for told in (peer.told() for peer in peers) if named or not told.fault]
    alerting = [one for told in met for one in judge_alertmanager(told)]
    of_group = [*judge_group(of_kafka), *judge_lag(of_kafka)]
    of_partitions = [*judge_partials(of_redis, of_kafka), *judge_snapshots(of_redis, of_kafka)]
    of_view = list(judge_alerter(of_redis))
    areas = {
        "Kafka": [
            *judge_brokers(of_kafka, settings.kafka.bootstrap),
            *judge_logs(of_kafka),
            *judge_arrivals(of_kafka),
        ],
        "Workers": of_group or [_not_seen("group", "Kafka")],
        "Redis": list(judge_server(of_redis)),
        "Partitions": of_partitions or [_not_seen("partials", "Redis")],
        "Universe": [
            *judge_universe(of_universe, has_kafka=bool(of_kafka.cluster)),
            *judge_versions(of_redis, wanted=of_universe.version, named_by=of_universe.named_by),
        ],
        "Alerter": [
            *(of_view or [_not_seen("view", "Redis")]),
            *(alerting or [_no_alertmanager(settings.stack.alertmanager_url)]),
            *judge_password_file(settings.alertmanager.password_file),
        ],
        "Processes": [one for other in others for one in judge_process(other.told())],
    }
    return Report(tuple(Area(title, tuple(found)) for title, found in areas.items() if found))


def _servers(
    settings: DoctorSettings, clock: Clock
) -> tuple[Question[KafkaFacts], Question[RedisFacts]]:
    kafka = Question(
        KafkaFacts(prefix=settings.kafka.topics_prefix, group_id=settings.worker.group_id),
        lambda facts: look_at_kafka(facts, settings.kafka.bootstrap, clock=clock),
    )
    redis = Question(RedisFacts(), lambda facts: look_at_redis(facts, settings.redis, clock=clock))
    return kafka, redis


def _not_seen(subject: str, server: str) -> Finding:
    return note(subject, "not looked at", means=f"{server} did not tell: see above")


def _no_alertmanager(url: str) -> Finding:
    return note(
        "Alertmanager",
        f"none is named here, and none answers at {url}",
        means="if the alerters are told of none either, alerts are shown and not sent",
        mend="--alertmanager URL, or alerter.alertmanagers in forcedflow.toml",
    )
