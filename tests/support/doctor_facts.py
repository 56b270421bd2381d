"""What parts tell the doctor, made by hand: all well, but for what a test names."""

from collections.abc import Mapping, Sequence

import numpy as np

from core.book_state import Beats, Names
from services.dead_letter_text import time_text
from services.doctor_kafka_facts import Group, KafkaFacts, LogState, Member, Place
from services.doctor_redis_facts import (
    LeaseState,
    PartialState,
    PartitionState,
    RedisFacts,
    ViewHead,
)
from services.findings import Finding, Verdict
from services.topic_states import TopicState
from streams.logs import LogIdentity
from streams.partials import FORMAT
from streams.snapshots import Head
from streams.state_format import encode_state
from streams.topics import INPUTS, PARTITIONS, TOPICS

NOW_MS = 1_782_223_200_000
TOKEN = NOW_MS - 60_000
VERSION = "e6249eedf2ebbdf0"
ALL = frozenset(range(PARTITIONS))
INFO = {
    "redis_version": "7.0.15",
    "role": "master",
    "aof_enabled": 1,
    "aof_last_write_status": "ok",
    "maxmemory": 1_000_000_000,
    "used_memory": 100_000_000,
    "maxmemory_policy": "noeviction",
}


def problems(findings: Sequence[Finding]) -> list[str]:
    """Return subject and what was found of each problem."""
    return [f"{one.subject}: {one.found}" for one in findings if one.verdict is Verdict.PROBLEM]


def notes(findings: Sequence[Finding]) -> list[str]:
    """Return subject and what was found of each note."""
    return [f"{one.subject}: {one.found}" for one in findings if one.verdict is Verdict.NOTE]


def member(name: str = "w1", **owned: Sequence[int]) -> Member:
    """Return a worker that owns every partition; ``closes=[0, 1]`` of a topic only these."""
    all_owned = {topic: frozenset(owned.get(topic.replace("-", "_"), ALL)) for topic in INPUTS}
    return Member(f"forcedflow-worker-{name}", name, "10.0.0.7", all_owned)


def topic_state(name: str, *, copies: int = 3, **cells: tuple[int, ...]) -> TopicState:
    """Return a topic as it has to be."""
    spec = next(spec for spec in TOPICS if spec.name == name)
    config = {**spec.config, "min.insync.replicas": "2" if copies == 3 else "1"}
    return TopicState(
        identity=f"id-{name}",
        partitions=spec.partitions,
        copies=copies,
        leaderless=cells.get("leaderless", ()),
        lagging=cells.get("lagging", ()),
        config=config,
    )


def kafka_facts(
    *,
    topics: Mapping[str, TopicState] | None = None,
    members: Sequence[Member] | None = None,
    state: str = "Stable",
    logs: Mapping[Place, LogState] | None = None,
    **cells: object,
) -> KafkaFacts:
    """Return what a Kafka of three brokers tells."""
    facts = KafkaFacts(prefix="", group_id="forcedflow", cluster="c1", brokers=(1, 2, 3))
    facts.topics = {spec.name: topic_state(spec.name) for spec in TOPICS} | dict(topics or {})
    facts.group = Group(state, tuple([member()] if members is None else members))
    everywhere = {
        (topic, number): LogState(start=100, end=5_000, committed=5_000)
        for topic in INPUTS
        for number in ALL
    }
    facts.logs = everywhere | dict(logs or {})
    facts.newest_ms, facts.host_ms, facts.letters = NOW_MS - 500, NOW_MS, 0
    for name, value in cells.items():
        setattr(facts, name, value)
    return facts


def head(topic: str, *, offset: int = 5_000, cluster: str = "c1", identity: str = "") -> bytes:
    """Return the head of a snapshot as it lies in Redis, of no sessions."""
    none = np.empty(0, np.int64)
    state = Head(
        identity=LogIdentity(cluster, identity or f"id-{topic}", PARTITIONS),
        next=offset,
        applied=17,
        names=Names((), (), ()),
        beats=Beats(none, none),
        sessions=[],
    )
    return encode_state(state)


def partial(
    *, token: int = TOKEN, age_ms: int = 300, universe: str = VERSION, number: int = FORMAT
) -> PartialState:
    """Return a partial that was just written."""
    return PartialState(token, NOW_MS - age_ms, universe=universe, format=number)


def partition(
    *,
    token: int | None = TOKEN,
    written: PartialState | None = None,
    heads: Mapping[str, bytes] | None = None,
) -> PartitionState:
    """Return a partition with a fresh partial and snapshots up to the end."""
    saved = {topic: head(topic) for topic in INPUTS} if heads is None else dict(heads)
    fields = frozenset({"token", "saves", *saved})
    return PartitionState(token, written or partial(), saved, fields)


def redis_facts(
    *,
    partitions: Mapping[int, PartitionState] | None = None,
    info: Mapping[str, object] | None = None,
    view_age_seconds: float = 0.2,
    **cells: object,
) -> RedisFacts:
    """Return what a Redis tells on which workers and an alerter are at work."""
    facts = RedisFacts(address="10.0.0.5:6379")
    facts.info = INFO | dict(info or {})
    facts.now_ms = facts.host_ms = NOW_MS
    facts.round_trip_seconds = 0.001
    facts.partitions = {number: partition() for number in ALL} | dict(partitions or {})
    facts.view = view(view_age_seconds)
    facts.lease = LeaseState("alerter-1", NOW_MS + 4_200)
    facts.has_ledger = True
    for name, value in cells.items():
        setattr(facts, name, value)
    return facts


def view(age_seconds: float, *unknown: int) -> ViewHead:
    """Return a view written so long ago, in which some partitions are unknown."""
    written_ms = NOW_MS - round(age_seconds * 1000)
    return ViewHead(VERSION, time_text(written_ms), list(unknown))
