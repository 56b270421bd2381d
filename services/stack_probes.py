"""Whether a process of the stack really answers, and what it says of itself.

Each probe takes a few seconds at most; none raises.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

import redis

from core.sessions import NANOS_PER_SECOND
from services.clock import Clock
from services.http_get import HttpError, fetch
from services.kafka_nodes import KafkaNode
from services.stack_layout import address
from streams.topics import PARTITIONS

_ANSWER_SECONDS = 2.0
_BEAT_SECONDS = 3.0
"""A gateway sends a heartbeat at least once a second."""
_PAUSE_SECONDS = 0.2
_FRESH_SECONDS = 3.0
"""An alerter judges ten times a second."""


class Answer(NamedTuple):
    """What a process answered; ``text`` says what is wrong where it is not ready."""

    is_ready: bool
    text: str
    stands_by: bool = False


Probe = Callable[[], Answer]
SILENT = "does not answer"


def kafka_node(node: KafkaNode, size: int) -> Answer:
    """Ask a node for the brokers it sees; it is well if it is one of them."""
    seen = node.brokers_seen()
    if not seen:
        return Answer(is_ready=False, text=SILENT)
    return Answer(
        is_ready=node.number in seen,
        text=f"sees {len(seen)} of {size} brokers",
    )


def redis_server(url: str) -> Answer:
    """Ask Redis for a PONG, and whether it keeps what it is told."""
    seconds = {"socket_timeout": _ANSWER_SECONDS, "socket_connect_timeout": _ANSWER_SECONDS}
    with redis.Redis.from_url(url, **seconds) as client:
        try:
            client.ping()
            is_kept = client.info("persistence")["aof_enabled"]
        except redis.RedisError:
            return Answer(is_ready=False, text=SILENT)
    if not is_kept:
        return Answer(is_ready=False, text="answers PONG, but keeps no append-only file")
    return Answer(is_ready=True, text="answers PONG, keeps an append-only file")


def ready_page(port: int) -> Answer:
    """Ask Prometheus or Alertmanager whether it is ready."""
    page = _page(port, "/-/ready")
    return Answer(is_ready=page is not None, text=SILENT if page is None else "is ready")


def worker(port: int) -> Answer:
    """Ask a worker whether it has caught up with its partitions."""
    page = _page(port, "/metrics")
    if page is None:
        return Answer(is_ready=False, text=SILENT)
    warming = _samples(page, "forcedflow_partition_warming")
    if not warming:
        return Answer(is_ready=False, text="owns no partition")
    owned = f"owns {len(warming)} of {PARTITIONS} partitions"
    if any(warming):
        return Answer(
            is_ready=False, text=f"{owned}, {sum(warming):.0f} still read what they missed"
        )
    behind = sum(_samples(page, "forcedflow_consumer_lag_records"))
    return Answer(is_ready=True, text=f"{owned}, {behind:.0f} records behind")


def gateway(port: int) -> Answer:
    """Ask a gateway until it has sent another heartbeat, for three seconds at most."""
    page = _page(port, "/metrics")
    if page is None:
        return Answer(is_ready=False, text=SILENT)
    first = _beats(page)
    deadline = time.monotonic() + _BEAT_SECONDS
    while _beats(page) <= first and time.monotonic() < deadline:
        time.sleep(_PAUSE_SECONDS)
        page = _page(port, "/metrics") or page
    event_seconds = max(_samples(page, "forcedflow_gateway_event_timestamp_seconds"), default=0)
    if not event_seconds:
        return Answer(is_ready=False, text="has sent no heartbeat yet")
    until = f"{datetime.fromtimestamp(event_seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
    if _beats(page) <= first:
        return Answer(is_ready=False, text=f"sends no heartbeats; has sent all up to {until}")
    return Answer(is_ready=True, text=f"has sent all up to {until}")


def _beats(page: str) -> float:
    return sum(_samples(page, "forcedflow_gateway_heartbeats_total"))


def alerter(port: int, clock: Clock) -> Answer:
    """Ask an alerter for its last evaluation, or whether it stands by."""
    page = _page(port, "/metrics")
    if page is None:
        return Answer(is_ready=False, text=SILENT)
    if sum(_samples(page, "forcedflow_alerter_active")) == 0:
        is_blind = sum(_samples(page, "forcedflow_blind")) > 0
        text = "stands by, but cannot see the lease" if is_blind else "stands by"
        return Answer(is_ready=not is_blind, text=text, stands_by=True)
    judged = max(_samples(page, "forcedflow_last_evaluation_timestamp_seconds"), default=0)
    if not judged:
        return Answer(is_ready=False, text="has judged nothing yet")
    seconds = clock.now_ns() / NANOS_PER_SECOND - judged
    if seconds > _FRESH_SECONDS:
        return Answer(is_ready=False, text=f"last judged {seconds:.0f} s ago")
    unknown = sum(_samples(page, "forcedflow_partitions_unknown"))
    active = sum(_samples(page, "forcedflow_alerts_active"))
    if unknown:
        return Answer(
            is_ready=False, text=f"judges, but {unknown:.0f} of {PARTITIONS} partitions are unknown"
        )
    return Answer(
        is_ready=True, text=f"judges all {PARTITIONS} partitions; {active:.0f} alerts fire"
    )


def _page(port: int, path: str) -> str | None:
    try:
        return fetch(f"http://{address(port)}{path}").decode(errors="replace")
    except HttpError:
        return None


def _samples(page: str, name: str) -> list[float]:
    """Return a metric's samples; the page of an alerter is too long to parse it all."""
    return [
        float(line.rpartition(" ")[2])
        for line in page.splitlines()
        if line.startswith((f"{name} ", f"{name}{{"))
    ]
