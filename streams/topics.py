"""Topics: names, partitions, retention, and which partition a reference belongs to."""

from collections.abc import Mapping
from dataclasses import dataclass, field

PRICES = "prices"
FLOWS = "etf-flows"
OPEN_INTEREST = "open-interest"
CLOSES = "closes"
UNIVERSE = "universe"
DEAD_LETTERS = "dead-letters"
ALERTS = "alerts"
PROJECTIONS = "projections"

PARTITIONS = 12
"""Of every topic that is keyed by reference; changing it means new topics and a rebuild."""

MAX_EVENT_BYTES = 64 * 1024
"""Longest record that is read (the public contract's figure), and how much a dead letter keeps."""

MAX_MESSAGE_BYTES = 128 * 1024
"""Kafka's bound on a record batch: one dead letter, 64 KiB in base64, with its envelope."""

_DAY_MS = 24 * 60 * 60 * 1000


_FOREVER = -1


@dataclass(frozen=True)
class TopicSpec:
    """A topic as it has to exist; the Kafka timestamp is always the time of the append.

    ``retention_days`` is ``_FOREVER`` where only compaction removes records; of a compacted topic
    the newest record of each key stays.
    """

    name: str
    partitions: int
    retention_days: int
    is_compacted: bool = False
    config: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        keeps_forever = self.retention_days == _FOREVER
        policies = ["compact"] * self.is_compacted + ["delete"] * (not keeps_forever)
        config = {
            "cleanup.policy": ",".join(policies),
            # Event times may lie years back; retention and staleness need the host's time.
            "message.timestamp.type": "LogAppendTime",
            "max.message.bytes": str(MAX_MESSAGE_BYTES),
            "retention.ms": str(_FOREVER if keeps_forever else self.retention_days * _DAY_MS),
        }
        object.__setattr__(self, "config", config)


TOPICS = (
    # What is older lies in `closes`, and in the snapshots.
    TopicSpec(PRICES, PARTITIONS, 7),
    TopicSpec(FLOWS, PARTITIONS, 14),
    TopicSpec(OPEN_INTEREST, PARTITIONS, 14),
    TopicSpec(CLOSES, PARTITIONS, 400, is_compacted=True),
    # One partition: a version's rows come before its commit.
    TopicSpec(UNIVERSE, 1, _FOREVER, is_compacted=True),
    TopicSpec(DEAD_LETTERS, 1, 14),
    # One partition: a new holder of the lease reads transitions in the order they happened.
    TopicSpec(ALERTS, 1, 30),
    TopicSpec(PROJECTIONS, PARTITIONS, 7),
)
"""Every topic of the service."""

INPUTS = (PRICES, FLOWS, OPEN_INTEREST, CLOSES)
"""Topics that workers read; all have the same number of partitions."""

_MULTIPLIER = 0x5BD1E995
_SEED = 0x9747B28C
_MASK = 0xFFFFFFFF


def murmur2(key: bytes) -> int:
    """Return the 32-bit hash of Kafka's default partitioner, as an unsigned integer."""
    length = len(key)
    state = (_SEED ^ length) & _MASK
    whole = length & ~3
    for start in range(0, whole, 4):
        word = int.from_bytes(key[start : start + 4], "little") * _MULTIPLIER & _MASK
        word = (word ^ (word >> 24)) * _MULTIPLIER & _MASK
        state = (state * _MULTIPLIER & _MASK) ^ word
    if whole < length:
        state = (state ^ int.from_bytes(key[whole:], "little")) * _MULTIPLIER & _MASK
    state = (state ^ (state >> 13)) * _MULTIPLIER & _MASK
    return state ^ (state >> 15)


def partition_of(symbol: str, partitions: int = PARTITIONS) -> int:
    """Return the partition of a reference's records, the one Kafka's own producers choose."""
    return (murmur2(symbol.encode()) & 0x7FFFFFFF) % partitions
