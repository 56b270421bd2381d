"""Records as Kafka's clients hand them out, and the events in them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from streams.topics import PARTITIONS, partition_of

TIME = "2026-06-23T10:00:00-04:00"
TIME_NS = 1_782_223_200_000_000_000
"""`TIME` in ns UTC: half an hour into a session of XNAS."""
APPENDED_MS = TIME_NS // 1_000_000 + 500


@dataclass(frozen=True)
class FakeRecord:
    value: bytes | None
    offset: int = 0
    timestamp: int = APPENDED_MS


def records(*values: bytes | None) -> list[FakeRecord]:
    return [FakeRecord(value, offset) for offset, value in enumerate(values)]


def event(**keys: object) -> bytes:
    return json.dumps(keys).encode()


def price(symbol: object = "ACME", price: object = 100.0, **keys: object) -> bytes:
    return event(**{"symbol": symbol, "event_time": TIME_NS, "price": price} | keys)


def flow(fund: object = "ACMU", net_creation_usd: object = 1e6, **keys: object) -> bytes:
    return event(
        **{"fund": fund, "event_time": TIME_NS, "net_creation_usd": net_creation_usd} | keys
    )


def heartbeat(source: str = "", event_time: object = TIME_NS) -> bytes:
    return event(heartbeat=source, event_time=event_time)


def symbols_of_partition(partition: int, count: int) -> Sequence[str]:
    """Return made-up symbols whose records belong to one partition."""
    found: list[str] = []
    number = 0
    while len(found) < count:
        symbol = f"S{number}"
        if partition_of(symbol, PARTITIONS) == partition:
            found.append(symbol)
        number += 1
    return found
