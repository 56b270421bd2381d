"""The ledger rebuilt from the topic `alerts`, for an alerter that finds none in Redis.

What fired fires on with its start, and what resolved in the last quarter of an hour is repeated,
as it would have been. What had not fired yet begins anew, and a transition that Kafka never took
is not known. A ledger that is there is never touched by this.
"""

from collections.abc import Iterable

import msgspec
import structlog
from kafka import KafkaConsumer, TopicPartition

from core.alerts import AlertKey, AlertState, Change, Reason, Transition
from core.errors import FlowError
from services.alert_ledger import (
    CLOSED_KEPT,
    CLOSED_RETENTION_NS,
    ClosedEpisode,
    Episode,
    Ledger,
    TellEnd,
    TransitionRecord,
    closed_episode,
    pruned,
)
from services.alert_messages import bare_annotations
from services.clock import Clock
from services.kafka_admin import KafkaUnreachableError, kafka_reader

log = structlog.get_logger(__name__)

READ_SECONDS = 10.0
"""Longest that reading may take; an alerter that knows nothing is better than none."""
_ANSWER_MS = 3_000
_POLL_MS = 200
_AT_ONCE = 5_000


class HistoryError(FlowError):
    """The topic could not be read to its end in time."""


class _Labels(msgspec.Struct):
    alertname: str
    severity: str
    family: str
    side: str
    scope: str
    symbol: str


class _Line(msgspec.Struct):
    """What `services.alert_audit.audit_value` wrote, without what repeats it for a reader."""

    sequence: int
    change: Change
    key: _Labels
    at_ns: int
    reason: Reason
    host_ns: int
    starts_ns: int
    state: AlertState


_decoder = msgspec.json.Decoder(_Line)


def parse_record(value: bytes) -> TransitionRecord:
    """Return the transition of a record's value; raises `msgspec.DecodeError`."""
    line = _decoder.decode(value)
    fields = {name: getattr(line, name) for name in _Line.__struct_fields__}
    return TransitionRecord(**fields | {"key": AlertKey(*msgspec.structs.astuple(line.key))})


def read_transitions(bootstrap: str, topic: str, clock: Clock) -> list[TransitionRecord]:
    """Read the last week of the topic `alerts`, up to what is its end now.

    An alert that has not changed for longer, for want of data all the while, is not found.

    Raises
    ------
    HistoryError
        If Kafka does not answer, there is no such topic, or its end is not reached in time.
    """
    try:
        with kafka_reader(bootstrap, request_ms=_ANSWER_MS) as consumer:
            return _read(consumer, topic, clock)
    except KafkaUnreachableError as error:
        raise _failure(topic, str(error)) from error


def _read(consumer: KafkaConsumer, topic: str, clock: Clock) -> list[TransitionRecord]:
    until = clock.monotonic() + READ_SECONDS
    numbers = consumer.partitions_for_topic(topic)
    if not numbers:
        raise _failure(topic, "there is no such topic")
    partitions = [TopicPartition(topic, number) for number in sorted(numbers)]
    consumer.assign(partitions)
    _seek(consumer, partitions, oldest_ns=clock.now_ns() - CLOSED_RETENTION_NS)
    ends = consumer.end_offsets(partitions, timeout_ms=_ANSWER_MS)
    found: list[TransitionRecord] = []
    while any(_position(consumer, each) < ends[each] for each in ends):
        if clock.monotonic() > until:
            raise _failure(topic, f"{len(found)} records in {READ_SECONDS:g} s, not all")
        polled = consumer.poll(timeout_ms=_POLL_MS, max_records=_AT_ONCE)
        for records in polled.values():
            found += _parsed(record.value for record in records)
    return found


def _position(consumer: KafkaConsumer, partition: TopicPartition) -> int:
    position = consumer.position(partition, timeout_ms=_ANSWER_MS)
    return 0 if position is None else int(position)


def _seek(consumer: KafkaConsumer, partitions: list[TopicPartition], *, oldest_ns: int) -> None:
    """Go to the first record appended since a host time; what fires has changed since then."""
    oldest_ms = oldest_ns // 1_000_000
    found = consumer.offsets_for_times(dict.fromkeys(partitions, oldest_ms), timeout_ms=_ANSWER_MS)
    for partition in partitions:
        first = found.get(partition)
        if first is None:
            consumer.seek_to_end(partition)
        else:
            consumer.seek(partition, first.offset)


def _parsed(values: Iterable[bytes | None]) -> list[TransitionRecord]:
    found = []
    foreign = 0
    for value in values:
        try:
            found.append(parse_record(value or b""))
        except msgspec.DecodeError:
            foreign += 1
    if foreign:
        log.error("alert_records_not_understood", records=foreign)
    return found


def _failure(topic: str, what: str) -> HistoryError:
    return HistoryError(f"topic {topic}: expected past alerts, it was: {what}")


def rebuilt(records: Iterable[TransitionRecord], *, now_ns: int, tell_end: TellEnd) -> Ledger:
    """Return the ledger that these transitions lead to.

    Parameters
    ----------
    records : Iterable[TransitionRecord]    in the order of the topic; one may be there twice
    now_ns : int                            host time
    tell_end : TellEnd                      makes the texts of a resolve
    """
    episodes: dict[AlertKey, Episode] = {}
    closed: list[ClosedEpisode] = []
    sequence = 0
    seen = set()
    for record in records:
        # Appends are tried again, also by a new holder, and by one that slept meanwhile.
        identity = (record.sequence, record.host_ns, record.key, record.change)
        if identity in seen:
            continue
        seen.add(identity)
        sequence = max(sequence, record.sequence)
        before = episodes.get(record.key)
        if before is not None and before.starts_ns != record.starts_ns:
            if before.ends_ns is not None:
                closed.append(closed_episode(before, before.ends_ns))
            before = None
        episodes[record.key] = _episode(before, record, tell_end)
    ledger = Ledger(
        sequence=sequence,
        episodes=tuple(episodes.values()),
        closed=tuple(closed[-CLOSED_KEPT:]),
    )
    # Nobody knows who has been told; repeated as long as if everyone had.
    return pruned(ledger, now_ns=now_ns, has_peers=False)


def _episode(before: Episode | None, record: TransitionRecord, tell_end: TellEnd) -> Episode:
    episode = Episode(
        key=record.key,
        state=record.state,
        starts_ns=record.starts_ns,
        fired_sequence=record.sequence if before is None else before.fired_sequence,
        sequence=record.sequence,
        annotations=bare_annotations(record.key),
    )
    if record.change is not Change.RESOLVED:
        return episode
    end = Transition(record.key, record.change, record.at_ns, record.reason, record.state)
    ends_ns = max(record.host_ns, record.starts_ns)
    return msgspec.structs.replace(
        episode,
        annotations=tell_end(end, episode.annotations),
        ends_ns=ends_ns,
        resolved_ns=record.at_ns,
        reason=record.reason,
    )
