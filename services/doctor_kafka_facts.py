"""What Kafka tells the doctor: brokers, topics, the workers' group, and how far it has read."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kafka import OffsetSpec, TopicPartition
from kafka.errors import CoordinatorLoadInProgressError, CoordinatorNotAvailableError

from services.clock import Clock
from services.doctor_gather import Facts
from services.kafka_admin import kafka_admin, kafka_reader
from services.topic_states import TopicState, read_topics
from streams.topics import DEAD_LETTERS, INPUTS, PRICES, TOPICS

REQUEST_MS = 3_000
LETTERS_MS = 60 * 60 * 1000
"""Dead letters of the last hour are counted."""
_GROUP_TRIES = 4
_GROUP_PAUSE_SECONDS = 0.5
_READ_SECONDS = 3.0
_POLL_MS = 200
_NS_PER_MS = 1_000_000

Place = tuple[str, int]
"""Topic without prefix, and partition."""


@dataclass(frozen=True)
class Member:
    """A process in the workers' group; ``owned`` by topic without prefix."""

    member_id: str
    instance_id: str
    host: str
    owned: Mapping[str, frozenset[int]]

    @property
    def name(self) -> str:
        """How people tell it from others."""
        who = self.instance_id or self.member_id[-8:]
        return f"{who} on {self.host}" if self.host else who


@dataclass(frozen=True)
class Group:
    """The workers' group; ``state`` as Kafka says: Stable, Empty, Dead, PreparingRebalance ..."""

    state: str
    members: tuple[Member, ...]


@dataclass(frozen=True)
class LogState:
    """The offsets of one partition of an input.

    Attributes
    ----------
    start, end : int             first offset there is, and the one after the last
    committed : int | None       how far the group says it has read
    waiting_ms : int | None      Kafka's time of the record at ``committed``, ms since 1970; None
        where nothing waits or it is not known
    """

    start: int
    end: int
    committed: int | None
    waiting_ms: int | None = None

    @property
    def lag(self) -> int:
        """Records that the group has not said it has read."""
        done = self.start if self.committed is None else max(self.committed, self.start)
        return max(self.end - done, 0)


@dataclass(kw_only=True)
class KafkaFacts(Facts):
    """What was learnt; None and {} where it was not.

    Attributes
    ----------
    prefix, group_id : str       what was looked for
    brokers, fenced              ids of the brokers alive, and of those that are registered only
    topics : dict                topic with prefix -> TopicState
    newest_ms : int | None       Kafka's time of the newest price or heartbeat, ms since 1970
    host_ms : int                host time when that was asked
    letters : int | None         dead letters written within the last hour
    """

    prefix: str
    group_id: str
    cluster: str = ""
    brokers: tuple[int, ...] = ()
    fenced: tuple[int, ...] = ()
    topics: Mapping[str, TopicState] | None = None
    group: Group | None = None
    logs: Mapping[Place, LogState] = field(default_factory=dict)
    newest_ms: int | None = None
    host_ms: int = 0
    letters: int | None = None


def look_at_kafka(facts: KafkaFacts, bootstrap: str, *, clock: Clock) -> None:
    """Ask everything, the most basic first."""
    facts.asking = f"connecting to {bootstrap}"
    with kafka_admin(bootstrap, request_ms=REQUEST_MS) as admin:
        facts.asking = "asking for the cluster"
        cluster = admin.describe_cluster()
        facts.cluster = str(cluster["cluster_id"])
        facts.brokers, facts.fenced = _brokers(cluster["brokers"])
        facts.asking = "asking for the topics"
        facts.topics = read_topics(admin, [f"{facts.prefix}{spec.name}" for spec in TOPICS])
        facts.asking = f"asking for the group {facts.group_id}"
        facts.group = _group(admin, facts)
        facts.asking = "asking for the ends of the logs"
        facts.logs = _logs(admin, facts)
        facts.host_ms = clock.now_ns() // _NS_PER_MS
        facts.newest_ms = _newest_ms(admin, facts)
        facts.letters = _letters(admin, facts)
    facts.asking = "reading how old the waiting records are"
    facts.logs = _with_waiting(facts, bootstrap, clock)


def _brokers(found: Iterable[Mapping[str, Any]]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    is_fenced = {int(broker["broker_id"]): bool(broker.get("is_fenced")) for broker in found}
    alive = sorted(number for number, is_off in is_fenced.items() if not is_off)
    return tuple(alive), tuple(sorted(is_fenced.keys() - alive))


def _group(admin: Any, facts: KafkaFacts) -> Group:  # noqa: ANN401
    for _ in range(_GROUP_TRIES):
        try:
            found = admin.describe_groups([facts.group_id])[facts.group_id]
        except (CoordinatorNotAvailableError, CoordinatorLoadInProgressError):
            # The first question about groups makes Kafka create the topic that holds them.
            time.sleep(_GROUP_PAUSE_SECONDS)
            continue
        members = [_member(member, facts.prefix) for member in found["members"]]
        return Group(found["group_state"], tuple(members))
    return Group("Dead", ())


def _member(found: Mapping[str, Any], prefix: str) -> Member:
    assignment = found["member_assignment"]
    # While the group divides its partitions anew there is none.
    topics = assignment.get("assigned_partitions", []) if isinstance(assignment, dict) else []
    return Member(
        member_id=found["member_id"],
        instance_id=found.get("group_instance_id") or "",
        host=found["client_host"].lstrip("/"),
        owned={
            each["topic"].removeprefix(prefix): frozenset(each["partitions"]) for each in topics
        },
    )


def _places(facts: KafkaFacts, topics: Sequence[str]) -> dict[Place, Any]:
    there = facts.topics or {}
    return {
        (topic, number): TopicPartition(name, number)
        for topic in topics
        if (name := f"{facts.prefix}{topic}") in there
        for number in range(there[name].partitions)
        if number not in there[name].leaderless
    }


def _logs(admin: Any, facts: KafkaFacts) -> dict[Place, LogState]:  # noqa: ANN401
    places = _places(facts, INPUTS)
    if not places:
        return {}
    starts = admin.list_partition_offsets(dict.fromkeys(places.values(), OffsetSpec.EARLIEST))
    committed = admin.list_group_offsets({facts.group_id: None})[facts.group_id]
    # Asked last, so that what is committed lies before it.
    ends = admin.list_partition_offsets(dict.fromkeys(places.values(), OffsetSpec.LATEST))
    return {
        place: LogState(
            start=starts[log].offset,
            end=ends[log].offset,
            committed=committed[log].offset if log in committed else None,
        )
        for place, log in places.items()
    }


def _newest_ms(admin: Any, facts: KafkaFacts) -> int | None:  # noqa: ANN401
    logs = _places(facts, [PRICES]).values()
    if not logs:
        return None
    found = admin.list_partition_offsets(dict.fromkeys(logs, OffsetSpec.MAX_TIMESTAMP))
    newest: int = max(each.timestamp for each in found.values())
    return None if newest < 0 else newest


def _letters(admin: Any, facts: KafkaFacts) -> int | None:  # noqa: ANN401
    logs = _places(facts, [DEAD_LETTERS]).values()
    if not logs:
        return None
    since = dict.fromkeys(logs, facts.host_ms - LETTERS_MS)
    first = admin.list_partition_offsets(since)
    ends = admin.list_partition_offsets(dict.fromkeys(logs, OffsetSpec.LATEST))
    # Where nothing is as new as that, Kafka answers -1.
    recent = [log for log in logs if first[log].offset >= 0]
    return sum(int(ends[log].offset - first[log].offset) for log in recent)


def _with_waiting(facts: KafkaFacts, bootstrap: str, clock: Clock) -> dict[Place, LogState]:
    """Return the logs with the time of the first record that each group's reading waits for."""
    behind = {place: log for place, log in facts.logs.items() if log.lag}
    if not behind:
        return dict(facts.logs)
    tps = _places(facts, INPUTS)
    place_of = {tps[place]: place for place in behind}
    stamps: dict[Place, int] = {}
    with kafka_reader(
        bootstrap, request_ms=REQUEST_MS, max_partition_fetch_bytes=64 * 1024
    ) as reader:
        reader.assign(list(place_of))
        for tp, place in place_of.items():
            reader.seek(tp, max(behind[place].committed or 0, behind[place].start))
        deadline = clock.monotonic() + _READ_SECONDS
        while place_of and clock.monotonic() < deadline:
            for tp, records in reader.poll(_POLL_MS).items():
                stamps[place_of.pop(tp)] = records[0].timestamp
                reader.pause(tp)
    return {
        place: LogState(log.start, log.end, log.committed, stamps.get(place))
        for place, log in facts.logs.items()
    }
