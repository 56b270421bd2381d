"""What the doctor makes of the snapshots: what a worker that takes over would begin from."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from services.doctor_kafka_facts import KafkaFacts, LogState
from services.doctor_redis_facts import PartitionState, RedisFacts
from services.doctor_words import count, these
from services.findings import Finding, note, ok, problem
from streams.logs import LogIdentity
from streams.snapshots import Head, session_field
from streams.state_format import OtherFormatError, StateError, decode_state
from streams.topics import INPUTS

_MOMENT_RECORDS = 10_000
"""What a partition may gain between the answers of Kafka and Redis, which come seconds apart."""


def judge_snapshots(facts: RedisFacts, kafka: KafkaFacts) -> Iterator[Finding]:
    """Say what a worker that takes over would begin from."""
    partitions = facts.partitions
    if not any(one.token for one in partitions.values()):
        return
    for topic in INPUTS:
        yield from _snapshot(topic, partitions, kafka)
    others = sorted({topic for one in partitions.values() for topic in one.heads} - {*INPUTS})
    if others:
        yield note(
            "snapshots",
            f"also of {', '.join(others)}",
            means="another release saves more than this one reads",
        )


def _snapshot(
    topic: str, partitions: Mapping[int, PartitionState], kafka: KafkaFacts
) -> Iterator[Finding]:
    subject = f"snapshots of {topic}"
    absent = [number for number, one in partitions.items() if topic not in one.heads]
    if len(absent) == len(partitions):
        yield note(
            subject,
            "none",
            means="a worker that takes over reads the whole log, as long as that takes",
        )
        return
    if absent:
        yield note(
            subject,
            f"none of {these('partition', absent)}",
            means="a worker that takes these over reads their whole log",
            mend="an owner saves every second: look at forcedflow_snapshots in its /metrics",
        )
    told: dict[str, list[int]] = defaultdict(list)
    ahead: list[int] = []
    for number, one in partitions.items():
        if topic in one.heads:
            why, waiting = _head(topic, number, one, kafka=kafka)
            told[why].append(number)
            ahead.append(waiting)
    for why, numbers in told.items():
        if why:
            yield _bad_snapshot(subject, why, numbers)
    if list(told) == [""]:
        behind = f"at most {count(max(ahead), 'record')} behind" if max(ahead) else "up to the end"
        yield ok(subject, f"of {count(len(ahead), 'partition')}, {behind}")


_BAD: Mapping[str, tuple[str, str]] = {
    "format": (
        "of another format",
        "another release saved them: this one reads the whole log instead",
    ),
    "damaged": ("cannot be read", "they count as none: the whole log is read instead"),
    "identity": (
        "of another log",
        "Kafka, or the topic, was made anew: the log is read from its start",
    ),
    "gap": (
        "end before the log begins",
        "Kafka has deleted records that were never handled: prices of that time are lost",
    ),
    "beyond": (
        "end beyond the log",
        "Kafka has lost records, or the topic was made anew: the log is read from its start",
    ),
}


def _bad_snapshot(subject: str, why: str, numbers: list[int]) -> Finding:
    found, means = _BAD[why]
    told = f"{these('partition', numbers)}: {found}"
    if why in {"format", "damaged"}:
        return note(subject, told, means=means)
    mend = "start a worker; what is missing has to be sent again by its source"
    return problem(subject, told, means=means, mend=mend)


def _head(
    topic: str, number: int, partition: PartitionState, *, kafka: KafkaFacts
) -> tuple[str, int]:
    """Return what is wrong with a snapshot, a key of `_BAD` or "", and records it is behind."""
    try:
        head = decode_state(Head, partition.heads[topic])
    except OtherFormatError:
        return "format", 0
    except StateError:
        return "damaged", 0
    if any(session_field(topic, label) not in partition.fields for label in head.sessions):
        return "damaged", 0
    log = kafka.logs.get((topic, number))
    state = (kafka.topics or {}).get(f"{kafka.prefix}{topic}")
    if log is None or state is None:
        return "", 0
    if head.identity != LogIdentity(kafka.cluster, state.identity, state.partitions):
        return "identity", 0
    return _place(head.next, log), max(log.end - head.next, 0)


def _place(offset: int, log: LogState) -> str:
    if offset < log.start:
        return "gap"
    return "beyond" if offset > log.end + _MOMENT_RECORDS else ""
