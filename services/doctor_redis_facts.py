"""What Redis tells the doctor: the server, what lies there of each partition, and the view."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from services.alerter_lease import LEASE_KEY
from services.clock import Clock
from services.doctor_gather import Facts
from services.settings_base import RedisSection
from services.view_store import LEDGER_KEY, VIEW_KEY
from streams.fencing import partial_key, partition_key
from streams.topics import PARTITIONS

ANSWER_SECONDS = 2.0
Trouble = Literal["", "no_password", "password", "loading", "silent", "unreachable", "refuses"]
_NOT_TOPICS = frozenset({"token", "saves"})
_NS_PER_MS = 1_000_000


@dataclass(frozen=True)
class PartialState:
    """A partial: who wrote it and when, by Redis' clock; ``fault`` where it cannot be read."""

    token: int
    written_ms: int
    universe: str = ""
    format: int = 0
    fault: str = ""


@dataclass(frozen=True)
class PartitionState:
    """What Redis holds of one partition.

    Attributes
    ----------
    token : int | None           of the owner; None where there is none
    heads : dict str -> bytes    topic -> head of its snapshot
    fields : frozenset           names of all fields of the hash
    """

    token: int | None
    partial: PartialState | None
    heads: Mapping[str, bytes]
    fields: frozenset[str]


class ViewHead(msgspec.Struct):
    """What the doctor reads of the view."""

    universe: str
    written_at: str
    unknown_partitions: list[int]


@dataclass(frozen=True)
class LeaseState:
    """Who may alert; ``until_ms`` by Redis' clock."""

    holder: str
    until_ms: int


@dataclass(kw_only=True)
class RedisFacts(Facts):
    """What was learnt; None where it was not.

    Attributes
    ----------
    address : str                host:port
    trouble : Trouble            what kind of fault it was
    info : dict                  the answer to INFO
    now_ms : int                 Redis' time when the keys were read, ms since 1970
    skew_seconds : float         how far Redis' clock is ahead of this host's
    round_trip_seconds : float   how exactly that is known
    view : ViewHead | str        the view, or what is wrong with it; None: there is none
    """

    address: str = ""
    trouble: Trouble = ""
    info: Mapping[str, Any] | None = None
    now_ms: int = 0
    skew_seconds: float = 0.0
    round_trip_seconds: float = 0.0
    partitions: Mapping[int, PartitionState] = field(default_factory=dict)
    view: ViewHead | str | None = None
    lease: LeaseState | None = None
    has_ledger: bool = False
    host_ms: int = 0


def look_at_redis(facts: RedisFacts, section: RedisSection, *, clock: Clock) -> None:
    """Ask everything, the most basic first; what Redis says instead becomes the fault."""
    parts = urlsplit(section.url)
    facts.address = f"{parts.hostname}:{parts.port or 6379}"
    password = section.password()
    client = redis.Redis.from_url(
        section.url,
        password=password,
        socket_timeout=ANSWER_SECONDS,
        socket_connect_timeout=ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    with client:
        facts.asking = f"asking {facts.address} how it is"
        try:
            facts.info = client.info()
            _compare_clocks(facts, client, clock)
            facts.asking = "reading the partitions"
            facts.partitions = _partitions(client)
            facts.asking = "reading the view"
            _read_alerter(facts, client, clock)
        except (redis.RedisError, OSError) as error:
            facts.trouble, facts.fault = trouble_of(error), str(error)
            if facts.trouble == "password" and password is None:
                facts.trouble = "no_password"


def trouble_of(error: Exception) -> Trouble:
    """Return which kind of trouble an error of the client is."""
    if isinstance(error, redis.AuthenticationError):
        return "password"
    if isinstance(error, redis.BusyLoadingError):
        return "loading"
    if isinstance(error, redis.TimeoutError | TimeoutError):
        return "silent"
    if isinstance(error, redis.ConnectionError | OSError):
        return "unreachable"
    return "refuses"


def _compare_clocks(facts: RedisFacts, client: Any, clock: Clock) -> None:  # noqa: ANN401
    before_ns = clock.now_ns()
    seconds, micros = client.time()
    after_ns = clock.now_ns()
    redis_ns = seconds * 1_000_000_000 + micros * 1_000
    facts.skew_seconds = (redis_ns - (before_ns + after_ns) // 2) / 1e9
    facts.round_trip_seconds = (after_ns - before_ns) / 1e9


def _partitions(client: Any) -> dict[int, PartitionState]:  # noqa: ANN401
    with client.pipeline(transaction=False) as pipeline:
        for number in range(PARTITIONS):
            pipeline.hkeys(partition_key(number))
            pipeline.hmget(partial_key(number), ["token", "time_ms", "content"])
        answers = pipeline.execute()
        names = [sorted(name.decode(errors="replace") for name in found) for found in answers[::2]]
        topics = [[name for name in found if _is_head(name)] for found in names]
        for number in range(PARTITIONS):
            pipeline.hmget(partition_key(number), ["token", *topics[number]])
        heads = pipeline.execute()
    return {
        number: PartitionState(
            token=_whole(heads[number][0]),
            partial=_partial(*answers[2 * number + 1]),
            heads={
                topic: head
                for topic, head in zip(topics[number], heads[number][1:], strict=True)
                if head is not None
            },
            fields=frozenset(names[number]),
        )
        for number in range(PARTITIONS)
    }


def _is_head(name: str) -> bool:
    # Fields of sessions are named topic/label; what is not ASCII is not ours.
    return name not in _NOT_TOPICS and "/" not in name and name.isascii()


def _partial(
    token: bytes | None, time_ms: bytes | None, content: bytes | None
) -> PartialState | None:
    if content is None:
        return None
    who, when = _whole(token) or 0, _whole(time_ms) or 0
    try:
        match msgspec.msgpack.decode(content):
            case [int(number), str(universe), int(), *_]:
                return PartialState(who, when, universe=universe, format=number)
            case [int(number), *_]:
                return PartialState(who, when, format=number)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    return PartialState(who, when, fault=f"{len(content)} bytes that are no partial")


def _read_alerter(facts: RedisFacts, client: Any, clock: Clock) -> None:  # noqa: ANN401
    with client.pipeline(transaction=False) as pipeline:
        pipeline.get(VIEW_KEY)
        pipeline.exists(LEDGER_KEY)
        pipeline.hgetall(LEASE_KEY)
        pipeline.time()
        view, ledgers, lease, (seconds, micros) = pipeline.execute()
    facts.host_ms = clock.now_ns() // _NS_PER_MS
    facts.now_ms = seconds * 1000 + micros // 1000
    facts.has_ledger = bool(ledgers)
    facts.view = _view(view)
    if lease:
        holder = lease.get(b"holder", b"").decode(errors="replace")
        facts.lease = LeaseState(holder, _whole(lease.get(b"until_ms")) or 0)


def _view(stored: bytes | None) -> ViewHead | str | None:
    if stored is None:
        return None
    try:
        return msgspec.json.decode(stored, type=ViewHead)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return f"{len(stored)} bytes that are no view of this release: {error}"


def _whole(text: bytes | None) -> int | None:
    try:
        return None if text is None else int(text)
    except ValueError:
        return None
